"""MI invariance (arXiv 1911.10922): the information of a factor about x is the same
given the other factors. In the paper: no row of Table 2 as printed. Published: I(x;
z_j|z_-j) = I(x; z_j) for a factorised prior and posterior; objective -ELBO. Here:
each of the two conditions gives an inequality. A factorised posterior gives <=
under q, with slack I(z_j; z_-j); a factorised prior gives >= under p, with slack
I(z_j; z_-j|x).

Compiled by graphdsl 0.1.0 from the spec `mi_invariance` with pixels = 64, factors =
4,
sha256 724c74729761c87e5639df92ae1d58344505e1a9b1800c1f038ef64648f7cdb0.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    E_q[-log p(x | z)]
    + sum_i E_q KL(q(z[i] | x) || p(z[i]))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["MiInvariance"]

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


class MiInvariance(Objective):
    """MI invariance (arXiv 1911.10922)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", members=4),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 4),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(4,)], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 4)
        z = q_z.sample(noise["z"])  # (B, 4)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)

        # E_q[-log p(x | z)]; spec line 18
        reconstruction_x = expect(p_x.nll(x))

        # sum_i E_q KL(q(z[i] | x) || p(z[i])); spec line 18
        rate_z = expect(q_z.kl(standard_normal))

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
