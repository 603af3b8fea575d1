"""AnchorVAE (Gao et al., 2019): a few of the factors are informative about the data.
In the paper: Sec. 4.2 cites it for CorEx; no row of Table 2 as printed. Published:
E[-log p(x|z)] + E KL(q(z|x) || p(z)) - anchor I(z_A; x), for the anchors z_A. Here:
I(z_A; x) >= H(x) + E[log r(x|z_A)], by a separate decoder. Not compared with the
bound of that paper.

Compiled by graphdsl 0.1.0 from the spec `anchor_vae` with pixels = 64, factors =
16, anchors = 4,
sha256 cb368016e6aca1b777ed5dfc2d72cf08b2631edcfdc2b5dd6a1892476b946290.

Objective, to be minimised:

    KL(q || p) + anchor D(q || {x -> (z[1..4]); (z[1..4]) -> x'})

Loss, in nats per row:

    E_q[-log p(x | z)]
    + anchor E_q[-log r(x | z[1..4])]
    + sum_i E_q KL(q(z[i] | x) || p(z[i]))

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    anchor E_q KL(q*(x | z[1..4]) || r(x | z[1..4]))

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["AnchorVae"]

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
    standard_normal,
)


class AnchorVae(Objective):
    """AnchorVAE (Gao et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", members=16),
    )

    def __init__(
        self,
        *,
        anchor: float = 1.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.anchor = self.weight("anchor", anchor, low=0.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.r_x = self.network(
            "r(x|z[1],z[2],z[3],z[4])",
            lambda: mlp([(4,)], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        r_x = Bernoulli(self.r_x(z[:, 0:4]))  # r(x | z[1], z[2], z[3], z[4]); (B, 64)

        # E_q[-log p(x | z)]; spec line 20
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log r(x | z[1..4])]; spec line 21
        prediction_x = expect(r_x.nll(x))

        # sum_i E_q KL(q(z[i] | x) || p(z[i])); spec line 20
        rate_z = expect(q_z.kl(standard_normal))

        loss = reconstruction_x + self.anchor * prediction_x + rate_z
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "prediction_x": prediction_x,
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
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        return {
            "x": p_x,
        }
