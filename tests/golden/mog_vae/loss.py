"""VAE with a mixture prior (Dilokthanakul et al., 2016): a mixture of Gaussians. In
the paper: no row of Table 2. Published: E[-log p(x|z)] + E[log q(z|x) - log sum_k
w_k N(z; m_k, s_k^2)], with weights, means and scales that are learned: the baseline
of Tomczak & Welling (2018), sec. 4.

Compiled by graphdsl 0.1.0 from the spec `mog_vae` with pixels = 64,
sha256 74a804f65e135a7ffa07d837fadcf54fe6e046aa9b467a47481c55455bb25177.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    E_q[-log p(x | z)]
    + E_q KL(q(z | x) || p(z))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    -H(x)
"""

from __future__ import annotations

__all__ = ["MogVae"]

import torch
from torch import Tensor

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Gaussian,
    Latents,
    Losses,
    Mixture,
    Networks,
    Noise,
    Objective,
    Variable,
    expect,
    mixture_model,
    mlp,
)


class MogVae(Objective):
    """VAE with a mixture prior (Dilokthanakul et al., 2016)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (300, 300), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(16,)], (300, 300), 64),
        )
        self.p_z = self.network(
            "p(z)",
            lambda: mixture_model(10, (16,)),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 16)
        z = q_z.sample(noise["z"])  # (B, 16)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)
        p_z = Mixture.split(self.p_z(), 10)  # p(z); (1, 16)

        # E_q[-log p(x | z)]; spec line 15
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x) || p(z)); spec line 15
        rate_z = expect(q_z.log_prob(z)) - expect(p_z.log_prob(z))

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

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        p_z = Mixture.split(self.p_z(), 10)  # p(z); (1, 16)
        z = p_z.draw(noise, "z")  # (B, 16)
        return {
            "z": z,
        }
