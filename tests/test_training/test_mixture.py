"""EM never goes down, a mixture is a distribution, and one component is the smoothed means."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from graphdsl_runtime.training.mixture import BernoulliMixture, fit_mixture


@pytest.fixture
def rows() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    patterns = torch.rand(5, 12, generator=generator, dtype=torch.float64).round()
    chosen = patterns[torch.randint(5, (80,), generator=generator)]
    noise = torch.rand(80, 12, generator=generator, dtype=torch.float64) < 0.15
    return (chosen.bool() ^ noise).double()


@pytest.mark.parametrize("smoothing", [1e-3, 0.2, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_em_never_goes_down(rows: Tensor, smoothing: float, seed: int) -> None:
    _, objectives = fit_mixture(
        rows, components=6, smoothing=smoothing, seed=seed, tolerance=-1.0, steps=60
    )
    rises = torch.tensor(objectives, dtype=torch.float64).diff()
    assert len(rises) == 59
    assert (rises >= -1e-12).all()
    assert rises[0] > 1e-3


def test_its_objective_is_the_log_posterior_of_its_parameters(rows: Tensor) -> None:
    once, _ = fit_mixture(rows, components=3, smoothing=0.5, steps=1)
    _, objectives = fit_mixture(rows, components=3, smoothing=0.5, steps=2)
    pixels = torch.sigmoid(once.logits)
    log_prior = once.log_weights.sum() + torch.log(pixels * (1 - pixels)).sum()
    by_hand = (-once.cost(rows).sum() + 0.5 * log_prior) / len(rows)
    assert objectives[1] == pytest.approx(by_hand.item(), rel=1e-12)


def test_probabilities_add_up_to_one(rows: Tensor) -> None:
    mixture, _ = fit_mixture(rows[:, :4], components=5, smoothing=0.2)
    everything = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)), dtype=torch.float64)
    assert torch.exp(-mixture.cost(everything)).sum().item() == pytest.approx(1.0, abs=1e-12)
    assert torch.exp(mixture.log_weights).sum().item() == pytest.approx(1.0, abs=1e-12)


def test_its_cost_is_that_of_an_explicit_sum() -> None:
    mixture = BernoulliMixture(
        torch.log(torch.tensor([0.3, 0.7])), torch.tensor([[0.5, -1.0], [2.0, 0.0]])
    )
    p = torch.sigmoid(mixture.logits)
    by_hand = -torch.log(0.3 * p[0, 0] * (1 - p[0, 1]) + 0.7 * p[1, 0] * (1 - p[1, 1]))
    assert mixture.cost(torch.tensor([[1.0, 0.0]])).item() == pytest.approx(by_hand.item())


def test_one_component_is_the_smoothed_means(rows: Tensor) -> None:
    mixture, _ = fit_mixture(rows, components=1, smoothing=1.0)
    means = (rows.sum(0) + 1) / (len(rows) + 2)
    assert torch.allclose(torch.sigmoid(mixture.logits[0]), means, rtol=1e-12)


def test_there_are_no_more_components_than_rows(rows: Tensor) -> None:
    mixture, _ = fit_mixture(rows[:7], components=60, smoothing=0.2)
    assert mixture.logits.shape == (7, 12)
    assert mixture.cost(rows).isfinite().all()
