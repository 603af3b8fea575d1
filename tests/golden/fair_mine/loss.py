"""Fair representation with MINE: the private latent of x is independent of the one
shared with a. In the paper: eq. 17, OURS-MINE in Table 3. Published: E[-log p(x,
a|z, u)] + (1 + beta_1) E KL(q(z|x, a) || p(z)) + beta_2 I(z; u). Here: also E
KL(q(u|x) || p(u)), without which the objective is no bound. The term of beta_1
bounds I(x; a|z) without -I(x; z) - I(a; z), the only part that rewards an
informative z (docs/paper-audit.md, eq. 17). MINE estimates I(z; u) by a lower
bound: a critic raises it, q lowers it.

Compiled by graphdsl 0.1.0 from the spec `fair_mine` with features = 64,
sha256 2e4bf825a9dfb5e5bd28242c66f0b6427e7579432e8c9e786d64c7daffbbc56e.

Objective, to be minimised:

    KL(q || p) + beta_1 KL(q(z | a, x) || p(z)) + beta_2 D(q || invariant)

Loss, in nats per row:

    E_q[-log p(x | z, u)]
    + E_q[-log p(a | z)]
    + (1 + beta_1) E_q KL(q(z | x, a) || p(z))
    + E_q KL(q(u | x) || p(u))
    + beta_2 I(z; u)

Relation: saddle (information_z_u is as good as what plays against it).

Constants of the data, in the objective and not in the loss:

    -H(a, x)
"""

from __future__ import annotations

__all__ = ["FairMine"]

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
    information_mine,
    mlp,
    standard_normal,
)


class FairMine(Objective):
    """Fair representation with MINE."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("a", role="observed", kind="binary"),
        Variable("z", role="latent", kind="real", shape=(8,)),
        Variable("u", role="latent", kind="real", shape=(8,)),
    )
    critics = ("critic_of_z_u",)

    def __init__(
        self,
        *,
        beta_1: float = 1.0,
        beta_2: float = 1.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.beta_1 = self.weight("beta_1", beta_1, low=0.0)
        self.beta_2 = self.weight("beta_2", beta_2, low=0.0)
        self.q_z = self.network(
            "q(z|x,a)",
            lambda: mlp([(64,), ()], (400, 400), 2 * 8),
        )
        self.q_u = self.network(
            "q(u|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 8),
        )
        self.p_x = self.network(
            "p(x|z,u)",
            lambda: mlp([(8,), (8,)], (400, 400), 64),
        )
        self.p_a = self.network(
            "p(a|z)",
            lambda: mlp([(8,)], (64,), ()),
        )
        self.critic_of_z_u = self.network(
            "critic(z,u)",
            lambda: critic([(8,), (8,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        a = self.observe(batch, "a")  # (B,)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x, a))  # q(z | x, a); (B, 8)
        z = q_z.sample(noise["z"])  # (B, 8)
        q_u = Gaussian.split(self.q_u(x))  # q(u | x); (B, 8)
        u = q_u.sample(noise["u"])  # (B, 8)
        p_x = Bernoulli(self.p_x(z, u))  # p(x | z, u); (B, 64)
        p_a = Bernoulli(self.p_a(z))  # p(a | z); (B,)

        # E_q[-log p(x | z, u)]; spec line 38
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log p(a | z)]; spec line 38
        reconstruction_a = expect(p_a.nll(a))

        # E_q KL(q(z | x, a) || p(z)); spec lines 38, 39
        rate_z = expect(q_z.kl(standard_normal))

        # E_q KL(q(u | x) || p(u)); spec line 38
        rate_u = expect(q_u.kl(standard_normal))

        # I(z; u); spec lines 38, 39, 40, 41
        information_z_u, critic_z_u = information_mine(
            self.critic_of_z_u, z, u, noise.get("permuted(u)")
        )

        loss = (
            reconstruction_x
            + reconstruction_a
            + (1 + self.beta_1) * rate_z
            + rate_u
            + self.beta_2 * information_z_u
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "reconstruction_a": reconstruction_a,
                "rate_z": rate_z,
                "rate_u": rate_u,
                "information_z_u": information_z_u,
            },
            players={
                "model": loss,
                "critic": critic_z_u,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        a, seen_a = self.observe_some(batch, "a")
        q_z = Gaussian.split(self.q_z(x, a)).or_prior(seen_x & seen_a)
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)
        return {
            "z": q_z,
            "u": q_u,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        u = self.value_of(latents, "u")
        p_x = Bernoulli(self.p_x(z, u))  # p(x | z, u); (B, 64)
        p_a = Bernoulli(self.p_a(z))  # p(a | z); (B,)
        return {
            "x": p_x,
            "a": p_a,
        }
