"""One loss under two writings of a spec: weights, data and noise carried over by name.

Every network is a fixed function of its parents, by their names: which of them a line has first
makes no difference to it.
"""

from __future__ import annotations

__all__ = ["Kept", "carried_loss", "is_carried"]

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TypeAlias

import torch
from torch import Tensor, nn

from graphdsl_runtime import Objective, Variable
from graphdsl_runtime.family_networks import Each, FamilyNetwork

#: The name under which weights, data and noise are kept, of a variable or network of a spec.
Kept: TypeAlias = Callable[[str], str]

_NAMES = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?")
_ROWS = 6
#: What draws numbers of its own in the pass, or has networks that are no function of parents.
_OTHERS = re.compile(
    r"~ flow|by mixture|via shared|\bvia trunk|~ vamp|with (adversary|mine)|\b(JS|W)\("
)


def is_carried(text: str) -> bool:
    """Whether all that a spec's loss depends on can be carried over by name."""
    return _OTHERS.search(text) is None


def carried_loss(made: type[Objective], kept: Kept) -> Tensor:
    """The loss of an emitted class, and those of its players by their values.

    Shapes: ``(1 + players,)``.
    """
    objective: Objective = type(made.__name__, (_Carried, made), {"kept": staticmethod(kept)})()
    objective.rows = 100
    batch = {one.name: _data(one, kept) for one in made.variables if one.role != "latent"}
    batch |= {f"seen({one.name})": _seen(one, kept) for one in made.variables if one.optional}
    torch.manual_seed(5)
    noise = objective.draw_noise(next(iter(batch.values()), torch.zeros(_ROWS, 1)).double())
    for one in made.variables:
        noise |= _noise(one, kept, objective.samples or 1)
    noise |= {one.name: _numbers(one.name, noise[one.name].shape) for one in
              objective.edge_masks()}  # fmt: skip
    losses = objective(batch, noise)
    players = sorted((one.detach() for one in losses.players.values()), key=float)
    return torch.stack([losses.loss.detach(), *players])


class _Carried(Objective):
    """An objective whose every network is a function of names."""

    kept: Kept

    def network(self, name: str, default: Callable[[], nn.Module]) -> nn.Module:
        self._network_names.append(name)
        return _ByName(name, default, self)

    def members(self, names: Sequence[str], default: Callable[[], FamilyNetwork]) -> FamilyNetwork:
        self._network_names.extend(names)
        each = [_ByName(name, default, self, len(names)) for name in names]
        return Each(each, default().shared)


