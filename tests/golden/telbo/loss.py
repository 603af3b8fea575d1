"""TELBO (Vedantam et al., 2018): the latent is inferred from an image and its label,
jointly and from each alone. In the paper: Sec. 4.2 names it; no row of Table 2 as
printed. Published: E_q[-log p(x|z)] + joint E_q[-log p(y|z)] + E KL(q(z|x, y) ||
p(z)) + E_r[-log p(x|z)] + E KL(r(z|x) || p(z)) + alone E_s[-log p(y|z)] + E
KL(s(z|y) || p(z)), where the decoders are held fixed in the terms of a single view.

Compiled by graphdsl 0.1.0 from the spec `telbo` with pixels = 64, classes = 10,
sha256 7a8e436bc2c0444c98d4b310f487d0147899512e8626e155f12b93969ef902a3.

Objective, to be minimised:

    KL(q || p) + KL(r(x, z) || p(x, z)) + (joint - 1) CE(y | z) + alone KL(s(y, z) ||
    p(y, z)) + (1 - alone) KL(s(z | y) || p(z))

Loss, in nats per row:

    E_q[-log p(x | z)]
    + joint E_q[-log p(y | z)]
    + E_r[-log p(x | z)]
    + alone E_s[-log p(y | z)]
    + E_q KL(q(z | x, y) || p(z))
    + E_r KL(r(z | x) || p(z))
    + E_s KL(s(z | y) || p(z))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x)
    -H(x, y)
    -alone H(y)
"""

from __future__ import annotations

__all__ = ["Telbo"]

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
    frozen,
    mlp,
    standard_normal,
)


class Telbo(Objective):
    """TELBO (Vedantam et al., 2018)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("y", role="observed", kind="categorical", classes=10),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        joint: float = 10.0,
        alone: float = 10.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.joint = self.weight("joint", joint, low=0.0)
        self.alone = self.weight("alone", alone, low=0.0)
        self.q_z = self.network(
            "q(z|x,y)",
            lambda: mlp([(64,), (10,)], (400, 400), 2 * 16),
        )
        self.r_z = self.network(
            "r(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.s_z = self.network(
            "s(z|y)",
            lambda: mlp([(10,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.p_y = self.network(
            "p(y|z)",
            lambda: mlp([(16,)], (400, 400), 10),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        y = self.observe(batch, "y")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_y = self.one_hot(y, 10)  # (B, 10)
        q_z = Gaussian.split(self.q_z(x, one_hot_y))  # q(z | x, y); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        r_z = Gaussian.split(self.r_z(x))  # r(z | x); (B, 16)
        z_r = r_z.sample(noise["z"])  # (B, 16)
        s_z = Gaussian.split(self.s_z(one_hot_y))  # s(z | y); (B, 16)
        z_s = s_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        p_y = Categorical(self.p_y(z))  # p(y | z); (B,)
        p_x_frozen_r = Bernoulli(frozen(self.p_x)(z_r))  # p(x | z); (B, 64)
        p_y_frozen_s = Categorical(frozen(self.p_y)(z_s))  # p(y | z); (B,)

        # E_q[-log p(x | z)]; spec line 27
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log p(y | z)]; spec lines 27, 28
        reconstruction_y = expect(p_y.nll(y))

        # E_r[-log p(x | z)]; spec line 29
        reconstruction_x_r = expect(p_x_frozen_r.nll(x))

        # E_s[-log p(y | z)]; spec line 30
        reconstruction_y_s = expect(p_y_frozen_s.nll(y))

        # E_q KL(q(z | x, y) || p(z)); spec line 27
        rate_z = expect(q_z.kl(standard_normal))

        # E_r KL(r(z | x) || p(z)); spec line 29
        rate_z_r = expect(r_z.kl(standard_normal))

        # E_s KL(s(z | y) || p(z)); spec lines 30, 31
        rate_z_s = expect(s_z.kl(standard_normal))

        loss = (
            reconstruction_x
            + self.joint * reconstruction_y
            + reconstruction_x_r
            + self.alone * reconstruction_y_s
            + rate_z
            + rate_z_r
            + rate_z_s
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "reconstruction_y": reconstruction_y,
                "reconstruction_x_r": reconstruction_x_r,
                "reconstruction_y_s": reconstruction_y_s,
                "rate_z": rate_z,
                "rate_z_r": rate_z_r,
                "rate_z_s": rate_z_s,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        y, seen_y = self.observe_some(batch, "y")
        one_hot_y = self.one_hot(y, 10)  # (B, 10)
        q_z = Gaussian.split(self.q_z(x, one_hot_y)).or_prior(seen_x & seen_y)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Categorical]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        p_y = Categorical(self.p_y(z))  # p(y | z); (B,)
        return {
            "x": p_x,
            "y": p_y,
        }
