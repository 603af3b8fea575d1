"""Structured multi-view model (Zhang, Koyama & Ishiguro, 2020): any number of views,
learned edges. In the paper: Table 2, row OURS-MM: [1, C_0]; [beta_i,
G_cross({x_i})], with Sec. 4.2 and Alg. 1. Published: E[-log p(x|z, u)] + E
KL(q(u|x) || p(u)) + E KL(q(z|x) || p(z)) + sum_i E KL(q(z|x) || q(z|x_i)), with
masks learned by eq. 15 and a cost for each edge. Here: the mean over bipartitions S
of I(x_S; x_rest|z). The published objective drops its -I(z; x_rest) and is loose by
that amount; here predictors r(x_i|z) bound it (docs/paper-audit.md, row OURS-MM).

Compiled by graphdsl 0.1.0 from the spec `structured_mm` with N = 2, pixels = 32,
sha256 42a5d8106bc0877d381f66b2c1a0465dda61c2b3f29b0aab5bfe4feee477f1e8.

Objective, to be minimised:

    KL(q || p) + 0.5*cross (D(q || {x[1] -> (z[1..8]); (z[1..8]) -> x[2]}) + D(q ||
    {x[2] -> (z[1..8]); (z[1..8]) -> x[1]})) + edge sparsity(Mq, Mp)

Loss, in nats per row:

    sum_i E_q[-log p(x[i] | z if Mp, u[i])]
    + 0.5*cross sum_i E_q[-log r(x[i] | z)]
    + sum_i E_q KL(q(z[i] | x if Mq) || p(z[i]))
    + 0.5*cross sum_i E_q KL(q(z | x if Mq) || q(z | x[i] if Mq))
    + sum_i E_q KL(q(u[i] | x[i]) || p(u[i]))
    + edge E[number of edges in Mq]
    + edge E[number of edges in Mp]

Relation: upper (every bounded entropy has a nonnegative weight, in expectation over Mq,
Mp).

Gaps between loss and objective, where q* is a conditional of q's joint:

    sum(i in 1..2) 0.5*cross E_q KL(q*(x[i] | z[1..8]) || r(x[i] | z[1..8]))
    0.5*cross E_q KL(q*(z[1] | x[1]) || q(z[1] | x[1]))
    ...
    sum(i in 1..2) 0.5*cross E_q KL(q*(z[8] | x[i], z[1..7]) || q(z[8] | x[i]))

Constants of the data, in the objective and not in the loss:

    sum(i in 1..2) 0.5*cross H(x[i])
    (-1 - cross) H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["StructuredMm"]

import torch

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    EdgeMask,
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
    gated,
    mlps,
    standard_normal,
    weighted_product,
)


class StructuredMm(Objective):
    """Structured multi-view model (Zhang, Koyama & Ishiguro, 2020)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable(
            "x", role="observed", kind="binary", members=2, shape=(32,), optional=True
        ),
        Variable("z", role="latent", kind="real", members=8, shape=(4,)),
        Variable("u", role="latent", kind="real", members=2, shape=(8,)),
    )

    def __init__(
        self,
        *,
        cross: float = 1.0,
        edge: float = 0.01,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.cross = self.weight("cross", cross, low=0.0)
        self.edge = self.weight("edge", edge, low=0.0)
        self.q_z = self.members(
            [f"q(z|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 32),
        )
        self.q_u = self.members(
            [f"q(u[{i}]|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 8),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z,u[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(8, 4), (8,)], (400, 400), 32),
        )
        self.r_x = self.members(
            [f"r(x[{i}]|z)" for i in range(1, 3)],
            lambda: mlps(2, [Shared(8, 4)], (400, 400), 32),
        )
        self.mask_Mq = EdgeMask("Mq", (2, 8), 0.95)
        self.mask_Mp = EdgeMask("Mp", (2, 8), 0.95)
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x, seen_x = self.observe_some(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        Mq = self.mask_Mq.sample(noise["Mq"])
        Mp = self.mask_Mp.sample(noise["Mp"])
        # q~(z | x[i]), eq. 11; (B, 2, 8, 4)
        experts_z = Gaussian.split(self.q_z(x), (8, 4))
        # q(z | x), eq. 13; (B, 8, 4)
        q_z = weighted_product(experts_z, Mq[..., None], seen_x, least=1.0)
        # q(z | x[i]), of the same experts; (B, 2, 8, 4)
        q_z_each = each_expert(experts_z, Mq[..., None], present=seen_x)
        z = q_z.sample(noise["z"])  # (B, 8, 4)
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)  # q(u[i] | x[i]); (B, 2, 8)
        u = q_u.sample(noise["u"])  # (B, 2, 8)
        # p(x[i] | z if Mp, u[i]); (B, 2, 32)
        p_x = Bernoulli(self.p_x(gated(z[:, None], Mp), u))
        r_x = Bernoulli(self.r_x(z))  # r(x[i] | z); (B, 2, 32)

        # sum_i E_q[-log p(x[i] | z if Mp, u[i])]; spec line 31
        reconstruction_x = expect(p_x.nll(x), seen_x)

        # sum_i E_q[-log r(x[i] | z)]; spec line 32
        prediction_x = expect(r_x.nll(x), seen_x)

        # sum_i E_q KL(q(z[i] | x if Mq) || p(z[i])); spec line 31
        rate_z = expect(q_z.kl(standard_normal))

        # sum_i E_q KL(q(z | x if Mq) || q(z | x[i] if Mq)); spec line 32
        rate_z_each = expect(q_z[:, None].kl(q_z_each))

        # sum_i E_q KL(q(u[i] | x[i]) || p(u[i])); spec line 31
        rate_u = expect(q_u.kl(standard_normal))

        # E[number of edges in Mq]; spec line 33
        sparsity_Mq = self.mask_Mq.expected_edges()

        # E[number of edges in Mp]; spec line 33
        sparsity_Mp = self.mask_Mp.expected_edges()

        loss = (
            reconstruction_x
            + 0.5 * self.cross * prediction_x
            + rate_z
            + 0.5 * self.cross * rate_z_each
            + rate_u
            + self.edge * sparsity_Mq
            + self.edge * sparsity_Mp
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "prediction_x": prediction_x,
                "rate_z": rate_z,
                "rate_z_each": rate_z_each,
                "rate_u": rate_u,
                "sparsity_Mq": sparsity_Mq,
                "sparsity_Mp": sparsity_Mp,
            },
            players={
                "model": loss,
                "structure": loss,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        Mq = self.mask_Mq.mode()
        experts_z = Gaussian.split(self.q_z(x), (8, 4))
        q_z = weighted_product(experts_z, Mq[..., None], seen_x, least=1.0)
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)
        return {
            "z": q_z,
            "u": q_u,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        u = self.value_of(latents, "u")
        Mp = self.mask_Mp.mode()
        # p(x[i] | z if Mp, u[i]); (B, 2, 32)
        p_x = Bernoulli(self.p_x(gated(z[:, None], Mp), u))
        return {
            "x": p_x,
        }
