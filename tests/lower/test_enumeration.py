"""Sums over the classes of what is inferred: by hand, beside exact values, and beside samples."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import TypeAlias

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl.auditing import on_trial
from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.verification import Unverified
from graphdsl.report import audit_text
from graphdsl.trials.verifying import tried
from graphdsl_runtime import Objective, averaged, chances
from tests.by_hand import above_uniform, cost, density, halves, rate, run, sampled, surprise
from tests.corpus import some
from tests.emitted import emitted_class as compiled_class
from tests.emitted import emitted_text

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 6
emitted_class = cache(compiled_class)
Values: TypeAlias = dict[str, Tensor]


def gradients(nats: Tensor, m: Objective) -> list[Tensor]:
    """In all parameters; zero of those that it does not depend on."""
    parameters = list(m.parameters())
    found = torch.autograd.grad(nats, parameters, retain_graph=True, allow_unused=True)
    assert any(one is not None for one in found)
    return [
        torch.zeros_like(parameter) if one is None else one
        for one, parameter in zip(found, parameters, strict=True)
    ]


def are_equal(ours: Tensor, theirs: Tensor, m: Objective) -> None:
    """Two losses, or terms, in value and gradient."""
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=0.0)
    for a, b in zip(gradients(ours, m), gradients(theirs, m), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


# ---- by hand, class after class ------------------------------------------------------------------

M2 = """
model m2
observed x : binary[8]
observed y : categorical(3) optional
latent   z : real[2] ~ normal
q { x -> y via mlp(7); x, y -> z via mlp(7) }
p { y, z -> x via mlp(7) }
minimize KL(q || p) with enumeration + 5 * CE(y | x)
"""

#: Rows that all know their label, that all lack it, and some of both.
KNOWN = {"labelled": [1] * ROWS, "unlabelled": [0] * ROWS, "mixed": [1, 0, 1, 1, 0, 0]}
by_rows = pytest.mark.parametrize("seen", KNOWN.values(), ids=KNOWN.keys())


def m2_batch(seen: list[int]) -> Values:
    return {
        "x": (torch.rand(ROWS, 8) > 0.5).double(),
        "y": torch.randint(3, (ROWS,)),
        "seen(y)": torch.tensor(seen) > 0,
    }


def of_class(m: Objective, x: Tensor, c: int, noise: Values) -> Tensor:
    """-log p(x | y, z) + KL(q(z | x, y) || p(z)) of y = c, in every row."""
    y = torch.eye(3)[c].expand(len(x), -1)
    z = halves(run(m, "q_z", x, y))
    return cost(run(m, "p_x", y, sampled(*z, noise["z"])), x) + rate(*z)


@by_rows
def test_it_is_the_sum_of_kingma_et_al(seen: list[int]) -> None:
    """Kingma et al. 2014, eqs. 6, 7 and 9, in plain torch from the same noise."""
    m, batch = emitted_class(M2)(), m2_batch(seen)
    noise = m.draw_noise(batch["x"])
    logits, known = run(m, "q_y", batch["x"]), batch["seen(y)"]
    weights = torch.where(known[:, None], F.one_hot(batch["y"], 3).double(), logits.softmax(1))
    each = torch.stack([of_class(m, batch["x"], c, noise) for c in range(3)], dim=1)
    told = math.log(3) + 5 * surprise(logits, batch["y"])
    rows = (weights * each).sum(1) + torch.where(known, told, above_uniform(logits))
    are_equal(m(batch, noise).loss, rows.mean(), m)


def test_a_row_that_knows_its_label_has_that_class_alone() -> None:
    """And nothing of the others: no value, no gradient."""
    m, batch = emitted_class(M2)(), m2_batch(KNOWN["labelled"])
    noise = m.draw_noise(batch["x"])
    y = F.one_hot(batch["y"], 3).double()
    z = halves(run(m, "q_z", batch["x"], y))
    rows = cost(run(m, "p_x", y, sampled(*z, noise["z"])), batch["x"]) + rate(*z)
    rows = rows + math.log(3) + 5 * surprise(run(m, "q_y", batch["x"]), batch["y"])
    are_equal(m(batch, noise).loss, rows.mean(), m)


def test_what_rows_lack_leaves_no_trace() -> None:
    m, batch = emitted_class(M2)(), m2_batch(KNOWN["mixed"])
    noise = m.draw_noise(batch["x"])
    losses = []
    for label in (0, 2):
        batch["y"] = torch.where(batch["seen(y)"], batch["y"], label)
        loss = m(batch, noise).loss
        losses.append([loss.detach(), *gradients(loss, m)])
    assert all(torch.equal(one, other) for one, other in zip(*losses, strict=True))


PRODUCT = """
model product
observed x : binary[5]
observed y : categorical(3) optional
observed w : binary optional
latent   b[1..2] : categorical(2)
latent   z : real[2] ~ normal
q { x -> y via mlp(7); x, y -> w via mlp(7); x, w -> b via mlp(7); x, y, b -> z via mlp(7) }
p { z -> y via mlp(7); y -> b[i] via mlp(7) for i in 1..2; y, w, b, z -> x via mlp(7) }
minimize KL(q || p) with enumeration + 2 * CE(w | x, y)
"""


def bits(logits: Tensor, value: Tensor) -> Tensor:
    """-log p of a bit in every row."""
    return F.binary_cross_entropy_with_logits(logits, value, reduction="none")


def product_by_hand(m: Objective, batch: Values, noise: Values) -> Tensor:
    """One combination after another: E_q (log q - log p) by its definition; labels are data."""
    x, total = batch["x"], torch.zeros(ROWS)
    knows_y, knows_w = batch["seen(y)"], batch["seen(w)"]
    for of_y, of_w, *of_b in itertools.product(range(3), range(2), range(2), range(2)):
        y, w = torch.eye(3)[of_y].expand(ROWS, -1), torch.full((ROWS,), float(of_w))
        b = torch.eye(2)[of_b].expand(ROWS, -1, -1)
        log_y = run(m, "q_y", x).log_softmax(1)[:, of_y]
        log_w = -bits(run(m, "q_w", x, y), w)
        log_b = (run(m, "q_b", x, w).log_softmax(2) * b).sum((1, 2))
        chance = torch.where(knows_y, (batch["y"] == of_y).double(), log_y.exp())
        chance = chance * torch.where(knows_w, (batch["w"] == of_w).double(), log_w.exp())
        mean, log_var = halves(run(m, "q_z", x, y, b))
        z = sampled(mean, log_var, noise["z"])
        log_q = torch.where(knows_y, 0.0, log_y) + torch.where(knows_w, 0.0, log_w) + log_b
        log_p = run(m, "p_y", z).log_softmax(1)[:, of_y] - math.log(2)  # and p(w), uniform
        log_p = log_p + (run(m, "p_b", y).log_softmax(2) * b).sum((1, 2))
        each = log_q - log_p + cost(run(m, "p_x", y, w, b, z), x) + rate(mean, log_var)
        each = each + torch.where(knows_w, 2 * bits(run(m, "q_w", x, y), batch["w"]), 0.0)
        total = total + chance * log_b.exp() * each
    return total.mean()


def test_it_is_a_sum_over_the_product_where_there_are_several() -> None:
    """A label, one given that, a family given both, and p's own conditionals of them."""
    m = emitted_class(PRODUCT)()
    batch = {
        "x": (torch.rand(ROWS, 5) > 0.5).double(),
        "y": torch.randint(3, (ROWS,)),
        "w": torch.randint(2, (ROWS,)).double(),
        "seen(y)": torch.tensor([1, 1, 0, 0, 1, 0]) > 0,
        "seen(w)": torch.tensor([1, 0, 1, 0, 0, 1]) > 0,
    }
    noise = m.draw_noise(batch["x"])
    are_equal(m(batch, noise).loss, product_by_hand(m, batch, noise), m)


