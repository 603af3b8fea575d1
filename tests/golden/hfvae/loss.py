"""HFVAE (Esmaeili et al., 2019): groups of factors, more independent between groups
than within. In the paper: Sec. 4.1 names it; no row of Table 2 as printed.
Published: E[-log p(x|u)] + I(x; u) + beta TC(u_1; ...; u_G) + gamma sum_g TC(u_g) +
sum_{g,d} KL(q(u_{g,d}) || p(u_{g,d})), where d counts the dimensions of group g.
Here: weight 1 on I(x; u) and on the last sum, which have other weights in the
publication.

Compiled by graphdsl 0.1.0 from the spec `hfvae` with pixels = 64, groups = 2, size
= 8,
sha256 50c5f1c1765d3f5812a1f2aa15c33f37cba29d43a0d6d7bb701ed1a0dc69c439.

Objective, to be minimised:

    KL(q || p) + (gamma - 1) D(q || G(p)) + between D(q || grouped)

Loss, in nats per row:

    E_q[-log p(x | u)]
    + sum_i E_q KL(q(u[i] | x) || p(u[i]))
    + (between - 1 + gamma) TC(u)
    + -between TC(u[1,1]; u[1,2]; u[1,3]; u[1,4]; u[1,5]; u[1,6]; u[1,7]; u[1,8])
    + -between TC(u[2,1]; u[2,2]; u[2,3]; u[2,4]; u[2,5]; u[2,6]; u[2,7]; u[2,8])

Relation: estimate (total_correlation_u, total_correlation_u_2, total_correlation_u_3
are estimated from a minibatch, and are no bound).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["Hfvae"]

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


class Hfvae(Objective):
    """HFVAE (Esmaeili et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("u", role="latent", kind="real", members=(2, 8)),
    )

    def __init__(
        self,
        *,
        gamma: float = 3.0,
        between: float = 3.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.gamma = self.weight("gamma", gamma, low=1.0)
        self.between = self.weight("between", between, low=0.0)
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
        u = q_u.sample(noise["u"].flatten(1, 2))  # (B, 16)
        p_x = Bernoulli(self.p_x(u))  # p(x | u); (B, 64)

        # E_q[-log p(x | u)]; spec line 26
        reconstruction_x = expect(p_x.nll(x))

        # sum_i E_q KL(q(u[i] | x) || p(u[i])); spec line 26
        rate_u = expect(q_u.kl(standard_normal))

        # TC(u); spec lines 26, 27, 28, 29
        total_correlation_u = total_correlation_mss(u, q_u, self.rows)

        # TC(u[1,1]; u[1,2]; u[1,3]; u[1,4]; u[1,5]; u[1,6]; u[1,7]; u[1,8]); spec lines
        # 26, 27, 28, 30
        total_correlation_u_2 = total_correlation_mss(u[:, 0:8], q_u[:, 0:8], self.rows)

        # TC(u[2,1]; u[2,2]; u[2,3]; u[2,4]; u[2,5]; u[2,6]; u[2,7]; u[2,8]); spec lines
        # 26, 27, 28, 31
        total_correlation_u_3 = total_correlation_mss(
            u[:, 8:16], q_u[:, 8:16], self.rows
        )

        loss = (
            reconstruction_x
            + rate_u
            + (self.between - 1 + self.gamma) * total_correlation_u
            - self.between * total_correlation_u_2
            - self.between * total_correlation_u_3
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_u": rate_u,
                "total_correlation_u": total_correlation_u,
                "total_correlation_u_2": total_correlation_u_2,
                "total_correlation_u_3": total_correlation_u_3,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)
        return {
            "u": self.grid("u", q_u),
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        u = self.value_of(latents, "u").flatten(1, 2)
        p_x = Bernoulli(self.p_x(u))  # p(x | u); (B, 64)
        return {
            "x": p_x,
        }
