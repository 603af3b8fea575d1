"""Risk extrapolation, V-REx (Krueger et al., 2021): one risk in every environment. In
the paper: not there. Sec. 6 names invariance as a constraint on the structure of p.
Published: sum_e R^e + penalty Var(R^1, ..., R^E), where R^e is the mean of -log
p(y|z) over the rows of e. Here: the mean over all rows for the first sum. The
variance is estimated without bias, from products of different rows (`vrex(y | z, e,
biased)` takes that of a minibatch's own risks).

Compiled by graphdsl 0.1.0 from the spec `vrex` with pixels = 64, environments = 2,
sha256 66be1e508d7a134526a1a520bdf685e07bdb8bca926ce7f205f2d5e3f02c0bb1.

Objective, to be minimised:

    CE(y | z) + penalty vrex(y | z, e)

Loss, in nats per row:

    E_q[-log p(y | z)]
    + penalty vrex(y | z, e)

Relation: surrogate (penalty_y is no bound: a penalty is no information).
"""

from __future__ import annotations

__all__ = ["Vrex"]

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
    risk_variance,
)


class Vrex(Objective):
    """Risk extrapolation, V-REx (Krueger et al., 2021)."""

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
        penalty: float = 10.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.penalty = self.weight("penalty", penalty, low=0.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_y = self.network(
            "p(y|z)",
            lambda: mlp([(16,)], (64,), ()),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        y = self.observe(batch, "y")  # (B,)
        e = self.observe(batch, "e")  # (B,)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)

        # E_q[-log p(y | z)]; spec line 23
        reconstruction_y = expect(p_y.nll(y))

        # vrex(y | z, e); spec line 23
        penalty_y = risk_variance(p_y.nll(y), e, 2)

        loss = reconstruction_y + self.penalty * penalty_y
        return Losses(
            loss,
            terms={
                "reconstruction_y": reconstruction_y,
                "penalty_y": penalty_y,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_z = Gaussian.split(self.q_z(x)).or_prior(seen_x)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)
        return {
            "y": p_y,
        }