# ---- beside exact values -------------------------------------------------------------------------

DISCRETE = """
model discrete
observed x : categorical(4)
latent   c : categorical(3)
latent   d : categorical(2) ~ categorical
q { x -> d via mlp(7); x, d -> c via mlp(7) }
p { d -> c via mlp(7); c, d -> x via mlp(7) }
minimize KL(q || p) with enumeration
"""


def elbo(m: Objective, x: Tensor) -> Tensor:
    """sum_cd q(c, d | x) log q(c, d | x) / p(x, c, d), from tables of all probabilities."""
    eye = torch.eye
    q_d = run(m, "q_d", eye(4)[x]).softmax(1)
    q_c = torch.stack(
        [run(m, "q_c", eye(4)[x], eye(2)[d].expand(ROWS, -1)).softmax(1) for d in range(2)], 1
    )
    p_c = run(m, "p_c", eye(2)).softmax(1)
    p_x = torch.stack(
        [run(m, "p_x", eye(3), eye(2)[d].expand(3, -1)).softmax(1) for d in range(2)]
    )[:, :, x].permute(2, 0, 1)
    q, p = q_d[:, :, None] * q_c, 0.5 * p_c * p_x  # (B, d, c)
    return (q * (q.log() - p.log())).sum((1, 2)).mean()


