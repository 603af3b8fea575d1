"""Wyner VAE (Ryu et al., 2020): one latent shared by two views, and a private one for
each. In the paper: Table 2, row Wyner: [1, C_1]; [beta_i, G_cross(x_i)], [beta_i,
G_private(x_i)]. Published: KLs in both directions, partly by critics, of the joint
and of both cross generations, and I(x; z). Here: one direction, without critics: (1
+ cross) sum_i (E[-log p(x_i|z, u_i)] + E KL(q(u_i|x_i, z) || p(u_i))) + (1 +
common) E KL(q(z|x_1, x_2) || p(z)) + cross sum_i E KL(q(z|x_1, x_2) || q(z|x_i)).
The printed row has neither z -> u_i in G^q nor I(x; z). One network here covers
both cross and private generation (docs/paper-audit.md, row Wyner).

Compiled by graphdsl 0.1.0 from the spec `wyner` with pixels = 32,
sha256 e558004b1df190f79413a27a7e7a14c007b10a1d0adc08acfd091aeccdd069e2.

Objective, to be minimised:

    KL(q || p) + common I(x[1], x[2]; z) + cross (D(q || through_z(1,2)) + D(q ||
    through_z(2,1)))

Loss, in nats per row:

    (1 + cross) sum_i E_q[-log p(x[i] | z, u[i])]
    + (1 + common) E_q KL(q(z | x) || p(z))
    + cross sum_i E_q KL(q(z | x) || q(z | x[i]))
    + (1 + cross) sum_i E_q KL(q(u[i] | x[i], z) || p(u[i]))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    sum(i in 1..2) cross E_q KL(q*(x[i] | u[i], z) || p(x[i] | z, u[i]))
    common E_q KL(q*(z) || p(z))
    sum(i in 1..2) cross E_q KL(q*(z | x[i]) || q(z | x[i]))
    sum(i in 1..2) cross E_q KL(q*(u[i]) || p(u[i]))

Constants of the data, in the objective and not in the loss:

    sum(i in 1..2) cross H(x[i])
    (-1 - 2*cross) H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["Wyner"]

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


class Wyner(Objective):
    """Wyner VAE (Ryu et al., 2020)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(32,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
        Variable("u", role="latent", kind="real", members=2, shape=(8,)),
    )

    def __init__(
        self,
        *,
        common: float = 0.1,
        cross: float = 1.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.common = self.weight("common", common, low=0.0)
        self.cross = self.weight("cross", cross, low=0.0)
        self.q_z = self.members(
            [f"q(z|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 16),
        )
        self.q_u = self.members(
            [f"q(u[{i}]|x[{i}],z)" for i in range(1, 3)],
            lambda: mlps(2, [(32,), Shared(16)], (400, 400), 2 * 8),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z,u[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16), (8,)], (400, 400), 32),
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
        q_u = Gaussian.split(self.q_u(x, z))  # q(u[i] | x[i], z); (B, 2, 8)
        u = q_u.sample(noise["u"])  # (B, 2, 8)
        p_x = Bernoulli(self.p_x(z, u))  # p(x[i] | z, u[i]); (B, 2, 32)

        # sum_i E_q[-log p(x[i] | z, u[i])]; spec lines 33, 35
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x) || p(z)); spec lines 33, 34, 35
        rate_z = expect(q_z.kl(standard_normal))

        # sum_i E_q KL(q(z | x) || q(z | x[i])); spec line 35
        rate_z_each = expect(q_z[:, None].kl(q_z_each))

        # sum_i E_q KL(q(u[i] | x[i], z) || p(u[i])); spec lines 33, 35
        rate_u = expect(q_u.kl(standard_normal))

        loss = (
            (1 + self.cross) * reconstruction_x
            + (1 + self.common) * rate_z
            + self.cross * rate_z_each
            + (1 + self.cross) * rate_u
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
                "rate_z_each": rate_z_each,
                "rate_u": rate_u,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        experts_z = Gaussian.split(self.q_z(x))
        q_z = product_of_experts(experts_z, seen_x)
        z = q_z.draw(noise, "z")
        q_u = Gaussian.split(self.q_u(x, z)).or_prior(seen_x)
        return {
            "z": q_z,
            "u": q_u,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        u = self.value_of(latents, "u")
        p_x = Bernoulli(self.p_x(z, u))  # p(x[i] | z, u[i]); (B, 2, 32)
        return {
            "x": p_x,
        }
