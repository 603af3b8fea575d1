"""Invariant risk minimization (Arjovsky et al., 2019): one predictor is optimal in
every environment. In the paper: Sec. 6 names it as a constraint on the structure of
p, and refers to App. A.5. Published: sum_e R^e(w f) + penalty sum_e |d R^e(w f) /
dw|^2 at w = 1, where R^e is the mean of -log p(y|z) over the rows of e. Here: the
mean over all rows for the first sum, and for the second the product of the slopes
of two halves of the rows of e, which is unbiased (`irm(y | z, e, biased)` squares
one slope). The penalty is no D(q || G): it is 0 if y is independent of e given z
and p(y|z) is correct, and may be 0 elsewhere.

Compiled by graphdsl 0.1.0 from the spec `irm` with pixels = 64, environments = 2,
sha256 be77060ebc172a801ecb185a2395a61a881c12bae51cc18e04ba578923eec80d.

Objective, to be minimised:

    CE(y | z) + penalty irm(y | z, e)

Loss, in nats per row:

    E_q[-log p(y | z)]
    + penalty irm(y | z, e)

Relation: surrogate (penalty_y is no bound: a penalty is no information).
"""

from __future__ import annotations

__all__ = ["Irm"]

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
    irm_penalty,
    mlp,
)


class Irm(Objective):
    """Invariant risk minimization (Arjovsky et al., 2019)."""

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
        penalty: float = 100.0,
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

        # E_q[-log p(y | z)]; spec line 26
        reconstruction_y = expect(p_y.nll(y))

        # irm(y | z, e); spec line 26
        penalty_y = irm_penalty(p_y.logits, y, e, 2)

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