def test_of_categories_alone_it_is_the_exact_bound_with_its_exact_gradient() -> None:
    m, x = emitted_class(DISCRETE)(), torch.randint(4, (ROWS,))
    losses = [m({"x": x}).loss for _ in range(2)]
    assert losses[0].item() == losses[1].item()  # nothing is drawn
    are_equal(losses[0], elbo(m, x), m)


def test_with_p_s_own_posterior_it_is_the_likelihood() -> None:
    """-ELBO is -log p(x) where q(c, d | x) is the posterior: tables of logits say it."""

    class Table(torch.nn.Module):
        def __init__(self, table: Tensor) -> None:
            super().__init__()
            self.table = table

        def forward(self, *one_hot: Tensor) -> Tensor:
            return self.table[tuple(one.argmax(-1) for one in one_hot)]

    p_c, p_x = torch.rand(2, 3), torch.rand(3, 2, 4)
    p_c, p_x = p_c / p_c.sum(-1, keepdim=True), p_x / p_x.sum(-1, keepdim=True)
    joint = 0.5 * torch.einsum("dc,cdx->xdc", p_c, p_x)
    networks = {
        "q(d|x)": Table(joint.sum(2).log()),
        "q(c|x,d)": Table(joint.log()),
        "p(c|d)": Table(p_c.log()),
        "p(x|c,d)": Table(p_x.log()),
    }
    m, x = emitted_class(DISCRETE)(networks=networks), torch.randint(4, (ROWS,))
    exact = -joint.sum((1, 2)).log()[x].mean()
    torch.testing.assert_close(m({"x": x}).loss, exact, rtol=1e-12, atol=0.0)


CHAIN = """
model chain
observed x : binary[3]
latent   c[1..3] : categorical(2) ~ categorical
latent   d : categorical(3) ~ categorical
q { x -> c[1], d via mlp(7); x, c[t-1] -> c[t] via mlp(7) for t in 2..3 }
p { c[t-1] -> c[t] via mlp(7) for t in 2..3; c[3], d -> x via mlp(7) }
minimize KL(q || p) with enumeration
"""

# ---- beside samples ------------------------------------------------------------------------------

GMVAE = """
model clusters
observed x : binary[6]
latent   c : categorical(4) ~ categorical
latent   z : real[2]
q { x -> c via mlp(7); x, c -> z via mlp(7) }
p { c -> z via mlp(7); z -> x via mlp(7) }
minimize KL(q || p) with enumeration
"""


BINARY = """
model bits
observed x : real[3]
observed y : binary[3] optional
latent   z : real[2] ~ laplace
q { x -> y via mlp(7); x, y -> z via mlp(7) }
p { y, z -> x via mlp(7) }
minimize KL(q || p) with enumeration + cost(x | y, z, huber)
"""

GRID = """
model grid
observed x : binary[4]
latent   c[1..2, 1..2] : categorical(2) ~ categorical
latent   z[1..2] : real[2] ~ normal
q { x -> c via mlp(7); x, c[i, 1] -> z[i] via shared mlp(7) for i in 1..2 }
p { c, z -> x via mlp(7) }
minimize KL(q || p) with enumeration + 0.3 * I(z; c)
"""

