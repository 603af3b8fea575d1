"""Labels that some rows have, and q fills in elsewhere: each row's own bound, and no other."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import pytest
import torch
from torch import Tensor

from graphdsl import Source
from graphdsl.compiler import check_spec, derive
from graphdsl_runtime import Objective
from tests.by_hand import (
    above_uniform,
    cost,
    density,
    entropy,
    filled_in,
    halves,
    one_hot,
    rate,
    run,
    sampled,
    surprise,
)
from tests.emitted import emitted_class as compiled_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS, CLASSES = 6, 3
emitted_class = cache(compiled_class)
TOLERANCE = 1e-9
Values: TypeAlias = dict[str, Tensor]
Bound: TypeAlias = Callable[[Objective, Values, Values, Tensor], Tensor]

M2 = """
model m2
observed x : binary[8]
observed y : categorical(3) optional
latent   z : real[2] ~ normal
q { x -> y; x, y -> z }
p { y, z -> x }
minimize KL(q || p) + 5 * CE(y | x)
"""

DIVA = """
model diva
observed x  : binary[8]
observed y  : categorical(3) optional
latent   zy : real[2] ~ normal
latent   zx : real[2] ~ normal
q { x -> zy, zx; zy -> y }
p { y -> zy; zy, zx -> x }
minimize KL(q || p) + 5 * CE(y | zy)
"""

REAL = """
model of_numbers
observed x : binary[8]
observed y : real[2] optional
latent   z : real[2] ~ normal
q { x -> y; x, y -> z }
p { y, z -> x }
minimize KL(q || p) + 5 * CE(y | x)
"""

COIN = """
model of_coins
observed x : binary[8]
observed y[1..2] : binary optional
latent   z : real[2] ~ normal
q { x -> y; x, y -> z }
p { y, z -> x }
minimize KL(q || p) + 5 * CE(y | x)
"""

CHAIN = """
model of_what_p_infers
observed x : binary[8]
observed y : categorical(3) optional
latent   z : real[2] ~ normal
q { x -> y; x, y -> z }
p { z -> y; y, z -> x }
minimize KL(q || p) + 5 * CE(y | x) + 2 * CE(y | z)
"""


# ---- the bounds by hand, row by row --------------------------------------------------------------


def m2(m: Objective, batch: Values, noise: Values, seen: Tensor) -> Tensor:
    """Kingma et al. 2014, eqs. 6, 7 and 9; y is a sample of q(y|x) where it is not known."""
    x = batch["x"]
    logits = run(m, "q_y", x)
    y = filled_in(logits, batch["y"], seen, noise["y"])
    known = math.log(CLASSES) + 5 * surprise(logits, torch.where(seen, batch["y"], 0))
    return of_z(m, x, y, noise) + torch.where(seen, known, above_uniform(logits))


def of_z(m: Objective, x: Tensor, y: Tensor, noise: Values) -> Tensor:
    z = halves(run(m, "q_z", x, y))
    return cost(run(m, "p_x", y, sampled(*z, noise["z"])), x) + rate(*z)


def diva(m: Objective, batch: Values, noise: Values, seen: Tensor) -> Tensor:
    """Ilse et al. 2020, eqs. 1 and 3: of rows without a label, E over q(y|zy) of log p(zy|y)."""
    x = batch["x"]
    zy, zx = (halves(run(m, name, x)) for name in ("q_zy", "q_zx"))
    of_y, of_x = sampled(*zy, noise["zy"]), sampled(*zx, noise["zx"])
    logits = run(m, "q_y", of_y)
    y = filled_in(logits, batch["y"], seen, noise["y"])
    prior = density(of_y, *halves(run(m, "p_zy", y)))
    known = math.log(CLASSES) + 5 * surprise(logits, torch.where(seen, batch["y"], 0))
    classified = torch.where(seen, known, above_uniform(logits))
    reconstruction = cost(run(m, "p_x", of_y, of_x), x)
    return reconstruction - prior - entropy(zy[1]) + rate(*zx) + classified


def of_numbers(m: Objective, batch: Values, noise: Values, seen: Tensor) -> Tensor:
    """A real label: -log p(y) where it is known, KL(q(y|x) || p(y)) elsewhere."""
    x, label = batch["x"], torch.where(seen[:, None], batch["y"], 0.0)
    inferred = halves(run(m, "q_y", x))
    y = torch.where(seen[:, None], label, sampled(*inferred, noise["y"]))
    nothing = torch.zeros_like(label)
    known = -density(label, nothing, nothing) - 5 * density(label, *inferred)
    return of_z(m, x, y, noise) + torch.where(seen, known, rate(*inferred))


def of_coins(m: Objective, batch: Values, noise: Values, seen: Tensor) -> Tensor:
    """Two binary labels, each known or not."""
    x, logits = batch["x"], run(m, "q_y", batch["x"])
    there = seen[:, None].expand_as(logits)
    label = torch.where(there, batch["y"], 0.0)
    uniform = torch.special.ndtr(noise["y"])
    soft = (logits + torch.logit(uniform)).sigmoid()
    hard = (soft > 0.5).double() + soft - soft.detach()
    y = torch.where(there, label, hard)
    told = torch.where(label > 0.5, logits, -logits)
    known = math.log(2) - 5 * torch.nn.functional.logsigmoid(told)
    rho = logits.sigmoid()
    inferred = math.log(2) + rho * rho.log() + (1 - rho) * (1 - rho).log()
    return of_z(m, x, y, noise) + torch.where(there, known, inferred).sum(1)


def of_what_p_infers(m: Objective, batch: Values, noise: Values, seen: Tensor) -> Tensor:
    """p(y|z): E log p(y|z) of the label or the sample, and the entropy of what is inferred."""
    x, label = batch["x"], torch.where(seen, batch["y"], 0)
    logits = run(m, "q_y", x)
    y = filled_in(logits, label, seen, noise["y"])
    z = halves(run(m, "q_z", x, y))
    sample = sampled(*z, noise["z"])
    log_p = run(m, "p_y", sample).log_softmax(1)
    told = 5 * surprise(logits, label) - 2 * log_p.gather(1, label[:, None])[:, 0]
    own = torch.where(seen, told, above_uniform(logits) - math.log(CLASSES))
    return cost(run(m, "p_x", y, sample), x) + rate(*z) - (y * log_p).sum(1) + own


SPECS = {
    "m2": (M2, m2),
    "diva": (DIVA, diva),
    "numbers": (REAL, of_numbers),
    "coins": (COIN, of_coins),
    "chain": (CHAIN, of_what_p_infers),
}
by_spec = pytest.mark.parametrize(("text", "bound"), SPECS.values(), ids=SPECS)
SEEN = {
    "every row": torch.ones(ROWS, dtype=torch.bool),
    "no row": torch.zeros(ROWS, dtype=torch.bool),
    "some": torch.tensor([True, False, True, False, False, True]),
}


def batch_of(objective: Objective) -> Values:
    y = next(one for one in objective.variables if one.name == "y")
    size = (ROWS, *y.tensor_shape)
    label = torch.randn(size) if y.kind == "real" else torch.randint(y.classes or 2, size)
    label = label if y.classes else label.double()
    return {"x": torch.randint(2, (ROWS, 8)).double(), "y": label}


def y_of(objective: Objective) -> list[str]:
    """The names of the label's members, or its own."""
    return [name for one in objective.variables for name in one.member_names if one.inferred]


