"""FFVAE (Creager et al., 2019): each attribute has its own factor, independent of all
others. In the paper: no row of Table 2 as printed. Published: E[-log p(x|z, b)] + E
KL(q(z, b|x) || p(z, b)) + alpha sum_i E[-log p(a_i|b_i)] + gamma TC(z; b_1; ...;
b_k), where z are the factors without an attribute, TC by a critic. Here: TC by
minibatch stratified sampling.

Compiled by graphdsl 0.1.0 from the spec `ffvae` with pixels = 64, attributes = 3,
factors = 16,
sha256 6fbd39155e14f8e5f5e483d73b7ce54cea80c44344ecfb46c34b12ed3bda5dad.

Objective, to be minimised:

    KL(q || p) + alpha sum(i in 1..3) D(q || {x -> b[i]; b[i] -> a[i]}) + gamma D(q ||
    flexible)

Loss, in nats per row:

    E_q[-log p(x | b)]
    + alpha sum_i E_q[-log r(a[i] | b[i])]
    + sum_i E_q KL(q(b[i] | x) || p(b[i]))
    + gamma TC(b)
    + -gamma TC(b[4]; b[5]; b[6]; b[7]; b[8]; b[9]; b[10]; b[11]; b[12]; b[13]; b[14];
    b[15]; b[16])

Relation: estimate (total_correlation_b, total_correlation_b_2 are estimated from a
minibatch, and are no bound).

Gaps between loss and objective, where q* is a conditional of q's joint:

    sum(i in 1..3) alpha E_q KL(q*(a[i] | b[i]) || r(a[i] | b[i]))

Constants of the data, in the objective and not in the loss:

    H(a[1], a[2], a[3])
    -H(a[1], a[2], a[3], x)
    sum(i in 1..3) -alpha H(a[i], x)
    3*alpha H(x)
"""

from __future__ import annotations

__all__ = ["Ffvae"]

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
    mlps,
    standard_normal,
    total_correlation_mss,
)


class Ffvae(Objective):
    """FFVAE (Creager et al., 2019)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("a", role="observed", kind="binary", members=3),
        Variable("b", role="latent", kind="real", members=16),
    )

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        gamma: float = 10.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.alpha = self.weight("alpha", alpha, low=0.0)
        self.gamma = self.weight("gamma", gamma, low=0.0)
        self.q_b = self.network(
            "q(b|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 16),
        )
        self.p_x = self.network(
            "p(x|b)",
            lambda: mlp([(16,)], (400, 400), 64),
        )
        self.r_a = self.members(
            [f"r(a[{i}]|b[{i}])" for i in range(1, 4)],
            lambda: mlps(3, [()], (400, 400), ()),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        a = self.observe(batch, "a")  # (B, 3)
        noise = self.noise_for(x, noise)
        q_b = Gaussian.split(self.q_b(x))  # q(b | x); (B, 16)
        b = q_b.sample(noise["b"])  # (B, 16)
        p_x = Bernoulli(self.p_x(b))  # p(x | b); (B, 64)
        r_a = Bernoulli(self.r_a(b[:, 0:3]))  # r(a[i] | b[i]); (B, 3)

        # E_q[-log p(x | b)]; spec line 27
        reconstruction_x = expect(p_x.nll(x))

        # sum_i E_q[-log r(a[i] | b[i])]; spec line 28
        prediction_a = expect(r_a.nll(a))

        # sum_i E_q KL(q(b[i] | x) || p(b[i])); spec line 27
        rate_b = expect(q_b.kl(standard_normal))

        # TC(b); spec lines 27, 28, 29, 30
        total_correlation_b = total_correlation_mss(b, q_b, self.rows)

        # TC(b[4]; b[5]; b[6]; b[7]; b[8]; b[9]; b[10]; b[11]; b[12]; b[13]; b[14];
        # b[15]; b[16]); spec lines 27, 28, 29, 31
        total_correlation_b_2 = total_correlation_mss(
            b[:, 3:16], q_b[:, 3:16], self.rows
        )

        loss = (
            reconstruction_x
            + self.alpha * prediction_a
            + rate_b
            + self.gamma * total_correlation_b
            - self.gamma * total_correlation_b_2
        )
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "prediction_a": prediction_a,
                "rate_b": rate_b,
                "total_correlation_b": total_correlation_b,
                "total_correlation_b_2": total_correlation_b_2,
            },
        )

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen_x = self.observe_some(batch, "x")
        q_b = Gaussian.split(self.q_b(x)).or_prior(seen_x)
        return {
            "b": q_b,
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli]:
        b = self.value_of(latents, "b")
        p_x = Bernoulli(self.p_x(b))  # p(x | b); (B, 64)
        return {
            "x": p_x,
        }
