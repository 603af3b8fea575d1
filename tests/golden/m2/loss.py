"""M2 (Kingma et al., 2014): a generative model of data and labels; most rows have no
label. In the paper: no row of Table 2 as printed. Published: L(x, y) = E[-log
p(x|y, z)] - log p(y) + KL(q(z|x, y) || p(z)) for rows with a label, U(x) = E_q(y|x)
L(x, y) - H(q(y|x)) for the others, summed over N rows, and 0.1 N times the mean of
-log q(y|x) over the rows with a label. Here: the mean over N rows, so that alpha is
0.1 N / (rows with a label): 10 if one row in a hundred has a label.

Compiled by graphdsl 0.1.0 from the spec `m2` with pixels = 64, classes = 10,
sha256 7aee87323c95d61b56d58c3abbc91b07abef4339c3fa45b12b11f6815fd8bf1b.

Objective, to be minimised:

    KL(q || p) + alpha CE(label_y | x)

Loss, in nats per row:

    E_q[-log p(x | y, z)]
    + alpha E_q[-log q(label_y | x)]
    + E_q KL(q(y | x, label_y) || p(y))
    + E_q KL(q(z | x, y) || p(z))

Relation: equal (every term is exact, up to the named constants, where E_q sums over all
10 values of y).

Constants of the data, in the objective and not in the loss:

    H(label_y)
    -H(label_y, x)
"""

from __future__ import annotations

__all__ = ["M2"]

import torch
from torch import Tensor

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
    averaged,
    chances,
    expect,
    mlp,
    on_sets,
    standard_normal,
    uniform_categorical,
)


class M2(Objective):
    """M2 (Kingma et al., 2014)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable(
            "y",
            role="observed",
            kind="categorical",
            classes=10,
            optional=True,
            inferred=True,
        ),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )

    def __init__(
        self,
        *,
        alpha: float = 10.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.alpha = self.weight("alpha", alpha, low=0.0)
        self.q_y = self.network(
            "q(y|x)",
            lambda: mlp([(64,)], (400, 400), 10),
        )
        self.q_z = self.network(
            "q(z|x,y)",
            lambda: mlp([(64,), (10,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|y,z)",
            lambda: mlp([(10,), (16,)], (400, 400), 64),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        label_y, seen_label_y = self.observe_some(batch, "y")  # (B,)
        noise = self.noise_for(x, noise)
        q_y = Categorical(self.q_y(x))  # q(y | x); (B,)
        q_y_known = q_y.or_known(seen_label_y, label_y)  # (B,)
        (y,) = self.every("y")  # (1, 10, 10)
        chance = chances(q_y_known[:, None].log_prob(y))  # of every y; (B, 10)
        # q(z | x, y) of every y; (B, 10, 16)
        q_z = Gaussian.split(on_sets(self.q_z, x[:, None], y))
        z = q_z.sample(noise["z"][:, None])  # (B, 10, 16)
        p_x = Bernoulli(on_sets(self.p_x, y, z))  # p(x | y, z) of every y; (B, 10, 64)

        # E_q[-log p(x | y, z)]; spec line 24
        reconstruction_x = expect(averaged(p_x.nll(x[:, None]), chance))

        # E_q[-log q(label_y | x)]; spec line 24
        prediction_label_y = expect(q_y.nll(label_y), seen_label_y)

        # E_q KL(q(y | x, label_y) || p(y)); spec line 24
        rate_y = expect(q_y_known.kl(uniform_categorical))

        # E_q KL(q(z | x, y) || p(z)); spec line 24
        rate_z = expect(averaged(q_z.kl(standard_normal), chance))

        loss = reconstruction_x + self.alpha * prediction_label_y + rate_y + rate_z
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "prediction_label_y": prediction_label_y,
                "rate_y": rate_y,
                "rate_z": rate_z,
            },
        )

    @torch.no_grad()
    def infer(
        self,
        batch: Batch,
        noise: Noise | None = None,
    ) -> dict[str, Categorical | Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        label_y, seen_label_y = self.observe_some(batch, "y")
        q_y = Categorical(self.q_y(x)).or_prior(seen_x)
        q_y_known = q_y.or_known(seen_label_y, label_y)  # (B,)
        y = q_y_known.draw(noise, "y")
        q_z = Gaussian.split(self.q_z(x, y)).or_prior(seen_x)
        return {
            "y": q_y_known,
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        y = self.value_of(latents, "y")
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(y, z))  # p(x | y, z); (B, 64)
        return {
            "x": p_x,
        }

    @torch.no_grad()
    def ancestral_sample(self, noise: Noise, given: Batch) -> dict[str, Tensor]:
        y_drawn = uniform_categorical.sample(noise["y"])  # (B, 10)
        y = self.or_given(given, "y", y_drawn)  # (B, 10)
        z = standard_normal.sample(noise["z"])  # (B, 16)
        return {
            "y": y,
            "z": z,
        }