def telling(batch: Values, objective: Objective, seen: Tensor) -> Values:
    """The batch, in which some rows have their label."""
    y = next(one for one in objective.variables if one.name == "y")
    return {**batch, "seen(y)": seen.reshape(ROWS, *(1,) * len(y.grid)).expand(ROWS, *y.grid)}


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN)
@by_spec
def test_it_is_the_mean_of_each_row_s_own_bound(text: str, bound: Bound, seen: Tensor) -> None:
    """Value and gradients, from the same noise: all labelled, none, and some of each."""
    objective = emitted_class(text)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x"])
    ours = objective(telling(batch, objective, seen), noise).loss
    theirs = bound(objective, batch, noise, seen).mean()
    assert ours.item() == pytest.approx(theirs.item(), rel=TOLERANCE)
    parameters = list(objective.parameters())
    gradients = [
        torch.autograd.grad(one, parameters, materialize_grads=True) for one in (ours, theirs)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=1e-12)


@pytest.mark.parametrize("text", [M2, DIVA], ids=["m2", "diva"])
def test_the_mean_over_what_is_drawn_is_the_sum_over_classes(text: str) -> None:
    """Eq. 7: where y is unknown, E_q(y|x) of the bound given y, less H(q(y|x)), by enumeration.

    For each class, the bound is that of a row with this label, less its log 3. The noise of what
    else is drawn is the same in all rows.
    """
    objective = emitted_class(text.replace("5 *", "0 *"))()
    with torch.no_grad():
        for network in objective.children():  # what differs between classes is to be seen
            *_, last = (one for one in network.modules() if isinstance(one, torch.nn.Linear))
            last.weight.mul_(10.0)
    groups, rows = 50, 400
    x = torch.randint(2, (1, 8)).double()
    fixed = objective.draw_noise(x)
    found = []
    with torch.no_grad():
        of_class = [objective({"x": x, "y": torch.tensor([c])}, fixed).loss for c in range(CLASSES)]
        log_q = objective.infer({"x": x}, fixed)["y"].log_prob(torch.eye(CLASSES))
        exact = (log_q.exp() * (torch.stack(of_class) + log_q)).sum()
        for _ in range(groups):
            noise = {name: one.expand(rows, -1) for name, one in fixed.items()}
            noise["y"] = torch.randn(rows, CLASSES)
            found.append(objective({"x": x.expand(rows, -1)}, noise).loss)
    error = torch.stack(found).std() / math.sqrt(groups)
    assert max(of_class) - min(of_class) > 100 * error
    assert 0.02 < log_q.exp().min() < 0.3
    assert abs(torch.stack(found).mean() - exact) < 4 * error


