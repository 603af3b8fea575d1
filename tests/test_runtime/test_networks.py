"""Default networks: a family's are its members', and nothing leaks between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from graphdsl_runtime import Each, Shape, Shared, conv_decoder, conv_encoder, mlp, mlps

COUNT, ROWS = 3, 5
IMAGES = [(1, 28, 28), (1, 8, 8), (3, 64, 64), (1, 7, 5)]
_WEIGHT = torch.ones(1, requires_grad=True)
PARENTS: dict[str, list[Shape]] = {
    "own": [(4,)],
    "shared": [Shared(4)],
    "own and shared": [(2, 3), Shared(4)],
    "shared scalar and own": [Shared(), (3,)],
}


def parents_of(inputs: Sequence[Shape]) -> list[Tensor]:
    return [
        torch.randn(
            *((ROWS,) if isinstance(shape, Shared) else (ROWS, COUNT)),
            *shape,
            dtype=torch.float64,
            requires_grad=True,
        )
        for shape in inputs
    ]


def with_weights_of(family: nn.Module, inputs: Sequence[Shape], outputs: int | Shape) -> Each:
    """Build separate perceptrons that have the weights of a family's."""
    members = [mlp(inputs, (6, 7), outputs).double() for _ in range(COUNT)]
    batched = list(family.parameters())
    for i, member in enumerate(members):
        for ours, theirs in zip(member.parameters(), batched, strict=True):
            ours.data = theirs.data[i].squeeze(0).t().clone()
    return Each(members, [isinstance(shape, Shared) for shape in inputs])


@pytest.mark.parametrize("inputs", PARENTS.values(), ids=PARENTS.keys())
@pytest.mark.parametrize("outputs", [5, (2, 3), ()], ids=str)
def test_a_batched_family_is_its_members(inputs: list[Shape], outputs: int | Shape) -> None:
    family = mlps(COUNT, inputs, (6, 7), outputs).double()
    members = with_weights_of(family, inputs, outputs)
    parents = parents_of(inputs)
    ours, theirs = family(*parents), members(*parents)
    assert ours.shape == (ROWS, COUNT, *((outputs,) if isinstance(outputs, int) else outputs))
    assert_close(ours, theirs)
    upstream = torch.randn_like(ours)
    assert_close(
        torch.autograd.grad(ours, parents, upstream, retain_graph=True),
        torch.autograd.grad(theirs, parents, upstream, retain_graph=True),
    )
    batched = torch.autograd.grad(ours, list(family.parameters()), upstream)
    single = torch.autograd.grad(theirs, list(members.parameters()), upstream)
    for k, slope in enumerate(batched):
        of_members = single[k :: len(batched)]
        assert_close(slope, torch.stack([g.t().reshape(slope.shape[1:]) for g in of_members]))


@pytest.mark.parametrize("members", [[0], [1, 2], [2, 0]], ids=str)
@pytest.mark.parametrize("inputs", PARENTS.values(), ids=PARENTS.keys())
@pytest.mark.parametrize("apart", [False, True], ids=["batched", "each"])
def test_some_members_answer_as_among_all(
    inputs: list[Shape], members: list[int], apart: bool
) -> None:
    """Values and gradients: of who is not asked, nothing is trained."""
    family = mlps(COUNT, inputs, (6, 7), 2).double()
    network = with_weights_of(family, inputs, 2) if apart else family
    parents = parents_of(inputs)
    some = [
        parent if isinstance(shape, Shared) else parent[:, members]
        for parent, shape in zip(parents, inputs, strict=True)
    ]
    answers = network(*parents)[:, members], network(*some, members=members)
    assert_close(*answers)
    weights = [*network.parameters(), *parents]
    every, asked = (
        torch.autograd.grad(one.square().sum(), weights, allow_unused=True) for one in answers
    )
    for weight, *slopes in zip(weights, every, asked, strict=True):
        assert_close(*(torch.zeros_like(weight) if one is None else one for one in slopes))


