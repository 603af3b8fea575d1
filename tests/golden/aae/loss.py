"""Adversarial autoencoder (Makhzani et al., 2015): a critic cannot distinguish latents
from the prior. In the paper: no row of Table 2 as printed. Published: E[-log
p(x|z)] + max_D E_p[log D(z)] + E_q[log(1 - D(z))], a game, with its two parts
trained in turn. Here: both parts at once, and lam JS; for the best D the game is 2
JS - 2 log 2.

Compiled by graphdsl 0.1.0 from the spec `aae` with pixels = 64,
sha256 4d87cabb8761a717a9174130512ff72102be22ad8233a2421818ca9a86e0ffbb.

Objective, to be minimised:

    CE(x | z) + lam JS(q(z) || p(z))

Loss, in nats per row:

    E_q[-log p(x | z)]
    + lam JS(q(z) || p(z))

Relation: saddle (divergence_z is as good as what plays against it).
"""

from __future__ import annotations

__all__ = ["Aae"]

import torch

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    adversarial_js,
    critic,
    expect,
    mlp,
)


class Aae(Objective):
    """Adversarial autoencoder (Makhzani et al., 2015)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )
    critics = ("critic_of_z",)

    def __init__(
        self,
        *,
        lam: float = 10.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.lam = self.weight("lam", lam, low=0.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.critic_of_z = self.network(
            "critic(z)",
            lambda: critic([(16,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        z_p = self.prior_sample(noise, "z", z)  # (B, 16)

        # E_q[-log p(x | z)]; spec line 18
        reconstruction_x = expect(p_x.nll(x))

        # JS(q(z) || p(z)); spec line 18
        divergence_z, critic_z = adversarial_js(self.critic_of_z, z, z_p)

        loss = reconstruction_x + self.lam * divergence_z
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "divergence_z": divergence_z,
            },
            players={
                "model": loss,
                "critic": critic_z,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_z = Gaussian.split(self.q_z(x)).or_prior(seen_x)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        return {
            "x": p_x,
        }