@by_spec
def test_what_is_missing_changes_no_bit(text: str, bound: Bound) -> None:
    objective = emitted_class(text)()
    batch = batch_of(objective)
    seen = SEEN["some"]
    noise = objective.draw_noise(batch["x"])
    found = []
    for fill in (0.0, 1.0, 1e30, math.nan, -1.0):
        label = batch["y"].clone()
        if label.is_floating_point():
            label[~seen] = fill
        elif math.isfinite(fill) and fill < 1e30:
            label[~seen] = int(fill)  # -1 is what many write for a class that is not known
        objective.zero_grad()
        losses = objective(telling({**batch, "y": label}, objective, seen), noise)
        losses.loss.backward()
        grads = [one.grad for one in objective.parameters() if one.grad is not None]
        found.append([losses.loss.detach(), *losses.terms.values(), *grads])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert torch.isfinite(one).all()
            assert torch.equal(one, two)


def test_a_nan_says_that_there_is_no_label() -> None:
    objective = emitted_class(M2)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x"])
    seen = SEEN["some"]
    label = torch.where(seen, batch["y"].double(), math.nan)
    told = objective(telling(batch, objective, seen), noise).loss
    assert torch.equal(objective({**batch, "y": label}, noise).loss, told)
    without = objective({"x": batch["x"]}, noise).loss
    assert torch.equal(objective(telling(batch, objective, ~seen & seen), noise).loss, without)


@by_spec
def test_a_row_that_has_its_label_teaches_the_classifier_by_that_alone(
    text: str, bound: Bound
) -> None:
    """Without `CE`, no gradient of labelled rows reaches q(y|x); with it, it is that of -log q."""
    batch = batch_of(emitted_class(text)())
    for weight in ("0 *", "5 *"):
        objective = emitted_class(text.replace("5 *", weight))()
        noise = objective.draw_noise(batch["x"])
        losses = objective(telling(batch, objective, SEEN["every row"]), noise)
        own = list(objective.get_submodule("q_y").parameters())
        slopes = torch.autograd.grad(losses.loss, own, materialize_grads=True)
        assert any(one.any() for one in slopes) == (weight == "5 *")
        if weight == "5 *":
            term = losses.terms["prediction_label_y"]
            told = objective(telling(batch, objective, SEEN["every row"]), noise)
            of_term = torch.autograd.grad(told.terms["prediction_label_y"], own)
            assert term.requires_grad
            for one, other in zip(slopes, of_term, strict=True):
                torch.testing.assert_close(one, 5 * other, rtol=TOLERANCE, atol=1e-12)


