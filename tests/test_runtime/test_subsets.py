"""Drawn sets of views: every set as often as any other, and none that is empty."""

from __future__ import annotations

import pytest
import torch

from graphdsl_runtime import Objective, ShapeMismatch, Subset, Variable, among

SUBSETS = [Subset("S", of=count, proper=proper) for count in (2, 3, 8) for proper in (False, True)]


class Drawing(Objective):
    """An objective with a drawn set, and nothing else."""

    variables = (Variable("x", role="observed", kind="real", members=3),)
    draws = (Subset("S", of=3, proper=True),)


@pytest.mark.parametrize("subset", SUBSETS, ids=str)
def test_each_set_has_one_number(subset: Subset) -> None:
    sets = subset.numbered(torch.arange(subset.count))
    sizes = sets.sum(dim=1)
    assert len(torch.unique(sets, dim=0)) == subset.count
    assert sizes.min() >= 1
    assert sizes.max() == subset.of - subset.proper


def test_every_set_is_drawn_as_often() -> None:
    subset = Subset("S", of=3, proper=True)
    rows = 60_000
    numbers = (subset.draw(rows).long() * torch.tensor([1, 2, 4])).sum(dim=1) - 1
    counts = torch.bincount(numbers, minlength=subset.count).double()
    expected = rows / subset.count
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 20.5  # the 99.9 % quantile at 5 degrees of freedom


@pytest.mark.parametrize("proper", [False, True])
def test_the_largest_sets_fit_in_their_number(proper: bool) -> None:
    subset = Subset("S", of=62, proper=proper)
    last = subset.numbered(torch.tensor([0, subset.count - 1]))
    assert last.sum(dim=1).tolist() == [1, 62 - proper]
    share = subset.draw(4_000).double().mean()
    assert abs(share - 0.5) < 5 * 0.5 / (4_000 * 62) ** 0.5


def test_what_is_left_out_has_no_gradient() -> None:
    nats = torch.tensor([[1.0, torch.inf], [3.0, 4.0]], requires_grad=True)
    chosen = torch.tensor([[True, False], [False, True]])
    kept = among(nats, chosen)
    (gradient,) = torch.autograd.grad(kept.sum(), nats)
    assert kept.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    assert gradient.tolist() == chosen.float().tolist()


def test_members_of_any_shape() -> None:
    nats, chosen = torch.rand(4, 3, 2, 5), torch.rand(4, 3) > 0.5
    assert torch.equal(among(nats, chosen), nats * chosen[:, :, None, None])
    assert torch.equal(among(nats[:, 0], chosen[:, 0]), nats[:, 0] * chosen[:, 0, None, None])


def test_a_set_is_taken_from_the_noise_or_drawn() -> None:
    objective, x = Drawing(), torch.zeros(4, 3)
    noise = objective.draw_noise(x)
    assert noise["S"].shape == (4, 3)
    assert torch.equal(objective.drawn(noise, "S", x), noise["S"])
    same = torch.tensor([True, False, True])
    assert objective.drawn({"S": same}, "S", x).tolist() == [same.tolist()] * 4
    assert objective.drawn({}, "S", x).shape == (4, 3)
    with pytest.raises(ShapeMismatch, match="S has shape"):
        objective.drawn({"S": same[:2]}, "S", x)
