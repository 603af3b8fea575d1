"""Every r(S) at once: the loss and the gradients of sets written one by one, in fewer passes."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import Tensor

from graphdsl_runtime import Objective
from tests.emitted import emitted_class, emitted_text

pytestmark = pytest.mark.usefixtures("in_double_precision")

VIEWS = """
model views
const N = 3
observed x[1..N] : real[4] optional
observed y : categorical(3)
latent z : real[2] ~ normal
infer r(S) { x[S] -> z by poe via mlp(5) }
p { z -> x[i] via mlp(5) for i in 1..N; z -> y via mlp(5) }
minimize sum(S in subsets(1..N)) KL(r(S)(x[S], z) || p(x[S], z))
"""
OWN = "sum(S in subsets(1..N)) KL(r(S)(x[S], z) || p(x[S], z))"


def minimizing(goal: str) -> str:
    return VIEWS.replace(OWN, goal)


#: Specs whose sets are computed at once; the emitted words that say so, beside `on_sets`.
AT_ONCE: dict[str, tuple[str, tuple[str, ...]]] = {
    "own members": (VIEWS, ("holders=self.holders_p_x",)),
    "all members": (
        minimizing("mean(S in subsets(1..N)) KL(r(S)(x, z) || p(x, z))"),
        ("on_sets(self.p_x, z_r)",),
    ),
    "a variable beside": (
        minimizing("0.5 * sum(S in subsets(1..N)) KL(r(S)(x[S], y, z) || p(x[S], y, z))"),
        ("holders=self.holders_p_x", "on_sets(self.p_y, z_r)"),
    ),
    "sets of one": (
        minimizing("sum(i in 1..N) KL(r(i)(x, z) || p(x, z))"),
        ("on_sets(self.p_x, z_r)",),
    ),
    "one member of several sets": (
        minimizing("sum(S in subsets(1..2)) KL(r(S)(x[1], z) || p(x[1], z))"),
        ("on_sets(self.p_x, z_r, members=[0])[:, :, 0]",),
    ),
    "two members of three": (
        minimizing("sum(S in subsets(1..2)) KL(r(S)(x[S], z) || p(x[S], z))"),
        ("holders=self.holders_p_x, members=[0, 1]",),
    ),
    "what is left out": (
        minimizing("sum(S in bipartitions(1..N)) KL(r(S)(x[not S], z) || p(x[not S], z))"),
        ('"subsets_p_x"', "holders(self.subsets_p_x)"),
    ),
    "a set of another weight": (
        minimizing(
            "sum(S in subsets(1..N)) KL(r(S)(x, z) || p(x, z)) + 2 * KL(r(1)(x, z) || p(x, z))"
        ),
        ("z_r_1 = r_z_1.sample", "on_sets(self.p_x, z_r)"),
    ),
    "a set under a sign": (
        minimizing(
            "KL(r(1)(x, z) || p(x, z)) + KL(r(2)(x, z) || p(x, z)) "
            "+ CE[r(3)](x | z) + max(KL(r(3)(z | x[3]) || p(z)), 0)"
        ),
        ("r_z_3.sample", "on_sets(self.p_x, z_r)"),
    ),
    "a cost": (
        minimizing(
            "sum(S in subsets(1..N)) (cost[r(S)](x[S] | z, squared) + "
            "2 * KL(r(S)(z | x[S]) || p(z)))"
        ),
        ("holders=self.holders_p_x",),
    ),
    "two latents": (
        VIEWS.replace(
            "latent z : real[2] ~ normal",
            "latent z : real[2] ~ normal\nlatent w[1..2] : real ~ normal",
        )
        .replace("x[S] -> z by poe via mlp(5)", "x[S] -> z, w by poe via mlp(5)")
        .replace("z -> x[i]", "z, w -> x[i]")
        .replace("(x[S], z)", "(x[S], z, w)"),
        ("on_sets(self.p_x, z_r, w_r, holders=self.holders_p_x)",),
    ),
    "views of their own kinds": (
        VIEWS.replace(
            "observed x[1..N] : real[4] optional",
            "observed x[1] : real[4] optional\nobserved x[2] : count[3]\n"
            "observed x[3] : categorical(4)[2]",
        ).replace("z -> x[i] via mlp(5) for i in 1..N;", "z -> x[i] via mlp(5) for i in 1..N;"),
        ("on_sets(self.p_x_1, z_r[:, [0, 3, 4, 6]])",),
    ),
    "one decoder for all": (
        minimizing("sum(S in subsets(1..N)) KL(r(S)(x, z) || p(x, z))")
        .replace("z -> x[i] via mlp(5)", "z, u[i] -> x[i] via mlp(5)")
        .replace("z, u[i]", "z"),
        ("on_sets(self.p_x, z_r)",),
    ),
    "a learned scale": (
        minimizing("sum(S in subsets(1..N)) KL(r(S)(x, z) || p(x, z))").replace(
            "real[4] optional", "real[4] ~ normal(scale = learned)"
        ),
        ("on_sets(self.p_x, z_r), self.log_var_p_x",),
    ),
    "convolutions": (
        VIEWS.replace("x[1..N] : real[4]", "x[1..N] : binary[1, 8, 8]").replace(
            "x[i] via mlp(5)", "x[i] via conv"
        ),
        ("holders=self.holders_p_x",),
    ),
}
by_case = pytest.mark.parametrize("name", AT_ONCE)

#: Specs whose sets stay apart.
APART = {
    "sets of several weights": minimizing(
        "KL(r(1)(x[1], z) || p(x[1], z)) + 2 * KL(r(2)(x[2], z) || p(x[2], z))"
    ),
    "members in more and fewer sets": minimizing(
        "sum(S in subsets(1..2)) KL(r(S)(x[S], z) || p(x[S], z)) + KL(r(3)(x[1], z) || p(x[1], z))"
    ),
    "decoders that read data": VIEWS.replace("z -> x[i]", "z, y -> x[i]").replace(
        "(x[S], z)", "(x[S], y, z)"
    ),
    "frozen decoders": minimizing(OWN.replace("p(x[S], z)", "frozen(p(x[S], z))")),
    "networks that are compared": minimizing(
        "sum(i in 1..N) KL(r(i)(x, z) || p(x, z)) + KL(r(2)(z | x[2]) || r(1)(z | x[1]))"
    ),
    "players": VIEWS.replace(OWN, f"{OWN} for r\nminimize {OWN} for p"),
    "joint encoders": VIEWS.replace("by poe ", ""),
    "a set that is drawn": VIEWS.replace("N = 3", "N = 5").replace("sum(S", "mean(S"),
}


def both_ways(text: str, patch: pytest.MonkeyPatch) -> tuple[Objective, Objective]:
    """The module as it is emitted, and with its sets one by one, of the same weights."""
    at_once = emitted_class(text)()
    with patch.context() as apart:
        apart.setattr("graphdsl.program.plan.together", lambda *_: ())
        one_by_one = emitted_class(text)()
    one_by_one.load_state_dict(at_once.state_dict())
    return at_once, one_by_one


def a_batch(objective: Objective, rows: int = 8) -> dict[str, Tensor]:
    """Rows of data, and of what may be missing every pattern."""
    batch: dict[str, Tensor] = {}
    optional = []
    for one in objective.variables:
        if one.role == "latent":
            continue
        values = torch.randn(rows, *one.tensor_shape)
        if one.kind != "real":
            most = one.classes or 2
            values = torch.randint(most, values.shape).to(torch.get_default_dtype())
            values += one.kind == "positive"
        batch[one.name] = values
        optional += [name for name in one.member_names if one.optional]
    for place, name in enumerate(optional):
        batch[f"seen({name})"] = (torch.arange(rows) >> place) % 2 == 0
    return _by_member(objective, batch)


def _by_member(objective: Objective, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Families one by one, as `seen(x[1])` is read beside `x[1]` alone."""
    for one in objective.variables:
        if one.role != "latent" and one.optional and one.members is not None:
            whole = batch.pop(one.name)
            batch |= {name: whole[:, place] for place, name in enumerate(one.member_names)}
    return batch


