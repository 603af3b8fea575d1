"""A data set and an objective small enough to train in a blink."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Gaussian,
    Latents,
    Losses,
    Noise,
    Objective,
    Shared,
    Variable,
    expect,
    mlps,
    product_of_experts,
    standard_normal,
)
from graphdsl_runtime.training import DataSet, Layout


class TinyWyner(Objective):
    """Two views of six pixels, what they share, and what each has alone; all of it linear."""

    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(6,)),
        Variable("z", role="latent", kind="real", shape=(2,)),
        Variable("u", role="latent", kind="real", members=2, shape=(1,)),
    )

    def __init__(self, common: float = 0.1) -> None:
        super().__init__()
        self.common = self.weight("common", common, low=0.0)
        self.q_z = self.members(["q(z|x[1])", "q(z|x[2])"], lambda: mlps(2, [(6,)], (), 4))
        self.q_u = self.members(["q(u[1]|x[1])", "q(u[2]|x[2])"], lambda: mlps(2, [(6,)], (), 2))
        self.p_x = self.members(
            ["p(x[1]|z,u[1])", "p(x[2]|z,u[2])"], lambda: mlps(2, [Shared(2), (1,)], (), 6)
        )

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        x = self.observe(batch, "x")
        noise = self.draw_noise(x) if noise is None else noise
        q_z = product_of_experts(Gaussian.split(self.q_z(x)))
        q_u = Gaussian.split(self.q_u(x))
        p_x = Bernoulli(self.p_x(q_z.sample(noise["z"]), q_u.sample(noise["u"])))
        terms = {
            "reconstruction_x": -expect(p_x.log_prob(x)),
            "rate_z": expect(q_z.kl(standard_normal)),
            "rate_u": expect(q_u.kl(standard_normal)),
        }
        loss = terms["reconstruction_x"] + (1 + self.common) * terms["rate_z"] + terms["rate_u"]
        return Losses(loss, terms=terms)

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        x, seen = self.observe_some(batch, "x")
        q_z = product_of_experts(Gaussian.split(self.q_z(x)), seen)
        return {"z": q_z, "u": Gaussian.split(self.q_u(x)).or_prior(seen)}

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Gaussian]:
        return {"x": Bernoulli(self.p_x(latents["z"], latents["u"]))}


def noisy_copies(rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Give rows of two views that are noisy copies of one of four patterns, and which."""
    patterns = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 0, 1, 0, 1, 0], [0] * 6])
    labels = torch.arange(rows) % 4
    flips = torch.rand(rows, 2, 6, generator=generator) < 0.1
    return (patterns[labels][:, None].bool() ^ flips).float(), labels


@pytest.fixture(scope="session")
def tiny_data() -> DataSet:
    generator = torch.Generator().manual_seed(0)
    train, train_labels = noisy_copies(50, generator)
    test, test_labels = noisy_copies(20, generator)
    return DataSet(
        name="tiny-halves",
        train=train,
        test=test,
        train_labels=train_labels,
        test_labels=test_labels,
        layout=Layout(rows=2, columns=3),
    )


@pytest.fixture(scope="session")
def make_objective() -> Callable[..., Objective]:
    """Build a `TinyWyner`, always with the same weights."""

    def make(**weights: float) -> Objective:
        torch.manual_seed(0)
        return TinyWyner(**weights)

    return make


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Leave the other cores to others; sums come out in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
