"""The default networks: perceptrons and others; images have `convolutions`.

A network is called with the parents of a conditional in the order of its name, and answers with the
parameters of the child. `mlp`, `linear` and `resnet` are single networks; `mlps` and `linears` run
those of a family as one batched matrix product, and `Each` runs any modules member by member.
"""

from __future__ import annotations

__all__ = [
    "answer_shape",
    "linear",
    "linears",
    "marginal_model",
    "marginal_models",
    "mlp",
    "mlps",
    "resnet",
    "try_network",
]

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from graphdsl_runtime.convolutions import ConvEncoder
from graphdsl_runtime.errors import ShapeMismatch
from graphdsl_runtime.family_layers import BatchNorms, FamilyLayer, LayerNorms, Linears
from graphdsl_runtime.family_networks import Each, FamilyNetwork, Shared
from graphdsl_runtime.layers import (
    PLAIN,
    Act,
    Kit,
    Norm,
    OnParents,
    Shape,
    dense,
    residual,
    shape_of,
    size_of,
)

_IDLE = 1.2  # how much more time threads may be given than they use, in a batched product


def linear(inputs: Sequence[Shape], outputs: int | Shape) -> nn.Module:
    """Build a linear map, with a bias, of the parents side by side.

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B, outputs)`` or ``(B, *outputs)``.

    >>> linear([(32,)], 10)(torch.zeros(5, 32)).shape
    torch.Size([5, 10])
    """
    return mlp(inputs, (), outputs)


def linears(count: int, inputs: Sequence[Shape], outputs: int | Shape) -> FamilyNetwork:
    """Build ``count`` linear maps that run as one batched matrix product: see `mlps`.

    >>> linears(2, [(32,)], 10)(torch.zeros(5, 2, 32)).shape
    torch.Size([5, 2, 10])
    """
    return mlps(count, inputs, (), outputs)


def mlp(
    inputs: Sequence[Shape],
    hidden: Sequence[int],
    outputs: int | Shape,
    *,
    act: Act = "relu",
    norm: Norm = "none",
    dropout: float = 0.0,
) -> nn.Module:
    """Build a perceptron: linear maps on the parents side by side, with hidden layers between them.

    A hidden layer is a linear map, then normalisation, the activation function, and dropout.

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B, outputs)`` or ``(B, *outputs)``.

    >>> mlp([(32,), (4, 4)], (100,), 10)(torch.zeros(5, 32), torch.zeros(5, 4, 4)).shape
    torch.Size([5, 10])
    """
    widths = (sum(map(math.prod, inputs)), *hidden, size_of(outputs))
    return OnParents(dense(widths, Kit(act, norm, dropout)), outputs)


def resnet(
    inputs: Sequence[Shape],
    width: int,
    outputs: int | Shape,
    *,
    blocks: int = 2,
    act: Act = "relu",
    norm: Norm = "none",
    dropout: float = 0.0,
) -> nn.Module:
    r"""Build residual blocks of one width, on the parents side by side, between linear maps.

    .. math:: h \mapsto h + \mathrm{drop}(W_2\, \mathrm{drop}(\mathrm{act}(W_1\, \mathrm{norm}(h))))

    Normalisation and the activation function stand before the last linear map as well.

    Shapes: one ``(B, *shape)`` per entry of ``inputs`` ``-> (B, outputs)`` or ``(B, *outputs)``.
    Reference: Gorishniy et al. 2021, sec. 3.2.

    >>> resnet([(32,)], 64, 10, blocks=3)(torch.zeros(5, 32)).shape
    torch.Size([5, 10])
    """
    numbers = sum(map(math.prod, inputs))
    kit = Kit(act, norm, dropout)
    return OnParents(residual(numbers, width, size_of(outputs), blocks, kit), outputs)


def mlps(
    count: int,
    inputs: Sequence[Shape],
    hidden: Sequence[int],
    outputs: int | Shape,
    *,
    act: Act = "relu",
    norm: Norm = "none",
    dropout: float = 0.0,
) -> FamilyNetwork:
    """Build ``count`` perceptrons of equal shapes that run as one batched matrix product.

    Shapes: ``(B, count, *shape)`` per entry of ``inputs``, ``(B, *shape)`` where it is `Shared`
    ``-> (B, count, outputs)`` or ``(B, count, *outputs)``.
    Equal, values and gradients, to ``count`` separate `mlp` with the same weights; statistics of
    batch normalisation and dropout are each member's own.

    >>> networks = mlps(2, [(32,), Shared(16)], (100,), 10)
    >>> networks(torch.zeros(5, 2, 32), torch.zeros(5, 16)).shape
    torch.Size([5, 2, 10])
    """
    return _Mlps(count, inputs, hidden, outputs, Kit(act, norm, dropout))


def marginal_model(outputs: int | Shape) -> nn.Module:
    """Build what a marginal r(x) is read from: parameters, the same for every row, zero at first.

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
        self,
        count: int,
        inputs: Sequence[Shape],
        hidden: Sequence[int],
        outputs: int | Shape,
        kit: Kit = PLAIN,
    ) -> None:
        super().__init__()
        self.count = count
        self.shared = tuple(isinstance(parent, Shared) for parent in inputs)
        self.outputs = shape_of(outputs)
        widths = (sum(map(math.prod, inputs)), *hidden, size_of(outputs))
        kit = replace(
            kit,
            linear=partial(Linears, count),
            layer_norm=partial(LayerNorms, count),
            batch_norm=partial(BatchNorms, count),
        )
        self.layers = dense(widths, kit)

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
            answer = layer(answer, members) if isinstance(layer, FamilyLayer) else layer(answer)
        return answer.transpose(0, 1).reshape(-1, count, *self.outputs)

    def _one_by_one(self, values: Tensor, members: Sequence[int] | None) -> list[Tensor]:
        """The same, member after member."""
        answers: Sequence[Tensor] = values.unbind(0)
        for layer in self.layers:
            if isinstance(layer, FamilyLayer):
                answers = layer.apart(answers, members)
            else:
                answers = [layer(answer) for answer in answers]
        return list(answers)


def _leaves_idle(count: int, device: torch.device) -> bool:
    """Whether threads, of which each takes whole matrices of a batch, would wait for the last."""
    if torch.compiler.is_compiling() or device.type != "cpu":
        return False
    threads = torch.get_num_threads()
    return -(-count // threads) * threads > _IDLE * count