def slopes(objective: Objective, loss: Tensor) -> dict[str, Tensor]:
    objective.zero_grad()
    torch.autograd.backward(loss)
    return {key: one.grad for key, one in objective.named_parameters() if one.grad is not None}


@by_case
def test_the_loss_and_its_gradients_are_those_of_each_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, one_by_one = both_ways(AT_ONCE[name][0], monkeypatch)
    batch = a_batch(at_once)
    noise = at_once.draw_noise(torch.zeros(8))
    ours, theirs = at_once(batch, noise).loss, one_by_one(batch, noise).loss
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-12)
    found, expected = slopes(at_once, ours), slopes(one_by_one, theirs)
    assert found.keys() == expected.keys()
    for key, slope in expected.items():
        torch.testing.assert_close(found[key], slope)


@by_case
def test_the_text_is_what_it_should_be(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, words = AT_ONCE[name]
    emitted = emitted_text(text)
    for one in ("on_sets(", *words):
        assert one in " ".join(emitted.split()).replace("( ", "(").replace(" )", ")")
    with monkeypatch.context() as apart:
        apart.setattr("graphdsl.program.plan.together", lambda *_: ())
        assert "on_sets" not in (one_by_one := emitted_text(text))
    assert len(emitted) < len(one_by_one)


@pytest.mark.parametrize("name", APART)
def test_sets_that_differ_in_more_stay_apart(name: str) -> None:
    text = emitted_text(APART[name])
    assert "on_sets" not in text


@by_case
def test_what_is_missing_leaves_no_trace(name: str) -> None:
    objective = emitted_class(AT_ONCE[name][0])()
    batch = a_batch(objective)
    noise = objective.draw_noise(torch.zeros(8))
    found = []
    for fill in (0.0, 1.0, math.nan):
        filled = dict(batch)
        for key, seen in batch.items():
            if key.startswith("seen("):
                value = batch[key[5:-1]]
                over = seen.reshape(-1, *(1,) * (value.ndim - 1))
                filled[key[5:-1]] = torch.where(over, value, fill)
        loss = objective(filled, noise).loss
        found.append([loss.detach(), *slopes(objective, loss).values()])
    for other in found:
        assert all(one.isfinite().all() for one in other)
        assert all(map(torch.equal, found[0], other))


def rows_of(objective: Objective, batch: dict[str, Tensor]) -> dict[str, list[int]]:
    """How many rows each network of p ran on, call by call, its members counted apart."""
    counts: dict[str, list[int]] = {}
    for name, network in objective.named_children():
        if name.startswith("p_"):
            network.register_forward_hook(
                lambda _network, _inputs, answer, name=name: counts.setdefault(name, []).append(
                    math.prod(answer.shape[: answer.ndim - 1])
                )
            )
    objective(batch)
    return counts


@pytest.mark.parametrize("views", [2, 3, 4])
def test_every_decoder_runs_once_on_what_is_asked_for(views: int) -> None:
    objective = emitted_class("mvae", {"views": views, "pixels": 8})()
    asked = views * 2 ** (views - 1)  # pairs of S and i in S
    assert rows_of(objective, {"x": torch.rand(5, views, 8)}) == {"p_x": [5 * asked]}


def test_text_grows_by_the_list_of_sets_alone() -> None:
    three, five = (emitted_text("mvae", {"views": views, "pixels": 8}) for views in (3, 5))
    bodies = [text[text.index("def forward") : text.index("def infer")] for text in (three, five)]
    bodies = [re.sub(r"\d+", "1", body) for body in bodies]
    assert bodies[0] == bodies[1]


def test_the_formula_says_which_sets() -> None:
    def formulas(text: str) -> str:
        loss = emitted_text(text).partition("Loss, in nats per row:")[2]
        return " ".join(loss.partition("Relation")[0].split())

    every = "sum_{S in subsets(1..3)}"
    assert formulas(VIEWS) == (
        f"{every} sum_{{i in S}} E_r(S)[-log p(x[i] | z)] + {every} E_r(S) KL(r(z | x[S]) || p(z))"
    )
    assert f"{every} sum_i E_r(S)" in formulas(AT_ONCE["all members"][0])
    assert f"0.5 {every} E_r(S)[-log p(y | z)]" in formulas(AT_ONCE["a variable beside"][0])
    halves = "sum_{S in {1}, {2}, {3}, {1,2}, {1,3}, {2,3}}"
    assert f"{halves} E_r(S) KL(r(z | x[S]) ||" in formulas(AT_ONCE["what is left out"][0])
    left = formulas(AT_ONCE["what is left out"][0])  # no S says it: one after the other
    assert "(sum_{i in 2, 3} E_r({1})[-log p(x[i] | z)] + " in left


def test_it_compiles_as_one_graph() -> None:
    objective = emitted_class(VIEWS)()
    batch = a_batch(objective)
    noise = objective.draw_noise(torch.zeros(8))
    compiled = torch.compile(objective, fullgraph=True, backend="aot_eager")
    assert compiled(batch, noise).loss.item() == pytest.approx(objective(batch, noise).loss.item())
