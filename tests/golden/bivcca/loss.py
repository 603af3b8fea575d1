"""BiVCCA (Wang et al., 2016): two views generated from one latent; each view alone
infers it. In the paper: Sec. 4.2 names it; no row of Table 2 as printed. Published:
mu L_1 + (1 - mu) L_2, with L_i = E_{q_i}[-log p(x_1|z) - log p(x_2|z)] + E
KL(q_i(z|x_i) || p(z)).

Compiled by graphdsl 0.1.0 from the spec `bivcca` with pixels = 32,
sha256 a78a378e1cfff752af4eaf5c21c6b1bee173bd283c31c9f3ca4e1c8c016c1ac5.

Objective, to be minimised:

    mu KL(r(1) || p) + (1 - mu) KL(r(2) || p)

Loss, in nats per row:

    mu sum_i E_r(1)[-log p(x[i] | z)]
    + (1 - mu) sum_i E_r(2)[-log p(x[i] | z)]
    + mu E_r(1) KL(r(z | x[1]) || p(z))
    + (1 - mu) E_r(2) KL(r(z | x[2]) || p(z))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["Bivcca"]

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
    Shared,
    Variable,
    expect,
    mlp,
    mlps,
    standard_normal,
)


class Bivcca(Objective):
    """BiVCCA (Wang et al., 2016)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(32,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        mu: float = 0.5,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.mu = self.weight("mu", mu, low=0.0, high=1.0)
        self.r_z = self.network(
            "r(z|x[1])",
            lambda: mlp([(32,)], (400, 400), 2 * 16),
        )
        self.r_z_2 = self.network(
            "r(z|x[2])",
            lambda: mlp([(32,)], (400, 400), 2 * 16),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16)], (400, 400), 32),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        r_z_1 = Gaussian.split(self.r_z(x[:, 0]))  # r(z | x[1]); (B, 16)
        z_r_1 = r_z_1.sample(noise["z"])  # (B, 16)
        r_z_2 = Gaussian.split(self.r_z_2(x[:, 1]))  # r(z | x[2]); (B, 16)
        z_r_2 = r_z_2.sample(noise["z"])  # (B, 16)
        p_x_r_1 = Bernoulli(self.p_x(z_r_1))  # p(x[i] | z); (B, 2, 32)
        p_x_r_2 = Bernoulli(self.p_x(z_r_2))  # p(x[i] | z); (B, 2, 32)

        # sum_i E_r(1)[-log p(x[i] | z)]; spec line 16
        reconstruction_x_r_1 = expect(p_x_r_1.nll(x))

        # sum_i E_r(2)[-log p(x[i] | z)]; spec line 16
        reconstruction_x_r_2 = expect(p_x_r_2.nll(x))

        # E_r(1) KL(r(z | x[1]) || p(z)); spec line 16
        rate_z_r_1 = expect(r_z_1.kl(standard_normal))

        # E_r(2) KL(r(z | x[2]) || p(z)); spec line 16
        rate_z_r_2 = expect(r_z_2.kl(standard_normal))

        loss = (
            self.mu * reconstruction_x_r_1
            + (1 - self.mu) * reconstruction_x_r_2
            + self.mu * rate_z_r_1
            + (1 - self.mu) * rate_z_r_2
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x_r_1": reconstruction_x_r_1,
                "reconstruction_x_r_2": reconstruction_x_r_2,
                "rate_z_r_1": rate_z_r_1,
                "rate_z_r_2": rate_z_r_2,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        r_z_1 = Gaussian.split(self.r_z(x[:, 0])).or_prior(seen_x[:, 0])
        return {
            "z": r_z_1,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 2, 32)
        return {
            "x": p_x,
        }
