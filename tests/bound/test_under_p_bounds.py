"""Bounds of terms over p's own samples, against closed forms and enumerated tables."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.trials.verifying import verified
from graphdsl_runtime import Objective
from tests.emitted import emitted_class

EXACT = 1e-9


def model(variables: str, networks: str, objective: str) -> str:
    return f"model generated\nparam lam = 2\n{variables}\n{networks}\nminimize {objective}\n"


VIEWS = "observed x[1..3] : real[2] ~ normal(scale = 0.5)\nlatent z : real[2] ~ normal"
FROM_ONE = "q { x -> z }\np { z -> x[i]  for i in 1..3 }"
LADDER = "observed x : real[3] ~ normal(scale = 0.5)\nlatent z[1..2] : real[2] ~ normal"
ABOVE = "p { z[2] -> z[1] -> x }"
STATES = "observed x[1..3] : real[2] ~ normal(scale = 0.4)\nlatent z[1..3] : real[2] ~ normal"
OVER_TIME = "p {\n z[t-1] -> z[t] for t in 2..3\n z[t] -> x[t] for t in 1..3\n}"
AS_A_VRNN = """p {
    z[1] -> x[1]
    z[t-1], x[t-1] -> z[t]  for t in 2..3
    z[t], x[t-1]   -> x[t]  for t in 2..3
}"""
TABLE = """observed x[1..2, 1..2] : real ~ normal(scale = 0.3)
latent z[1..2, 1..2] : real ~ normal"""
CELLS = """q { x[i, j] -> z[i, j]  for i in 1..2, j in 1..2 }
p { z[i, j] -> x[i, j]  for i in 1..2, j in 1..2 }"""
LEARNED = "observed x : real[3] ~ normal(scale = learned)\nlatent z[1..2] : real ~ normal"

#: Terms under p of every kind and sign, where all is real: the loss has a closed form.
CLOSED = {
    "total correlation": (VIEWS, FROM_ONE, "KL(q || p) + lam * TC[p](x)"),
    "information": (VIEWS, FROM_ONE, "KL(q || p) + lam * I[p](x[1]; x[2] | x[3])"),
    "information, maximised": (VIEWS, FROM_ONE, "KL(q || p) - lam * I[p](x[1]; x[2..3])"),
    "a network": (VIEWS, FROM_ONE, "KL(q || p) + lam * D(p || {x[1] -> x[2]; x[3]})"),
    "a cross-entropy": (VIEWS, FROM_ONE, "KL(q || p) + lam * CE[p](x[2] | x[1])"),
    "p's own": (VIEWS, FROM_ONE, "KL(q || p) + lam * CE[p](x[1] | z) - TC[p](x[1]; x[2])"),
    "an adversary": (VIEWS, FROM_ONE, "KL(q || p) - lam * CE[p](z | x[1])"),
    "a code of two levels": (LADDER, ABOVE, "lam * H[p](x) - I[p](x; z[1]) - 3 * I[p](x; z[2])"),
    "entropy, maximised": (LADDER, ABOVE, "-lam * H[p](x)"),
    "over time": (STATES, OVER_TIME, "lam * I[p](x[1]; x[3]) - H[p](z[3] | z[1])"),
    "over time, maximised": (STATES, OVER_TIME, "-lam * I[p](x[1]; x[3] | x[2])"),
    "generated in turns": (STATES, AS_A_VRNN, "lam * I[p](x[3]; x[1] | x[2])"),
    "two indices": (TABLE, CELLS, "KL(q || p) + TC[p](x[1, 1]; x[1, 2]) - I[p](x[2, 1]; z[2, 1])"),
    "a scale that is learned": (LEARNED, "q { x -> z }\np { z -> x }", "KL(q || p) + I[p](x; z)"),
    "isolated nodes": (LEARNED, "p { z -> x }", "lam * D(p || {z[1]; z[2]; x})"),
    "under a constraint": (
        VIEWS,
        FROM_ONE,
        "KL(q || p)\nsubject to I[p](x[1]; x[2]) <= 0.1",
    ),
}


@pytest.mark.parametrize("parts", CLOSED.values(), ids=CLOSED)
def test_the_loss_is_the_objective_and_its_gaps_in_closed_form(parts: tuple[str, str, str]) -> None:
    text = model(*parts)
    compiled = derive(check_spec(Source("p.mib", text)))
    audit = verified(compiled, read(compiled))
    found = audit.verification
    assert found is not None
    assert not found.mistakes
    (emitted,) = found.emitted
    assert emitted.of == "the spec"
    assert emitted.loss == pytest.approx(emitted.exact, abs=1e-9 * max(1.0, abs(emitted.exact)))
    assert emitted.samples
    assert emitted.z_score is not None
    assert abs(emitted.z_score) < 4


# ---- categories, by enumeration -----------------------------------------------------------------

DICE = """
model dice
observed x : categorical(4)
observed y : categorical(3)
latent   c : categorical(3) ~ categorical
p { c -> x, y }
minimize """

#: What is asked, and its value from the table of p(c, x, y), axes in that order.
ENUMERATED = {
    "TC[p](c; x; y)": lambda t: h(t, 0) + h(t, 1) + h(t, 2) - h(t, 0, 1, 2),
    "I[p](x; y)": lambda t: h(t, 1) + h(t, 2) - h(t, 1, 2),
    "-I[p](x; y)": lambda t: h(t, 1, 2) - h(t, 1) - h(t, 2),
    "-H[p](x, y)": lambda t: -h(t, 1, 2),
    "H[p](c | x) + I[p](c; y | x)": lambda t: h(t, 0, 1) - h(t, 1) + cond_info(t),
    "CE[p](y | c) - I[p](c; x)": lambda t: h(t, 0, 2) + h(t, 0, 1) - 2 * h(t, 0) - h(t, 1),
}


def h(table: Tensor, *axes: int) -> float:
    others = [axis for axis in range(table.ndim) if axis not in axes]
    cells = table.sum(others) if others else table
    return float(torch.special.entr(cells).sum())


def cond_info(t: Tensor) -> float:
    """I(c; y | x)."""
    return h(t, 0, 1) + h(t, 1, 2) - h(t, 1) - h(t, 0, 1, 2)


class Lookup(nn.Module):
    """The logits of a variable, from the one-hot vectors of its parents."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, *parents: Tensor) -> Tensor:
        if not parents:
            return self.logits[None]
        first, *others = parents
        found = torch.einsum("bk,k...->b...", first, self.logits)
        for parent in others:
            found = torch.einsum("bk,bk...->b...", parent, found)
        return found


