"""Invariant prediction: given the latent, the environment adds no information about
the label. In the paper: what Sec. 6 says in words, y independent of e given z. Eq.
18 differs. Published: none. Objective, a game: E[-log p(y|z)] + invariance (E[-log
p(y|z)] - min_r E[-log r(y|z, e)]). Here: I(y; e|z) = H(y|z) - H(y|z, e), whose last
term needs an adversary: a predictor that knows the environment
(docs/paper-audit.md, eq. 18).

Compiled by graphdsl 0.1.0 from the spec `ood_invariant` with pixels = 64,
environments = 2,
sha256 05365a9a0f6984f68cc9071ff9d163983e6cf45c586463efae05696b604475f7.

Objective, to be minimised:

    CE(y | z) + invariance CE(y | z) - invariance CE(y | e, z)

Loss, in nats per row:

    (1 + invariance) E_q[-log p(y | z)]
    + -invariance E_q[-log r(y | e, z)]

Relation: saddle (prediction_y is as good as what plays against it).
"""

from __future__ import annotations

__all__ = ["OodInvariant"]

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
    frozen,
    mlp,
)


class OodInvariant(Objective):
    """Invariant prediction."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("y", role="observed", kind="binary"),
        Variable("e", role="observed", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )
    turns = {"critic": 4, "model": 1}
    critics = ("r_y",)

    def __init__(
        self,
        *,
        invariance: float = 1.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.invariance = self.weight("invariance", invariance, low=0.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_y = self.network(
            "p(y|z)",
            lambda: mlp([(16,)], (64,), ()),
        )
        self.r_y = self.network(
            "r(y|e,z)",
            lambda: mlp([(2,), (16,)], (400, 400), ()),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        y = self.observe(batch, "y")  # (B,)
        e = self.observe(batch, "e")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_e = self.one_hot(e, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)
        r_y_frozen = Bernoulli(frozen(self.r_y)(one_hot_e, z))  # r(y | e, z); (B,)
        r_y = Bernoulli(self.r_y(one_hot_e.detach(), z.detach()))  # r(y | e, z); (B,)

        # E_q[-log p(y | z)]; spec line 27
        reconstruction_y = expect(p_y.nll(y))

        # E_q[-log r(y | e, z)]; spec line 27
        prediction_y = expect(r_y_frozen.nll(y))
        critic_y = expect(r_y.nll(y))

        loss = (1 + self.invariance) * reconstruction_y - self.invariance * prediction_y
        return Losses(
            loss,
            terms={
                "reconstruction_y": reconstruction_y,
                "prediction_y": prediction_y,
            },
            players={
                "model": loss,
                "critic": critic_y,
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