BESIDE_P = """
model beside_p
observed x : binary[4]
latent   c : categorical(3) ~ categorical
latent   z : real[2] ~ normal
q { x -> c via mlp(7); x, c -> z via mlp(7) }
p { z, c -> x via mlp(7) }
minimize KL(q || p) with enumeration - 0.3 * I[p](x; c)
"""

COMPARED = """
model compared
observed x[1..2] : real[3]
latent   c : categorical(3) ~ categorical
latent   z : real[2] ~ normal
q { x -> c via mlp(7); x, c -> z via mlp(7) }
infer r(i) { x[i] -> c, z via mlp(7) }
p { z, c -> x[i] via mlp(7) for i in 1..2 }
minimize KL(q || p) with enumeration + sum(i in 1..2) KL(q(z | x, c) || r(i)(z | x[i]))
"""

SETS = """
model sets
observed x[1..2] : binary[4]
latent   c : categorical(3) ~ categorical
latent   z : real[2] ~ normal
infer r(S) { x[S] -> c via mlp(7); x[S], c -> z via mlp(7) }
p { z, c -> x[i] via mlp(7) for i in 1..2 }
minimize sum(S in subsets(1..2)) KL(r(S)(x[S], c, z) || p(x[S], c, z)) with enumeration
"""


@pytest.mark.parametrize(
    "text",
    [M2, GMVAE, PRODUCT, CHAIN, BINARY, GRID, BESIDE_P, COMPARED, SETS],
    ids=lambda one: one.split()[1],
)
def test_the_mean_of_sampled_losses_is_the_same(text: str) -> None:
    """Within four standard errors of 200 batches, all of one row, none of which has a label."""
    exact, drawn = emitted_class(text)(), emitted_class(text.replace(" with enumeration", ""))()
    drawn.load_state_dict(exact.state_dict())
    x = (torch.rand(1, *exact.variables[0].tensor_shape) > 0.5).double().repeat_interleave(200, 0)
    away = []
    for seed in range(200):
        noise = exact.draw_noise(x)
        with torch.no_grad(), torch.random.fork_rng():  # p's own samples draw their noise
            torch.manual_seed(seed)
            summed = exact({"x": x}, noise).loss
            torch.manual_seed(seed)
            away.append(summed - drawn({"x": x}, noise).loss)
    spread = torch.stack(away)  # of the same z: what is left is the noise of the classes
    assert spread.std() > 1e-3
    assert spread.mean().abs() < 4 * spread.std() / math.sqrt(len(spread))


# ---- what stands beside it -----------------------------------------------------------------------

RICH = """
model rich
param free = 0.2
observed x[1..2] : real[3] optional
observed y : categorical(3) optional
latent   u : real[2] ~ laplace
latent   v : real[2] ~ normal
latent   h[1..2] : real[2] ~ normal
latent   g : real[2] ~ normal
q {
    x       -> y, v  via mlp(7)
    x, y    -> u     via mlp(7)
    u, y    -> h[1]  via mlp(7)
    h[1], v -> h[2]  via mlp(7)
    h, x    -> g     ~ normal(full)  via mlp(7)
}
p { y, u, h, g -> x[i] ~ normal(scale = learned) via mlp(7) for i in 1..2; v -> x }
minimize KL(q || p) with enumeration + max(KL(q(v | x) || p(v)) + KL(q(u | x, y) || p(u)), free)
"""


def test_laws_of_all_kinds_are_those_of_class_after_class() -> None:
    """Where rows are told that y is c, terms are those of c: their mean, by the chances of c."""
    m = emitted_class(RICH)()
    x, seen = torch.randn(ROWS, 2, 3), torch.tensor(list(itertools.product([1, 0], [1, 0]))) > 0
    seen = seen[[0, 1, 2, 3, 0, 1]]
    row = {"x": x, "seen(x)": seen}
    noise = m.draw_noise(x)
    logits = run(m, "q_y", torch.where(seen[..., None], x, 0.0))
    chance = torch.where(seen.all(1, keepdim=True), logits, 0.0).softmax(1)
    whole = m(row, noise).terms
    names = [name for name in whole if name not in ("rate_y", "rate_v")]
    assert len(names) > 4
    by_class = []
    for c in range(3):
        told = {**row, "y": torch.full((ROWS,), c)}
        each = [
            m({k: v[[b]] for k, v in told.items()}, {k: v[[b]] for k, v in noise.items()}).terms
            for b in range(ROWS)
        ]
        by_class.append({n: torch.stack([one[n] for one in each]) for n in names})
    for name in names:
        expected = sum(chance[:, c] @ by_class[c][name] for c in range(3)) / ROWS
        are_equal(whole[name], torch.as_tensor(expected), m)


