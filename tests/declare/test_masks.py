"""Edges under masks: a learned one that was drawn is the fixed one, and both are the edges left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source
from graphdsl_runtime import Objective, UnknownName, learn_edges
from tests.compiled_graphs import assert_trains_alike
from tests.emitted import emitted_class, emitted_text

TWO_VIEWS = """
model two
observed x[1..2] : real[3]
latent z[1..3] : real[2] ~ normal
latent u[1..2] : real[2] ~ normal
mask Mq[1..2, 1..3] : {q}
mask Mp[1..2, 1..3] : {p}
q {{
    x[i] -> z if Mq[i] by poe for i in 1..2
    x[i] -> u[i] for i in 1..2
}}
p {{
    z -> x[i] if Mp[i] for i in 1..2
    u[i] -> x[i] for i in 1..2
}}
minimize KL(q || p) + KL(q(z | x) || q(z | x[1]))
"""
LEARNED = "learned bernoulli(0.5)"
CHILDREN, GIVEN = r"\((.*)\|(.*)\)", r"[a-z]\[\d\]|[a-z]"


class Part(nn.Module):
    """What one table of weights says of some children given some parents: none reads another's."""

    def __init__(self, weights: dict[str, Tensor], children: list[str], parents: list[str]) -> None:
        super().__init__()
        self.weights, self.children_of, self.parents = weights, children, parents

    def forward(self, *values: Tensor) -> Tensor:
        parts = torch.cat([value.flatten(1) for value in values], dim=1)
        answers = []
        for child in self.children_of:
            width = 6 if child[0] == "x" else 4
            size = width // 2 if child[0] == "x" else width
            into = torch.cat([self.table(parent, child, size) for parent in self.parents])
            answers.append(torch.tanh(parts @ into))
        if len(answers) == 1:
            return answers[0]
        mean, log_var = torch.stack(answers, 1).chunk(2, dim=2)
        return torch.cat([mean.flatten(1), log_var.flatten(1)], dim=1)

    def table(self, parent: str, child: str, outputs: int) -> Tensor:
        key, inputs = f"{parent}>{child}", 3 if parent[0] == "x" else 2
        if key not in self.weights:
            drawn = torch.randn(inputs, outputs, dtype=torch.float64)
            self.weights[key] = drawn.requires_grad_()
        return self.weights[key]


def with_parts(made: type[Objective], weights: dict[str, Tensor]) -> Objective:
    """A module all of whose networks are made of the same table."""
    networks: dict[str, nn.Module] = {}
    for name in made()._network_names:
        found = re.search(CHILDREN, name)
        assert found is not None
        children, parents = (listed(part) for part in found.groups())
        networks[name] = Part(weights, children, parents)
    return made(networks=networks).double()


def listed(names: str) -> list[str]:
    count = {"z": 3, "x": 2, "u": 2}
    found = re.findall(GIVEN, names)
    return [
        one
        for name in found
        for one in ([name] if "[" in name else [f"{name}[{k + 1}]" for k in range(count[name])])
    ]


def written(rows: list[list[int]]) -> str:
    return "fixed(" + "; ".join(", ".join(map(str, row)) for row in rows) + ")"


def masks_to_try() -> list[tuple[list[list[int]], list[list[int]]]]:
    rows = [list(row) for row in product((0, 1), repeat=3)]
    of_q = [[[1, 1, 1], [1, 0, 1]], [[1, 0, 1], [0, 1, 0]], [[0, 1, 1], [1, 1, 0]]]
    of_p = [[one, other] for one, other in zip(rows, rows[::-1], strict=True)]
    return [(of_q[k % 3], table) for k, table in enumerate(of_p)]


@pytest.mark.parametrize(("of_q", "of_p"), masks_to_try())
def test_a_drawn_structure_is_the_fixed_one(of_q: list[list[int]], of_p: list[list[int]]) -> None:
    """The same networks and noise: the same loss, and the same gradient of every weight."""
    torch.manual_seed(0)
    weights: dict[str, Tensor] = {}
    learned = with_parts(emitted_class(TWO_VIEWS.format(q=LEARNED, p=LEARNED)), weights)
    fixed = with_parts(emitted_class(TWO_VIEWS.format(q=written(of_q), p=written(of_p))), weights)
    batch = {"x": torch.randn(5, 2, 3, dtype=torch.float64)}
    noise = learned.draw_noise(batch["x"])
    for name, table in (("Mq", of_q), ("Mp", of_p)):
        signs = 2.0 * torch.tensor(table, dtype=torch.float64) - 1.0
        noise[name] = signs.expand(5, 2, 3)
    without = {name: one for name, one in noise.items() if name not in ("Mq", "Mp")}
    losses = [learned(batch, noise).loss, fixed(batch, without).loss]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-12)
    tables = list(weights.values())
    gradients = [torch.autograd.grad(loss, tables, allow_unused=True) for loss in losses]
    for one, other in zip(*gradients, strict=True):
        expected = torch.zeros(()) if other is None else other
        got = torch.zeros(()) if one is None else one
        torch.testing.assert_close(got, expected.expand_as(got).to(got), rtol=1e-9, atol=1e-12)


