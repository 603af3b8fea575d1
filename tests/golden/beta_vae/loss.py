"""beta-VAE (Higgins et al., 2017): a larger weight on the rate, by a network in which
x and u are independent. In the paper: Table 2, row beta-VAE: [1, C_1], [beta - 1,
C_3]; [beta - 1, G_empty]. Published: E[-log p(x|u)] + beta E KL(q(u|x) || p(u)).
Here: as printed, which is exact for one latent vector u (docs/paper-audit.md, row
beta-VAE).

Compiled by graphdsl 0.1.0 from the spec `beta_vae` with pixels = 64,
sha256 85d776dc01452515d9569436024f3d188b2000ad13057a1aeeaf54d91a164603.

Objective, to be minimised:

    KL(q || p) + (beta - 1) KL(q(u) || p(u)) + (beta - 1) D(q || {x; u})

Loss, in nats per row:

    E_q[-log p(x | u)]
    + beta E_q KL(q(u | x) || p(u))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["BetaVae"]

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


class BetaVae(Objective):
    """beta-VAE (Higgins et al., 2017)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("u", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        beta: float = 4.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.beta = self.weight("beta", beta, low=1.0)
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

        # E_q[-log p(x | u)]; spec line 18
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(u | x) || p(u)); spec lines 18, 19
        rate_u = expect(q_u.kl(standard_normal))

        loss = reconstruction_x + self.beta * rate_u
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
