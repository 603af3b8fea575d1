"""DIVA (Ilse et al., 2020): one latent for the class, one for the domain, one for the
rest. In the paper: Sec. 4.2 names it; no row of Table 2 as printed. Published:
E[-log p(x|zy, zd, zx)] + beta E KL(q(zy|x) || p(zy|y)) + beta E KL(q(zd|x) ||
p(zd|d)) + beta E KL(q(zx|x) || p(zx)) + alpha_y E[-log q(y|zy)] + alpha_d E[-log
q(d|zd)]; for rows without y, the mean of this over q(y|zy), with E KL(q(y|zy) ||
p(y)) for the term of alpha_y. Here: rows with y add -log p(y), a constant; rows
without y sample it.

Compiled by graphdsl 0.1.0 from the spec `diva` with pixels = 64, classes = 10,
domains = 3,
sha256 6b74e20981b7e36261ef1a72cbfb137e2bff4aa16c1395436ff8292b8c9f15a6.

Objective, to be minimised:

    KL(q || p) + (beta - 1) (KL(q(zy | x) || p(zy | y)) + KL(q(zd | x) || p(zd | d)) +
    KL(q(zx | x) || p(zx))) + alpha_y CE(label_y | zy) + alpha_d D(q || {x -> zd; zd ->
    d})

Loss, in nats per row:

    E_q[-log p(x | zy, zd, zx)]
    + alpha_y E_q[-log q(label_y | zy)]
    + alpha_d E_q[-log r(d | zd)]
    + E_q KL(q(y | zy, label_y) || p(y))
    + beta E_q KL(q(zd | x) || p(zd | d))
    + beta E_q KL(q(zx | x) || p(zx))
    + beta E_q[-log p(zy | y)]
    + -beta H(zy | x)

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    alpha_d E_q KL(q*(d | zd) || r(d | zd))

Constants of the data, in the objective and not in the loss:

    H(d)
    -H(d, label_y, x)
    -alpha_d H(d, x)
    H(label_y)
    alpha_d H(x)
"""

from __future__ import annotations

__all__ = ["Diva"]

import torch
from torch import Tensor

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Categorical,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    expect,
    mlp,
    standard_normal,
    uniform_categorical,
)


