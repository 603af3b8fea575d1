"""scANVI (Xu et al., 2021): counts of single cells, some of which have a known type.
In the paper: no row of Table 2 as printed. Published: E[-log p(x|z, s, l) + log
q(z|x, s)] + E_q(c|z)[-log p(z|c, u) + KL(q(u|z, c) || p(u))] + KL(q(c|z) || p(c))
for cells whose type c is not known; the same at c for the others, with -log p(c) in
place of the last divergence; and alpha times the mean of -log q(c|z) over these.
Here: l is the sum of a cell's counts, as in scvi-tools, and p(c) is uniform. All
means are over all cells, so alpha is scvi-tools' ratio of 50, divided by the share
of cells with a known type.

Compiled by graphdsl 0.1.0 from the spec `scanvi` with genes = 64, batches = 2,
types = 5,
sha256 90b1e2c837fde95f7dfe47611995ca28f82ab036bcf652743913c23411dd087e.

Objective, to be minimised:

    KL(q || p) + alpha CE(label_type | z)

Loss, in nats per row:

    E_q[-log p(x | z, batch, size)]
    + alpha E_q[-log q(label_type | z)]
    + E_q KL(q(type | z, label_type) || p(type))
    + E_q KL(q(u | z, type) || p(u))
    + E_q[-log p(z | u, type)]
    + -1 H(z | x, batch)

Relation: equal (every term is exact, up to the named constants, where E_q sums over all
5 values of type).

Constants of the data, in the objective and not in the loss:

    -H(batch, label_type, size, x)
    H(batch, size)
    H(label_type)
"""

from __future__ import annotations

__all__ = ["Scanvi"]

import torch
from torch import Tensor

from graphdsl_runtime import (
    Batch,
    Categorical,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Variable,
    ZeroInflatedNegativeBinomial,
    averaged,
    chances,
    expect,
    mlp,
    on_sets,
    standard_normal,
    uniform_categorical,
)


class Scanvi(Objective):
    """scANVI (Xu et al., 2021)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="count", shape=(64,)),
        Variable(
            "type",
            role="observed",
            kind="categorical",
            classes=5,
            optional=True,
            inferred=True,
        ),
        Variable("size", role="given", kind="positive"),
        Variable("batch", role="given", kind="categorical", classes=2),
        Variable("z", role="latent", kind="real", shape=(10,)),
        Variable("u", role="latent", kind="real", shape=(10,)),
    )

    def __init__(
        self,
        *,
        alpha: float = 50.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.alpha = self.weight("alpha", alpha, low=0.0)
        self.q_z = self.network(
            "q(z|x,batch)",
            lambda: self.scaled(mlp([(64,), (2,)], (128,), 2 * 10), inputs=["x", None]),
        )
        self.q_type = self.network(
            "q(type|z)",
            lambda: mlp([(10,)], (128,), 5),
        )
        self.q_u = self.network(
            "q(u|z,type)",
            lambda: mlp([(10,), (5,)], (128,), 2 * 10),
        )
        self.p_z = self.network(
            "p(z|u,type)",
            lambda: mlp([(10,), (5,)], (128,), 2 * 10),
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
        label_type, seen_label_type = self.observe_some(batch, "type")  # (B,)
        size = self.observe(batch, "size")  # (B,)
        batch_2 = self.observe(batch, "batch")  # (B,)
        noise = self.noise_for(x, noise)
        one_hot_batch = self.one_hot(batch_2, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_batch))  # q(z | x, batch); (B, 10)
        z = q_z.sample(noise["z"])  # (B, 10)
        q_type = Categorical(self.q_type(z))  # q(type | z); (B,)
        q_type_known = q_type.or_known(seen_label_type, label_type)  # (B,)
        (type_2,) = self.every("type")  # (1, 5, 5)
        # of every type; (B, 5)
        chance = chances(q_type_known[:, None].log_prob(type_2))
        # q(u | z, type) of every type; (B, 5, 10)
        q_u = Gaussian.split(on_sets(self.q_u, z[:, None], type_2))
        u = q_u.sample(noise["u"][:, None])  # (B, 5, 10)
        # p(z | u, type) of every type; (B, 5, 10)
        p_z = Gaussian.split(on_sets(self.p_z, u, type_2))
        # p(x | z, batch, size); (B, 64)
        p_x = ZeroInflatedNegativeBinomial.of_dispersion(
            self.p_x(z, one_hot_batch), self.log_dispersion_p_x
        ).exposed(size, 1)

        # E_q[-log p(x | z, batch, size)]; spec line 32
        reconstruction_x = expect(p_x.nll(x))

        # E_q[-log q(label_type | z)]; spec line 32
        prediction_label_type = expect(q_type.nll(label_type), seen_label_type)

        # E_q KL(q(type | z, label_type) || p(type)); spec line 32
        rate_type = expect(q_type_known.kl(uniform_categorical))

        # E_q KL(q(u | z, type) || p(u)); spec line 32
        rate_u = expect(averaged(q_u.kl(standard_normal), chance))

        # E_q[-log p(z | u, type)]; spec line 32
        cross_entropy_z = expect(averaged(p_z.nll(z[:, None]), chance))

        # H(z | x, batch); spec line 32
        entropy_z = expect(q_z.entropy())

        loss = (
            reconstruction_x
            + self.alpha * prediction_label_type
            + rate_type
            + rate_u
            + cross_entropy_z
            - entropy_z
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "prediction_label_type": prediction_label_type,
                "rate_type": rate_type,
                "rate_u": rate_u,
                "cross_entropy_z": cross_entropy_z,
                "entropy_z": entropy_z,
            },
        )

    @torch.no_grad()
    def infer(
        self,
        batch: Batch,
        noise: Noise | None = None,
    ) -> dict[str, Categorical | Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        label_type, seen_label_type = self.observe_some(batch, "type")
        batch_2, seen_batch = self.observe_some(batch, "batch")
        one_hot_batch = self.one_hot(batch_2, 2)  # (B, 2)
        q_z = Gaussian.split(self.q_z(x, one_hot_batch)).or_prior(seen_x & seen_batch)
        z = q_z.draw(noise, "z")
        q_type = Categorical(self.q_type(z))
        q_type_known = q_type.or_known(seen_label_type, label_type)  # (B,)
        type_2 = q_type_known.draw(noise, "type")
        q_u = Gaussian.split(self.q_u(z, type_2))
        return {
            "z": q_z,
            "type": q_type_known,
            "u": q_u,
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

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        size = self.observe(given, "size")  # (B,)
        batch_2 = self.observe(given, "batch")  # (B,)
        type_drawn = uniform_categorical.sample(noise["type"])  # (B, 5)
        type_2 = self.or_given(given, "type", type_drawn)  # (B, 5)
        u = standard_normal.sample(noise["u"])  # (B, 10)
        p_z = Gaussian.split(self.p_z(u, type_2))  # p(z | u, type); (B, 10)
        z = p_z.sample(noise["z"])  # (B, 10)
        return {
            "size": size,
            "batch": batch_2,
            "type": type_2,
            "z": z,
            "u": u,
        }
