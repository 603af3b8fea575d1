"""L-MIFR (Song et al., 2019): as informative about x as a limit on the information
about s allows. In the paper: no row of Table 2 as printed. Published: E[-log p(x|z,
s)], subject to E KL(q(z|x, s) || p(z)) <= limit, which bounds I(z; s). Here: with
this bound only, the first of the paper's.

Compiled by graphdsl 0.1.0 from the spec `lmifr` with features = 64, values = 2,
limit = 5,
sha256 626c66ce35db11e3a17efcb74267abc1ff70d074d35b3a5c05aae15be9e967d0.

Objective, to be minimised:

    CE(x | s, z) + lambda (D(q || {z; (x, s)}) - 5)

Loss, in nats per row:

    E_q[-log p(x | z, s)]
    + subject to E_q KL(q(z | x, s) || p(z)) - 5 <= 0

Relation: saddle (rate_z is held by a multiplier, which plays against the rest).

Gaps between loss and objective, where q* is a conditional of q's joint:

    E_q KL(q*(z) || p(z))
"""

from __future__ import annotations

__all__ = ["Lmifr"]

import torch

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Gaussian,
    Latents,
    Losses,
    Multiplier,
    Networks,
    Noise,
    Objective,
    Variable,
    expect,
    mlp,
    standard_normal,
)


class Lmifr(Objective):
    """L-MIFR (Song et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("s", role="given", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(8,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x,s)",
            lambda: mlp([(64,), (2,)], (400, 400), 2 * 8),
        )
        self.p_x = self.network(
            "p(x|z,s)",
            lambda: mlp([(8,), (2,)], (400, 400), 64),
        )
        self.multiplier = Multiplier()
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        s = self.observe(batch, "s")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_s = self.one_hot(s, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_s))  # q(z | x, s); (B, 8)
        z = q_z.sample(noise["z"])  # (B, 8)
        p_x = Bernoulli(self.p_x(z, one_hot_s))  # p(x | z, s); (B, 64)

        # E_q[-log p(x | z, s)]; spec line 18
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x, s) || p(z)); spec line 19
        rate_z = expect(q_z.kl(standard_normal))

        constraint = rate_z - 5
        loss = reconstruction_x + self.multiplier.penalty(constraint)
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
            },
            players={
                "model": loss,
                "multiplier": self.multiplier.dual(constraint),
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        s, seen_s = self.observe_some(batch, "s")
        one_hot_s = self.one_hot(s, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_s)).or_prior(seen_x & seen_s)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        s = self.observe(latents, "s")  # (B,)
        one_hot_s = self.one_hot(s, 2)  # (B, 2)
        p_x = Bernoulli(self.p_x(z, one_hot_s))  # p(x | z, s); (B, 64)
        return {
            "x": p_x,
        }