def test_a_fixed_mask_is_the_network_without_its_edges() -> None:
    """The same derivation, and the same code but for the lines of the spec."""
    under = TWO_VIEWS.format(q="fixed(1, 0, 1; 1, 1, 1)", p="fixed(1, 1, 0; 1, 1, 1)")
    by_hand = """
model two
observed x[1..2] : real[3]
latent z[1..3] : real[2] ~ normal
latent u[1..2] : real[2] ~ normal
q {
    x[1] -> z[1], z[3] by poe
    x[2] -> z[1], z[2], z[3] by poe
    x[i] -> u[i] for i in 1..2
}
p {
    z[1], z[2] -> x[1]
    z[1], z[2], z[3] -> x[2]
    u[i] -> x[i] for i in 1..2
}
minimize KL(q || p) + KL(q(z | x) || q(z | x[1]))
"""
    one, other = (check_spec(Source("two.mib", text)) for text in (under, by_hand))
    for network in ("inference", "generation"):
        first, second = (getattr(each.model, network) for each in (one, other))
        assert edges(first) == edges(second)
    modules = [derive(each).module for each in (one, other)]
    first, second = (
        {(term.formula, str(term.weight), tuple(map(str, term.stands_for))) for term in each.terms}
        for each in modules
    )
    assert first == second
    assert modules[0].constants == modules[1].constants
    assert modules[0].relation == modules[1].relation


def edges(network: object) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    return {(network.nodes[a], network.nodes[b]) for a, b in network.edges}  # type: ignore[attr-defined]


def test_each_player_moves_its_own() -> None:
    """The structure's loss is the model's; the edges are no parameters of the model's."""
    made = emitted_class(TWO_VIEWS.format(q=LEARNED, p=LEARNED))
    torch.manual_seed(1)
    objective = made()
    groups = objective.parameter_groups()
    assert {id(one) for one in groups["structure"]} == {
        id(objective.get_parameter(f"mask_{name}.logits")) for name in ("Mq", "Mp")
    }
    assert set(map(id, groups["model"])).isdisjoint(map(id, groups["structure"]))
    losses = objective({"x": torch.randn(6, 2, 3)})
    assert losses.players["structure"] is losses.loss
    for gradient in torch.autograd.grad(losses.loss, groups["structure"]):
        assert gradient.abs().min() > 0  # every edge is told what it is worth


@pytest.mark.slow
def test_a_compiled_objective_learns_the_edges_that_an_eager_one_does() -> None:
    """Players and edges end where they do in eager torch; the last batches are smaller."""
    batches = [{"x": torch.randn(rows, 2, 3).double()} for rows in (8, 8, 8, 8, 6, 6)]
    text = TWO_VIEWS.format(q=LEARNED, p=LEARNED) + "turns model = 2\n"

    def made() -> Objective:
        torch.manual_seed(1)
        return emitted_class(text)().double()

    def learn(objective: Objective, optimizers: Mapping[str, Optimizer]) -> None:
        assert len(list(learn_edges(objective, optimizers, batches, steps=6, wait=0.5))) == 6
        assert objective.get_parameter("mask_Mq.logits").abs().min() > 0

    assert_trains_alike(made, learn)


def test_edges_are_not_learned_without_their_optimizer() -> None:
    objective = emitted_class(TWO_VIEWS.format(q=LEARNED, p=LEARNED))()
    model = {"model": torch.optim.SGD(objective.parameter_groups()["model"], lr=0.1)}
    steps = learn_edges(objective, model, [{"x": torch.randn(4, 2, 3)}], steps=1)
    with pytest.raises(UnknownName, match="optimizer of the player"):
        next(steps)