class Diva(Objective):
    """DIVA (Ilse et al., 2020)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable(
            "y",
            role="observed",
            kind="categorical",
            classes=10,
            optional=True,
            inferred=True,
        ),
        Variable("d", role="observed", kind="categorical", classes=3),
        Variable("zy", role="latent", kind="real", shape=(16,)),
        Variable("zd", role="latent", kind="real", shape=(16,)),
        Variable("zx", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        beta: float = 1.0,
        alpha_y: float = 100.0,
        alpha_d: float = 100.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.beta = self.weight("beta", beta, low=0.0)
        self.alpha_y = self.weight("alpha_y", alpha_y, low=0.0)
        self.alpha_d = self.weight("alpha_d", alpha_d, low=0.0)
        self.q_zy = self.network(
            "q(zy|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.q_zd = self.network(
            "q(zd|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.q_zx = self.network(
            "q(zx|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.q_y = self.network(
            "q(y|zy)",
            lambda: mlp([(16,)], (64,), 10),
        )
        self.p_zy = self.network(
            "p(zy|y)",
            lambda: mlp([(10,)], (64,), 2 * 16),
        )
        self.p_zd = self.network(
            "p(zd|d)",
            lambda: mlp([(3,)], (64,), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|zy,zd,zx)",
            lambda: mlp([(16,), (16,), (16,)], (400, 400), 64),
        )
        self.r_d = self.network(
            "r(d|zd)",
            lambda: mlp([(16,)], (400, 400), 3),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        label_y, seen_label_y = self.observe_some(batch, "y")  # (B,)
        d = self.observe(batch, "d")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_d = self.one_hot(d, 3)  # (B, 3)
        q_zy = Gaussian.split(self.q_zy(x))  # q(zy | x); (B, 16)
        zy = q_zy.sample(noise["zy"])  # (B, 16)
        q_zd = Gaussian.split(self.q_zd(x))  # q(zd | x); (B, 16)
        zd = q_zd.sample(noise["zd"])  # (B, 16)
        q_zx = Gaussian.split(self.q_zx(x))  # q(zx | x); (B, 16)
        zx = q_zx.sample(noise["zx"])  # (B, 16)
        q_y = Categorical(self.q_y(zy))  # q(y | zy); (B,)
        q_y_known = q_y.or_known(seen_label_y, label_y)  # (B,)
        y = q_y_known.relaxed_sample(noise["y"], self.temperature, hard=True)  # (B, 10)
        p_zy = Gaussian.split(self.p_zy(y))  # p(zy | y); (B, 16)
        p_zd = Gaussian.split(self.p_zd(one_hot_d))  # p(zd | d); (B, 16)
        p_x = Bernoulli(self.p_x(zy, zd, zx))  # p(x | zy, zd, zx); (B, 64)
        r_d = Categorical(self.r_d(zd))  # r(d | zd); (B,)

        # E_q[-log p(x | zy, zd, zx)]; spec line 36
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log q(label_y | zy)]; spec line 40
        prediction_label_y = expect(q_y.nll(label_y), seen_label_y)

        # E_q[-log r(d | zd)]; spec line 41
        prediction_d = expect(r_d.nll(d))

        # E_q KL(q(y | zy, label_y) || p(y)); spec line 36
        rate_y = expect(q_y_known.kl(uniform_categorical))

        # E_q KL(q(zd | x) || p(zd | d)); spec lines 36, 38
        rate_zd = expect(q_zd.kl(p_zd))

        # E_q KL(q(zx | x) || p(zx)); spec lines 36, 39
        rate_zx = expect(q_zx.kl(standard_normal))

        # E_q[-log p(zy | y)]; spec lines 36, 37
        cross_entropy_zy = expect(p_zy.nll(zy))

        # H(zy | x); spec lines 36, 37
        entropy_zy = expect(q_zy.entropy())

        loss = (
            reconstruction_x
            + self.alpha_y * prediction_label_y
            + self.alpha_d * prediction_d
            + rate_y
            + self.beta * rate_zd
            + self.beta * rate_zx
            + self.beta * cross_entropy_zy
            - self.beta * entropy_zy
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "prediction_label_y": prediction_label_y,
                "prediction_d": prediction_d,
                "rate_y": rate_y,
                "rate_zd": rate_zd,
                "rate_zx": rate_zx,
                "cross_entropy_zy": cross_entropy_zy,
                "entropy_zy": entropy_zy,
            },
        )

    @torch.no_grad()
    def infer(
        self,
        batch: Batch,
        noise: Noise | None = None,
    ) -> dict[str, Categorical | Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        label_y, seen_label_y = self.observe_some(batch, "y")
        d, seen_d = self.observe_some(batch, "d")
        one_hot_d = self.one_hot(d, 3)  # (B, 3)
        q_zy = Gaussian.split(self.q_zy(x)).or_prior(seen_x)
        zy = q_zy.draw(noise, "zy")
        p_zd = Gaussian.split(self.p_zd(one_hot_d)).or_prior(seen_d)
        q_zd = Gaussian.split(self.q_zd(x)).or_prior(seen_x, p_zd)
        q_zx = Gaussian.split(self.q_zx(x)).or_prior(seen_x)
        q_y = Categorical(self.q_y(zy))
        q_y_known = q_y.or_known(seen_label_y, label_y)  # (B,)
        return {
            "zy": q_zy,
            "zd": q_zd,
            "zx": q_zx,
            "y": q_y_known,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        zy = self.value_of(latents, "zy")
        zd = self.value_of(latents, "zd")
        zx = self.value_of(latents, "zx")
        p_x = Bernoulli(self.p_x(zy, zd, zx))  # p(x | zy, zd, zx); (B, 64)
        return {
            "x": p_x,
        }

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        d = self.observe(given, "d")  # (B,)
        one_hot_d = self.one_hot(d, 3)  # (B, 3)
        y_drawn = uniform_categorical.sample(noise["y"])  # (B, 10)
        y = self.or_given(given, "y", y_drawn)  # (B, 10)
        zx = standard_normal.sample(noise["zx"])  # (B, 16)
        p_zy = Gaussian.split(self.p_zy(y))  # p(zy | y); (B, 16)
        zy = p_zy.sample(noise["zy"])  # (B, 16)
        p_zd = Gaussian.split(self.p_zd(one_hot_d))  # p(zd | d); (B, 16)
        zd = p_zd.sample(noise["zd"])  # (B, 16)
        return {
            "d": d,
            "y": y,
            "zy": zy,
            "zd": zd,
            "zx": zx,
        }
