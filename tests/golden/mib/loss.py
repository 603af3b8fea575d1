"""Information bottleneck (Tishby et al., 1999; Friedman et al., 2001): keep the part
of x that predicts y. In the paper: Sec. 2.4, I^Gin - beta I^Gout, here with Gin =
{x -> t} and Gout = {t -> y}. Published: beta E[-log p(y|t)] + E KL(q(t|x) || p(t)),
Alemi et al., 2017, times beta.

Compiled by graphdsl 0.1.0 from the spec `mib` with pixels = 64, classes = 10,
sha256 7ba87ff2cccd251e1c5c8e09aee7556a026a6001f79e3ac718f10f0c8411d2e6.

Objective, to be minimised:

    I(x; t) - beta I(t; y)

Loss, in nats per row:

    beta E_q[-log p(y | t)]
    + E_q KL(q(t | x) || p(t))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    beta E_q KL(q*(y | t) || p(y | t))
    E_q KL(q*(t) || p(t))

Constants of the data, in the objective and not in the loss:

    -beta H(y)
"""

from __future__ import annotations

__all__ = ["Mib"]

import torch

from graphdsl_runtime import (
    Batch,
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


class Mib(Objective):
    """Information bottleneck (Tishby et al., 1999; Friedman et al., 2001)."""

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
        beta: float = 100.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.beta = self.weight("beta", beta, low=0.0)
        self.q_t = self.network(
            "q(t|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
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
        p_y = Categorical(self.p_y(t))  # p(y | t); (B,)

        # E_q[-log p(y | t)]; spec line 18
        reconstruction_y = expect(p_y.nll(y))

        # E_q KL(q(t | x) || p(t)); spec line 18
        rate_t = expect(q_t.kl(standard_normal))

        loss = self.beta * reconstruction_y + rate_t
        return Losses(
            loss,
            terms={
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
    def decode(self, latents: Latents) -> dict[str, Categorical]:
        t = self.value_of(latents, "t")
        p_y = Categorical(self.p_y(t))  # p(y | t); (B,)
        return {
            "y": p_y,
        }
