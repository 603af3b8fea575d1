"""What bounds leave: pieces of a loss, each one variable's share of a term."""

from __future__ import annotations

__all__ = ["Piece", "Pieces", "Pool", "Share", "Vanished"]

from dataclasses import dataclass, field
from typing import Literal

from graphdsl.bound.models import (
    BoundModel,
)
from graphdsl.catalog.methods import PenaltyWord
from graphdsl.ir.information import (
    Term,
)
from graphdsl.ir.loss import Bound
from graphdsl.ir.objective import Cost
from graphdsl.ir.symbols import NO_VARIABLE, NetworkName, Q, Variable
from graphdsl.ir.weight import ZERO, Weight


@dataclass(frozen=True, slots=True)
class Share:
    """Why a cross-entropy is in the loss: it was asked for, or it bounds an entropy."""

    weight: Weight
    stands_for: Term
    lines: tuple[int, ...]
    bound: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One variable's share of a loss term."""

    kind: Literal["kl", "reconstruction", "cost", "entropy", "cross_entropy", "penalty"]
    node: Variable
    ref: BoundModel | None  #: None for an entropy
    weight: Weight
    stands_for: tuple[Term, ...]
    bounds: tuple[Bound, ...]
    lines: tuple[int, ...]  #: of the spec, that ask for it
    under: NetworkName = Q  #: over whose samples
    environment: Variable = NO_VARIABLE  #: of a penalty
    biased: bool = False  #: of a penalty: whether it takes a minibatch's own square
    penalty: PenaltyWord = "irm"  #: which one, where there is an environment
    among: Variable = (
        NO_VARIABLE  #: the block, `x[S]`, of which the variable is counted where S holds it
    )
    cost: Cost | None = None  #: of a reconstruction that is no likelihood
    named: bool = False  #: whether rows that lack what its model reads do not pay for it
    needs: tuple[Variable, ...] = ()  #: the data that a row must have, of those that rows may lack


@dataclass(slots=True)
class Pool:
    """The cross-entropies of one model, and why they are there."""

    node: Variable
    ref: BoundModel
    under: NetworkName
    among: Variable = NO_VARIABLE
    cost: Cost | None = None
    named: bool = False  #: whether it holds what the objective names, and bounds have another pool
    needs: tuple[Variable, ...] = ()
    shares: list[Share] = field(default_factory=list)

    @property
    def weight(self) -> Weight:
        """The net weight of its shares."""
        total = ZERO
        for share in self.shares:
            total = total + share.weight
        return total


@dataclass(frozen=True, slots=True)
class Vanished:
    """Bounds over one distribution whose computed parts cancel: the loss has their gaps alone."""

    stands_for: tuple[Term, ...]
    bounds: tuple[Bound, ...]
    lines: tuple[int, ...]  #: of the spec, that ask for it


@dataclass(frozen=True, slots=True)
class Pieces:
    """An objective, or a sum under a sign, in pieces."""

    parts: tuple[Piece, ...]
    vanished: tuple[Vanished, ...]  #: of distributions of which no piece is left