NAMES = "cxy"
SIZES = {"c": 3, "x": 4, "y": 3}


def joint(seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {name: torch.randn(3, SIZES[name], dtype=torch.float64) for name in "xy"}


def table_of(logits: dict[str, Tensor]) -> Tensor:
    x, y = (logits[name].softmax(1) for name in "xy")
    return torch.einsum("ci,cj->cij", x, y) / 3


def told(table: Tensor, name: str) -> Tensor:
    """The logarithms of p's conditional: `r(y|c,x)`, from the joint of all three."""
    child, _, parents = name[2:-1].partition("|")
    given = [one for one in parents.split(",") if one]
    axes = "".join((*given, child))
    cells = torch.einsum(f"cxy->{axes}", table)
    return (cells / cells.sum(-1, keepdim=True)).log()


def every_state() -> tuple[dict[str, Tensor], Tensor]:
    """The noise that chooses each state of c, x and y, and the states."""
    states = torch.tensor(list(itertools.product(range(3), range(4), range(3))))
    chosen = {"c": "c", "x": "prior(x)", "y": "prior(y)"}
    noise = {
        chosen[name]: 18.0 * torch.eye(SIZES[name], dtype=torch.float64)[states[:, place]] - 9.0
        for place, name in enumerate(NAMES)
    }
    return noise, states


def expected(objective: Objective, table: Tensor) -> float:
    """The loss of a row for every state, as often as each occurs."""
    noise, states = every_state()
    total = 0.0
    for row, (c, x, y) in enumerate(states.tolist()):
        one = {name: value[row : row + 1] for name, value in noise.items()}
        batch = {"x": torch.tensor([x]), "y": torch.tensor([y])}
        total += float(table[c, x, y] * objective(batch, one).loss.detach())
    return total


def made(text: str, table: Tensor, logits: dict[str, Tensor], noisy: float = 0.0) -> Objective:
    """With p's tables as they are, and every predictor p's own conditional, or off by noise."""
    kind = emitted_class(DICE + text)
    names = kind()._network_names
    networks: dict[str, nn.Module] = {f"p({name}|c)": Lookup(logits[name]) for name in "xy"}
    for name in names:
        if name.startswith("r("):
            best = told(table, name)
            networks[name] = Lookup(best + noisy * torch.randn_like(best))
    return kind(networks=networks).double()


@pytest.mark.parametrize("text", ENUMERATED)
@pytest.mark.parametrize("seed", range(2))
def test_the_bound_is_tight_for_the_best_predictors_and_above_for_others(
    text: str, seed: int
) -> None:
    logits = joint(seed)
    table = table_of(logits)
    exact = ENUMERATED[text](table)
    audit = read(derive(check_spec(Source("p.mib", DICE + text))))
    dropped = sum(float(dict(one.weight.terms)[()]) * math.log(3) for one in audit.module.constants)
    best = expected(made(text, table, logits), table) + dropped
    assert best == pytest.approx(exact, abs=EXACT)
    for _ in range(3):
        assert expected(made(text, table, logits, noisy=0.5), table) + dropped >= exact
