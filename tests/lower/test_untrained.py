"""The warning of untrained networks, held against autograd: what gets no gradient is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graphdsl import Source, compile_spec
from graphdsl_runtime import Objective
from tests.emitted import ROOT, emitted_class

BASE = """
model base
observed x[1..2] : binary[6]
observed y : categorical(3)
latent z : real[4] ~ normal
latent u[1..2] : real[3] ~ normal
latent c : categorical(3) ~ categorical
q { x -> z by poe; x[i] -> u[i] via shared mlp(5) for i in 1..2; x -> c }
infer r(i) { x[i] -> z }
p { z, u[i] -> x[i] for i in 1..2; z, c -> y; c -> u }
minimize """
OBJECTIVES = [
    "KL(q || p)",
    "KL(q || frozen(p))",
    "CE(x | z)",
    "CE(y | z, c)",
    "I(z; x) + H(y | z)",
    "MMD(q(z) || p(z))",
    "KL(q(u | x) || p(u | c))",
    "CE[r(1)](y | z) + KL(r(1)(z | x[1]) || q(z | x[1]))",
    "I(c; x) - CE(y | u)",
    "JS(q(z) || p(z))",
    "TC(u) + H(z | x)",
    "CE(x[1] | z, u[1]) + max(KL(q(z | x) || p(z)), 0.5)",
]


def told(text: str) -> set[str]:
    """The attributes whose networks the compiler says that nothing trains."""
    compiled = compile_spec(Source("a.mib", text)).compiled
    said = {one.message.split("trains ")[1].split(":")[0] for one in compiled.warnings
            if one.code == "MIB441"}  # fmt: skip
    return {
        slot.attribute
        for slot in compiled.module.networks
        if said & {slot.names[0], f"{slot.names[0]}, ..."}
    }


def still(objective: Objective, rows: int = 5) -> set[str]:
    """The networks of q and p that no gradient of any player's loss reaches."""
    torch.manual_seed(0)
    batch = {"x": (torch.rand(rows, 2, 6) > 0.5).float(), "y": torch.randint(3, (rows,))}
    losses = objective(batch)
    for loss in losses.players.values():
        loss.backward(retain_graph=True)
    return {
        name
        for name, network in objective.named_children()
        if name.partition("_")[0] in ("q", "p")
        and all(weight.grad is None for weight in network.parameters())
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_gets_no_gradient_is_told(objective: str) -> None:
    text = BASE + objective + "\n"
    assert told(text) == still(emitted_class(text)())


@pytest.mark.parametrize("spec", sorted((ROOT / "specs").glob("*.mib")), ids=lambda path: path.stem)
def test_the_specs_train_all_of_their_networks(spec: Path) -> None:
    warnings = compile_spec(Source.read(spec)).compiled.warnings
    assert "MIB441" not in {one.code for one in warnings}
