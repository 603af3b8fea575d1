"""Variational autoencoder (Kingma & Welling, 2014): one view, one latent vector. In
the paper: Table 2, row VAE: [1, C_1]; no network. Published: E[-log p(x|u)] + E
KL(q(u|x) || p(u)).

Compiled by graphdsl 0.1.0 from the spec `vae` with pixels = 64,
sha256 4fd4ffc817945a3010791852c5833e0e023d3adf84168a3001a7e031d33c6311.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    E_q[-log p(x | u)]
    + E_q KL(q(u | x) || p(u))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["Vae"]

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
    standard_normal,
)


class Vae(Objective):
    """Variational autoencoder (Kingma & Welling, 2014)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("u", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_u = self.network(
            "q(u|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|u)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_u = Gaussian.split(self.q_u(x))  # q(u | x); (B, 16)
        u = q_u.sample(noise["u"])  # (B, 16)
        p_x = Bernoulli(self.p_x(u))  # p(x | u); (B, 64)

        # E_q[-log p(x | u)]; spec line 14
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(u | x) || p(u)); spec line 14
        rate_u = expect(q_u.kl(standard_normal))

        loss = reconstruction_x + rate_u
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_u": rate_u,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)
        return {
            "u": q_u,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        u = self.value_of(latents, "u")
        p_x = Bernoulli(self.p_x(u))  # p(x | u); (B, 64)
        return {
            "x": p_x,
        }
