"""MVAE (Wu & Goodman, 2018): any subset of the views infers the latent, by a product
of experts. In the paper: Table 2, row MVAE: [1, C_1]; [beta_i, G_marginal(x_i)].
Published: -ELBO(x) - sum_i ELBO(x_i) - sum_k ELBO(x_{S_k}), over random subsets
S_k. Here: over every subset S; each row uses the views of S that it has. The
marginal terms belong to L_dist: no D(q || G) contains p(x_i|z)
(docs/paper-audit.md, row MVAE).

Compiled by graphdsl 0.1.0 from the spec `mvae` with views = 2, pixels = 32,
sha256 462488015cc24e7ac91bb10c39a4021c3836628a78ea31d6bdb7aedcd5b06ad0.

Objective, to be minimised:

    KL(r({1})(x[1], z) || p(x[1], z)) + KL(r({2})(x[2], z) || p(x[2], z)) +
    KL(r({1,2})(x[1], x[2], z) || p(x[1], x[2], z))

Loss, in nats per row:

    sum_{S in subsets(1..2)} sum_{i in S} E_r(S)[-log p(x[i] | z)]
    + sum_{S in subsets(1..2)} E_r(S) KL(r(z | x[S]) || p(z))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    sum(i in 1..2) -H(x[i])
    -H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["Mvae"]

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
    holders,
    mlps,
    on_sets,
    product_of_experts,
    standard_normal,
    subset_posteriors,
)


class Mvae(Objective):
    """MVAE (Wu & Goodman, 2018)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable(
            "x", role="observed", kind="binary", members=2, shape=(32,), optional=True
        ),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.r_z = self.members(
            [f"r(z|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 16),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16)], (400, 400), 32),
        )
        self.subsets_r_z = self.constant(
            "subsets_r_z", torch.tensor([[1, 0], [0, 1], [1, 1]], dtype=torch.bool)
        )
        self.holders_p_x = holders(self.subsets_r_z)
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x, seen_x = self.observe_some(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        experts_r_z = Gaussian.split(self.r_z(x))  # r~(z | x[i]), eq. 11; (B, 2, 16)
        # r(z | x_S) of every S, eq. 13; (B, 3, 16)
        r_z = subset_posteriors(experts_r_z, self.subsets_r_z, present=seen_x)
        z_r = r_z.sample(noise["z"][:, None])  # (B, 3, 16)
        # p(x[i] | z) of every S with i; (B, 2, 2, 32)
        p_x_r = Bernoulli(on_sets(self.p_x, z_r, holders=self.holders_p_x))

        # sum_{S in subsets(1..2)} sum_{i in S} E_r(S)[-log p(x[i] | z)]; spec line 17
        reconstruction_x_r = expect(p_x_r.nll(x[:, None]), seen_x[:, None])

        # sum_{S in subsets(1..2)} E_r(S) KL(r(z | x[S]) || p(z)); spec line 17
        rate_z_r = expect(r_z.kl(standard_normal))

        loss = reconstruction_x_r + rate_z_r
        return Losses(
            loss,
            terms={
                "reconstruction_x_r": reconstruction_x_r,
                "rate_z_r": rate_z_r,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        experts_r_z = Gaussian.split(self.r_z(x))
        r_z_1_2 = product_of_experts(experts_r_z, seen_x)
        return {
            "z": r_z_1_2,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 2, 32)
        return {
            "x": p_x,
        }
