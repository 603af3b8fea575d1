"""Losses over p's own samples, by hand from the same noise; and what each of them trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime import Objective, adversarial_js, hsic, information_mine
from tests.by_hand import halves, kl, rate, run, sampled
from tests.emitted import emitted_class

ROWS = 6
EXACT = 1e-9
Values = Mapping[str, Tensor]


class Case(NamedTuple):
    """A spec, its noise besides that of latents, and its loss by hand."""

    text: str
    own: Mapping[str, tuple[int, ...]]
    loss: Callable[[Objective, Values, Values], Tensor]


def normal(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(ROWS, *shape, dtype=torch.float64)


def told(value: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """-log N(value; mean, exp(log_var)), summed over all but the rows."""
    square = (value - mean) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)
    return 0.5 * square.flatten(1).sum(1)


def of_scale(mean: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    return mean, torch.full_like(mean, 2 * math.log(scale))


# ---- an InfoVAE whose generator tells its code, over p's own samples -----------------------------

INFO_VAE = """
model info_vae
param lam = 2
observed x : real[5] ~ normal(scale = 0.5)
latent   z[1..3] : real[2] ~ normal
q { x -> z  via mlp(8) }
p { z -> x  via mlp(8) }
minimize KL(q || p) - lam * I[p](x; z)"""


def info_vae(m: Objective, batch: Values, noise: Values) -> Tensor:
    x, drawn = batch["x"], noise["prior(z)"]
    mean, log_var = halves(run(m, "q_z", x))
    z = sampled(mean.reshape(-1, 3, 2), log_var.reshape(-1, 3, 2), noise["z"])
    elbo = told(x, *of_scale(run(m, "p_x", z), 0.5)) + rate(mean, log_var)
    fake = sampled(*of_scale(run(m, "p_x", drawn), 0.5), noise["prior(x)"])
    # the recogniser tells each part of the code from x alone: Barber and Agakov's bound
    predicted = told(drawn, *halves(run(m, "r_z", fake)))
    return (elbo + 2 * predicted).mean()


# ---- decoder-side total correlation, from above --------------------------------------------------

APART = """
model apart
param lam = 2
observed x[1..2] : real[3] ~ normal(scale = 0.5)
latent   z       : real[2] ~ normal
q { x -> z     via mlp(8) }
p { z -> x[i]  via mlp(8)  for i in 1..2 }
minimize KL(q || p) + lam * TC[p](x)"""


def apart(m: Objective, batch: Values, noise: Values) -> Tensor:
    x, drawn = batch["x"], noise["prior(z)"]
    mean, log_var = halves(run(m, "q_z", x))
    z = sampled(mean, log_var, noise["z"])
    elbo = told(x, *of_scale(run(m, "p_x", z), 0.5)) + rate(mean, log_var)
    own = of_scale(run(m, "p_x", drawn), 0.5)
    fake = sampled(*own, noise["prior(x)"])
    predicted = told(drawn, *halves(run(m, "r_z", fake)))
    marginal = [one.expand_as(own[0]) for one in halves(run(m, "r_x"))]
    return (elbo + 2 * (kl(*own, *marginal) + predicted)).mean()


# ---- a generator over two levels, against a critic, that tells what it was made from -------------

LADDER = """
model ladder_gan
observed x : real[5]
latent   z : real[2] ~ normal
latent   h : real[3] ~ normal
p { z -> h -> x  via mlp(8) }
minimize JS(q(x) || p(x)) + 0.5 * CE[p](z | x)"""


def ladder_gan(m: Objective, batch: Values, noise: Values) -> Tensor:
    h = sampled(*halves(run(m, "p_h", noise["z"])), noise["h"])
    fake = run(m, "p_x", h)  # the answer itself: a critic sees it
    predicted = told(noise["z"], *halves(run(m, "r_z", fake)))
    return (
        adversarial_js(m.get_submodule("critic_of_x"), batch["x"], fake)[0] + 0.5 * predicted.mean()
    )


# ---- labels that p generates, and that its images should tell (AC-GAN's generator) ---------------

LABELLED = """
model labelled
observed x : real[5] ~ normal(scale = learned)
observed y : categorical(3)
latent   z : real[2] ~ normal
q { x, y -> z  via mlp(8) }
p {
    z    -> y  via mlp(8)
    z, y -> x  via mlp(8)
}
minimize KL(q || p) + CE[p](y | x)"""


def labelled(m: Objective, batch: Values, noise: Values) -> Tensor:
    x, y, drawn = batch["x"], batch["y"], noise["prior(z)"]
    vector = torch.eye(3, dtype=x.dtype)[y]
    mean, log_var = halves(run(m, "q_z", x, vector))
    z = sampled(mean, log_var, noise["z"])
    scale = m.get_parameter("log_var_p_x")
    elbo = told(x, likely := run(m, "p_x", z, vector), scale.expand_as(likely))
    elbo = elbo + F.cross_entropy(run(m, "p_y", z), y, reduction="none") + rate(mean, log_var)
    logits = run(m, "p_y", drawn)
    gumbel = -(-torch.special.log_ndtr(noise["prior(y)"])).log()
    soft = (logits + gumbel).softmax(1)
    label = F.one_hot(soft.argmax(1), 3) + soft - soft.detach()
    likely = run(m, "p_x", drawn, label)
    fake = sampled(likely, scale.expand_as(likely), noise["prior(x)"])
    predicted = -(label * run(m, "r_y", fake).log_softmax(1)).sum(1)
    loss: Tensor = (elbo + predicted).mean()
    return loss


# ---- pixels that p draws, one bit each -----------------------------------------------------------

BITS = """
model bits
observed x : binary[5]
latent   z : real[2] ~ normal
q { x -> z  via mlp(8) }
p { z -> x  via mlp(8) }
minimize KL(q || p) - I[p](x; z)"""


def bits(m: Objective, batch: Values, noise: Values) -> Tensor:
    x, drawn = batch["x"], noise["prior(z)"]
    mean, log_var = halves(run(m, "q_z", x))
    logits = run(m, "p_x", sampled(mean, log_var, noise["z"]))
    elbo = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    logits, spread = run(m, "p_x", drawn), noise["prior(x)"]
    logistic = torch.special.log_ndtr(spread) - torch.special.log_ndtr(-spread)
    soft = (logits + logistic).sigmoid()
    pixels = (soft > 0.5).double() + soft - soft.detach()
    assert set(pixels.detach().round(decimals=12).unique().tolist()) <= {0.0, 1.0}
    predicted = told(drawn, *halves(run(m, "r_z", pixels)))
    return (elbo + rate(mean, log_var) + predicted).mean()


CASES = {
    "InfoVAE": Case(INFO_VAE, {"prior(z)": (3, 2), "prior(x)": (5,)}, info_vae),
    "views apart": Case(APART, {"prior(z)": (2,), "prior(x)": (2, 3)}, apart),
    "a ladder's GAN": Case(LADDER, {}, ladder_gan),
    "labels": Case(LABELLED, {"prior(z)": (2,), "prior(y)": (3,), "prior(x)": (5,)}, labelled),
    "pixels": Case(BITS, {"prior(z)": (2,), "prior(x)": (5,)}, bits),
}


def made(text: str) -> tuple[Objective, dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(0)
    objective = emitted_class(text)().double()
    batch, noise = {}, {}
    for one in objective.variables:
        if one.role == "latent":
            noise[one.name] = normal(one.noise_shape)
        elif one.kind == "categorical":
            batch[one.name] = torch.randint(one.classes or 1, (ROWS, *one.tensor_shape))
        else:
            values = normal(one.tensor_shape)
            batch[one.name] = (values > 0).double() if one.kind == "binary" else values
    return objective, batch, noise


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_loss_and_its_gradients_are_those_written_by_hand(case: Case) -> None:
    objective, batch, noise = made(case.text)
    noise |= {name: normal(shape) for name, shape in case.own.items()}
    loss, by_hand = objective(batch, noise).loss, case.loss(objective, batch, noise)
    assert loss.item() == pytest.approx(by_hand.item(), abs=EXACT)
    groups = objective.parameter_groups()
    trained = dict.fromkeys(groups["model"])
    slopes = [torch.autograd.grad(one, list(trained), retain_graph=True) for one in (loss, by_hand)]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    assert all(bool(slope.abs().sum() > 0) for slope in slopes[0])  # p's networks are reached too


def test_the_noise_of_what_p_draws_is_its_own_where_none_is_given() -> None:
    objective, batch, noise = made(APART)
    torch.manual_seed(3)
    first = objective(batch, noise).loss
    torch.manual_seed(3)
    assert objective(batch, noise).loss == first
    assert objective(batch, noise).loss != first


# ---- who trains what -----------------------------------------------------------------------------


def reached(objective: Objective, loss: Tensor) -> set[str]:
    named = dict(objective.named_parameters())
    slopes = torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True)
    found = zip(named, slopes, strict=True)
    return {name.partition(".")[0] for name, slope in found if slope is not None}


def test_a_player_that_does_not_train_p_leaves_it_as_it_is() -> None:
    head, _, _ = BITS.partition("minimize")
    text = f"{head}minimize KL(q || p) for q, p\nminimize CE[p](z | x) for predictors"
    objective, batch, noise = made(text)
    players = objective(batch, noise).players
    assert reached(objective, players["q,p"]) == {"q_z", "p_x"}
    assert reached(objective, players["predictors"]) == {"r_z"}


@pytest.mark.parametrize("under", ["", "[p]"], ids=["q", "p"])
def test_an_adversary_of_a_latent_predicts_it(under: str) -> None:
    """What u tells of z: a network that plays against the term, and is trained to predict."""
    objective, batch, noise = made(f"""
