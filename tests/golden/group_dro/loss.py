"""Group DRO, distributionally robust optimization (Sagawa et al., 2020): the best risk
of the worst group. In the paper: not there. Published: max_e R^e, where R^e is the
mean of -log p(y|z) over the rows of e, by weights of the groups that are updated
along the way. Here: the largest risk of each minibatch.

Compiled by graphdsl 0.1.0 from the spec `group_dro` with pixels = 64, environments
= 2,
sha256 75963a4df924503c9fbcb435674563d9810746cceffb94ddb6fe7c31d8f62fee.

Objective, to be minimised:

    dro(y | z, e)

Loss, in nats per row:

    dro(y | z, e)

Relation: surrogate (penalty_y is no bound: a penalty is no information).
"""

from __future__ import annotations

__all__ = ["GroupDro"]

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
    mlp,
    worst_risk,
)


class GroupDro(Objective):
    """Group DRO, distributionally robust optimization (Sagawa et al., 2020)."""

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
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
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

        # dro(y | z, e); spec line 22
        penalty_y = worst_risk(p_y.nll(y), e, 2)

        loss = penalty_y
        return Losses(
            loss,
            terms={
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