FURTHER = """
model further
observed x[1..2] : real[3]
latent   c : categorical(3) ~ categorical
latent   z : real[2] ~ normal
q { x -> c via mlp(7); x, c -> z via mlp(7) }
infer r(i) { x[i] -> c via mlp(7); x[i], c -> z via mlp(7) }
p { c, z -> x[i] via mlp(7) for i in 1..2 }
minimize KL(q || p) + 0.5 * KL(r(1) || p) with enumeration
"""


def test_of_one_network_and_not_of_another() -> None:
    """r(1)'s classes are summed over, q's are sampled, with its own noise as before."""
    m = emitted_class(FURTHER)()
    plain = emitted_class(FURTHER.replace(" with enumeration", ""))()
    plain.load_state_dict(m.state_dict())
    x = torch.randn(ROWS, 2, 3)
    noise = m.draw_noise(x)
    mine, theirs = m({"x": x}, noise).terms, plain({"x": x}, noise).terms
    assert mine["reconstruction_x"].item() == theirs["reconstruction_x"].item()
    total = torch.zeros(ROWS)
    weights = run(m, "r_c", x[:, 0]).softmax(1)
    for c in range(3):
        y = torch.eye(3)[c].expand(ROWS, -1)
        z = sampled(*halves(run(m, "r_z", x[:, 0], y)), noise["z"])
        total = total - weights[:, c] * density(x, run(m, "p_x", y, z), torch.zeros(2, 3))
    torch.testing.assert_close(mine["reconstruction_x_r_1"], total.mean(), rtol=1e-9, atol=0.0)


def test_other_terms_of_the_same_samples_follow() -> None:
    """A prediction from z is the mean over the classes too; an `estimate` line says the same."""
    text = M2.replace("+ 5 * CE(y | x)", "+ 2 * CE(x | z)")
    m, batch = emitted_class(text)(), m2_batch(KNOWN["mixed"])
    noise = m.draw_noise(batch["x"])
    logits, x = run(m, "q_y", batch["x"]), batch["x"]
    total = torch.zeros(ROWS)
    for c in range(3):
        z = sampled(*halves(run(m, "q_z", x, torch.eye(3)[c].expand(ROWS, -1))), noise["z"])
        weight = torch.where(batch["seen(y)"], (batch["y"] == c).double(), logits.softmax(1)[:, c])
        total = total + weight * cost(run(m, "r_x", z), x)
    found = m(batch, noise).terms["prediction_x"]
    torch.testing.assert_close(found, total.mean(), rtol=1e-9, atol=0.0)
    line = text.replace(" with enumeration", "") + "estimate KL(q || p) with enumeration\n"
    a, b = (emitted_text(one).partition("from __future__")[2] for one in (text, line))
    assert a == b


def test_beside_a_bound_of_several_samples_each_is_its_own() -> None:
    both = GMVAE.replace("minimize ", "minimize 0.5 * KL(q || p) with iwae(k = 3) + ")
    m = emitted_class(both)()
    x = (torch.rand(ROWS, 6) > 0.5).double()
    noise = m.draw_noise(x)
    alone = []
    for text in (GMVAE, GMVAE.replace("enumeration", "iwae(k = 3)")):
        one = emitted_class(text)()
        one.load_state_dict(m.state_dict())
        alone.append(one({"x": x}, noise).loss)
    torch.testing.assert_close(m({"x": x}, noise).loss, alone[0] + 0.5 * alone[1])