def test_batched_weights_are_drawn_as_single_ones() -> None:
    family = mlps(20, [(50,)], (60,), 70)
    single = [mlp([(50,)], (60,), 70) for _ in range(20)]
    for k, weights in enumerate(family.parameters()):
        theirs = torch.stack([list(member.parameters())[k] for member in single])
        assert abs(weights.abs().max() / theirs.abs().max() - 1) < 0.02
        assert abs(weights.std() / theirs.std() - 1) < 0.05
        assert abs(weights.mean()) < 0.05 * theirs.std()


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own gap
    """Remember which operations ran."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own gap
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  (torch's own signature)
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def operations(run: Callable[[], Tensor]) -> list[str]:
    seen = Operations()
    with seen:
        torch.autograd.grad(run().sum(), [_WEIGHT])
    return seen.names


def test_one_flat_parent_costs_what_a_sequential_does() -> None:
    x = torch.randn(ROWS, 4)
    ours = mlp([(4,)], (6, 7), 5)
    plain = nn.Sequential(
        nn.Linear(4, 6),
        nn.ReLU(inplace=True),
        nn.Linear(6, 7),
        nn.ReLU(inplace=True),
        nn.Linear(7, 5),
    )
    assert operations(lambda: ours(x * _WEIGHT)) == operations(lambda: plain(x * _WEIGHT))


def test_parents_are_read_in_order() -> None:
    network = mlp([(2, 3), (), (4,)], (), 5)
    parents = [torch.randn(ROWS, 2, 3), torch.randn(ROWS), torch.randn(ROWS, 4)]
    (matrix, bias) = network.parameters()
    flat = torch.cat([parent.reshape(ROWS, -1) for parent in parents], dim=1)
    assert_close(network(*parents), flat @ matrix.T + bias)
    assert mlp([(4,)], (), (2, 3))(parents[2]).shape == (ROWS, 2, 3)


@pytest.mark.parametrize("shape", IMAGES, ids=str)
def test_convolutions_fit_their_image(shape: tuple[int, int, int]) -> None:
    image, z, y = torch.rand(ROWS, *shape), torch.randn(ROWS, 10), torch.randn(ROWS)
    assert conv_encoder(shape, 20)(image).shape == (ROWS, 20)
    assert conv_encoder(shape, (2, 10), [(10,), ()])(image, z, y).shape == (ROWS, 2, 10)
    assert conv_decoder([(10,)], shape)(z).shape == (ROWS, *shape)
    assert conv_decoder([(10,), ()], shape)(z, y).shape == (ROWS, *shape)


@pytest.mark.parametrize("shape", IMAGES, ids=str)
def test_every_pixel_and_every_weight_counts(shape: tuple[int, int, int]) -> None:
    image = torch.rand(ROWS, *shape, requires_grad=True)
    z = torch.randn(ROWS, 10, requires_grad=True)
    encoder, decoder = conv_encoder(shape, 20, [(10,)]), conv_decoder([(10,)], shape)
    value = encoder(image, z).square().sum() + decoder(z).square().sum()
    inputs = [image, z, *encoder.parameters(), *decoder.parameters()]
    slopes = torch.autograd.grad(value, inputs)
    assert slopes[0].abs().sum(dim=0).all()
    assert all(slope.any() for slope in slopes)


@pytest.mark.parametrize(
    "network",
    [mlp([(1, 8, 8)], (6,), 5), conv_encoder((1, 8, 8), 5), mlps(1, [Shared(1, 8, 8)], (6,), 5)],
    ids=["mlp", "conv", "mlps"],
)
def test_rows_do_not_see_each_other(network: nn.Module) -> None:
    x = torch.rand(ROWS, 1, 8, 8)
    assert_close(network(x)[2:3], network(x[2:3]))


def test_members_see_their_own_parents_and_the_shared_ones() -> None:
    inputs: list[Shape] = [(4,), Shared(3)]
    for family in (mlps(COUNT, inputs, (6,), 5), each_of_mlps(inputs)):
        x, z = torch.randn(ROWS, COUNT, 4, requires_grad=True), torch.randn(ROWS, 3)
        (slope,) = torch.autograd.grad(family(x, z.requires_grad_())[:, 1].sum(), [x])
        assert slope[:, 1].any()
        assert not slope[:, [0, 2]].any()


def each_of_mlps(inputs: Sequence[Shape]) -> Each:
    return Each([mlp(inputs, (6,), 5) for _ in range(COUNT)], [False, True])


def test_a_module_that_stands_for_all_members_is_trained_once() -> None:
    one = mlp([(4,)], (), 5)
    family = Each([one, one], [False])
    assert len(list(family.parameters())) == 2
    x = torch.randn(ROWS, 2, 4)
    assert_close(family(x)[:, 1], one(x[:, 1]))


def test_a_family_prints_its_sizes() -> None:
    assert "2 x (48 -> 24)" in str(mlps(2, [(32,), Shared(16)], (24,), 5))
    assert math.prod(Shared(2, 3)) == 6


@pytest.mark.parametrize("members", [None, [0, 2], [1]])
def test_members_run_one_by_one_where_a_thread_would_wait(
    members: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three products are no even share for two threads; what they come to is the same."""
    networks = mlps(3, [(4,), Shared(2)], (8, 8), (5, 2)).double()
    x, z = torch.randn(6, 3, 4, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    x = x if members is None else x[:, members]
    parameters = list(networks.parameters())
    found = []
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        answer = networks(x, z, members=members)
        found.append([answer, *torch.autograd.grad(answer.square().sum(), parameters)])
    for one, other in zip(*found, strict=True):
        assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_decoder_of_several_numbers_has_all_of_the_first_in_front() -> None:
    network = conv_decoder([(3,)], (2, 8, 8), numbers=2)
    *_, weight, bias = network.parameters()  # of the last layer
    with torch.no_grad():
        weight.zero_()
        bias.copy_(torch.arange(4.0))
        answer = network(torch.randn(5, 3))
    expected = torch.arange(4.0).repeat_interleave(64).expand(5, -1)
    assert_close(answer, expected)
