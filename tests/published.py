"""The published loss of each shipped spec, by hand, from the module's own networks and noise."""

from __future__ import annotations

__all__ = ["PUBLISHED"]

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime import Objective
from tests.by_hand import (
    above_uniform,
    cost,
    density,
    dependence,
    discrepancy,
    entropy,
    filled_in,
    fused,
    halves,
    kl,
    median,
    one_hot,
    rate,
    run,
    sampled,
    slope,
    surprise,
    total_correlation,
    zero_inflated,
)

Values: TypeAlias = dict[str, Tensor]  #: a batch, or noise
#: The loss, or that of each player.
Loss: TypeAlias = Callable[[Objective, Values, Values], Tensor | dict[str, Tensor]]

#: By the name of the spec.
PUBLISHED: dict[str, Loss] = {}


def published(loss: Loss) -> Loss:
    """Keep a loss under its function's name, which is that of the spec."""
    PUBLISHED[loss.__name__] = loss
    return loss


# ---- one view ------------------------------------------------------------------------------------


def single_view(m: Objective, x: Tensor, noise: Tensor, name: str = "u") -> tuple[Tensor, ...]:
    """The reconstruction and the rate; the sample, its mean and its log-variance."""
    mean, log_var = halves(run(m, f"q_{name}", x))
    u = sampled(mean, log_var, noise.flatten(1))
    return cost(run(m, "p_x", u), x), rate(mean, log_var), u, mean, log_var


@published
def vae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """-ELBO: Kingma and Welling 2014, eq. 10."""
    reconstruction, rate_u, *_ = single_view(m, batch["x"], noise["u"])
    return (reconstruction + rate_u).mean()


@published
def mog_vae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Tomczak and Welling 2018, eq. 3, with a mixture of ten Gaussians as p(z)."""
    parameters = run(m, "p_z")[0]
    log_weights = parameters[:10].log_softmax(0)
    means, log_vars = halves(parameters[10:])
    components = [
        (w, a, b)
        for w, a, b in zip(log_weights, means.view(10, 16), log_vars.view(10, 16), strict=True)
    ]
    return mixture_prior_loss(m, batch["x"], noise["z"], components)


@published
def vamp_vae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Tomczak and Welling 2018, eqs. 3 and 9: a hundred pseudo-inputs."""
    (raw,) = m.get_submodule("p_z").parameters()
    means, log_vars = halves(run(m, "q_z", 1 / (1 + (-raw).exp())))
    even = torch.tensor(-math.log(100.0), dtype=raw.dtype)
    components = [(even, a, b) for a, b in zip(means, log_vars, strict=True)]
    return mixture_prior_loss(m, batch["x"], noise["z"], components)


def mixture_prior_loss(
    m: Objective, x: Tensor, noise: Tensor, components: Sequence[tuple[Tensor, Tensor, Tensor]]
) -> Tensor:
    """E[-log p(x|z) + log q(z|x) - log p(z)], with p(z) by its components."""
    mean, log_var = halves(run(m, "q_z", x))
    z = sampled(mean, log_var, noise)
    each = [weight + density(z, own, width) for weight, own, width in components]
    prior = torch.stack(each).logsumexp(0)
    return (cost(run(m, "p_x", z), x) + density(z, mean, log_var) - prior).mean()


@published
def beta_vae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Higgins et al. 2017, eq. 4, beta = 4."""
    reconstruction, rate_u, *_ = single_view(m, batch["x"], noise["u"])
    return (reconstruction + 4.0 * rate_u).mean()


PUBLISHED["beta_vae_factored"] = beta_vae


@published
def beta_tcvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Chen et al. 2018, eq. 4, as rec + rate + (beta - 1) TC, beta = 6."""
    reconstruction, rate_u, *posterior = single_view(m, batch["x"], noise["u"])
    return (reconstruction + rate_u + 5.0 * total_correlation(*posterior)).mean()


