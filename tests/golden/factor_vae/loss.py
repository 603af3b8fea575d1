"""FactorVAE (Kim & Mnih, 2018): a critic cannot distinguish the factors from permuted
ones. In the paper: Sec. 4.1 names it; no row of Table 2 as printed. Published:
E[-log p(x|u)] + E KL(q(u|x) || p(u)) + gamma TC(u), where TC(u) is E[log D(u) -
log(1 - D(u))] for the best critic D of u and u with each factor permuted.

Compiled by graphdsl 0.1.0 from the spec `factor_vae` with pixels = 64, factors = 10,
sha256 c2f201f616fc63337c2277a98cbd6e60684542ae1cb73ac8a31323ceeafad532.

Objective, to be minimised:

    KL(q || p) + gamma D(q || G(p))

Loss, in nats per row:

    E_q[-log p(x | u)]
    + sum_i E_q KL(q(u[i] | x) || p(u[i]))
    + gamma TC(u)

Relation: saddle (total_correlation_u is as good as what plays against it).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["FactorVae"]

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
    critic,
    expect,
    mlp,
    standard_normal,
    total_correlation_critic,
)


class FactorVae(Objective):
    """FactorVAE (Kim & Mnih, 2018)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("u", role="latent", kind="real", members=10),
    )
    critics = ("critic_of_u",)

    def __init__(
        self,
        *,
        gamma: float = 6.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.gamma = self.weight("gamma", gamma, low=0.0)
        self.q_u = self.network(
            "q(u|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 10),
        )
        self.p_x = self.network(
            "p(x|u)",
            lambda: mlp([(10,)], (400, 400), 64),
        )
        self.critic_of_u = self.network(
            "critic(u)",
            lambda: critic([(10,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_u = Gaussian.split(self.q_u(x))  # q(u | x); (B, 10)
        u = q_u.sample(noise["u"])  # (B, 10)
        p_x = Bernoulli(self.p_x(u))  # p(x | u); (B, 64)

        # E_q[-log p(x | u)]; spec line 17
        reconstruction_x = expect(p_x.nll(x))

        # sum_i E_q KL(q(u[i] | x) || p(u[i])); spec line 17
        rate_u = expect(q_u.kl(standard_normal))

        # TC(u); spec lines 17, 18
        total_correlation_u, critic_u = total_correlation_critic(
            self.critic_of_u, u, noise.get("permuted(u)")
        )

        loss = reconstruction_x + rate_u + self.gamma * total_correlation_u
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_u": rate_u,
                "total_correlation_u": total_correlation_u,
            },
            players={
                "model": loss,
                "critic": critic_u,
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
