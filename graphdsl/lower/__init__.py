"""Bounded terms to a module that can be written out.

`lower` pairs cross-entropies with the encoders' entropies into rates, plans estimators, and settles
names, order and shapes, so that `codegen` has nothing left to decide.
"""

__all__ = ["Lowered", "lower"]

from graphdsl.lower.lower import Lowered, lower
