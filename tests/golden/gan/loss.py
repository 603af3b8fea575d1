"""GAN (Goodfellow et al., 2014): a critic cannot distinguish samples from the data. In
the paper: Table 2, row GAN: [1, C_2]; no network. Published: min_G max_D E_q[log
D(x)] + E_p[log(1 - D(x))], a game; in training, G lowers -E_p[log D(x)] instead
(sec. 3), whose gradient does not vanish where D is confident. Here: the same, with
-E_q[log(1 - D(x))], which does not depend on G; and D has a penalty on its slope at
the data, R1 (Mescheder et al., 2018), which the publication lacks. `JS` without
`with` is the divergence itself; for the best D the game is 2 JS - 2 log 2. p's
samples of x are the means of p(x|u).

Compiled by graphdsl 0.1.0 from the spec `gan` with pixels = 64,
sha256 953e49c7d91ecc3b6959f0d34e784f20bb4bd72c43cb141aa9285b5a80a9c7e7.

Objective, to be minimised:

    JS(q(x) || p(x))

Loss, in nats per row:

    JS(q(x) || p(x))

Relation: surrogate (divergence_x is no bound: a critic with flipped labels estimates no
divergence).
"""

from __future__ import annotations

__all__ = ["Gan"]

import torch

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Posterior,
    Variable,
    adversarial_js_non_saturating,
    critic,
    gradient_penalty_r1,
    mlp,
)


class Gan(Objective):
    """GAN (Goodfellow et al., 2014)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("u", role="latent", kind="real", shape=(16,)),
    )
    critics = ("critic_of_x",)

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.p_x = self.network(
            "p(x|u)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.critic_of_x = self.network(
            "critic(x)",
            lambda: critic([(64,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        u_p = noise["u"]  # (B, 16)
        p_x_p = Bernoulli(self.p_x(u_p))  # p(x | u); (B, 64)
        x_p = p_x_p.mean  # (B, 64)

        # JS(q(x) || p(x)); spec line 18
        divergence_x, critic_x = adversarial_js_non_saturating(self.critic_of_x, x, x_p)
        # 1/2 E_q |grad f|^2, which the critic pays: R1
        slope_x = gradient_penalty_r1(self.critic_of_x, x)

        loss = divergence_x
        return Losses(
            loss,
            terms={
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
        u = self.value_of(latents, "u")
        p_x = Bernoulli(self.p_x(u))  # p(x | u); (B, 64)
        return {
            "x": p_x,
        }