@published
def hfvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Esmaeili et al. 2019: beta = 6 between two groups of eight, gamma = 3 within them."""
    reconstruction, rate_u, *posterior = single_view(m, batch["x"], noise["u"])
    first, second = ([one[:, g : g + 8] for one in posterior] for g in (0, 8))
    within = total_correlation(*first) + total_correlation(*second)
    between = total_correlation(*posterior) - within
    return (reconstruction + rate_u + 5.0 * between + 2.0 * within).mean()


@published
def ffvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Creager et al. 2019: three attributes, alpha = 1, gamma = 10."""
    reconstruction, rate_b, b, mean, log_var = single_view(m, batch["x"], noise["b"], "b")
    attributes = cost(run(m, "r_a", b[:, :3]), batch["a"])
    rest = total_correlation(b[:, 3:], mean[:, 3:], log_var[:, 3:])
    apart = total_correlation(b, mean, log_var) - rest
    return (reconstruction + rate_b + attributes + 10.0 * apart).mean()


@published
def anchor_vae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """The objective in the spec's header: four anchors, anchor = 1."""
    reconstruction, rate_z, z, *_ = single_view(m, batch["x"], noise["z"], "z")
    anchored = cost(run(m, "r_x", z[:, :4]), batch["x"])
    return (reconstruction + rate_z + anchored).mean()


@published
def mi_invariance(m: Objective, batch: Values, noise: Values) -> Tensor:
    """-ELBO."""
    reconstruction, rate_z, *_ = single_view(m, batch["x"], noise["z"], "z")
    return (reconstruction + rate_z).mean()


