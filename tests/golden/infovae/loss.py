"""InfoVAE (Zhao et al., 2019): a latent that follows its prior and stays informative
about the data. In the paper: no row of Table 2 as printed. Published: E[-log
p(x|z)] + (1 - alpha) E KL(q(z|x) || p(z)) + (alpha + lam - 1) Dv(q(z) || p(z)),
which for Dv = KL is E[-log p(x|z)] + (1 - alpha) I(x; z) + lam KL(q(z) || p(z)).
Here: the squared maximum mean discrepancy for Dv, as in its MMD-VAE; it is not in
nats.

Compiled by graphdsl 0.1.0 from the spec `infovae` with pixels = 64,
sha256 2ae20c9f64f5a89f97c1aa8f65e7505bd799467b35f72430ca2339fe2e43790d.

Objective, to be minimised:

    CE(x | z) + (1 - alpha) KL(q(z | x) || p(z)) + (alpha - 1 + lam) MMD(q(z) || p(z))

Loss, in nats per row:

    E_q[-log p(x | z)]
    + (1 - alpha) E_q KL(q(z | x) || p(z))
    + (alpha - 1 + lam) MMD(q(z) || p(z))

Relation: estimate (divergence_z is estimated from a minibatch, and is no bound).
"""

from __future__ import annotations

__all__ = ["Infovae"]

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
    expect,
    mlp,
    mmd,
    standard_normal,
)


class Infovae(Objective):
    """InfoVAE (Zhao et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        lam: float = 100.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.alpha = self.weight("alpha", alpha, low=0.0, high=1.0)
        self.lam = self.weight("lam", lam, low=1.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        z_p = self.prior_sample(noise, "z", z)  # (B, 16)

        # E_q[-log p(x | z)]; spec line 19
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x) || p(z)); spec line 20
        rate_z = expect(q_z.kl(standard_normal))

        # MMD(q(z) || p(z)); spec line 21
        divergence_z = mmd(z, z_p)

        loss = (
            reconstruction_x
            + (1 - self.alpha) * rate_z
            + (self.alpha - 1 + self.lam) * divergence_z
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
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
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        return {
            "x": p_x,
        }
