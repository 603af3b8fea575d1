"""WAE-MMD (Tolstikhin et al., 2018): the cost of transporting the data to the
generated samples. In the paper: Sec. 3.5 names it; no row of Table 2 as printed.
Published: E[c(x, G(z))] + lam MMD(q(z) || p(z)), with c = |x - G(z)|^2.

Compiled by graphdsl 0.1.0 from the spec `wae_mmd` with pixels = 64,
sha256 0bccfaee6958011317be4def200dddb6ac9e4f0471a565854558efd15e988839.

Objective, to be minimised:

    cost(x | z, squared) + lam MMD(q(z) || p(z))

Loss, in nats per row:

    cost(x | z, squared)
    + lam MMD(q(z) || p(z))

Relation: surrogate (squared_cost_x is no bound: a cost is no information).
"""

from __future__ import annotations

__all__ = ["WaeMmd"]

import torch

from graphdsl_runtime import (
    Batch,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    expect,
    mlp,
    mmd,
)


class WaeMmd(Objective):
    """WAE-MMD (Tolstikhin et al., 2018)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="real", shape=(64,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        lam: float = 50.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.lam = self.weight("lam", lam, low=0.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: self.scaled(mlp([(64,)], (400, 400), 2 * 16), inputs=["x"]),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: self.scaled(mlp([(16,)], (400, 400), 64), answer="x"),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Gaussian.unit(self.p_x(z))  # p(x | z); (B, 64)
        z_p = self.prior_sample(noise, "z", z)  # (B, 16)

        # cost(x | z, squared); spec line 15
        squared_cost_x = expect((p_x.mean - x).square())

        # MMD(q(z) || p(z)); spec line 15
        divergence_z = mmd(z, z_p)

        loss = squared_cost_x + self.lam * divergence_z
        return Losses(
            loss,
            terms={
                "squared_cost_x": squared_cost_x,
                "divergence_z": divergence_z,
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
    def decode(self, latents: Latents) -> dict[str, Gaussian]:
        z = self.value_of(latents, "z")
        p_x = Gaussian.unit(self.p_x(z))  # p(x | z); (B, 64)
        return {
            "x": p_x,
        }
