"""Out-of-distribution generalization (eq. 18, as printed): a label predicted in any
environment. In the paper: eq. 18, L_dist + beta_1 E KL(q(z|x, e, y) || q(z|x)) +
beta_2 TC(x; e; y|z). Published: the same, its last term bounded by E[-log p(y|z)] +
E[-log p(e|z)] + E KL(q(z|x, e, y) || r(z|x)). Here: two networks, `predicted` and
`star`, since no single network has both terms. TC(x; e; y|z) requires more than y
independent of e given z: x too must be independent of both, so that z must keep all
information of x about them; `ood_invariant` has what the text describes
(docs/paper-audit.md, eq. 18).

Compiled by graphdsl 0.1.0 from the spec `ood` with pixels = 64, environments = 2,
sha256 aef510afd4e54c0b4c0a8a9f9a17ff4caacdd25699de698d572ccc87ac898c9e.

Objective, to be minimised:

    KL(q || p) + beta_1 D(q || predicted) + beta_2 D(q || star)

Loss, in nats per row:

    E_q[-log p(x | z)]
    + (1 + beta_2) E_q[-log p(y | z)]
    + (1 + beta_2) E_q[-log p(e | z)]
    + E_q KL(q(z | x, e, y) || p(z))
    + (beta_1 + beta_2) E_q KL(q(z | x, e, y) || r(z | x))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    beta_2 E_q KL(q*(y | z) || p(y | z))
    beta_2 E_q KL(q*(e | z) || p(e | z))
    (beta_1 + beta_2) E_q KL(q*(z | x) || r(z | x))

Constants of the data, in the objective and not in the loss:

    (-1 - beta_2) H(e, x, y)
    beta_2 H(x)
"""

from __future__ import annotations

__all__ = ["Ood"]

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
    mlp,
    standard_normal,
)


class Ood(Objective):
    """Out-of-distribution generalization (eq. 18, as printed)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("y", role="observed", kind="binary"),
        Variable("e", role="observed", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

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
            "q(z|x,e,y)",
            lambda: mlp([(64,), (2,), ()], (400, 400), 2 * 16),
        )
        self.r_z = self.network(
            "r(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.p_y = self.network(
            "p(y|z)",
            lambda: mlp([(16,)], (64,), ()),
        )
        self.p_e = self.network(
            "p(e|z)",
            lambda: mlp([(16,)], (64,), 2),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        y = self.observe(batch, "y")  # (B,)
        e = self.observe(batch, "e")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_e = self.one_hot(e, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_e, y))  # q(z | x, e, y); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        r_z = Gaussian.split(self.r_z(x))  # r(z | x); (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)
        p_e = Categorical(self.p_e(z))  # p(e | z); (B,)

        # E_q[-log p(x | z)]; spec line 39
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log p(y | z)]; spec line 39
        reconstruction_y = expect(p_y.nll(y))

        # E_q[-log p(e | z)]; spec line 39
        reconstruction_e = expect(p_e.nll(e))

        # E_q KL(q(z | x, e, y) || p(z)); spec line 39
        rate_z = expect(q_z.kl(standard_normal))

        # E_q KL(q(z | x, e, y) || r(z | x)); spec line 39
        rate_z_other = expect(q_z.kl(r_z))

        loss = (
            reconstruction_x
            + (1 + self.beta_2) * reconstruction_y
            + (1 + self.beta_2) * reconstruction_e
            + rate_z
            + (self.beta_1 + self.beta_2) * rate_z_other
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "reconstruction_y": reconstruction_y,
                "reconstruction_e": reconstruction_e,
                "rate_z": rate_z,
                "rate_z_other": rate_z_other,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        y, seen_y = self.observe_some(batch, "y")
        e, seen_e = self.observe_some(batch, "e")
        one_hot_e = self.one_hot(e, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_e, y)).or_prior(
            seen_x & seen_e & seen_y
        )
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Categorical]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)
        p_e = Categorical(self.p_e(z))  # p(e | z); (B,)
        return {
            "x": p_x,
            "y": p_y,
            "e": p_e,
        }
