"""MMD, HSIC, energy distance and sliced Wasserstein against brute force and closed forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Kernel,
    OutOfRange,
    ShapeMismatch,
    UnknownName,
    energy_distance,
    hsic,
    mmd,
    mmd_between,
    sliced_wasserstein,
)

Height = Callable[[Tensor], Tensor]
HEIGHTS: dict[Kernel, Height] = {
    "rbf": lambda squared: torch.exp(-squared / 2.0),
    "imq": lambda squared: 2.0 / (2.0 + squared),
}


def samples(*rows: int, dimension: int = 3) -> list[Tensor]:
    return [torch.randn(count, dimension, dtype=torch.float64) for count in rows]


def table(x: Tensor, y: Tensor, height: Height) -> Tensor:
    """Give the kernel of all pairs through a B x B x D tensor."""
    return height((x[:, None] - y[None]).square().sum(dim=2))


def mean_of_others(square: Tensor) -> Tensor:
    return (square.sum() - square.diagonal().sum()) / (len(square) * (len(square) - 1))


@pytest.mark.parametrize("kernel", HEIGHTS)
@pytest.mark.parametrize("unbiased", [True, False])
def test_mmd_is_its_definition(kernel: Kernel, unbiased: bool) -> None:
    x, y = samples(6, 9)
    k = HEIGHTS[kernel]
    mean = mean_of_others if unbiased else torch.mean
    by_hand = mean(table(x, x, k)) + mean(table(y, y, k)) - 2 * table(x, y, k).mean()
    ours = mmd(x, y, kernel, bandwidth=2.0, unbiased=unbiased)
    assert_close(ours, by_hand)


def test_scales_are_averaged() -> None:
    x, y = samples(6, 9)
    each = [mmd(x, y, "imq", bandwidth=width) for width in (0.5, 1.0, 4.0)]
    assert_close(mmd(x, y, "imq", scales=(0.5, 1.0, 4.0), bandwidth=1.0), sum(each) / 3)


def test_the_bandwidth_is_the_median_of_all_distances() -> None:
    """Of every pair in both samples together; `mmd_between` of the two parts has the same."""
    x, y = samples(5, 4)
    both = torch.cat([x, y])
    squared = torch.stack([(a - b).square().sum() for a, b in itertools.combinations(both, 2)])
    median = squared.median()
    assert squared.min() < median < squared.max()
    assert_close(mmd(x, y), mmd(x, y, bandwidth=median))
    assert_close(mmd_between(both, torch.arange(9) < 5), mmd(x, y))


def test_mmd_of_gaussians_has_its_closed_form() -> None:
    """E exp(-d^2 / h) for d ~ N(delta, 2 I) is (1 + 4/h)^(-D/2) exp(-|delta|^2 / (h + 4))."""
    dimension, width = 3, 2.0
    shift = torch.tensor([0.5, -0.5, 1.0], dtype=torch.float64)
    height = (1 + 4 / width) ** (-dimension / 2)
    exact = 2 * height * (1 - torch.exp(-shift.square().sum() / (width + 4)))
    x, y = samples(3000, 3000)
    assert abs(mmd(x, y + shift, bandwidth=width) - exact) < 0.005


@pytest.mark.parametrize("dimension", [1, 100])
@pytest.mark.parametrize("kernel", ["rbf", "imq"])
def test_mmd_of_a_distribution_with_itself_is_nothing(kernel: Kernel, dimension: int) -> None:
    drawn = []
    for _ in range(300):
        x, y = samples(40, 40, dimension=dimension)
        drawn.append(mmd(x, y, kernel, bandwidth=2.0 * dimension))
    values = torch.stack(drawn)
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(300)
    assert (values < 0).any()


def test_mmd_is_normalised_by_rows_and_not_by_dimension() -> None:
    x, y = samples(30, 30)
    # The same plane in a hundred dimensions: no distance changes, and nor may the value.
    wide = [torch.nn.functional.pad(sample, (0, 97)) for sample in (x, y + 1.0)]
    assert_close(mmd(wide[0], wide[1]), mmd(x, y + 1.0))
    # Every row twice is the same distribution: the biased value is the same number.
    twice = [torch.cat([sample, sample]) for sample in (x, y + 1.0)]
    assert_close(
        mmd(twice[0], twice[1], bandwidth=1.0, unbiased=False),
        mmd(x, y + 1.0, bandwidth=1.0, unbiased=False),
    )
    # Divided by the dimension where it should be by the batch, MMD(p, p) would not be near 0.
    k = HEIGHTS["rbf"]
    slipped = (table(x, x, k).sum() + table(y, y, k).sum() - 2 * table(x, y, k).sum()) / (3 * 2)
    assert abs(slipped) > 10 * abs(mmd(x, y, bandwidth=2.0))


def test_parts_of_a_batch_are_two_samples() -> None:
    (z,) = samples(9)
    member = torch.tensor([1, 0, 0, 1, 1, 0, 1, 0, 0]) > 0
    z.requires_grad_()
    for kernel in HEIGHTS:
        ours = mmd_between(z, member, kernel, (0.5, 2.0), bandwidth=2.0)
        theirs = mmd(z[member], z[~member], kernel, (0.5, 2.0), bandwidth=2.0)
        assert_close(ours, theirs)
        assert_close(torch.autograd.grad(ours, z), torch.autograd.grad(theirs, z))
    assert torch.autograd.gradcheck(lambda z: mmd_between(z, member, bandwidth=1.0), [z])
    pairs = itertools.permutations(z.detach(), 2)
    median = torch.stack([(a - b).square().sum() for a, b in pairs]).median()
    assert_close(mmd_between(z, member), mmd_between(z, member, bandwidth=median))


def test_a_part_of_one_row_says_nothing() -> None:
    (z,) = samples(6)
    z.requires_grad_()
    for member in (torch.zeros(6) > 0, torch.arange(6) == 2, torch.ones(6) > 0):
        value = mmd_between(z, member)
        assert value == 0.0
        assert torch.equal(torch.autograd.grad(value, z)[0], torch.zeros_like(z))
    assert mmd_between(z[:1], torch.ones(1) > 0) == 0.0
    with pytest.raises(ShapeMismatch, match="member has shape"):
        mmd_between(z, torch.zeros(5) > 0)


def test_hsic_is_mmd_of_the_joint_from_the_product() -> None:
    x, y = samples(5, 5)
    joint = torch.cat([x, y], dim=1)
    pairs = torch.stack([torch.cat([a, b]) for a in x for b in y])
    # An rbf kernel of both is the product of the two. Over all pairs, 1 / m^2 instead of (m - 1)^2.
    exact = mmd(joint, pairs, bandwidth=2.0, unbiased=False)
    ours = hsic(x, y, bandwidths=(2.0, 2.0), unbiased=False)
    assert_close(ours * (4 / 5) ** 2, exact)


def test_unbiased_hsic_is_a_mean_over_rows_that_all_differ() -> None:
    x, y = samples(6, 6)
    k, l = (table(each, each, HEIGHTS["imq"]) for each in (x, y))  # noqa: E741
    terms = [
        k[a, b] * (l[a, b] + l[c, d] - 2 * l[a, c])
        for a, b, c, d in itertools.permutations(range(6), 4)
    ]
    ours = hsic(x, y, "imq", bandwidths=(2.0, 2.0))
    assert_close(ours, torch.stack(terms).mean())


def test_hsic_of_independent_variables_is_nothing() -> None:
    drawn = []
    for _ in range(300):
        x, y = samples(20, 20)
        drawn.append(hsic(x, y, bandwidths=(6.0, 6.0)))
    values = torch.stack(drawn)
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(300)


def test_dependence_is_above_every_permutation() -> None:
    x, noise = samples(60, 60)
    y = x.square() + noise  # without correlation
    null = torch.stack([hsic(x, y[torch.randperm(60)]) for _ in range(200)])
    assert hsic(x, y) > null.max()
    alone = hsic(x, noise)
    assert null.min() < alone < null.max()


def test_energy_distance_is_its_definition() -> None:
    x, y = samples(6, 9)
    across = 2 * torch.cdist(x, y).mean()
    own = [torch.cdist(each, each) for each in (x, y)]
    assert_close(energy_distance(x, y), across - sum(map(mean_of_others, own)))
    biased = energy_distance(x, y, unbiased=False)
    assert_close(biased, across - own[0].mean() - own[1].mean())
    assert biased > 0
    assert energy_distance(x, x, unbiased=False).abs() < 1e-6


def test_energy_distance_of_gaussians_has_its_closed_form() -> None:
    shift = 1.5
    # E|d| for d ~ N(m, 2) is 2 / sqrt(pi) exp(-m^2 / 4) + m erf(m / 2).
    across = 2 / math.sqrt(math.pi) * math.exp(-(shift**2) / 4) + shift * math.erf(shift / 2)
    exact = 2 * across - 4 / math.sqrt(math.pi)
    x, y = samples(4000, 4000, dimension=1)
    assert abs(energy_distance(x, y + shift) - exact) < 0.03


def test_wasserstein_on_a_line_is_a_matching() -> None:
    x, y = samples(5, 5, dimension=1)
    costs = [(x - y[list(order)]).square().mean() for order in itertools.permutations(range(5))]
    assert_close(sliced_wasserstein(x, y), torch.stack(costs).min())


def test_wasserstein_of_a_shift_is_its_length_in_each_direction() -> None:
    (x,) = samples(20)
    shift = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    directions = torch.randn(3, 7, dtype=torch.float64)
    along = shift @ (directions / directions.norm(dim=0))
    assert_close(sliced_wasserstein(x, x.flip(0) + shift, directions), along.square().mean())
    # E (theta . s)^2 = |s|^2 / D.
    assert abs(sliced_wasserstein(x, x + shift, count=20_000) - 2.0) < 0.05


@pytest.mark.parametrize(
    "word",
    [
        mmd,
        lambda x, y: mmd(x, y, "imq", (0.5, 2.0), bandwidth=1.0),
        lambda x, y: mmd(x, y, bandwidth=1.0, unbiased=False),
        lambda x, y: hsic(x, y, bandwidths=(1.0, 2.0)),
        lambda x, y: hsic(x, y, "imq", bandwidths=(1.0, 2.0), unbiased=False),
        energy_distance,
        lambda x, y: sliced_wasserstein(x, y, torch.eye(3, dtype=torch.float64)),
    ],
)
def test_gradients_are_right(word: Callable[[Tensor, Tensor], Tensor]) -> None:
    inputs = [sample.requires_grad_() for sample in samples(5, 5)]
    if word is mmd:  # no gradient goes through the median
        slopes = torch.autograd.grad(mmd(*inputs), inputs)  # type: ignore[arg-type]
        pairs = itertools.combinations(torch.cat(inputs).detach(), 2)
        median = torch.stack([(a - b).square().sum() for a, b in pairs]).median()
        fixed = torch.autograd.grad(mmd(inputs[0], inputs[1], bandwidth=median), inputs)
        assert_close(slopes, fixed)
    else:
        assert torch.autograd.gradcheck(word, inputs)


@pytest.mark.parametrize("word", [mmd, hsic, energy_distance, sliced_wasserstein])
def test_samples_all_alike_have_gradients(word: Callable[[Tensor, Tensor], Tensor]) -> None:
    for offset in (0.0, 1e4):
        x, y = (torch.full((5, 3), offset).requires_grad_() for _ in range(2))
        value = word(x, y)
        assert abs(value) < 1e-6
        for slope in torch.autograd.grad(value, [x, y]):
            assert torch.isfinite(slope).all()


@pytest.mark.parametrize("word", [mmd, energy_distance, sliced_wasserstein])
def test_shifts_cost_no_digits(word: Callable[..., Tensor]) -> None:
    x, y = (sample.float() for sample in samples(30, 30))
    directions = {"directions": torch.eye(3)} if word is sliced_wasserstein else {}
    x, y = (1e3 + sample for sample in (x, y + 1.0))
    exact = word(x.double(), y.double(), **directions)
    assert_close(word(x, y, **directions).double(), exact, rtol=1e-4, atol=1e-4)


def test_images_are_rows_too() -> None:
    x, y = torch.randn(6, 1, 4, 4), torch.randn(6, 1, 4, 4)
    assert_close(mmd(x, y), mmd(x.flatten(1), y.flatten(1)))


def test_what_does_not_fit_is_refused() -> None:
    x, y = samples(6, 6)
    with pytest.raises(ShapeMismatch, match="y has shape"):
        mmd(x, y[:, :2])
    with pytest.raises(ShapeMismatch, match="y has shape"):
        hsic(x, y[:3])
    with pytest.raises(ShapeMismatch, match="y has shape"):
        sliced_wasserstein(x, y[:3])
    with pytest.raises(ShapeMismatch, match="directions has shape"):
        sliced_wasserstein(x, y, torch.zeros(2, 7))
    with pytest.raises(OutOfRange, match="batch size = 1"):
        mmd(x[:1], y)
    with pytest.raises(OutOfRange, match="batch size = 3"):
        hsic(x[:3], y[:3])
    with pytest.raises(UnknownName, match="did you mean `rbf`"):
        mmd(x, y, "rfb")  # type: ignore[arg-type]
    assert torch.isfinite(mmd(x[:1], y[:1], unbiased=False))
    assert torch.isfinite(energy_distance(x[:1], y[:1], unbiased=False))
