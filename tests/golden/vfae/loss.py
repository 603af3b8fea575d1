"""Variational fair autoencoder (Louizos et al., 2016): latents that are independent of
a nuisance s. In the paper: no row of Table 2 as printed. Published: E[-log p(x|z,
s)] + E KL(q(z|x, s) || p(z)) + gamma MMD(q(z|s = 0) || q(z|s = 1)). Here: without
labels. MMD replaces I(z; s): both are 0 for the same q, but MMD is not in nats.

Compiled by graphdsl 0.1.0 from the spec `vfae` with features = 64,
sha256 c7ead35ca7703d7782660b5f6660b97a170b2e77628ad461f80bbf072c4a98f0.

Objective, to be minimised:

    KL(q || p) + gamma D(q || {z; s})

Loss, in nats per row:

    E_q[-log p(x | z, s)]
    + E_q KL(q(z | x, s) || p(z))
    + gamma I(z; s)

Relation: surrogate (information_z_s is no bound: a kernel discrepancy is zero exactly
when the information is, but is not measured in nats).

Constants of the data, in the objective and not in the loss:

    H(s)
    -H(s, x)
"""

from __future__ import annotations

__all__ = ["Vfae"]

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
    mmd_between,
    standard_normal,
)


class Vfae(Objective):
    """Variational fair autoencoder (Louizos et al., 2016)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("s", role="given", kind="binary"),
        Variable("z", role="latent", kind="real", shape=(8,)),
    )

    def __init__(
        self,
        *,
        gamma: float = 100.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.gamma = self.weight("gamma", gamma, low=0.0)
        self.q_z = self.network(
            "q(z|x,s)",
            lambda: mlp([(64,), ()], (400, 400), 2 * 8),
        )
        self.p_x = self.network(
            "p(x|z,s)",
            lambda: mlp([(8,), ()], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        s = self.observe(batch, "s")  # (B,)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x, s))  # q(z | x, s); (B, 8)
        z = q_z.sample(noise["z"])  # (B, 8)
        p_x = Bernoulli(self.p_x(z, s))  # p(x | z, s); (B, 64)

        # E_q[-log p(x | z, s)]; spec line 17
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x, s) || p(z)); spec line 17
        rate_z = expect(q_z.kl(standard_normal))

        # I(z; s); spec lines 17, 18
        information_z_s = mmd_between(z, s > 0.5)

        loss = reconstruction_x + rate_z + self.gamma * information_z_s
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
                "information_z_s": information_z_s,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        s, seen_s = self.observe_some(batch, "s")
        q_z = Gaussian.split(self.q_z(x, s)).or_prior(seen_x & seen_s)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        s = self.observe(latents, "s")  # (B,)
        p_x = Bernoulli(self.p_x(z, s))  # p(x | z, s); (B, 64)
        return {
            "x": p_x,
        }
