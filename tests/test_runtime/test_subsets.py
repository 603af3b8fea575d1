"""Sets of views: drawn, every set as often as any other and none that is empty; and all at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from graphdsl_runtime import (
    Each,
    FamilyNetwork,
    Objective,
    ObjectiveError,
    ShapeMismatch,
    Shared,
    Subset,
    Variable,
    among,
    holders,
    mlps,
    on_sets,
)

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


# ---- all sets at once ----------------------------------------------------------------------------

SETS = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]]) > 0


def test_holders_are_the_sets_of_each_view() -> None:
    found = holders(SETS)
    for view, own in enumerate(zip(*found, strict=True)):
        assert list(own) == SETS[:, view].nonzero().flatten().tolist()
    assert len(found) == 3


def test_views_in_more_sets_than_others_have_no_table() -> None:
    with pytest.raises(ObjectiveError, match=r"views are in \[2, 1\] of the sets"):
        holders(torch.tensor([[True, False], [True, True]]))


def a_family() -> FamilyNetwork:
    return mlps(3, [Shared(2), Shared(1, 2)], (5,), 4).double()


def some_modules() -> FamilyNetwork:
    return Each([nn.Bilinear(2, 2, 4).double() for _ in range(3)], shared=[True, True])


@pytest.mark.parametrize("make", [a_family, some_modules])
@pytest.mark.parametrize("members", [None, [2, 0]])
def test_each_member_runs_on_the_samples_of_its_sets(
    make: Callable[[], FamilyNetwork], members: list[int] | None
) -> None:
    network, rows = make(), 4
    z = torch.randn(rows, len(SETS), 2, dtype=torch.float64, requires_grad=True)
    w = torch.randn(rows, len(SETS), 2, dtype=torch.float64)
    tables = SETS if members is None else SETS[:, members]
    ours = on_sets(network, z, w, holders=holders(tables), members=members)
    one_by_one = [network(z[:, k], w[:, k]) for k in range(len(SETS))]
    for place, member in enumerate(range(3) if members is None else members):
        theirs = [one_by_one[k][:, member] for k in SETS[:, member].nonzero().flatten().tolist()]
        assert_close(ours[:, :, place], torch.stack(theirs, dim=1))
    wanted = torch.stack([one.sum((0, 2)) for one in one_by_one])  # (K, N)
    held = torch.zeros(3, dtype=torch.bool)
    held[list(range(3)) if members is None else members] = True
    total = (wanted * SETS * held).sum()
    assert_close(*(torch.autograd.grad(one, z, retain_graph=True) for one in (ours.sum(), total)))


def test_a_network_on_sets_is_the_network_on_each() -> None:
    network = nn.Linear(3, 2)
    z = torch.randn(4, 5, 3)
    expected = torch.stack([network(z[:, k]) for k in range(5)], dim=1)
    assert_close(on_sets(network, z), expected)
