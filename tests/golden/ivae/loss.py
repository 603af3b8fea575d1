"""iVAE (Khemakhem et al., 2020): an auxiliary variable makes the sources identifiable.
In the paper: no row of Table 2 as printed. Published: E[-log p(x|z)] + E KL(q(z|x,
w) || p(z|w)). Here: q with a full covariance, since identification requires that q
can equal the posterior (theorem 4). A diagonal q biases the decoder towards a
diagonal posterior, away from the sources (docs/results/models.md).

Compiled by graphdsl 0.1.0 from the spec `ivae` with sources = 5, segments = 40,
sha256 ece44a953653fd118331fa8e5b3f6f0bbc6f29d1f5f31824ac1e63e7368a6285.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    E_q[-log p(x | z)]
    + E_q KL(q(z | x, w) || p(z | w))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    H(w)
    -H(w, x)
"""

from __future__ import annotations

__all__ = ["Ivae"]

import torch
from torch import Tensor

from graphdsl_runtime import (
    Batch,
    FullGaussian,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    expect,
    mlp,
)


class Ivae(Objective):
    """iVAE (Khemakhem et al., 2020)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="real", shape=(5,)),
        Variable("w", role="given", kind="categorical", classes=40),
        Variable("z", role="latent", kind="real", shape=(5,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x,w)",
            lambda: self.scaled(
                mlp([(5,), (40,)], (100, 100), FullGaussian.size(5)), inputs=["x", None]
            ),
        )
        self.p_z = self.network(
            "p(z|w)",
            lambda: mlp([(40,)], (50, 50), 2 * 5),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: self.scaled(mlp([(5,)], (100, 100), 5), answer="x"),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 5)
        w = self.observe(batch, "w")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_w = self.one_hot(w, 40)  # (B, 40)
        q_z = FullGaussian.split(self.q_z(x, one_hot_w))  # q(z | x, w); (B, 5)
        z = q_z.sample(noise["z"])  # (B, 5)
        p_z = Gaussian.split(self.p_z(one_hot_w))  # p(z | w); (B, 5)
        p_x = Gaussian(self.p_x(z), scale=0.1)  # p(x | z); (B, 5)

        # E_q[-log p(x | z)]; spec line 22
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x, w) || p(z | w)); spec line 22
        rate_z = expect(q_z.kl(p_z))

        loss = reconstruction_x + rate_z
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
            },
        )

    @torch.no_grad()
    def infer(
        self,
        batch: Batch,
        noise: Noise | None = None,
    ) -> dict[str, FullGaussian]:
        x, seen_x = self.observe_some(batch, "x")
        w, seen_w = self.observe_some(batch, "w")
        one_hot_w = self.one_hot(w, 40)  # (B, 40)
        p_z = Gaussian.split(self.p_z(one_hot_w)).or_prior(seen_w)
        q_z = FullGaussian.split(self.q_z(x, one_hot_w)).or_prior(seen_x & seen_w, p_z)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Gaussian]:
        z = self.value_of(latents, "z")
        p_x = Gaussian(self.p_x(z), scale=0.1)  # p(x | z); (B, 5)
        return {
            "x": p_x,
        }

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        w = self.observe(given, "w")  # (B,)
        one_hot_w = self.one_hot(w, 40)  # (B, 40)
        p_z = Gaussian.split(self.p_z(one_hot_w))  # p(z | w); (B, 5)
        z = p_z.sample(noise["z"])  # (B, 5)
        return {
            "w": w,
            "z": z,
        }
