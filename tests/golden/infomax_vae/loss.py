"""InfoMax-VAE (Rezaabad and Vishwanath, 2020): a VAE whose code is informative about
its data. In the paper: not there. Published: E[-log p(x|z)] + beta E KL(q(z|x) ||
p(z)) - alpha I(x; z), where the information has the lower bound of Nguyen,
Wainwright and Jordan (2010). Here: as published. The weight of the information is
negative, so the loss is an upper bound for every critic, and model and critic lower
it together.

Compiled by graphdsl 0.1.0 from the spec `infomax_vae` with pixels = 64,
sha256 8bfac7c54e1e20f2415081753f84a70f055bf559e51264294335eb972ff4676b.

Objective, to be minimised:

    CE(x | z) + beta KL(q(z | x) || p(z)) - alpha I(x; z)

Loss, in nats per row:

    E_q[-log p(x | z)]
    + beta E_q KL(q(z | x) || p(z))
    + -alpha I(z; x)

Relation: upper (information_z_x can only be too large, in expectation over batches).
"""

from __future__ import annotations

__all__ = ["InfomaxVae"]

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
    critic,
    expect,
    information_nwj,
    mlp,
    standard_normal,
)


class InfomaxVae(Objective):
    """InfoMax-VAE (Rezaabad and Vishwanath, 2020)."""

    compiled_by = "graphdsl 0.1.0"
    emitted_format = 1
    variables = (
        Variable("x", role="observed", kind="binary", shape=(64,)),
        Variable("z", role="latent", kind="real", shape=(8,)),
    )
    critics = ("critic_of_z_x",)

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        networks: Networks | None = None,
    ) -> None:
        super().__init__(networks)
        self.alpha = self.weight("alpha", alpha, low=0.0)
        self.beta = self.weight("beta", beta, low=0.0)
        self.q_z = self.network(
            "q(z|x)",
            lambda: mlp([(64,)], (400, 400), 2 * 8),
        )
        self.p_x = self.network(
            "p(x|z)",
            lambda: mlp([(8,)], (400, 400), 64),
        )
        self.critic_of_z_x = self.network(
            "critic(z,x)",
            lambda: critic([(8,), (64,)]),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")  # (B, 64)
        noise = self.noise_for(x, noise)
        q_z = Gaussian.split(self.q_z(x))  # q(z | x); (B, 8)
        z = q_z.sample(noise["z"])  # (B, 8)
        p_x = Bernoulli(self.p_x(z))  # p(x | z); (B, 64)

        # E_q[-log p(x | z)]; spec line 20
        reconstruction_x = expect(p_x.nll(x))

        # E_q KL(q(z | x) || p(z)); spec line 21
        rate_z = expect(q_z.kl(standard_normal))

        # I(z; x); spec lines 20, 21, 22, 23
        information_z_x, critic_z_x = information_nwj(
            self.critic_of_z_x, z, x, noise.get("permuted(x)")
        )

        loss = reconstruction_x + self.beta * rate_z - self.alpha * information_z_x
        return Losses(
            loss,
            terms={
                "reconstruction_x": reconstruction_x,
                "rate_z": rate_z,
                "information_z_x": information_z_x,
            },
            players={
                "model": loss,
                "critic": critic_z_x,
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
