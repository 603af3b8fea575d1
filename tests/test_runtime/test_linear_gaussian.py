"""A model whose every answer is known: linear views of a Gaussian latent.

With p(z) = N(0, I) and p(x[i] | z) = N(W[i] z, I), and the columns of W[i] orthogonal, the expert
q~(z | x[i]) is a diagonal Gaussian. The product of experts is then the exact posterior of any
subset of the views, and the loss is -log p(x).
"""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

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
    mlps,
    product_of_experts,
    standard_normal,
)

VIEWS, PIXELS, SIZE, ROWS = 3, 6, 4, 5


class Linear(Objective):
    """Views of one latent, under a product of experts."""

    variables = (
        Variable("x", role="observed", kind="real", members=VIEWS, shape=(PIXELS,)),
        Variable("z", role="latent", kind="real", shape=(SIZE,)),
    )

    def __init__(self, networks: Networks | None = None) -> None:
        super().__init__(networks)
        views = range(1, VIEWS + 1)
        self.q_z = self.members(
            [f"q(z|x[{i}])" for i in views], lambda: mlps(VIEWS, [(PIXELS,)], (), 2 * SIZE)
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z)" for i in views], lambda: mlps(VIEWS, [Shared(SIZE)], (), PIXELS)
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Compute the negative evidence lower bound."""
        x = self.observe(batch, "x")
        noise = self.draw_noise(x) if noise is None else noise
        q_z = product_of_experts(Gaussian.split(self.q_z(x)))
        p_x = Gaussian.unit(self.p_x(q_z.sample(noise["z"])))
        reconstruction_x, rate_z = -expect(p_x.log_prob(x)), expect(q_z.kl(standard_normal))
        terms = {"reconstruction_x": reconstruction_x, "rate_z": rate_z}
        return Losses(reconstruction_x + rate_z, terms=terms)

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        """Give q(z | x_S)."""
        x, seen = self.observe_some(batch, "x")
        return {"z": product_of_experts(Gaussian.split(self.q_z(x)), seen)}

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Gaussian]:
        """Give p(x[i] | z)."""
        return {"x": Gaussian.unit(self.p_x(latents["z"]))}


class Expert(nn.Module):
    """The quotient p(z | x) / p(z), as a function of z, of a view x = W z + noise."""

    def __init__(self, weight: Tensor, shift: float = 0.0) -> None:
        super().__init__()
        self.weight, self.shift = weight, shift

    def forward(self, x: Tensor) -> Tensor:
        """Give its mean and log-variance, both off by ``shift``."""
        precision = self.weight.square().sum(dim=0)
        mean = x @ self.weight / precision
        return torch.cat([mean + self.shift, self.shift - precision.log().expand_as(mean)], dim=1)


class Decoder(nn.Module):
    """The mean W z."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, z: Tensor) -> Tensor:
        """Give the mean of the view."""
        mean: Tensor = z @ self.weight.T
        return mean


@pytest.fixture
def weights() -> Tensor:
    columns: Tensor = torch.linalg.qr(torch.randn(VIEWS, PIXELS, SIZE, dtype=torch.float64))[0]
    return columns * (0.5 + torch.rand(VIEWS, 1, SIZE, dtype=torch.float64))


@pytest.fixture
def x(weights: Tensor) -> Tensor:
    z = torch.randn(ROWS, SIZE, dtype=torch.float64)
    return torch.einsum("vpd,bd->bvp", weights, z) + torch.randn(ROWS, VIEWS, PIXELS).double()


def model_of(weights: Tensor, shift: float = 0.0) -> Linear:
    networks: dict[str, nn.Module] = {}
    for i, weight in enumerate(weights, start=1):
        networks[f"q(z|x[{i}])"] = Expert(weight, shift)
        networks[f"p(x[{i}]|z)"] = Decoder(weight)
    return Linear(networks)


def expected_loss(model: Linear, x: Tensor) -> Tensor:
    """Average the loss over the noise, exactly: it is quadratic, and sigma points are enough."""
    points = math.sqrt(SIZE) * torch.cat([torch.eye(SIZE), -torch.eye(SIZE)]).double()
    noise = points.repeat(len(x), 1)
    losses: Losses = model({"x": x.repeat_interleave(2 * SIZE, dim=0)}, {"z": noise})
    return losses.loss


def surprise(weights: Tensor, x: Tensor) -> Tensor:
    """Give -log p(x) per row."""
    whole = weights.reshape(VIEWS * PIXELS, SIZE)
    covariance = whole @ whole.T + torch.eye(VIEWS * PIXELS).double()
    p_x = torch.distributions.MultivariateNormal(torch.zeros(VIEWS * PIXELS).double(), covariance)
    log_p: Tensor = p_x.log_prob(x.flatten(1))  # type: ignore[no-untyped-call]  # torch's own gap
    return -log_p


def posterior(weights: Tensor, x: Tensor, subset: Tensor) -> Gaussian:
    """Give p(z | x_S) by linear algebra."""
    whole, seen = weights[subset].reshape(-1, SIZE), x[:, subset].flatten(1)
    covariance = torch.linalg.inv(torch.eye(SIZE).double() + whole.T @ whole)
    assert_close(covariance, covariance.diagonal().diag())
    mean = seen @ whole @ covariance
    return Gaussian(mean, covariance.diagonal().log().expand_as(mean))


def test_the_loss_at_the_posterior_is_the_surprise(weights: Tensor, x: Tensor) -> None:
    assert_close(expected_loss(model_of(weights), x), surprise(weights, x).mean())


def test_the_gap_elsewhere_is_the_divergence_from_the_posterior(weights: Tensor, x: Tensor) -> None:
    model = model_of(weights, shift=0.4)
    truth = posterior(weights, x, torch.ones(VIEWS, dtype=torch.bool))
    gap = expect(model.infer({"x": x})["z"].kl(truth))
    assert gap > 0.1
    assert_close(expected_loss(model, x), surprise(weights, x).mean() + gap)


SUBSETS = [torch.tensor(s) for s in itertools.product([False, True], repeat=VIEWS)]


@pytest.mark.parametrize("subset", SUBSETS, ids=str)
def test_any_subset_of_the_views_has_its_posterior(
    weights: Tensor, x: Tensor, subset: Tensor
) -> None:
    model, exact = model_of(weights), posterior(weights, x, subset)
    q_z = model.infer({"x": x, "seen(x)": subset.expand(ROWS, VIEWS)})["z"]
    assert_close(q_z.mean, exact.mean)
    assert_close(q_z.log_var, exact.log_var)


def test_a_translation_is_the_conditional_mean(weights: Tensor, x: Tensor) -> None:
    views = {"x[1]": x[:, 0], "x[3]": x[:, 2]}
    seen = posterior(weights, x, torch.tensor([True, False, True]))
    predicted = model_of(weights).translate(views, to=["x[2]", "x"])
    assert_close(predicted["x[2]"], seen.mean @ weights[1].T)
    assert torch.equal(predicted["x"][:, 1], predicted["x[2]"])


def test_rows_may_miss_different_views(weights: Tensor, x: Tensor) -> None:
    seen = torch.rand(ROWS, VIEWS) > 0.5
    model = model_of(weights)
    q_z = model.infer({"x": torch.where(seen[..., None], x, torch.nan)})["z"]
    for b in range(ROWS):
        exact = posterior(weights, x[b : b + 1], seen[b])
        assert_close(q_z[b : b + 1].mean, exact.mean)
