"""The default networks: perceptrons, alone or one per family member; images have `convolutions`.

A network is called with the parents of a conditional in the order of its name, and answers with the
parameters of the child. `mlp` is a single network; `mlps` runs those of a family as one batched
matrix product, and `Each` runs any modules member by member.
"""

from __future__ import annotations

__all__ = [
    "Each",
    "FamilyNetwork",
    "Shared",
    "Tied",
    "answer_shape",
    "marginal_model",
    "marginal_models",
    "mlp",
    "mlps",
    "try_network",
]

import math
from collections.abc import Iterable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from graphdsl_runtime.convolutions import ConvEncoder
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.layers import OnParents, Shape, dense, shape_of, size_of

_IDLE = 1.2  # how much more time threads may be given than they use, in a batched product


class Shared(tuple[int, ...]):
    """The shape of a parent that all members of a family have in common.

    >>> Shared(16), isinstance(Shared(3, 4), tuple)
    (Shared(16), True)
    """

    __slots__ = ()

    def __new__(cls, *shape: int) -> Self:
        """Take the sizes one by one."""
        return super().__new__(cls, shape)

    def __repr__(self) -> str:
        return f"Shared({', '.join(map(str, self))})"


def mlp(inputs: Sequence[Shape], hidden: Sequence[int], outputs: int | Shape) -> nn.Module:
    """Build a perceptron: linear maps with ReLU between them, on the parents side by side.

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B, outputs)`` or ``(B, *outputs)``.

    >>> mlp([(32,), (4, 4)], (100,), 10)(torch.zeros(5, 32), torch.zeros(5, 4, 4)).shape
    torch.Size([5, 10])
    """
    widths = (sum(map(math.prod, inputs)), *hidden, size_of(outputs))
    return OnParents(dense(widths), outputs)


def mlps(
    count: int, inputs: Sequence[Shape], hidden: Sequence[int], outputs: int | Shape
) -> FamilyNetwork:
    """Build ``count`` perceptrons of equal shapes that run as one batched matrix product.

    Shapes: ``(B, count, *shape)`` per entry of ``inputs``, ``(B, *shape)`` where it is `Shared`
    ``-> (B, count, outputs)`` or ``(B, count, *outputs)``.
    Equal, values and gradients, to ``count`` separate `mlp` with the same weights.

    >>> networks = mlps(2, [(32,), Shared(16)], (100,), 10)
    >>> networks(torch.zeros(5, 2, 32), torch.zeros(5, 16)).shape
    torch.Size([5, 2, 10])
    """
    return _Mlps(count, inputs, hidden, outputs)


def marginal_model(outputs: int | Shape) -> nn.Module:
    """Build what a marginal r(x) is read from: parameters, the same for every row, nought at first.

    Shapes: no parents ``-> (1, outputs)`` or ``(1, *outputs)``, one row that broadcasts.

    >>> marginal_model(10)().shape
    torch.Size([1, 10])
    """
    return _Marginals(shape_of(outputs))


def marginal_models(count: int, outputs: int | Shape) -> FamilyNetwork:
    """Build what ``count`` marginals r(x[i]) are read from, side by side.

    Shapes: no parents ``-> (1, count, outputs)`` or ``(1, count, *outputs)``.

    >>> marginal_models(2, 10)().shape
    torch.Size([1, 2, 10])
    """
    return _Marginals((count, *shape_of(outputs)))


def answer_shape(network: nn.Module, *, member: bool = False) -> tuple[int, ...] | None:
    """Say what shape a row of a default network's answer has; None of what answers with no tensor.

    Of a family's networks it is that of all members, or of one ``member``.

    >>> answer_shape(mlp([(3,)], (), 4)), answer_shape(mlps(2, [(3,)], (), 4), member=True)
    ((4,), (4,))
    """
    match network:
        case OnParents():
            return network.row
        case ConvEncoder():
            return network.head.row
        case _Marginals():
            shape = tuple(network.answer.shape[1:])
            return shape[1:] if member else shape
        case _Mlps():
            return network.outputs if member else (network.count, *network.outputs)
        case Each():
            one = answer_shape(network.each[0])
            return one if member or one is None else (len(network.each), *one)
    return None


class FamilyNetwork(nn.Module):
    """A network for every member of a family: what `mlps` and `Each` are.

    Called with ``members``, it runs those alone, in that order: parents that are not shared then
    have one entry for each of them, and so has the answer. Called with ``apart``, every member has
    its own entry of the shared parents too: no parent is shared in that call.
    """

    #: For every parent, whether all members have it in common: then it is ``(B, *)``, and
    #: otherwise ``(B, N, *)``.
    shared: tuple[bool, ...]


class Each(FamilyNetwork):
    """One module per member of a family, run one by one and stacked.

    Shapes: ``(B, N, *)`` per parent, ``(B, *)`` where ``shared`` says so ``-> (B, N, *)``.

    >>> Each([nn.Linear(3, 2), nn.Linear(3, 2)], shared=[False])(torch.zeros(5, 2, 3)).shape
    torch.Size([5, 2, 2])
    """

    def __init__(self, modules: Iterable[nn.Module], shared: Sequence[bool]) -> None:
        super().__init__()
        self.each = nn.ModuleList(modules)
        self.shared = tuple(shared)

    def forward(
        self, *parents: Tensor, members: Sequence[int] | None = None, apart: bool = False
    ) -> Tensor:
        """Run every member's module on its own parents and the shared ones."""
        modules = self.each if members is None else [self.each[member] for member in members]
        outputs = [
            module(
                *(
                    parent if shared and not apart else parent[:, place]
                    for parent, shared in zip(parents, self.shared, strict=True)
                )
            )
            for place, module in enumerate(modules)
        ]
        return torch.stack(outputs, dim=1)


