"""MMVAE (Shi et al., 2019): one encoder per view; their mixture infers the latent. In
the paper: no row of Table 2. Published: -1/M sum_m E log 1/K sum_k p(x, z_mk) /
q(z_mk | x), z_mk ~ q(z | x_m), with Laplace distributions. Here: the same with
normal distributions, over the views that a row has. Without `per_expert` the bound
takes one logarithm over all samples; it is never larger (Jensen), and converges to
-log p(x) as K grows.

Compiled by graphdsl 0.1.0 from the spec `mmvae` with views = 2, pixels = 32,
sha256 51d87ce0960b31d301a42e45cbd7494ae021e51e1fa0b837f2fefd141b479ccc.

Objective, to be minimised:

    KL^(8, per expert)(q || p)

Loss, in nats per row:

    E_q[-1/M sum_m log 1/8 sum_k p(x[1], x[2], z) / q(z | x[1], x[2])]

Relation: upper (every bounded entropy has a nonnegative weight).

Gaps between loss and objective, where q* is a conditional of q's joint:

    E_q[log p(x[1], x[2]) - 1/M sum_m log 1/8 sum_k p(x[1], x[2], z) / q(z | x[1],
    x[2])]

Constants of the data, in the objective and not in the loss:

    -H(x[1], x[2])
"""

from __future__ import annotations

__all__ = ["Mmvae"]

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
    among,
    expect,
    importance_of_experts,
    mixture_of_experts,
    mlps,
    one_expert,
    repeated,
    standard_normal,
)


class Mmvae(Objective):
    """MMVAE (Shi et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable(
            "x", role="observed", kind="binary", members=2, shape=(32,), optional=True
        ),
        Variable("z", role="latent", kind="real", shape=(16,)),
    )
    samples = 16

    def __init__(
        self,
        *,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.q_z = self.members(
            [f"q(z|x[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [(32,)], (400, 400), 2 * 16),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16)], (400, 400), 32),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x, seen_x = self.observe_some(batch, "x")  # (B, 2, 32)
        noise = self.noise_for(x, noise)
        experts_z = Gaussian.split(self.q_z(x))  # q(z | x[i]); (B, 2, 16)
        mixture_z = mixture_of_experts(experts_z, seen_x)  # q(z | x); (B, 2, 16)
        # (16 B, 16)
        z_k = mixture_z.sample_several(self.samples_of(noise, "z", 16, x), 8)
        p_x_k = Bernoulli(self.p_x(z_k))  # p(x[i] | z); (16 B, 2, 32)
        x_k = repeated(x, 16)  # (16 B, 2, 32)
        seen_x_k = repeated(seen_x, 16)  # (16 B, 2)
        mixture_z_k = repeated(mixture_z, 16)  # (16 B, 2, 16)

        # E_q[-1/M sum_m log 1/8 sum_k p(x[1], x[2], z) / q(z | x[1], x[2])]; spec line
        # 19
        importance = expect(
            importance_of_experts(
                p=[among(p_x_k.log_prob(x_k), seen_x_k), standard_normal.log_prob(z_k)],
                q=[mixture_z_k.log_prob(z_k)],
                samples=8,
                log_weights=mixture_z.log_weights,
                per_expert=True,
            ),
        )

        loss = importance
        return Losses(
            loss,
            terms={
                "importance": importance,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        experts_z = Gaussian.split(self.q_z(x))
        q_z = one_expert(
            experts_z, self.selector(noise, "selector_z", experts_z, seen_x), seen_x
        )
        return {
            "z": q_z,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        z = self.value_of(latents, "z")
        p_x = Bernoulli(self.p_x(z))  # p(x[i] | z); (B, 2, 32)
        return {
            "x": p_x,
        }
