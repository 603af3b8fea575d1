"""Rows that lack views: each has a bound of its own, and the loss is their mean over all rows."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from graphdsl_runtime import Gaussian, Objective
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 6
TOLERANCE = 1e-9

VIEWS = """
model views
param cross = 0.5
observed x[1..2] : real[4] optional
observed y : categorical(3)
latent z : real[3] ~ normal
latent u[1..2] : real[2] ~ normal
q { x, y -> z by poe; x[i], z -> u[i] for i in 1..2 }
p { z, u[i] -> x[i] for i in 1..2; z -> y }
network through_z(i, j) { x[i] -> z; z, u[j] -> x[j] }
minimize KL(q || p) + cross * sum(i, j in pairs(1..2)) D(q || through_z(i, j))
"""

KINDS = """
model kinds
observed x[1] : real[4] optional
observed x[2] : categorical(3)[2] optional
observed w : real[2]
latent z : real[3] ~ normal
latent c : categorical(4) ~ categorical
latent v : real[2] ~ normal
q { x -> z by poe; x[2] -> c; x[1] -> v }
p { w -> v; z, c, v -> x[i] for i in 1..2 }
minimize KL(q || p) + 0.3 * I(z; x[1] | x[2])
"""

MVAE = """
model mvae
observed x[1..2] : real[4] optional
latent z : real[3] ~ normal
q { x -> z by poe }
p { z -> x[i] for i in 1..2 }
minimize KL(q || p)
"""

by_text = pytest.mark.parametrize("text", [VIEWS, KINDS, MVAE], ids=["views", "kinds", "mvae"])


def batch_of(objective: Objective) -> dict[str, Tensor]:
    """Random values, members one by one."""
    batch = {}
    for one in objective.variables:
        for name in one.member_names if one.role != "latent" else ():
            size = (ROWS, *one.shape)
            batch[name] = (
                torch.randn(size) if one.classes is None else torch.randint(one.classes, size)
            )
    return batch


#: Which rows have the first view, and which the second.
SEEN = {
    "seen(x[1])": torch.tensor([True, False, True, False, True, True]),
    "seen(x[2])": torch.tensor([True, True, False, False, True, False]),
}


@by_text
def test_with_every_view_it_is_the_plain_loss(text: str) -> None:
    objective, plain = emitted_class(text)(), emitted_class(text.replace(" optional", ""))()
    plain.load_state_dict(objective.state_dict())
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x[1]"])
    some, every = objective(batch, noise).loss, plain(batch, noise).loss
    assert some.item() == pytest.approx(every.item(), abs=TOLERANCE)


@by_text
def test_the_loss_is_the_mean_of_every_row_s_own(text: str) -> None:
    objective = emitted_class(text)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x[1]"])
    alone = []
    for row in range(ROWS):
        here = {name: one[row : row + 1] for name, one in batch.items()}
        for view in ("x[1]", "x[2]"):
            if not SEEN[f"seen({view})"][row]:
                del here[view]
        here["seen(x[1])"] = SEEN["seen(x[1])"][row : row + 1]  # a batch is never empty
        alone.append(objective(here, {k: v[row : row + 1] for k, v in noise.items()}).loss.item())
    loss = objective({**batch, **SEEN}, noise).loss.item()
    assert loss == pytest.approx(sum(alone) / ROWS, abs=TOLERANCE)


@by_text
def test_what_is_missing_changes_no_bit(text: str) -> None:
    objective = emitted_class(text)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x[1]"])
    found = []
    for fill in (0.0, 1.0, 1e30, math.nan):
        here = {**batch, **SEEN}
        for view in ("x[1]", "x[2]"):
            value = here[view].clone()
            if value.is_floating_point():
                value[~SEEN[f"seen({view})"]] = fill
            elif fill == 1.0:
                value[~SEEN[f"seen({view})"]] = 1
            here[view] = value
        objective.zero_grad()
        losses = objective(here, noise)
        losses.loss.backward()
        grads = [one.grad for one in objective.parameters() if one.grad is not None]
        found.append([losses.loss.detach(), *losses.terms.values(), *grads])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert torch.isfinite(one).all()
            assert torch.equal(one, two)


def test_a_row_of_one_view_has_that_view_s_bound() -> None:
    """Wu and Goodman 2018, eq. 5: ELBO(x_S), its posterior the product of the experts in S."""
    objective = emitted_class(MVAE)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x[1]"])
    network = objective.get_submodule("q_z")
    x = torch.stack([batch["x[1]"], batch["x[2]"]], 1)
    means, log_vars = network(x).chunk(2, -1)
    seen = torch.stack(list(SEEN.values()), 1).double()[..., None]
    precision = 1 + (seen * torch.exp(-log_vars)).sum(1)
    mean = (seen * torch.exp(-log_vars) * means).sum(1) / precision
    z = mean + noise["z"] / torch.sqrt(precision)
    nll = 0.5 * ((x - objective.get_submodule("p_x")(z)) ** 2 + math.log(2 * math.pi))
    kl = 0.5 * (1 / precision + mean**2 - 1 + torch.log(precision))
    rows = (seen * nll).sum((1, 2)) + kl.sum(1)
    loss = objective({**batch, **SEEN}, noise).loss
    assert loss.item() == pytest.approx(rows.mean().item(), abs=TOLERANCE)


def test_a_row_of_no_view_pays_for_a_term_between_views_as_for_its_rate() -> None:
    """H(z | x[i]) of a row without x[i] is H(z), which the prior bounds: E KL(q(z | y) || p(z))."""
    objective = emitted_class(VIEWS)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x[1]"])
    nothing = {name: torch.zeros(ROWS, dtype=torch.bool) for name in SEEN}
    terms = objective({**batch, **nothing}, noise).terms
    rate = terms["rate_z"].item()
    assert rate > 0  # the label still tells of z
    assert terms["rate_z_each"].item() == pytest.approx(2 * rate, rel=1e-12)  # of both pairs
    assert terms["reconstruction_x"].item() == 0
    assert terms["rate_u"].item() == 0  # what no view says of u is its prior


def test_a_conditional_prior_stands_in_for_a_missing_view() -> None:
    objective = emitted_class(KINDS)()
    batch = batch_of(objective)
    nothing = {"seen(x[1])": torch.zeros(ROWS, dtype=torch.bool)}
    losses = objective({**batch, **nothing}, objective.draw_noise(batch["x[1]"]))
    assert losses.terms["rate_v"].item() == pytest.approx(0, abs=1e-12)


MIXTURE = MVAE.replace("by poe", "by mixture")


def test_a_mixture_is_of_the_views_that_a_row_has() -> None:
    """Each row's own bound: one sample of every expert that is there, and their mixture."""
    objective = emitted_class(MIXTURE)()
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x[1]"])
    means, log_vars = objective.get_submodule("q_z")(
        torch.stack([batch["x[1]"], batch["x[2]"]], 1)
    ).chunk(2, -1)
    total = 0.0
    for row in range(ROWS):
        there = [view for view in (0, 1) if SEEN[f"seen(x[{view + 1}])"][row]]
        experts = Gaussian(means[row, there], log_vars[row, there])
        for place, view in enumerate(there):
            z = experts[place].sample(noise["experts(z)"][row, view])
            own = experts.log_prob(z).sum(-1).exp().mean().log()
            found = objective.get_submodule("p_x")(z[None])[0]
            price = own + 0.5 * (z**2 + math.log(2 * math.pi)).sum()
            for seen in there:
                apart = batch[f"x[{seen + 1}]"][row] - found[seen]
                price = price + 0.5 * (apart**2 + math.log(2 * math.pi)).sum()
            total += price.item() / len(there)
    loss = objective({**batch, **SEEN}, noise).loss
    assert loss.item() == pytest.approx(total / ROWS, abs=TOLERANCE)


def test_a_row_of_no_view_has_the_prior_of_a_mixture() -> None:
    objective = emitted_class(MIXTURE)()
    nothing = {name: torch.zeros(ROWS, dtype=torch.bool) for name in SEEN}
    losses = objective({**batch_of(objective), **nothing})
    assert losses.loss.item() == pytest.approx(0.0, abs=TOLERANCE)
    losses.loss.backward()
    assert all(one.grad is None or not one.grad.any() for one in objective.parameters())
    q = objective.infer(nothing)["z"]
    assert isinstance(q, Gaussian)
    assert not q.mean.any()
    assert not q.log_var.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_what_a_row_lacks_is_never_chosen(dtype: torch.dtype) -> None:
    """Half precision rounds a number just below 1 to 1."""
    objective = emitted_class(MIXTURE)()
    seen = torch.tensor([[True, False], [True, True], [False, True]])
    experts = Gaussian.unit(torch.zeros(3, 2, 1, dtype=dtype))
    almost = torch.full((3,), 1 - 2**-24)
    for drawn in (almost, almost.to(torch.bfloat16)):
        chosen = objective.selector({"m": drawn}, "m", experts, seen)
        assert chosen.tolist() == [0, 1, 1]