TAUGHT = """
model taught
observed x[1..2] : binary[4]
latent   c : categorical(3) ~ categorical
latent   z : real[2] ~ normal
q { x -> c, z via mlp(7) }
infer r(i) { x[i] -> c via mlp(7); x[i], c -> z via mlp(7) }
p { z, c -> x[i] via mlp(7) for i in 1..2 }
minimize
    KL(q || p)
  + sum(i in 1..2) KL(r(i)(x[i], c, z) || frozen(p(x[i], c, z))) with enumeration
"""


def test_a_term_that_leaves_p_as_it_is_still_does() -> None:
    """Each class goes through p's networks, and no gradient into them."""
    m = emitted_class(TAUGHT)()
    x = (torch.rand(ROWS, 2, 4) > 0.5).double()
    terms = m({"x": x}).terms
    frozen = [name for name in terms if name.startswith("reconstruction_x_r")]
    assert len(frozen) == 2
    p = list(m.get_submodule("p_x").parameters())
    r = list(m.get_submodule("r_z").parameters())
    for one in (*p, *r):
        found = [
            torch.autograd.grad(terms[n], one, retain_graph=True, allow_unused=True) for n in frozen
        ]
        reached = [grad is not None and bool(grad.abs().sum() > 0) for (grad,) in found]
        assert any(reached) == any(one is other for other in r)


# ---- the emitted code, and what is said of it ----------------------------------------------------


def test_each_network_runs_once() -> None:
    forward = emitted_text(M2).partition("def forward")[2].partition("def infer")[0]
    assert [forward.count(f"self.{name}") for name in ("q_y", "q_z", "p_x")] == [1, 1, 1]
    assert "Categorical(self.q_y(x))" in forward  # of every row
    assert 'noise["y"]' not in forward


def test_what_depends_on_no_class_runs_for_the_rows_alone() -> None:
    """Of a q(c|x) q(z|x), z and all that is decoded from it have no class."""
    text = GMVAE.replace("x -> c via mlp(7); x, c -> z", "x -> c via mlp(7); x -> z")
    forward = emitted_text(text).partition("def forward")[2].partition("def infer")[0]
    assert "Bernoulli(self.p_x(z))" in forward
    assert "averaged(q_z[:, None].kl(p_z), chance)" in forward


@pytest.mark.parametrize(
    "text",
    some("graphs of classes", [M2, PRODUCT, RICH, DISCRETE], 2),
    ids=lambda one: one.split()[1],
)
def test_it_compiles_without_a_break(text: str) -> None:
    m = emitted_class(text)()
    batch: Values = {}
    for one in m.variables:
        if one.role == "observed":
            size = (ROWS, *one.tensor_shape)
            batch[one.name] = (
                torch.randint(one.classes, size) if one.classes else torch.randint(2, size).double()
            )
    noise = m.draw_noise(torch.zeros(ROWS))
    compiled = torch.compile(m, backend="aot_eager", fullgraph=True)
    are_equal(compiled(batch, noise).loss, m(batch, noise).loss, m)


def compiled(text: str) -> Compiled:
    return derive(check_spec(Source("enumeration.mib", text)))


def test_the_audit_says_what_is_summed_over() -> None:
    text = " ".join(audit_text(read(compiled(PRODUCT))).split())
    assert "up to the named constants, where E_q sums over all 24 values of y, w, b" in text
    assert "estimator a sum over all 24 values of y, w, b" in text
    assert "estimator" not in audit_text(read(compiled(PRODUCT.replace(" with enumeration", ""))))


@pytest.mark.parametrize("text", [DISCRETE, CHAIN], ids=["discrete", "chain"])
def test_verification_enumerates_the_loss_that_is_emitted(text: str) -> None:
    """Beside tables of all states, by `audit --verify`: no noise makes a difference."""
    made = compiled(text)
    (found,) = (one for one in on_trial(made, read(made)) if not isinstance(one, Unverified))
    assert found.of == "the spec"
    assert len({one.weight for one in found.trial.passes}) > 1
    here = tried(found.text, found.class_name, found.trial, found.of)
    assert here.agrees
    assert here.abs_error < 1e-9