@by_spec
def test_what_q_says_of_labels(text: str, bound: Bound) -> None:
    """`infer` gives the point where it is known, q's own posterior elsewhere; samples alike."""
    objective = emitted_class(text)()
    batch = batch_of(objective)
    seen = SEEN["some"]
    some = telling(batch, objective, seen)
    noise = objective.draw_noise(batch["x"])
    y = batch["y"] if batch["y"].is_floating_point() else one_hot(batch["y"], 3, batch["x"])
    for drawn in (None, noise):
        posterior = objective.infer(some, drawn)["y"]
        alone = objective.infer({"x": batch["x"]}, drawn)["y"]
        assert torch.equal(posterior.mean[seen], y[seen])
        assert torch.equal(posterior.mean[~seen], alone.mean[~seen])
        assert torch.equal(posterior.draw(noise, "y")[seen], y[seen])
        assert torch.equal(posterior.draw(noise, "y")[~seen], alone.draw(noise, "y")[~seen])
    plain = objective.infer({"x": batch["x"]})["y"].mean
    for name, told in objective.translate(some, y_of(objective)).items():
        member = y_of(objective).index(name)  # what is asked for by its name is not looked at
        assert torch.equal(told, plain if name == "y" else plain[:, member])


@pytest.mark.parametrize("text", [M2, DIVA, REAL, COIN], ids=["m2", "diva", "numbers", "coins"])
def test_p_draws_what_is_given(text: str) -> None:
    """p(x | y): what is given of a label that is a root of p stays, the rest is drawn."""
    objective = emitted_class(text)()
    batch = batch_of(objective)
    y = batch["y"] if batch["y"].is_floating_point() else one_hot(batch["y"], 3, batch["x"])
    noise = objective.draw_noise(batch["x"])
    free = objective.ancestral_sample(noise, {})
    held = objective.ancestral_sample(noise, {"y": batch["y"]})
    seen = SEEN["some"]
    some = objective.ancestral_sample(noise, telling({"y": batch["y"]}, objective, seen))
    assert torch.equal(held["y"], y)
    assert torch.equal(some["y"][seen], y[seen])
    assert torch.equal(some["y"][~seen], free["y"][~seen])
    assert not torch.equal(free["y"], y)
    for one in (free, held):
        if "zy" in one:
            mean, log_var = halves(objective.get_submodule("p_zy")(one["y"]))
            torch.testing.assert_close(one["zy"], sampled(mean, log_var, noise["zy"]))
    torch.manual_seed(4)
    first = objective.generate(ROWS, {"y": batch["y"]})["x"]
    torch.manual_seed(4)
    assert torch.equal(first, objective.generate(ROWS, {"y": batch["y"]})["x"])


@pytest.mark.parametrize("text", [REAL, COIN], ids=["numbers", "coins"])
def test_it_is_one_graph(text: str) -> None:
    objective = emitted_class(text)()
    batch = telling(batch_of(objective), objective, SEEN["some"])
    noise = objective.draw_noise(batch["x"])
    whole = torch.compile(objective, fullgraph=True, backend="aot_eager")
    assert torch.equal(whole(batch, noise).loss, objective(batch, noise).loss)


def test_each_player_has_its_own() -> None:
    """With an objective for each, the losses are the same, and no gradient goes astray."""
    objective = emitted_class(
        M2.replace("minimize KL(q || p)", "minimize KL(q || p) for p\nminimize KL(q || p)")
        + " for q"
    )()
    whole = emitted_class(M2)()
    whole.load_state_dict(objective.state_dict())
    batch = telling(batch_of(objective), objective, SEEN["some"])
    noise = objective.draw_noise(batch["x"])
    losses, plain = objective(batch, noise), whole(batch, noise)
    told = plain.loss - 5 * plain.terms["prediction_label_y"]
    assert losses.players["q"].item() == pytest.approx(plain.loss.item(), abs=TOLERANCE)
    assert losses.players["p"].item() == pytest.approx(told.item(), abs=TOLERANCE)
    losses.players["p"].backward(retain_graph=True)
    assert all(one.grad is None for one in objective.get_submodule("q_y").parameters())


