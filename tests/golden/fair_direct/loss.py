"""Fair representation, stated directly: the private latent of x is independent of the
attribute. In the paper: eq. 17, whose I(z; u) bounds I(a; u) only if a and u are
independent given z. Published: none. Objective: E[-log p(x|z, u)] + (1 + beta_1)
E[-log p(a|z)] + (1 + beta_1) E KL(q(z|x, a) || p(z)) + E KL(q(u|x) || p(u)) -
beta_2 min_r E[-log r(a|u)]. Here: eq. 17 with the terms that it leaves out, KL of u
and -I(a; z), and with I(a; u) = H(a) - H(a|u) in place of I(z; u), by an adversary
r that predicts a from u (docs/paper-audit.md, eq. 17).

Compiled by graphdsl 0.1.0 from the spec `fair_direct` with features = 64, values =
2,
sha256 4a86f970eb23b8bedf310ce2d243bbf7e7a1c44ef4508e05633b068c45903e25.

Objective, to be minimised:

    KL(q || p) + beta_1 D(q || informative) - beta_2 CE(a | u)

Loss, in nats per row:

    E_q[-log p(x | z, u)]
    + (1 + beta_1) E_q[-log p(a | z)]
    + -beta_2 E_q[-log r(a | u)]
    + (1 + beta_1) E_q KL(q(z | x, a) || p(z))
    + E_q KL(q(u | x) || p(u))

Relation: saddle (prediction_a is as good as what plays against it).

Gaps between loss and objective, where q* is a conditional of q's joint:

    beta_1 E_q KL(q*(a | z) || p(a | z))
    beta_1 E_q KL(q*(z | x) || p(z))

Constants of the data, in the objective and not in the loss:

    (-1 - beta_1) H(a, x)
    beta_1 H(x)
"""

from __future__ import annotations

__all__ = ["FairDirect"]

import torch

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Categorical,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    expect,
    frozen,
    mlp,
    standard_normal,
)


class FairDirect(Objective):
    """Fair representation, stated directly."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("a", role="observed", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(8,)),
        Variable("u", role="latent", kind="real", shape=(8,)),
    )
    critics = ("r_a",)

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
            lambda: mlp([(64,), (2,)], (400, 400), 2 * 8),
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
            lambda: mlp([(8,)], (64,), 2),
        )
        self.r_a = self.network(
            "r(a|u)",
            lambda: mlp([(8,)], (400, 400), 2),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        a = self.observe(batch, "a")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_a = self.one_hot(a, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_a))  # q(z | x, a); (B, 8)
        z = q_z.sample(noise["z"])  # (B, 8)
        q_u = Gaussian.split(self.q_u(x))  # q(u | x); (B, 8)
        u = q_u.sample(noise["u"])  # (B, 8)
        p_x = Bernoulli(self.p_x(z, u))  # p(x | z, u); (B, 64)
        p_a = Categorical(self.p_a(z))  # p(a | z); (B,)
        r_a_frozen = Categorical(frozen(self.r_a)(u))  # r(a | u); (B,)
        r_a = Categorical(self.r_a(u.detach()))  # r(a | u); (B,)

        # E_q[-log p(x | z, u)]; spec line 35
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log p(a | z)]; spec lines 35, 36
        reconstruction_a = expect(p_a.nll(a))

        # E_q[-log r(a | u)]; spec line 37
        prediction_a = expect(r_a_frozen.nll(a))
        critic_a = expect(r_a.nll(a))

        # E_q KL(q(z | x, a) || p(z)); spec lines 35, 36
        rate_z = expect(q_z.kl(standard_normal))

        # E_q KL(q(u | x) || p(u)); spec line 35
        rate_u = expect(q_u.kl(standard_normal))

        loss = (
            reconstruction_x
            + (1 + self.beta_1) * reconstruction_a
            - self.beta_2 * prediction_a
            + (1 + self.beta_1) * rate_z
            + rate_u
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "reconstruction_a": reconstruction_a,
                "prediction_a": prediction_a,
                "rate_z": rate_z,
                "rate_u": rate_u,
            },
            players={
                "model": loss,
                "critic": critic_a,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        a, seen_a = self.observe_some(batch, "a")
        one_hot_a = self.one_hot(a, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_a)).or_prior(seen_x & seen_a)
        q_u = Gaussian.split(self.q_u(x)).or_prior(seen_x)
        return {
            "z": q_z,
            "u": q_u,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Categorical]:
        z = self.value_of(latents, "z")
        u = self.value_of(latents, "u")
        p_x = Bernoulli(self.p_x(z, u))  # p(x | z, u); (B, 64)
        p_a = Categorical(self.p_a(z))  # p(a | z); (B,)
        return {
            "x": p_x,
            "a": p_a,
        }
