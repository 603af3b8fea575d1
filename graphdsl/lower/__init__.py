"""The collected objective to a module that can be written out.

`lower` folds positive entropies into cross-entropies of the models at hand, pairs them with the
encoders' entropies into rates, chooses estimators, and settles names, signs, order and shapes, so
that `codegen` has nothing left to decide.
"""

__all__ = ["Lowered", "lower", "readings", "shared_evenly"]

from graphdsl.lower.bounds import readings
from graphdsl.lower.lower import Lowered, lower
from graphdsl.lower.settled import shared_evenly
