"""scVI (Lopez et al., 2018): counts of single cells, given their batches and library
sizes. In the paper: no row of Table 2 as printed. Published: E[-log p(x|z, s, l)] +
E KL(q(z|x, s) || p(z)), with a batch s and a library size l. Here: l is the sum of
a cell's counts, as in scvi-tools, and not inferred.

Compiled by graphdsl 0.1.0 from the spec `scvi` with genes = 64, batches = 2,
sha256 c8aa57d5514758b44a83de3c697da0a05cca98c1499c69026bb87402eadc235a.

Objective, to be minimised:

    KL(q || p)

Loss, in nats per row:

    E_q[-log p(x | z, batch, size)]
    + E_q KL(q(z | x, batch) || p(z))

Relation: equal (every term is exact, up to the named constants).

Constants of the data, in the objective and not in the loss:

    H(batch, size)
    -H(batch, size, x)
"""

from __future__ import annotations

__all__ = ["Scvi"]

import torch

from graphdsl_runtime import (
    Batch,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    ZeroInflatedNegativeBinomial,
    expect,
    mlp,
    standard_normal,
)


class Scvi(Objective):
    """scVI (Lopez et al., 2018)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="count", shape=(64,)),
        Variable("size", role="given", kind="positive"),
        Variable("batch", role="given", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(10,)),
    )

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.network(
            "q(z|x,batch)",
            lambda: self.scaled(mlp([(64,), (2,)], (128,), 2 * 10), inputs=["x", None]),
        )
        self.p_x = self.network(
            "p(x|z,batch,size)",
            lambda: self.scaled(
                mlp([(10,), (2,)], (128,), 2 * 64),
                answer="x",
                law="zero_inflated_negative_binomial",
                without="dispersion",
            ),
        )
        self.log_dispersion_p_x = self.learned_scale(
            "x", (64,), law="zero_inflated_negative_binomial"
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        size = self.observe(batch, "size")  # (B,)
        batch_2 = self.observe(batch, "batch")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_batch = self.one_hot(batch_2, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_batch))  # q(z | x, batch); (B, 10)
        z = q_z.sample(noise["z"])  # (B, 10)
        # p(x | z, batch, size); (B, 64)
        p_x = ZeroInflatedNegativeBinomial.of_dispersion(
            self.p_x(z, one_hot_batch), self.log_dispersion_p_x
        ).exposed(size, 1)

        # E_q[-log p(x | z, batch, size)]; spec line 18
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x, batch) || p(z)); spec line 18
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
        batch_2, seen_batch = self.observe_some(batch, "batch")
        one_hot_batch = self.one_hot(batch_2, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_batch)).or_prior(seen_x & seen_batch)
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, ZeroInflatedNegativeBinomial]:
        z = self.value_of(latents, "z")
        size = self.observe(latents, "size")  # (B,)
        batch_2 = self.observe(latents, "batch")  # (B,)
        one_hot_batch = self.one_hot(batch_2, 2)  # (B, 2)
        # p(x | z, batch, size); (B, 64)
        p_x = ZeroInflatedNegativeBinomial.of_dispersion(
            self.p_x(z, one_hot_batch), self.log_dispersion_p_x
        ).exposed(size, 1)
        return {
            "x": p_x,
        }
