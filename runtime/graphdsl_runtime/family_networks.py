"""Networks of a family: one for each member, or one for all of them."""

from __future__ import annotations

__all__ = ["Each", "FamilyNetwork", "Shared", "Tied"]

from collections.abc import Iterable, Sequence
from typing import Self

import torch
from torch import Tensor, nn


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