@published
def corex(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Gao et al. 2019: the variational bound of TC(x; z) - TC(z), which is the ELBO's."""
    reconstruction, rate_z, *_ = single_view(m, batch["x"], noise["z"], "z")
    return (reconstruction + rate_z).mean()


@published
def cvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Sohn et al. 2015."""
    x = batch["x"]
    a = one_hot(batch["a"], 10, x)
    mean, log_var = halves(run(m, "q_z", x, a))
    z = sampled(mean, log_var, noise["z"])
    return (cost(run(m, "p_x", z, a), x) + kl(mean, log_var, *halves(run(m, "p_z", a)))).mean()


@published
def scvi(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Lopez et al. 2018, with the library size of each cell as it is counted."""
    x = batch["x"]
    s = one_hot(batch["batch"], 2, x)
    mean, log_var = halves(run(m, "q_z", x, s))
    z = sampled(mean, log_var, noise["z"])
    scale, zeros = halves(run(m, "p_x", z, s))
    rho = batch["size"][:, None] * scale.softmax(1)
    dispersion = m.get_parameter("log_dispersion_p_x").exp()
    return (zero_inflated(x, rho, dispersion, zeros) + rate(mean, log_var)).mean()


@published
def scanvi(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Xu et al. 2021, with the library size of each cell as it is counted: alpha = 50."""
    x, seen = batch["x"], batch["seen(type)"]
    s = one_hot(batch["batch"], 2, x)
    mean, log_var = halves(run(m, "q_z", x, s))
    z = sampled(mean, log_var, noise["z"])
    logits = run(m, "q_type", z)
    chances = torch.where(seen[:, None], one_hot(batch["type"], 5, x), logits.softmax(1))
    above = torch.zeros(len(x), dtype=x.dtype)  # of p(z|c, u)
    for number in range(5):
        c = one_hot(torch.full_like(batch["type"], number), 5, x)
        of_u = halves(run(m, "q_u", z, c))
        prior, width = halves(run(m, "p_z", sampled(*of_u, noise["u"]), c))
        squares = (z - prior) ** 2 / width.exp()
        nll = 0.5 * (squares + width + math.log(2 * math.pi)).sum(1)
        above = above + chances[:, number] * (nll + rate(*of_u))
    entropy = 0.5 * (log_var + 1 + math.log(2 * math.pi)).sum(1)
    scale, zeros = halves(run(m, "p_x", z, s))
    dispersion = m.get_parameter("log_dispersion_p_x").exp()
    cells = zero_inflated(x, batch["size"][:, None] * scale.softmax(1), dispersion, zeros)
    known = math.log(5) + 50.0 * surprise(logits, batch["type"])
    return (cells - entropy + above + torch.where(seen, known, above_uniform(logits))).mean()


@published
def ivae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Khemakhem et al. 2020: noise of scale 0.1, and a full covariance."""
    x = batch["x"]
    w = one_hot(batch["w"], 40, x)
    mean, log_var, below = torch.split(run(m, "q_z", x, w), [5, 5, 10], dim=1)
    root = torch.diag_embed((0.5 * log_var).exp())
    root[:, *torch.tril_indices(5, 5, -1)] = below
    z = mean + torch.einsum("bij,bj->bi", root, noise["z"])
    residual = (x - run(m, "p_x", z)) / 0.1
    nll = (0.5 * residual**2 + math.log(0.1) + 0.5 * math.log(2 * math.pi)).sum(1)
    other, other_log_var = halves(run(m, "p_z", w))
    covariance: Tensor = root @ root.mT
    squares = covariance.diagonal(dim1=1, dim2=2) + (mean - other) ** 2
    traces = (squares / other_log_var.exp()).sum(1)
    rate_z: Tensor = 0.5 * (traces - 5 + other_log_var.sum(1) - covariance.logdet())
    return (nll + rate_z).mean()


# ---- several views -------------------------------------------------------------------------------


@published
def vcca(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Wang et al. 2016: VCCA."""
    x = batch["x"]
    mean, log_var = halves(run(m, "q_z", x[:, 0]))
    z = sampled(mean, log_var, noise["z"])
    return (cost(run(m, "p_x", z), x) + rate(mean, log_var)).mean()


@published
def vcca_private(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Wang et al. 2016: VCCA-private."""
    x = batch["x"]
    mean, log_var = halves(run(m, "q_z", x[:, 0]))
    own_mean, own_log_var = halves(run(m, "q_u", x))
    z = sampled(mean, log_var, noise["z"])
    u = sampled(own_mean, own_log_var, noise["u"])
    rates = rate(mean, log_var) + rate(own_mean, own_log_var)
    return (cost(run(m, "p_x", z, u), x) + rates).mean()


@published
def bivcca(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Wang et al. 2016: BiVCCA, mu = 1/2, one noise for both."""
    x, losses = batch["x"], []
    for i, name in enumerate(("r_z", "r_z_2")):
        mean, log_var = halves(run(m, name, x[:, i]))
        z = sampled(mean, log_var, noise["z"])
        losses.append(cost(run(m, "p_x", z), x) + rate(mean, log_var))
    return (0.5 * losses[0] + 0.5 * losses[1]).mean()


@published
def telbo(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Vedantam et al. 2018: both weights 10, decoders held still where one view infers."""
    x, y = batch["x"], batch["y"]
    labels = one_hot(y, 10, x)
    joint, r, s = (
        halves(run(m, name, *parents))
        for name, parents in (("q_z", (x, labels)), ("r_z", (x,)), ("s_z", (labels,)))
    )
    z, z_r, z_s = (sampled(*one, noise["z"]) for one in (joint, r, s))
    both = cost(run(m, "p_x", z), x) + 10.0 * surprise(run(m, "p_y", z), y) + rate(*joint)
    alone = cost(held_still(m, "p_x", z_r), x) + rate(*r)
    labelled = 10.0 * surprise(held_still(m, "p_y", z_s), y) + rate(*s)
    return (both + alone + labelled).mean()


def held_still(m: Objective, name: str, *parents: Tensor) -> Tensor:
    """The answer of a network whose parameters are not trained by it."""
    network = m.get_submodule(name)
    fixed = {key: one.detach() for key, one in network.named_parameters()}
    answer: Tensor = functional_call(network, fixed, parents)
    return answer


@published
def mvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Wu and Goodman 2018, of two views: -ELBO of both, and of each."""
    x = batch["x"]
    experts = halves(run(m, "r_z", x))
    total = x.new_zeros(len(x))
    for views in ([0, 1], [0], [1]):
        mean, log_var = fused(*(one[:, views] for one in experts))
        decoded = run(m, "p_x", sampled(mean, log_var, noise["z"]))
        total = total + cost(decoded[:, views], x[:, views]) + rate(mean, log_var)
    return total.mean()


@published
def mmvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Shi et al. 2019, eq. 3, of two views and eight samples of each expert, with normal laws."""
    x, samples = batch["x"], 8
    means, log_vars = halves(run(m, "q_z", x))
    total = x.new_zeros(len(x))
    for view in range(2):
        weights = []
        for k in range(samples):
            eps = noise["samples(z)"][:, samples * view + k]
            z = sampled(means[:, view], log_vars[:, view], eps)
            each = [density(z, means[:, i], log_vars[:, i]) for i in range(2)]
            q = torch.logsumexp(torch.stack(each), dim=0) - math.log(2)
            prior = density(z, torch.zeros_like(z), torch.zeros_like(z))
            weights.append(prior - cost(run(m, "p_x", z), x) - q)
        total = total - (torch.logsumexp(torch.stack(weights), dim=0) - math.log(samples)) / 2
    return total.mean()


def two_views(m: Objective, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The sample of both views' product, its rate, and sum_i KL to that of view i alone."""
    means, log_vars = halves(run(m, "q_z", x))
    mean, log_var = fused(means, log_vars)
    single = [fused(means[:, [i]], log_vars[:, [i]]) for i in range(2)]
    cross = kl(mean, log_var, *single[0]) + kl(mean, log_var, *single[1])
    return sampled(mean, log_var, noise), rate(mean, log_var), cross


@published
def jmvae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Suzuki et al. 2017, eq. 5, alpha = 0.1."""
    z, rate_z, cross = two_views(m, batch["x"], noise["z"])
    return (cost(run(m, "p_x", z), batch["x"]) + rate_z + 0.1 * cross).mean()


@published
def jmvae_cross(m: Objective, batch: Values, noise: Values) -> Tensor:
    """The objective in the spec's header, alpha = 0.1."""
    z, rate_z, cross = two_views(m, batch["x"], noise["z"])
    return (1.1 * cost(run(m, "p_x", z), batch["x"]) + rate_z + 0.1 * cross).mean()


@published
def wyner(m: Objective, batch: Values, noise: Values) -> Tensor:
    """The objective that the spec says in words, common = 0.1 and cross = 1."""
    x = batch["x"]
    z, rate_z, cross = two_views(m, x, noise["z"])
    mean, log_var = halves(run(m, "q_u", x, z))
    u = sampled(mean, log_var, noise["u"])
    reconstruction = cost(run(m, "p_x", z, u), x)
    return (2 * reconstruction + 1.1 * rate_z + cross + 2 * rate(mean, log_var)).mean()


@published
def structured_mm(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """The objective in the spec's header and, times one half, the predictors that it drops."""
    x = batch["x"]
    of_q, of_p = (edges(m, name, noise[name]) for name in ("Mq", "Mp"))
    means, log_vars = halves(run(m, "q_z", x))
    means, log_vars = (one.reshape(-1, 2, 8, 4) for one in (means, log_vars))
    mean, log_var = fused(means, log_vars, of_q[..., None])
    z = sampled(mean, log_var, noise["z"])
    of_u = halves(run(m, "q_u", x))
    u = sampled(*of_u, noise["u"])
    total = cost(run(m, "p_x", z[:, None] * of_p[..., None], u), x) + rate(*of_u)
    total = total + rate(mean, log_var) + 0.5 * cost(run(m, "r_x", z), x)
    for i in range(2):
        one = fused(means[:, [i]], log_vars[:, [i]], of_q[:, [i], :, None])
        total = total + 0.5 * kl(mean, log_var, *one)
    kept = sum(m.get_parameter(f"mask_{name}.logits").sigmoid().sum() for name in ("Mq", "Mp"))
    loss = total.mean() + 0.01 * kept
    return {"model": loss, "structure": loss}


def edges(m: Objective, name: str, noise: Tensor) -> Tensor:
    """Edges of a learned mask, with the gradient of what they are rounded from."""
    uniform = 0.5 * (1 + torch.erf(noise / math.sqrt(2)))
    soft = (m.get_parameter(f"mask_{name}.logits") + torch.logit(uniform)).sigmoid()
    return (soft > 0.5).to(soft) + soft - soft.detach()


@published
def diva(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Ilse et al. 2020, eqs. 1 to 4: beta = 1, both alphas 100; KL of zy from its sample."""
    x, d, seen = batch["x"], batch["d"], batch["seen(y)"]
    zy, zd, zx = (halves(run(m, name, x)) for name in ("q_zy", "q_zd", "q_zx"))
    samples = [sampled(*one, noise[key]) for one, key in ((zy, "zy"), (zd, "zd"), (zx, "zx"))]
    logits = run(m, "q_y", samples[0])
    y = filled_in(logits, batch["y"], seen, noise["y"])
    log_prior = density(samples[0], *halves(run(m, "p_zy", y)))
    of_y = -log_prior - entropy(zy[1])
    of_d = kl(*zd, *halves(run(m, "p_zd", one_hot(d, 3, x))))
    known = math.log(10) + 100.0 * surprise(logits, batch["y"])
    classified = torch.where(seen, known, above_uniform(logits))
    told = 100.0 * surprise(run(m, "r_d", samples[1]), d)
    reconstruction = cost(run(m, "p_x", *samples), x)
    return (reconstruction + of_y + of_d + rate(*zx) + classified + told).mean()


@published
def m2(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Kingma et al. 2014, eqs. 6, 7 and 9, over rows: alpha = 10."""
    x, seen = batch["x"], batch["seen(y)"]
    logits = run(m, "q_y", x)
    chances = torch.where(seen[:, None], one_hot(batch["y"], 10, x), logits.softmax(1))
    bound = torch.zeros(len(x), dtype=x.dtype)
    for digit in range(10):
        y = one_hot(torch.full_like(batch["y"], digit), 10, x)
        z = halves(run(m, "q_z", x, y))
        of_digit = cost(run(m, "p_x", y, sampled(*z, noise["z"])), x) + rate(*z)
        bound = bound + chances[:, digit] * of_digit  # L(x, y) + log p(y)
    known = math.log(10) + 10.0 * surprise(logits, batch["y"])
    return (bound + torch.where(seen, known, above_uniform(logits))).mean()


# ---- bottlenecks, fairness, environments ---------------------------------------------------------


@published
def mib(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Alemi et al. 2017, times beta = 100."""
    mean, log_var = halves(run(m, "q_t", batch["x"]))
    t = sampled(mean, log_var, noise["t"])
    return (100.0 * surprise(run(m, "p_y", t), batch["y"]) + rate(mean, log_var)).mean()


@published
def structural_mib(m: Objective, batch: Values, noise: Values) -> Tensor:
    """The objective in the spec's header, gamma = 10."""
    x, y = batch["x"], batch["y"]
    mean, log_var = halves(run(m, "q_t", x))
    t = sampled(mean, log_var, noise["t"])
    predicted = cost(run(m, "p_x", t), x) + surprise(run(m, "p_y", t), y)
    return (10.0 * predicted + 11.0 * rate(mean, log_var)).mean()


@published
def fair_direct(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Eq. 17 with what it leaves out, as in the spec's header: both betas 1."""
    x, a = batch["x"], batch["a"]
    shared, private = halves(run(m, "q_z", x, one_hot(a, 2, x))), halves(run(m, "q_u", x))
    z, u = sampled(*shared, noise["z"]), sampled(*private, noise["u"])
    attribute = surprise(run(m, "p_a", z), a)
    told = surprise(run(m, "r_a", u), a)
    fit = cost(run(m, "p_x", z, u), x) + 2.0 * attribute + 2.0 * rate(*shared) + rate(*private)
    return {"model": (fit - told).mean(), "critic": told.mean()}


@published
def ood(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Eq. 18 as in the spec's header: both betas 1."""
    x, y, e = batch["x"], batch["y"], batch["e"]
    mean, log_var = halves(run(m, "q_z", x, one_hot(e, 2, x), y))
    from_x = kl(mean, log_var, *halves(run(m, "r_z", x)))
    z = sampled(mean, log_var, noise["z"])
    of_y, of_e = cost(run(m, "p_y", z), y), surprise(run(m, "p_e", z), e)
    fit = cost(run(m, "p_x", z), x) + of_y + of_e + rate(mean, log_var)
    return (fit + from_x + (of_y + of_e + from_x)).mean()


@published
def ood_invariant(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """The game in the spec's header, invariance = 1."""
    x, y = batch["x"], batch["y"]
    z = sampled(*halves(run(m, "q_z", x)), noise["z"])
    known = one_hot(batch["e"], 2, x)
    predicted = cost(run(m, "p_y", z), y).mean()
    informed = cost(run(m, "r_y", known, z), y).mean()
    return {"model": predicted + (predicted - informed), "critic": informed}


@published
def lmifr(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Song et al. 2019: the limit 5, the price a softplus."""
    x, s = batch["x"], one_hot(batch["s"], 2, batch["x"])
    mean, log_var = halves(run(m, "q_z", x, s))
    decoded = run(m, "p_x", sampled(mean, log_var, noise["z"]), s)
    excess = rate(mean, log_var).mean() - 5.0
    price = torch.log1p(m.get_parameter("multiplier.raw").exp())
    return {"model": cost(decoded, x).mean() + price * excess, "multiplier": -price * excess}


@published
def vrex(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Krueger et al. 2021, eq. 8: penalty = 10, and each square without the variance of its mean.

    The mean of a square is (E R)^2 + Var(R), and Var(R) is estimated from the rows.
    """
    y, e = batch["y"], batch["e"]
    logits = run(m, "p_y", sampled(*halves(run(m, "q_z", batch["x"])), noise["z"]))
    nats = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    first, second = nats[e == 0], nats[e == 1]
    squared = (first.mean() - second.mean()).square()
    excess = sum(one.var() / len(one) for one in (first, second))
    return nats.mean() + 10.0 * (squared - excess) / 4.0


@published
def group_dro(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Sagawa et al. 2020, eq. 4."""
    logits = run(m, "p_y", sampled(*halves(run(m, "q_z", batch["x"])), noise["z"]))
    nats = F.binary_cross_entropy_with_logits(logits, batch["y"], reduction="none")
    return torch.stack([nats[batch["e"] == e].mean() for e in (0, 1)]).max()


@published
def irm(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Arjovsky et al. 2019, IRMv1 with halves of rows (app. D): penalty = 100.

    The product of the mean slopes of two halves, averaged over all ways to halve: each pair of rows
    counts alike.
    """
    y, e = batch["y"], batch["e"]
    logits = run(m, "p_y", sampled(*halves(run(m, "q_z", batch["x"])), noise["z"]))
    total = logits.new_zeros(())
    for environment in (0, 1):
        rows = e == environment
        slopes = (torch.sigmoid(logits[rows]) - y[rows]) * logits[rows]
        products = slopes[:, None] * slopes
        total = total + (products.sum() - products.trace()) / (len(slopes) * (len(slopes) - 1))
    return cost(logits[:, None], y[:, None]).mean() + 100.0 * total


def fair(m: Objective, batch: Values, noise: Values) -> tuple[Tensor, ...]:
    """Eq. 17 without its last term, and with E KL(q(u|x) || p(u)): beta_1 = 1. What is sampled."""
    x, a = batch["x"], batch["a"]
    shared, private = halves(run(m, "q_z", x, a)), halves(run(m, "q_u", x))
    z, u = sampled(*shared, noise["z"]), sampled(*private, noise["u"])
    explained = cost(run(m, "p_x", z, u), x) + cost(run(m, "p_a", z)[:, None], a[:, None])
    return (explained + 2.0 * rate(*shared) + rate(*private)).mean(), z, u, *shared, *private


@published
def fair_mmd(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Eq. 17 as in the spec's header: beta_2 = 10, by Gretton et al. 2005."""
    fit, z, u, *_ = fair(m, batch, noise)
    return fit + 10.0 * dependence(z, u)


@published
def fair_tc(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Eq. 17 as in the spec's header: beta_2 = 1, I(z; u) from the densities of the batch."""
    fit, z, u, z_mean, z_log_var, u_mean, u_log_var = fair(m, batch, noise)
    parts = [torch.stack(pair, 1) for pair in ((z, u), (z_mean, u_mean), (z_log_var, u_log_var))]
    return fit + total_correlation(*parts).mean()


def never_itself(keys: Tensor) -> Tensor:
    """For each row another one: the next in the order of the keys."""
    order = keys.argsort()
    return torch.empty_like(order).index_copy(0, order, order.roll(-1))


@published
def infomax_vae(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Rezaabad and Vishwanath 2020: alpha = beta = 1, I by Nguyen et al. 2010."""
    x = batch["x"]
    mean, log_var = halves(run(m, "q_z", x))
    z = sampled(mean, log_var, noise["z"])
    fit = (cost(run(m, "p_x", z), x) + rate(mean, log_var)).mean()
    other = x[never_itself(noise["permuted(x)"])]

    def bound(z: Tensor, held: bool) -> Tensor:
        ask = held_still if held else run
        joint, product = (ask(m, "critic_of_z_x", z, one) for one in (x, other))
        return joint.mean() - (product - 1).exp().mean()

    return {"model": fit - bound(z, held=True), "critic": -bound(z.detach(), held=False)}


@published
def fair_mine(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Eq. 17 as in the spec's header: beta_2 = 1, by Belghazi et al. 2018."""
    fit, z, u, *_ = fair(m, batch, noise)
    next_one = never_itself(noise["permuted(u)"])

    def bound(z: Tensor, u: Tensor, held: bool) -> Tensor:
        ask = held_still if held else run
        joint, product = (ask(m, "critic_of_z_u", z, other) for other in (u, u[next_one]))
        return joint.mean() - product.exp().mean().log()

    return {
        "model": fit + bound(z, u, held=True),
        "critic": -bound(z.detach(), u.detach(), held=False),
    }


@published
def vfae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Louizos et al. 2016, without labels: gamma = 100."""
    x, s = batch["x"], batch["s"]
    mean, log_var = halves(run(m, "q_z", x, s))
    z = sampled(mean, log_var, noise["z"])
    fit = (cost(run(m, "p_x", z, s), x) + rate(mean, log_var)).mean()
    return fit + 100.0 * discrepancy(z[s == 1], z[s == 0], median(z))


# ---- samples and critics -------------------------------------------------------------------------

R1 = 0.3  #: what the critics of flipped labels pay for their slope, which no publication has


def told_apart(m: Objective, critic: str, q: Values, p: Values) -> dict[str, Tensor]:
    """V(D, G) of Goodfellow et al. 2014, eq. 1, as JS: what the model, and what the critic pays."""
    real, made = tuple(q.values()), tuple(p.values())
    value = (
        F.logsigmoid(held_still(m, critic, *real)).mean()
        + F.logsigmoid(-held_still(m, critic, *made)).mean()
    )
    alone = (
        F.logsigmoid(run(m, critic, *(one.detach() for one in real))).mean()
        + F.logsigmoid(-run(m, critic, *(one.detach() for one in made))).mean()
    )
    return {"model": math.log(2.0) + value / 2, "critic": -alone}


def flipped(m: Objective, critic: str, q: Values, p: Values) -> dict[str, Tensor]:
    """The model's part by flipped labels, Goodfellow et al. 2014, sec. 3; the critic's with R1."""
    real, made = tuple(q.values()), tuple(p.values())
    value = (
        F.logsigmoid(-held_still(m, critic, *real)).mean()
        + F.logsigmoid(held_still(m, critic, *made)).mean()
    )
    paid = told_apart(m, critic, q, p)["critic"] + R1 * slope(m.get_submodule(critic), *real)
    return {"model": -value, "critic": paid}


@published
def gan(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Goodfellow et al. 2014, eq. 1 for D, and R1; for G, -E log D, and a part of the data."""
    made = run(m, "p_x", noise["u"]).sigmoid()
    return flipped(m, "critic_of_x", {"x": batch["x"]}, {"x": made})


@published
def infogan(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Chen et al. 2016, eq. 6, without H(c), V by flipped labels, and R1: lam = 1."""
    code = noise["c"].argmax(1)
    made = run(m, "p_x", one_hot(code, 10, noise["n"]), noise["n"]).sigmoid()
    told = surprise(run(m, "r_c", made), code).mean()
    game = flipped(m, "critic_of_x", {"x": batch["x"]}, {"x": made})
    return {**game, "model": game["model"] + told}


@published
def ali(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Dumoulin et al. 2017, algorithm 1, and R1."""
    z = sampled(*halves(run(m, "q_z", batch["x"])), noise["z"])
    made = run(m, "p_x", noise["prior(z)"]).sigmoid()
    inferred = {"z": z, "x": batch["x"]}
    return flipped(m, "critic_of_z_x", inferred, {"z": noise["prior(z)"], "x": made})


@published
def aae(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Makhzani et al. 2015: a reconstruction, and a GAN of the latents, lam = 10."""
    reconstruction, _, z, *_ = single_view(m, batch["x"], noise["z"], "z")
    game = told_apart(m, "critic_of_z", {"z": z}, {"z": noise["prior(z)"]})
    return {**game, "model": reconstruction.mean() + 10.0 * game["model"]}


@published
def wae_mmd(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Tolstikhin et al. 2018, eq. 4: c = |x - G(z)|^2, lam = 50."""
    x = batch["x"]
    z = sampled(*halves(run(m, "q_z", x)), noise["z"])
    moved = ((x - run(m, "p_x", z)) ** 2).sum(1).mean()
    prior = noise["prior(z)"]
    return moved + 50.0 * discrepancy(z, prior, median(z, prior))


@published
def infovae(m: Objective, batch: Values, noise: Values) -> Tensor:
    """Zhao et al. 2019, eq. 6: alpha = 0.5, lam = 100."""
    reconstruction, rate_z, z, *_ = single_view(m, batch["x"], noise["z"], "z")
    prior = noise["prior(z)"]
    apart = discrepancy(z, prior, median(z, prior))
    return (reconstruction + 0.5 * rate_z).mean() + 99.5 * apart


@published
def factor_vae(m: Objective, batch: Values, noise: Values) -> dict[str, Tensor]:
    """Kim and Mnih 2018, eq. 2 and algorithm 1: gamma = 6."""
    reconstruction, rate_u, u, *_ = single_view(m, batch["x"], noise["u"])
    order = noise["permuted(u)"].argsort(0)
    permuted = torch.stack([column[rows] for column, rows in zip(u.T, order.T, strict=True)], 1)
    model = (reconstruction + rate_u).mean() + 6.0 * held_still(m, "critic_of_u", u).mean()
    real = F.logsigmoid(run(m, "critic_of_u", u.detach())).mean()
    made = F.logsigmoid(-run(m, "critic_of_u", permuted.detach())).mean()
    return {"model": model, "critic": -(real + made)}