model against
observed x : real[5] ~ normal(scale = 0.5)
latent   z : real[2] ~ normal
latent   u : real[2] ~ normal
q {{ x -> z, u  via mlp(8) }}
p {{ z -> u via mlp(8); z, u -> x via mlp(8) }}
minimize KL(q || p) - CE{under}(z | u)""")
    noise |= {"prior(z)": normal((2,)), "prior(u)": normal((2,))}
    losses = objective(batch, noise)
    if under:
        z = noise["prior(z)"]
        u = sampled(*halves(run(objective, "p_u", z)), noise["prior(u)"])
    else:
        z = sampled(*halves(run(objective, "q_z", batch["x"])), noise["z"])
        u = sampled(*halves(run(objective, "q_u", batch["x"])), noise["u"])
    surprised = told(z, *halves(run(objective, "r_z", u))).mean()
    (name,) = (one for one in losses.terms if one.startswith(("prediction_z", "cross_entropy_z")))
    torch.testing.assert_close(losses.terms[name], surprised)
    torch.testing.assert_close(losses.players["critic"], surprised)
    assert reached(objective, losses.players["critic"]) == {"r_z"}
    assert reached(objective, losses.terms[name]) == ({"p_u"} if under else {"q_z", "q_u"})


# ---- estimators ----------------------------------------------------------------------------------

GAN = """
model gan
observed x[1..2] : real[3]
observed y       : real[2]
latent   z       : real[2] ~ normal
p {
    z -> x[i]  via mlp(8)  for i in 1..2
    z -> y     via mlp(8)
}
minimize JS(q(x) || p(x))"""


def test_estimators_take_p_s_samples() -> None:
    text = f"{GAN} + I[p](x; z)\nestimate I[p](x; z) with mine"
    objective, batch, noise = made(text)
    noise["permuted(x_p)"] = torch.randperm(ROWS)
    losses = objective(batch, noise)
    x = run(objective, "p_x", noise["z"])
    critic = objective.get_submodule("critic_of_z_x_p")
    mine, _ = information_mine(critic, noise["z"], x, noise["permuted(x_p)"])
    torch.testing.assert_close(losses.terms["information_z_x_p"], mine)
    assert "p_x" in reached(objective, losses.terms["information_z_x_p"])


def test_kernels_take_p_s_samples() -> None:
    text = f"{GAN} + I[p](x; y)\nestimate I[p](x; y) with mmd"
    objective, batch, noise = made(text)
    noise["prior(y)"] = normal((2,))
    x = run(objective, "p_x", noise["z"])
    y = run(objective, "p_y", noise["z"]) + noise["prior(y)"]  # of unit scale, and drawn
    found = objective(batch, noise).terms["information_x_y_p"]
    torch.testing.assert_close(found, hsic(y, x))
