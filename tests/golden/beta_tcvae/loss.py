"""beta-TCVAE (Chen et al., 2018): factors that are mutually independent. In the paper:
Table 2, row beta-TCVAE: [1, C_1], [alpha_2, C_2]; [beta, G^p]. Published: E[-log
p(x|u)] + I(x; u) + beta TC(u) + sum_j KL(q(u_j) || p(u_j)). Here: the weight beta -
1, since with the printed weight beta TC(u) would have beta + 1; and no C_2, which
concerns the data and is not in the published objective (docs/paper-audit.md, row
beta-TCVAE).

Compiled by graphdsl 0.1.0 from the spec `beta_tcvae` with pixels = 64, factors = 16,
sha256 29e663fa58f6a345ba1a44ab8e3c93e49af191b78142ec551e128a8f1d71ffe3.

Objective, to be minimised:

    KL(q || p) + (beta - 1) D(q || G(p))

Loss, in nats per row:

    E_q[-log p(x | u)]
    + sum_i E_q KL(q(u[i] | x) || p(u[i]))
    + (beta - 1) TC(u)

Relation: estimate (total_correlation_u is estimated from a minibatch, and is no bound).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["BetaTcvae"]

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
    total_correlation_mss,
)


class BetaTcvae(Objective):
    """beta-TCVAE (Chen et al., 2018)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("u", role="latent", kind="real", members=16),
    )

    def __init__(
        self,
        *,
        beta: float = 6.0,
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

        # E_q[-log p(x | u)]; spec line 19
        reconstruction_x = expect(p_x.nll(x))

        # sum_i E_q KL(q(u[i] | x) || p(u[i])); spec line 19
        rate_u = expect(q_u.kl(standard_normal))

        # TC(u); spec lines 19, 20
        total_correlation_u = total_correlation_mss(u, q_u, self.rows)

        loss = reconstruction_x + rate_u + (self.beta - 1) * total_correlation_u
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_u": rate_u,
                "total_correlation_u": total_correlation_u,
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