def test_structure_and_inference_take_the_likelier_edges() -> None:
    objective = emitted_class(TWO_VIEWS.format(q=LEARNED, p=LEARNED))()
    kept = torch.tensor([[True, False, True], [False, True, False]])
    with torch.no_grad():
        for name in ("Mq", "Mp"):
            objective.get_parameter(f"mask_{name}.logits").copy_(torch.where(kept, 3.0, -3.0))
    assert all(torch.equal(one, kept) for one in objective.structure().values())
    batch = {"x": torch.randn(2, 2, 3)}
    posterior = objective.infer(batch)["z"]
    moved = {"x": batch["x"].clone()}
    moved["x"][:, 0] += 1.0  # z[2] does not read x[1]
    other = objective.infer(moved)["z"]
    assert torch.equal(posterior.mean[:, 1], other.mean[:, 1])
    assert not torch.equal(posterior.mean[:, 0], other.mean[:, 0])
    latents = {"z": torch.randn(2, 3, 2), "u": torch.randn(2, 2, 2)}
    changed = {**latents, "z": latents["z"].clone()}
    changed["z"][:, 1] += 1.0  # x[1] does not read z[2]
    first, second = (objective.decode(one)["x"].mean for one in (latents, changed))
    assert torch.equal(first[:, 0], second[:, 0])
    assert not torch.equal(first[:, 1], second[:, 1])


GATED = """
model gated
const N = 3
observed x[1..N] : real[2]
latent z[1..4] : real ~ normal
latent w : real[2] ~ normal
mask M[1..4, 1..N] : learned bernoulli(0.5)
mask k[1..2] : learned bernoulli(0.5)
q {{ x -> z, w }}
p {{
    z; w; {lines}
}}
minimize KL(q || p)
"""


@pytest.mark.parametrize(
    ("lines", "call"),
    [
        ("z[j] -> x[i] if M[j, i] for i in 1..N, j in 1..4", "gated(z[:, None], M.mT)"),
        ("z -> x[i] if M[1..4, i] for i in 1..N", "gated(z[:, None], M.mT)"),
        ("z -> x if M; w -> x", "gated(z[:, None], M.mT), w"),
        ("z -> x[1..2] if k[1]; z -> x[3]", "gated(z, k.flatten(1)[:, [0, 0, 0, 0]])"),
        ("w -> x[i] if k[1] for i in 1..N", "gated(w[:, None], k.flatten(1)[:, [0, 0, 0]])"),
    ],
)
def test_the_ways_to_name_a_masks_entries(lines: str, call: str) -> None:
    code = emitted_text(GATED.format(lines=lines))
    assert call in code
    torch.manual_seed(0)
    objective = emitted_class(GATED.format(lines=lines))()
    batch = {"x": torch.randn(3, 3, 2)}
    loss = objective(batch).loss
    assert torch.isfinite(loss)


def test_rows_of_one_batch_share_a_structure_where_a_term_is_of_all_rows() -> None:
    text = GATED.format(lines="z -> x[i] if M[1..4, i] for i in 1..N; w -> x[1]").replace(
        "minimize KL(q || p)", "minimize KL(q || p) + TC(z)\nestimate TC(z) with mss"
    )
    assert 'EdgeMask("M", (4, 3), 0.5, by_row=False)' in emitted_text(text)
    assert 'EdgeMask("M", (4, 3), 0.5)' in emitted_text(text.partition(" + TC")[0])


@pytest.mark.parametrize("way", ["disarm", "enumeration"])
def test_several_samples_share_the_structure_that_a_batch_draws(way: str) -> None:
    """Where edges are certain, each way to train them has the loss of the straight-through one."""
    spec = TWO_VIEWS.replace(" + KL(q(z | x) || q(z | x[1]))", " with iwae(k = 3)")
    weights: dict[str, Tensor] = {}
    torch.manual_seed(0)
    learned = [
        with_parts(
            emitted_class(
                spec.format(q="fixed(1, 0, 1; 1, 1, 1)", p=f"learned bernoulli(0.5{by})")
            ),
            weights,
        )
        for by in ("", f", {way}")
    ]
    batch = {"x": torch.randn(5, 2, 3, dtype=torch.float64)}
    noise = learned[0].draw_noise(batch["x"])
    edges = torch.tensor([[1, 0, 1], [0, 1, 1]], dtype=torch.float64)
    losses = []
    for objective in learned:
        (mask,) = objective.edge_masks()
        mask.logits.data.copy_(60 * edges - 30)
        own = objective.draw_noise(batch["x"])
        given = {name: one for name, one in noise.items() if name != mask.name}
        losses.append(objective(batch, given | {mask.name: own[mask.name]}).loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
