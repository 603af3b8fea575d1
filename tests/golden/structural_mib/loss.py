"""Structural bottleneck (Elidan & Friedman, 2005): compress x into t, and generate x
and y from t. In the paper: eq. 5, I^Gq + gamma KL(q || p). It is eq. 8 if G^q has
the edges of the data, as here (docs/paper-audit.md, eq. 5). Published: gamma E[-log
p(x|t) - log p(y|t)] + (1 + gamma) E KL(q(t|x) || p(t)). Here: I(x; t) bounded by
the rate, without constants of the data.

Compiled by graphdsl 0.1.0 from the spec `structural_mib` with pixels = 64, classes
= 10,
sha256 0b621b1b5616efe1070e948f0e1f1429a622e72c4401f7bed6dd88b3235c10c4.

Objective, to be minimised:

    I(x; t) + gamma KL(q || p)

Loss, in nats per row:

    gamma E_q[-log p(x | t)]
    + gamma E_q[-log p(y | t)]
    + (1 + gamma) E_q KL(q(t | x) || p(t))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    E_q KL(q*(t) || p(t))

Constants of the data, in the objective and not in the loss:

    -gamma H(x, y)
"""

from __future__ import annotations

__all__ = ["StructuralMib"]

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


class StructuralMib(Objective):
    """Structural bottleneck (Elidan & Friedman, 2005)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("y", role="observed", kind="categorical", classes=10),
        Variable("t", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        gamma: float = 10.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.gamma = self.weight("gamma", gamma, low=0.0)
        self.q_t = self.network(
            "q(t|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|t)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.p_y = self.network(
            "p(y|t)",
            lambda: mlp([(16,)], (400, 400), 10),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        y = self.observe(batch, "y")  # (B,)
        noise = self.noise_for(x, noise)
        q_t = Gaussian.split(self.q_t(x))  # q(t | x); (B, 16)
        t = q_t.sample(noise["t"])  # (B, 16)
        p_x = Bernoulli(self.p_x(t))  # p(x | t); (B, 64)
        p_y = Categorical(self.p_y(t))  # p(y | t); (B,)

        # E_q[-log p(x | t)]; spec line 22
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log p(y | t)]; spec line 22
        reconstruction_y = expect(p_y.nll(y))

        # E_q KL(q(t | x) || p(t)); spec line 22
        rate_t = expect(q_t.kl(standard_normal))

        loss = (
            self.gamma * reconstruction_x
            + self.gamma * reconstruction_y
            + (1 + self.gamma) * rate_t
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "reconstruction_y": reconstruction_y,
                "rate_t": rate_t,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_t = Gaussian.split(self.q_t(x)).or_prior(seen_x)
        return {
            "t": q_t,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Categorical]:
        t = self.value_of(latents, "t")
        p_x = Bernoulli(self.p_x(t))  # p(x | t); (B, 64)
        p_y = Categorical(self.p_y(t))  # p(y | t); (B,)
        return {
            "x": p_x,
            "y": p_y,
        }
