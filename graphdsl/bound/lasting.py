"""Gaps that no training closes, and the largest value that an information can have.

-H(v|S) <= -H(v|Pa_v) is loose by I(v; Pa_v | S), which is a property of q and of no model: where a
variable of it is discrete, it is at most that one's log of classes.
"""

from __future__ import annotations

__all__ = ["largest_entropy", "lasting_gap"]

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, prod

from graphdsl.ir.graph import Independence
from graphdsl.ir.information import LocalEntropy, information
from graphdsl.ir.model import Model
from graphdsl.ir.notation import Phrase, weight_text
from graphdsl.ir.symbols import Selector, Variable
from graphdsl.ir.weight import ONE


@dataclass(frozen=True, slots=True)
class LastingGap:
    """An information that stays in a gap."""

    gap: Phrase  #: weight included
    size: str  #: `at most 0.693 nats each`, or `of any size`

    @property
    def sentence(self) -> Phrase:
        """The gap, and how large it can be."""
        return Phrase((self.gap, ", ", self.size))


def lasting_gap(one: LocalEntropy, independence: Independence, model: Model) -> LastingGap:
    """The gap of -H(v|S) <= -H(v|Pa_v), which is I(v; Pa_v | S)."""
    missing = independence.parents(one.node) - one.given
    factor = "" if -one.weight == ONE else f"({weight_text(-one.weight)}) * "
    known = (largest_entropy((one.node,), model), largest_entropy(missing, model))
    largest = min((size for size in known if size is not None), default=None)
    return LastingGap(
        Phrase((factor, information(((one.node,), missing), one.given, one.under))),
        "of any size" if largest is None else f"at most {largest:.3g} nats each",
    )


def largest_entropy(variables: Iterable[Variable], model: Model) -> float | None:
    """The largest entropy of some variables in nats, sum of log k; None where it has no end."""
    total = 0.0
    for name in variables:
        if name.block is not None or isinstance(name, Selector):
            return None
        family = model.family_of(name)
        classes = 2 if family.kind == "binary" else family.classes
        if classes is None:
            return None
        total += prod(family.shape) * log(classes)
    return total
