"""InfoGAN (Chen et al., 2016): a code that can be predicted from the generated sample.
In the paper: Table 2, row InfoGAN: [1, C_2]; [1, G^InfoGAN], with D under p.
Published: min_{G, r} max_D V(D, G) - lam (E_p[log r(c|x)] + H(c)), a game, V as for
a GAN. Here: as in `gan`, p's part of V with flipped labels, and R1, which the
publication lacks. With {c -> x; n} for G^InfoGAN, D under p is I(x; n|c), which
contains H(x) under p: that term is trained, may be infinite, and is not in the
published objective (docs/paper-audit.md, row InfoGAN). A copy of c expresses the
published term.

Compiled by graphdsl 0.1.0 from the spec `infogan` with pixels = 64, classes = 10,
sha256 44ba34ccc19415f41d9f62afc17772a5c5642cd7debc4593b3ea0f9f0c4ea5b7.

Objective, to be minimised:

    JS(q(x) || p(x)) + lam D(p || {c -> x; x -> c'})

Loss, in nats per row:

    lam E_p[-log r(c | x)]
    + JS(q(x) || p(x))

Relation: surrogate (divergence_x is no bound: a critic with flipped labels estimates no
divergence).

Gaps between loss and objective, where p* is a conditional of p's joint:

    lam E_p KL(p*(c | x) || r(c | x))
"""

from __future__ import annotations

__all__ = ["Infogan"]

import torch
from torch import Tensor

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Categorical,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Posterior,
    Variable,
    adversarial_js_non_saturating,
    critic,
    expect,
    gradient_penalty_r1,
    mlp,
    standard_normal,
    uniform_categorical,
)


class Infogan(Objective):
    """InfoGAN (Chen et al., 2016)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("c", role="latent", kind="categorical", classes=10),
        Variable("n", role="latent", kind="real", shape=(16,)),
    )
    critics = ("critic_of_x",)

    def __init__(
        self,
        *,
        lam: float = 1.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.lam = self.weight("lam", lam, low=0.0)
        self.p_x = self.network(
            "p(x|c,n)",
            lambda: mlp([(10,), (16,)], (400, 400), 64),
        )
        self.r_c = self.network(
            "r(c|x)",
            lambda: mlp([(64,)], (400, 400), 10),
        )
        self.critic_of_x = self.network(
            "critic(x)",
            lambda: critic([(64,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        c_p = uniform_categorical.sample(noise["c"])  # (B, 10)
        n_p = noise["n"]  # (B, 16)
        p_x_p = Bernoulli(self.p_x(c_p, n_p))  # p(x | c, n); (B, 64)
        x_p = p_x_p.mean  # (B, 64)
        r_c_p = Categorical(self.r_c(x_p))  # r(c | x); (B,)

        # E_p[-log r(c | x)]; spec line 20
        prediction_c_p = expect(r_c_p.nll(c_p))

        # JS(q(x) || p(x)); spec line 20
        divergence_x, critic_x = adversarial_js_non_saturating(self.critic_of_x, x, x_p)
        # 1/2 E_q |grad f|^2, which the critic pays: R1
        slope_x = gradient_penalty_r1(self.critic_of_x, x)

        loss = self.lam * prediction_c_p + divergence_x
        return Losses(
            loss,
            terms={
                "prediction_c_p": prediction_c_p,
                "divergence_x": divergence_x,
            },
            players={
                "model": loss,
                "critic": critic_x + 0.3 * slope_x,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Posterior]:
        return {}

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        c = self.value_of(latents, "c")
        n = self.value_of(latents, "n")
        p_x = Bernoulli(self.p_x(c, n))  # p(x | c, n); (B, 64)
        return {
            "x": p_x,
        }

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        c = uniform_categorical.sample(noise["c"])  # (B, 10)
        n = standard_normal.sample(noise["n"])  # (B, 16)
        return {
            "c": c,
            "n": n,
        }
