"""VCCA-private (Wang et al., 2016): one latent shared by two views, and a private one
for each. In the paper: no row of Table 2 as printed. Published: sum_i E[-log
p(x_i|z, u_i)] + E KL(q(z|x_1) || p(z)) + sum_i E KL(q(u_i|x_i) || p(u_i)).

Compiled by graphdsl 0.1.0 from the spec `vcca_private` with pixels = 32,
sha256 915ac767d6f1fe38d119d640bba3bf1621a8c7eed111c624786987c0fc315768.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    sum_i E_q[-log p(x[i] | z, u[i])]
    + E_q KL(q(z | x[1]) || p(z))
    + sum_i E_q KL(q(u[i] | x[i]) || p(u[i]))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["VccaPrivate"]

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
    expect,
    mlp,
    mlps,
    standard_normal,
)


class VccaPrivate(Objective):
    """VCCA-private (Wang et al., 2016)."""

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
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x[1])",
            lambda: mlp([(32,)], (400, 400), 2 * 16),
        )
        self.q_u = self.members(
            [f"q(u[{i}]|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 8),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z,u[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16), (8,)], (400, 400), 32),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x[:, 0]))  # q(z | x[1]); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        q_u = Gaussian.split(self.q_u(x))  # q(u[i] | x[i]); (B, 2, 8)
        u = q_u.sample(noise["u"])  # (B, 2, 8)
        p_x = Bernoulli(self.p_x(z, u))  # p(x[i] | z, u[i]); (B, 2, 32)

        # sum_i E_q[-log p(x[i] | z, u[i])]; spec line 19
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x[1]) || p(z)); spec line 19
        rate_z = expect(q_z.kl(standard_normal))

        # sum_i E_q KL(q(u[i] | x[i]) || p(u[i])); spec line 19
        rate_u = expect(q_u.kl(standard_normal))

        loss = reconstruction_x + rate_z + rate_u
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
                "rate_u": rate_u,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_z = Gaussian.split(self.q_z(x[:, 0])).or_prior(seen_x[:, 0])
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)
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