def test_a_product_of_experts_says_of_a_label_what_its_views_do() -> None:
    """CE(y | x) of a row with one view is that of this view's own expert and the prior."""
    objective = emitted_class("""
model views
observed x[1..2] : real[3] optional
observed y : real[2] optional
q { x -> y by poe }
p { y -> x[i] for i in 1..2 }
minimize KL(q || p) + 5 * CE(y | x)
""")()
    batch = {"x": torch.randn(ROWS, 2, 3), "y": torch.randn(ROWS, 2)}
    batch["seen(x)"] = torch.tensor([[True, False]]).expand(ROWS, 2)
    mean, log_var = halves(run(objective, "q_y", batch["x"])[:, 0])
    precision = 1 + (-log_var).exp()
    fused = mean * (-log_var).exp() / precision, -precision.log()
    term = objective(batch).terms["prediction_label_y"]
    by_hand = -density(batch["y"], *fused).mean()
    assert term.item() == pytest.approx(by_hand.item(), abs=TOLERANCE)


# ---- what is derived -----------------------------------------------------------------------------

STATED = """
model stated
observed x : binary
observed d : binary
{declared}
latent   z : real ~ normal
q {{ x -> y; x, y -> z }}
p {{ y, d -> x; z }}
minimize KL(q || p)
assert {claim}
"""
LABEL, LATENT = "observed y : real optional", "latent   y : real ~ normal"


def verdict(declared: str, claim: str) -> str:
    text = STATED.format(declared=declared, claim=claim)
    (proof,) = derive(check_spec(Source("stated.mib", text)), keep_refuted=True).proofs
    return proof.status


def test_a_label_may_tell_of_other_data_than_what_infers_it() -> None:
    """Where rows have it, y is the data's own: no independence of q's line holds of it."""
    claim = "I(y; d | x) == 0"
    assert verdict(LATENT, claim) == "proved"
    assert verdict(LABEL, claim) == "refuted"
    for declared in (LATENT, LABEL):  # what is inferred from both is as it was
        assert verdict(declared, "I(z; d | x, y) == 0") == "proved"


def test_the_objective_is_told_with_the_labels_in_it() -> None:
    module = derive(check_spec(Source("m2.mib", M2))).module
    assert module.relation == "equal"
    assert {one.name: one.formula for one in module.terms} == {
        "reconstruction_x": "E_q[-log p(x | y, z)]",
        "prediction_label_y": "E_q[-log q(label_y | x)]",
        "rate_y": "E_q KL(q(y | x, label_y) || p(y))",
        "rate_z": "E_q KL(q(z | x, y) || p(z))",
    }
    assert {str(one.atom) for one in module.constants} == {"H(label_y)", "H(label_y, x)"}
    variables = {one.name: (one.role, one.optional, one.inferred) for one in module.variables}
    assert variables == {
        "x": ("observed", False, False),
        "y": ("observed", True, True),
        "z": ("latent", False, False),
    }


def test_a_spec_may_have_a_variable_of_that_name() -> None:
    text = M2.replace("observed x", "given label_y : binary\nobserved x").replace(
        "x, y -> z", "x, y, label_y -> z"
    )
    objective = emitted_class(text)()
    batch = batch_of(objective) | {"label_y": torch.ones(ROWS)}
    noise = objective.draw_noise(batch["x"])
    first = objective(telling(batch, objective, SEEN["every row"]), noise).terms
    (prediction,) = [one for name, one in first.items() if name.startswith("prediction_label_y")]
    assert prediction.item() == pytest.approx(
        surprise(run(objective, "q_y", batch["x"]), batch["y"]).mean().item(), abs=TOLERANCE
    )
