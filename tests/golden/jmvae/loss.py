"""JMVAE (Suzuki et al., 2017): two views, and a latent that each view alone can infer.
In the paper: Table 2, row JMVAE: [1, C_1]; [beta_i, G_cross(x_i)]. Published:
-ELBO(x_1, x_2) + alpha sum_i E KL(q(z|x_1, x_2) || q(z|x_i)). Here: the network
whose bound is exactly the published one, in which z depends on the views through
x_i alone; `jmvae_cross` has the printed network (docs/paper-audit.md, row JMVAE).

Compiled by graphdsl 0.1.0 from the spec `jmvae` with pixels = 32,
sha256 b3b07e87250eaad9fb0aae38b85d03bc3b3f83d8f00727db5a3a05d90372ffef.

Objective, to be minimised:

    KL(q || p) + alpha (D(q || sufficient(1,2)) + D(q || sufficient(2,1)))

Loss, in nats per row:

    sum_i E_q[-log p(x[i] | z)]
    + E_q KL(q(z | x) || p(z))
    + alpha sum_i E_q KL(q(z | x) || q(z | x[i]))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    sum(i in 1..2) alpha E_q KL(q*(z | x[i]) || q(z | x[i]))

Constants of the data, in the objective and not in the loss:

    -H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["Jmvae"]

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
    Shared,
    Variable,
    each_expert,
    expect,
    mlps,
    product_of_experts,
    standard_normal,
)


class Jmvae(Objective):
    """JMVAE (Suzuki et al., 2017)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(32,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        alpha: float = 0.1,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.alpha = self.weight("alpha", alpha, low=0.0)
        self.q_z = self.members(
            [f"q(z|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 16),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16)], (400, 400), 32),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        experts_z = Gaussian.split(self.q_z(x))  # q~(z | x[i]), eq. 11; (B, 2, 16)
        q_z = product_of_experts(experts_z)  # q(z | x), eq. 13; (B, 16)
        # q(z | x[i]), of the same experts; (B, 2, 16)
        q_z_each = each_expert(experts_z)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 2, 32)

        # sum_i E_q[-log p(x[i] | z)]; spec line 23
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x) || p(z)); spec line 23
        rate_z = expect(q_z.kl(standard_normal))

        # sum_i E_q KL(q(z | x) || q(z | x[i])); spec line 24
        rate_z_each = expect(q_z[:, None].kl(q_z_each))

        loss = reconstruction_x + rate_z + self.alpha * rate_z_each
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
                "rate_z_each": rate_z_each,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        experts_z = Gaussian.split(self.q_z(x))
        q_z = product_of_experts(experts_z, seen_x)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 2, 32)
        return {
            "x": p_x,
        }
