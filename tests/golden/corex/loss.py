"""CorEx (Ver Steeg & Galstyan, 2014; Gao et al., 2019): latents that explain the
dependence of the variables. In the paper: Sec. 4.2 names it; no row of Table 2 as
printed. Published: TC(z) - TC(x; z) = sum_j I(z_j; x) - sum_i I(x_i; z), where
TC(x; z) = TC(x) - TC(x|z), bounded by sum_i E[-log p(x_i|z)] + sum_j E KL(q(z_j|x)
|| p(z_j)). Here: that bound. D(q || G^p) is the published objective plus TC(x).

Compiled by graphdsl 0.1.0 from the spec `corex` with lines = 8, pixels = 8, factors
= 8,
sha256 96dcf0f3c2b4fd9977c1b3d27277665200cc2485fbb54dcb80a34c424481d184.

Objective, to be minimised:

    sum(i in 1..8) I(z[i]; x[1..8]) - sum(i in 1..8) I(x[i]; z[1..8])

Loss, in nats per row:

    sum_i E_q[-log p(x[i] | z)]
    + sum_i E_q KL(q(z[i] | x) || p(z[i]))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    sum(i in 1..8) E_q KL(q*(x[i] | z[1..8]) || p(x[i] | z[1..8]))
    sum(i in 1..8) E_q KL(q*(z[i]) || p(z[i]))

Constants of the data, in the objective and not in the loss:

    sum(i in 1..8) -H(x[i])
"""

from __future__ import annotations

__all__ = ["Corex"]

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


class Corex(Objective):
    """CorEx (Ver Steeg & Galstyan, 2014; Gao et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", members=8, shape=(8,)),
        Variable("z", role="latent", kind="real", members=8),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(8, 8)], (400, 400), 2 * 8),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in range(1, 9)],
            lambda: mlps(8, [Shared(8)], (400, 400), 8),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 8, 8)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 8)
        z = q_z.sample(noise["z"])  # (B, 8)
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 8, 8)

        # sum_i E_q[-log p(x[i] | z)]; spec line 21
        reconstruction_x = expect(p_x.nll(x))

        # sum_i E_q KL(q(z[i] | x) || p(z[i])); spec lines 20, 21
        rate_z = expect(q_z.kl(standard_normal))

        loss = reconstruction_x + rate_z
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_z = Gaussian.split(self.q_z(x)).or_prior(seen_x.all(1))
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 8, 8)
        return {
            "x": p_x,
        }
