"""DAGs to information: derivations, the collected objective, and decided assertions.

This is the compiler's heart and the only room with sympy, which lives in `algebra.py` alone. What
enters and leaves are the frozen nouns of `ir`.
"""

__all__ = [
    "MOST_SHARES",
    "Blocks",
    "Canon",
    "PartsOfLoss",
    "TooManySharesError",
    "collect_objective",
    "decide",
    "derive_projection",
    "difference",
    "evened",
    "factored",
    "imbalance",
    "leftover",
    "parts_of_loss",
    "quality",
]

from graphdsl.symbolic.algebra import factored
from graphdsl.symbolic.assertions import decide
from graphdsl.symbolic.balance import imbalance, leftover
from graphdsl.symbolic.blocks import Blocks
from graphdsl.symbolic.canonical import Canon
from graphdsl.symbolic.difference import difference
from graphdsl.symbolic.evenly import (
    MOST_SHARES,
    PartsOfLoss,
    TooManySharesError,
    evened,
    parts_of_loss,
    quality,
)
from graphdsl.symbolic.objective import collect_objective
from graphdsl.symbolic.projection import derive_projection
