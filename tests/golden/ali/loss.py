"""ALI (Dumoulin et al., 2017), BiGAN (Donahue et al., 2017): a critic cannot
distinguish the pairs (x, z) of q from those of p. In the paper: Sec. 3.5 names
both; no row of Table 2 as printed. Published: min_{q, p} max_D E_q[log D(x, z)] +
E_p[log(1 - D(x, z))], a game; in training, q and p lower -E_q[log(1 - D(x, z))] -
E_p[log D(x, z)] instead (algorithm 1). Here: the same, and D has a penalty on its
slope at q's pairs, R1 (Mescheder et al., 2018), which neither publication has. p's
samples of x are the means of p(x|z).

Compiled by graphdsl 0.1.0 from the spec `ali` with pixels = 64,
sha256 ee77bbd0a3d08fe122a1414e74937244f7f572788585e3bf4c7580fadcd79a4e.

Objective, to be minimised:

    JS(q(x, z) || p(x, z))

Loss, in nats per row:

    JS(q(z, x) || p(z, x))

Relation: surrogate (divergence_z_x is no bound: a critic with flipped labels estimates
no divergence).
"""

from __future__ import annotations

__all__ = ["Ali"]

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
    adversarial_js_non_saturating,
    critic,
    gradient_penalty_r1,
    mlp,
)


class Ali(Objective):
    """ALI (Dumoulin et al., 2017), BiGAN (Donahue et al., 2017)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )
    critics = ("critic_of_z_x",)

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.critic_of_z_x = self.network(
            "critic(z,x)",
            lambda: critic([(16,), (64,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        z_p = self.prior_sample(noise, "z", z)  # (B, 16)
        p_x_p = Bernoulli(self.p_x(z_p))  # p(x | z); (B, 64)
        x_p = p_x_p.mean  # (B, 64)

        # JS(q(z, x) || p(z, x)); spec line 18
        divergence_z_x, critic_z_x = adversarial_js_non_saturating(
            self.critic_of_z_x, (z, x), (z_p, x_p)
        )
        # 1/2 E_q |grad f|^2, which the critic pays: R1
        slope_z_x = gradient_penalty_r1(self.critic_of_z_x, z, x)

        loss = divergence_z_x
        return Losses(
            loss,
            terms={
                "divergence_z_x": divergence_z_x,
            },
            players={
                "model": loss,
                "critic": critic_z_x + 0.3 * slope_z_x,
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