class Tied(FamilyNetwork):
    """One module for all members of a family: rows and members are one batch to it.

    Shapes: ``(B, N, *)`` per parent, ``(B, *)`` where ``shared`` says so, and then every member
    reads it ``-> (B, N, *)``.  Equal to the module run on member after member, but for what a
    module does across its batch (batch normalisation).

    >>> Tied(nn.Linear(3, 2), shared=[False])(torch.zeros(5, 4, 3)).shape
    torch.Size([5, 4, 2])
    """

    def __init__(self, module: nn.Module, shared: Sequence[bool]) -> None:
        super().__init__()
        self.module = module
        self.shared = tuple(shared)

    def forward(self, *parents: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Run the module on every row of every member, which are those that the parents hold."""
        rows, count = parents[self.shared.index(False)].shape[:2]
        folded = [
            (parent[:, None].expand(-1, count, *parent.shape[1:]) if shared else parent).flatten(
                0, 1
            )
            for parent, shared in zip(parents, self.shared, strict=True)
        ]
        answer: Tensor = self.module(*folded)
        return answer.reshape(rows, count, *answer.shape[1:])


@torch.no_grad()
def try_network(
    network: nn.Module, name: str, inputs: Sequence[Shape], outputs: int | Shape
) -> None:
    """Run a network on two rows of zeros, in evaluation mode, and look at the shape of its answer.

    Raises `ShapeMismatch` if that is not ``(2, *outputs)``; what the network itself raises on such
    input goes through.
    """
    expected = shape_of(outputs)
    like = next(network.parameters(), torch.empty(0))
    modes = [(part, part.training) for part in network.modules()]
    try:
        answer = network.eval()(*(like.new_zeros(2, *shape) for shape in inputs))
    finally:
        for part, mode in modes:
            part.training = mode
    if tuple(answer.shape) != (2, *expected):
        raise ShapeMismatch(f"the answer of {name}", expected=("B", *expected), got=answer.shape)


class _Marginals(FamilyNetwork):
    """Parameters in the place of an answer to no parents."""

    shared = ()

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.answer = nn.Parameter(torch.zeros(1, *shape))

    def forward(self, members: Sequence[int] | None = None) -> Tensor:
        return self.answer if members is None else self.answer[:, list(members)]


class _Mlps(FamilyNetwork):
    """Flatten every member's parents, put them side by side, and run all members at once."""

    def __init__(
        self, count: int, inputs: Sequence[Shape], hidden: Sequence[int], outputs: int | Shape
    ) -> None:
        super().__init__()
        self.count = count
        self.shared = tuple(isinstance(parent, Shared) for parent in inputs)
        self.outputs = shape_of(outputs)
        widths = (sum(map(math.prod, inputs)), *hidden, size_of(outputs))
        self.layers = dense(widths, lambda narrow, wide: _Linears(count, narrow, wide))

    def forward(
        self, *parents: Tensor, members: Sequence[int] | None = None, apart: bool = False
    ) -> Tensor:
        count = self.count if members is None else len(members)
        flat = [
            parent.reshape(1, parent.shape[0], -1).expand(count, -1, -1)
            if shared and not apart
            else parent.reshape(*parent.shape[:2], -1).transpose(0, 1)
            for parent, shared in zip(parents, self.shared, strict=True)
        ]
        answer = flat[0] if len(flat) == 1 else torch.cat(flat, dim=-1)
        if _leaves_idle(count, answer.device):
            answer = torch.stack(self._one_by_one(answer, members), dim=1)
            return answer.reshape(-1, count, *self.outputs)
        for layer in self.layers:
            answer = layer(answer, members) if isinstance(layer, _Linears) else layer(answer)
        return answer.transpose(0, 1).reshape(-1, count, *self.outputs)

    def _one_by_one(self, values: Tensor, members: Sequence[int] | None) -> list[Tensor]:
        """The same, member after member."""
        answers = list(values.unbind(0))
        for layer in self.layers:
            if isinstance(layer, _Linears):
                weights, biases = (_some(each, members) for each in (layer.weight, layer.bias))
                own = zip(biases.unbind(0), answers, weights.unbind(0), strict=True)
                answers = [torch.addmm(bias, answer, weight) for bias, answer, weight in own]
            else:
                answers = [layer(answer) for answer in answers]
        return answers


class _Linears(nn.Module):
    """``count`` linear maps of equal shape: ``(count, B, inputs) -> (count, B, outputs)``."""

    def __init__(self, count: int, inputs: int, outputs: int) -> None:
        super().__init__()
        # nn.Linear draws its weights and its biases from this range.
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(count, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(count, 1, outputs).uniform_(-bound, bound))

    def forward(self, values: Tensor, members: Sequence[int] | None = None) -> Tensor:
        return torch.baddbmm(_some(self.bias, members), values, _some(self.weight, members))

    def extra_repr(self) -> str:
        count, inputs, outputs = self.weight.shape
        return f"{count} x ({inputs} -> {outputs})"


def _leaves_idle(count: int, device: torch.device) -> bool:
    """Whether threads, of which each takes whole matrices of a batch, would wait for the last."""
    if torch.compiler.is_compiling() or device.type != "cpu":
        return False
    threads = torch.get_num_threads()
    return -(-count // threads) * threads > _IDLE * count


def _some(each: Tensor, members: Sequence[int] | None) -> Tensor:
    """Some members' weights: without a copy where they stand side by side."""
    if members is None:
        return each
    first, last = members[0], members[-1] + 1
    return each[first:last] if list(members) == list(range(first, last)) else each[list(members)]
