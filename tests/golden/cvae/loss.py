"""CVAE (Sohn et al., 2015): data given a condition, on which the prior depends too. In
the paper: no row of Table 2 as printed. Published: E[-log p(x|z, a)] + E KL(q(z|x,
a) || p(z|a)).

Compiled by graphdsl 0.1.0 from the spec `cvae` with pixels = 64, classes = 10,
sha256 a932d90537ef89130d45c77da7d26906207d27d3c4c6b34b099cd8784bfda821.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    E_q[-log p(x | z, a)]
    + E_q KL(q(z | x, a) || p(z | a))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    H(a)
    -H(a, x)
"""

from __future__ import annotations

__all__ = ["Cvae"]

import torch
from torch import Tensor

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
)


class Cvae(Objective):
    """CVAE (Sohn et al., 2015)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("a", role="given", kind="categorical", classes=10),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x,a)",
            lambda: mlp([(64,), (10,)], (400, 400), 2 * 16),
        )
        self.p_z = self.network(
            "p(z|a)",
            lambda: mlp([(10,)], (64,), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z,a)",
            lambda: mlp([(16,), (10,)], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        a = self.observe(batch, "a")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_a = self.one_hot(a, 10)  # (B, 10)
        q_z = Gaussian.split(self.q_z(x, one_hot_a))  # q(z | x, a); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_z = Gaussian.split(self.p_z(one_hot_a))  # p(z | a); (B, 16)
        p_x = Bernoulli(self.p_x(z, one_hot_a))  # p(x | z, a); (B, 64)

        # E_q[-log p(x | z, a)]; spec line 19
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x, a) || p(z | a)); spec line 19
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
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        a, seen_a = self.observe_some(batch, "a")
        one_hot_a = self.one_hot(a, 10)  # (B, 10)
        p_z = Gaussian.split(self.p_z(one_hot_a)).or_prior(seen_a)
        q_z = Gaussian.split(self.q_z(x, one_hot_a)).or_prior(seen_x & seen_a, p_z)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        a = self.observe(latents, "a")  # (B,)
        one_hot_a = self.one_hot(a, 10)  # (B, 10)
        p_x = Bernoulli(self.p_x(z, one_hot_a))  # p(x | z, a); (B, 64)
        return {
            "x": p_x,
        }

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        a = self.observe(given, "a")  # (B,)
        one_hot_a = self.one_hot(a, 10)  # (B, 10)
        p_z = Gaussian.split(self.p_z(one_hot_a))  # p(z | a); (B, 16)
        z = p_z.sample(noise["z"])  # (B, 16)
        return {
            "a": a,
            "z": z,
        }
