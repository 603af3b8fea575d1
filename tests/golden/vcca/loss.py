"""VCCA (Wang et al., 2016): two views generated from one latent; the first view alone
infers it. In the paper: no row of Table 2 as printed. Published: E[-log p(x_1|z)] +
E[-log p(x_2|z)] + E KL(q(z|x_1) || p(z)).

Compiled by graphdsl 0.1.0 from the spec `vcca` with pixels = 32,
sha256 f17501ea5121312a0f8efbde127f45a6e7fc48e18f47beb8a7118382df12d5a7.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    sum_i E_q[-log p(x[i] | z)]
    + E_q KL(q(z | x[1]) || p(z))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["Vcca"]

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


class Vcca(Objective):
    """VCCA (Wang et al., 2016)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(32,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
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
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16)], (400, 400), 32),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x[:, 0]))  # q(z | x[1]); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 2, 32)

        # sum_i E_q[-log p(x[i] | z)]; spec line 14
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x[1]) || p(z)); spec line 14
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
        q_z = Gaussian.split(self.q_z(x[:, 0])).or_prior(seen_x[:, 0])
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