def test_the_twin_is_verified_of_rows_with_labels_and_without() -> None:
    """A twin of real numbers has no classes: its samples are those of the spec without the sum."""
    made = compiled(M2)
    found = [one for one in on_trial(made, read(made)) if not isinstance(one, Unverified)]
    assert all(tried(one.text, one.class_name, one.trial, one.of).agrees for one in found)
    assert [one.of.rpartition(", ")[2] for one in found] == ["rows that know y", "rows that lack y"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (M2.replace("CE(y | x)", "MMD(q(z) || p(z))"), "MIB504"),
        (M2.replace("5 * CE(y | x)", "TC(z; x) with mine"), "MIB504"),
        (GMVAE.replace("categorical(4)", "categorical(4)[5]"), "MIB504"),
        (GMVAE.replace("q || p) with", "q(x, c, z) || p(x, c, z)) with"), ""),
        (GMVAE.replace("KL(q || p)", "KL(q(c | x) || p(c))"), "MIB285"),
        (
            COMPARED.replace("x[i] -> c, z via mlp(7)", "x[i] -> c; c -> z").replace(
                "| x[i]", "| c"
            ),
            "",
        ),
        (GMVAE.replace("enumeration", "enumeration(4)"), "MIB286"),
    ],
)
def test_elsewhere_it_is_refused(text: str, code: str) -> None:
    if not code:
        assert "averaged" in emitted_text(text)
        return
    with pytest.raises(SpecError) as found:
        compiled(text)
    assert [one.code for one in found.value.diagnostics if one.severity == "error"] == [code]


def test_p_s_own_samples_have_a_row_each() -> None:
    """Drawn beside what q infers, however that was: of every row, and of no class."""
    text = BESIDE_P.replace("categorical(3)", "categorical(3)[2]").replace("x, c -> z", "c -> z")
    assert "q_c.mean" in emitted_text(text)
    m = emitted_class(text)()
    x = torch.zeros(ROWS, 4)
    noise = {
        **m.draw_noise(x),
        "prior(c)": torch.randn(ROWS, 2, 3),
        "prior(z)": torch.randn(ROWS, 2),
    }
    alone = [
        m(
            {"x": x[[k]]}, {**{n: v[[k]] for n, v in noise.items()}, "prior(x)": torch.zeros(1, 4)}
        ).loss
        for k in range(ROWS)
    ]
    whole = m({"x": x}, {**noise, "prior(x)": torch.zeros(ROWS, 4)}).loss
    torch.testing.assert_close(whole, torch.stack(alone).mean(), rtol=1e-9, atol=0.0)


def test_as_many_as_256_combinations_are_summed_over() -> None:
    assert "self.every" in emitted_text(GMVAE.replace("categorical(4)", "categorical(4)[4]"))
    with pytest.raises(SpecError, match="257 combinations"):
        compiled(GMVAE.replace("categorical(4)", "categorical(257)"))


# ---- the words of the runtime --------------------------------------------------------------------


def test_chances_are_those_of_all_combinations() -> None:
    m = emitted_class(PRODUCT)()
    y, w, b = m.every("y", "w", "b")
    assert [one.shape for one in (y, w, b)] == [(1, 24, 3), (1, 24), (1, 24, 2, 2)]
    together = torch.cat([y[0], w[0, :, None], b[0].flatten(1)], dim=1)
    assert len({tuple(row) for row in together.tolist()}) == 24
    logs = torch.randn(ROWS, 1, 3).log_softmax(-1), torch.randn(ROWS, 1, 2, 2).log_softmax(-1)
    found = chances(*((one * value).sum(-1) for one, value in zip(logs, (y, b), strict=True)))
    torch.testing.assert_close(found.sum(1), torch.full((ROWS,), 2.0))  # of w, each twice


def test_a_mean_over_classes_keeps_the_axes_behind_them() -> None:
    nats, chance = torch.randn(ROWS, 4, 2, 3), torch.rand(ROWS, 4)
    expected = (chance[:, :, None, None] * nats).sum(1)
    torch.testing.assert_close(averaged(nats, chance), expected)
    torch.testing.assert_close(
        averaged(nats[:1], chance), (chance[..., None, None] * nats[:1]).sum(1)
    )
