"""Families in two blocks, x[S] and x[not S], and the words that all entropies share.

What is derived for one S holds for all, and so for the mean over S. Both blocks are x; and over
bipartitions S and its complement are alike, so that a mean over what holds x[not S] alone is the
mean over the same of x[S].
"""

from __future__ import annotations

__all__ = ["Blocks"]

from dataclasses import dataclass

from graphdsl.ir.draws import Draw, draws_in, inside, outside
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Entropy, entropy
from graphdsl.ir.symbols import NetworkName, Variable


@dataclass(frozen=True, slots=True)
class Blocks:
    """A family in the blocks of one drawn set, under one distribution."""

    draw: Draw
    head: str
    members: frozenset[Variable]
    independence: Independence  #: with the blocks in the family's place

    def holds(self, variables: frozenset[Variable]) -> bool:
        """Whether some of the variables are a block of these."""
        return bool(variables & self._both)

    def cut(self, variables: frozenset[Variable]) -> frozenset[Variable]:
        """The same variables with the whole family as its two blocks."""
        if variables >= self.members:
            return variables - self.members | self._both
        return variables

    def joined(self, atom: Entropy) -> Entropy:
        """An entropy in the words of the whole network, where it has them."""
        of, given = frozenset(atom.of), frozenset(atom.given)
        held = (of | given) & self._both
        if held == {outside(self.head, self.draw.name)} and self._is_symmetric(atom.under):
            of, given = self._turned(of), self._turned(given)
        return entropy(self._whole(of), self._whole(given), atom.under)

    @property
    def _both(self) -> frozenset[Variable]:
        return frozenset((inside(self.head, self.draw.name), outside(self.head, self.draw.name)))

    def _is_symmetric(self, under: NetworkName) -> bool:
        return self.draw.kind == "bipartitions" and not draws_in((), under)

    def _turned(self, names: frozenset[Variable]) -> frozenset[Variable]:
        blocks = {name: name.block for name in names}
        return frozenset(
            inside(block.head, block.draw) if block else name for name, block in blocks.items()
        )

    def _whole(self, names: frozenset[Variable]) -> frozenset[Variable]:
        return names - self._both | self.members if names >= self._both else names