class _ByName(nn.Module):
    """For each child, the sum over its parents of tanh by a matrix that is theirs."""

    def __init__(
        self,
        name: str,
        default: Callable[[], nn.Module],
        objective: _Carried,
        count: int | None = None,
    ) -> None:
        super().__init__()
        head, _, inner = name.partition("(")
        child, _, given = inner.removesuffix(")").partition("|")
        child, given = ("", child) if head.startswith("critic") else (child, given)
        known = {one.name: one for one in objective.variables}
        self.parents = [one for name in _NAMES.findall(given) for one in _members(name, known)]
        self.exposures = [name for name, one in known.items() if one.kind == "positive"]
        children = _members(child, known)
        self.of = [objective.kept(one) for one, _ in children] or [""]
        self.numbers = sum(width for _, width in children)  #: of all children, one by one
        parents = sorted(objective.kept(one) for one, _ in self.parents)
        self.key = f"{objective.kept(head.partition('[')[0])} {parents}"
        self.kept, self.count = objective.kept, count  # of the family's members, if it is of one
        self.default = [default()]  # in a list, so that it is no part of the module

    def forward(self, *tensors: Tensor) -> Tensor:
        shape = self._shape(tensors)
        size = prod(shape) // len(self.of)
        answers = [_numbers(f"{self.key} {child}", (1, size)) for child in self.of]
        for name, part in self._parts(tensors):
            for place, child in enumerate(self.of):
                matrix = _numbers(f"{self.key} {child} {self.kept(name)}", (part.shape[1], size))
                answers[place] = answers[place] + torch.tanh(part) @ matrix / len(matrix) ** 0.5
        found = torch.stack(answers, 1)
        if len(shape) == 1 and shape[0] >= 2 * self.numbers:
            width = self.numbers // len(self.of)
            means, log_vars, below = found.tensor_split((width, 2 * width), 2)  # of all, each
            found = torch.cat([one.flatten(1) for one in (means, log_vars, below)], 1)
        return found.reshape(-1, *shape)

    def _parts(self, tensors: Sequence[Tensor]) -> Iterator[tuple[str, Tensor]]:
        """The numbers of each parent: some tensors hold several members of a family."""
        rows = [one.reshape(len(one), -1) for one in tensors]
        waiting = iter(self._read(sum(one.shape[1] for one in rows)))
        for flat in rows:
            start = 0
            while start < flat.shape[1]:
                name, width = next(waiting)
                yield name, flat[:, start : start + width]
                start += width

    def _read(self, width: int) -> list[tuple[str, int]]:
        """The parents that the network reads: an exposure multiplies what it answers with."""
        if sum(one for _, one in self.parents) == width:
            return self.parents
        return [(name, one) for name, one in self.parents if name not in self.exposures]

    def _shape(self, tensors: Sequence[Tensor]) -> tuple[int, ...]:
        """What the default network answers with, for one row."""
        (default,) = self.default
        inputs = [torch.zeros_like(one[:1]) for one in tensors]
        if self.count is None:
            return tuple(default(*inputs).shape[1:])
        shared = getattr(default, "shared", ())
        several = [
            one if alike else one.unsqueeze(1).expand(1, self.count, *one.shape[1:])
            for one, alike in zip(inputs, shared, strict=True)
        ]
        return tuple(default(*several).shape[2:])


def _members(name: str, known: dict[str, Variable]) -> list[tuple[str, int]]:
    """The variables that a name stands for, and how many numbers each of them is."""
    one = known.get(name) or known.get(name.partition("[")[0])
    if one is None:
        return []
    width = prod(one.shape) * (one.classes or 1)
    whole = one.name == name and one.member_names
    return [(each, width) for each in (one.member_names if whole else (name,))]


def _data(one: Variable, kept: Kept) -> Tensor:
    values = [_value(one, kept(name)) for name in one.member_names or (one.name,)]
    return torch.stack(values, 1).view(_ROWS, *one.tensor_shape)


def _seen(one: Variable, kept: Kept) -> Tensor:
    """Which rows have a variable, of those that they may lack."""
    names = one.member_names or (one.name,)
    each = [_numbers(f"seen {kept(name)}", (_ROWS,)) > -0.5 for name in names]
    return torch.stack(each, 1).view(_ROWS, *one.grid)


def _noise(one: Variable, kept: Kept, samples: int) -> dict[str, Tensor]:
    """Of samples, of several samples, and of p's own samples."""
    shape = one.noise_shape[len(one.grid) :]
    names = one.member_names or (one.name,)
    found = {}
    for word, several in (("{}", ()), ("samples({})", (samples,)), ("prior({})", ())):
        each = [_numbers(word.format(kept(name)), (_ROWS, *several, *shape)) for name in names]
        whole = torch.stack(each, 1 + len(several))
        found[word.format(one.name)] = whole.view(_ROWS, *several, *one.noise_shape)
    return found


def _value(one: Variable, name: str) -> Tensor:
    numbers = _numbers(f"data {name}", (_ROWS, *one.shape))
    match one.kind:
        case "categorical":
            return (numbers * 100).long().abs() % (one.classes or 2)
        case "count":
            return (numbers * 3).abs().floor()
        case "binary":
            return (numbers > 0).to(numbers.dtype)
        case "positive":
            return numbers.exp()
        case _:
            return numbers


def _numbers(key: str, shape: Sequence[int]) -> Tensor:
    """Standard normal numbers that a name decides on."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big")
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))
