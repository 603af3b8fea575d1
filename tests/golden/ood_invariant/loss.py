r"""Invariant prediction: a label that the environment tells nothing more of, given the
latent. What Sec. 6 says in words, y independent of e given z, as the network that
says it (eq. 18 has another: see `ood`). Objective: I(x; y | z) + invariance I(y; e
| z). The second is H(e|z) - H(e|y, z), whose last term needs an adversary; what is
emitted is a certified bound with the gap I(z; x | e, y), and no way to train an
invariant predictor yet: E[-log p(y|z)] + invariance (E[-log r(e|z)] + E KL(q(z|x)
|| p(z))).

Compiled by graphdsl from the spec `ood_invariant` with pixels = 64, environments =
2,
sha256 9fe2f2231c8d1610dbb31ceebf8e7f4f328493e9a554086f10f7740f1c781567.

Objective, to be minimised:

    D(q \,\|\, \{x \to z;\ z \to y\}) + \mathrm{invariance}\,D(q \,\|\,
    \mathrm{invariant})

Loss, in nats per row:

    E_q[-log p(y | z)]
    + invariance E_q[-log r(e | z)]
    + invariance E_q KL(q(z | x) || p(z))

Relation: upper (every entropy that is bounded has a weight that is nowhere negative).

Gaps between loss and objective, where \bar{q} is a conditional of q's joint:

    \mathbb{E}_q\,\mathrm{KL}(\bar{q}(y \mid z) \,\|\, p(y \mid z))
    \mathrm{invariance}\,\mathbb{E}_q\,\mathrm{KL}(\bar{q}(e \mid z) \,\|\, r(e \mid z))
    \mathrm{invariance}\,\mathbb{E}_q\,\mathrm{KL}(\bar{q}(z \mid y) \,\|\, p(z))
    \mathrm{invariance}\,I(z; x \mid e, y)

Constants of the data, in the objective and not in the loss:

    -invariance H(e, y)
    H(x)
    -H(x, y)
    invariance H(y)
"""

from __future__ import annotations

__all__ = ["OodInvariant"]

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


class OodInvariant(Objective):
    r"""Invariant prediction."""

    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("y", role="observed", kind="binary"),
        Variable("e", role="observed", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

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
        self.r_e = self.network(
            "r(e|z)",
            lambda: mlp([(16,)], (400, 400), 2),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        y = self.observe(batch, "y")  # (B,)
        e = self.observe(batch, "e")  # (B,)
        noise = self.draw_noise(x) if noise is None else noise
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)
        r_e = Categorical(self.r_e(z))  # r(e | z); (B,)

        # E_q[-log p(y | z)]; spec line 26
        reconstruction_y = expect(p_y.nll(y))

        # E_q[-log r(e | z)]; spec line 26
        prediction_e = expect(r_e.nll(e))

        # E_q KL(q(z | x) || p(z)); spec line 26
        rate_z = expect(q_z.kl(standard_normal))

        loss = (
            reconstruction_y + self.invariance * prediction_e + self.invariance * rate_z
        )
        return Losses(
            loss,
            terms={
                "reconstruction_y": reconstruction_y,
                "prediction_e": prediction_e,
                "rate_z": rate_z,
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
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Gaussian]:
        z = latents["z"]
        p_y = Bernoulli(self.p_y(z))  # p(y | z); (B,)
        return {
            "y": p_y,
        }
