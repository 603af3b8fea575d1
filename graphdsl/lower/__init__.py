"""Bounded terms to a module that can be written out.

This room groups bounded terms into the lines of a loss, chooses estimators, and refuses what cannot
be computed or trained. `bound` has chosen the bounds, `program` plans what the methods compute, and
`notation` writes the formulas; `codegen` has nothing left to decide.
"""

__all__ = ["Lowered", "lower"]

from graphdsl.lower.lower import Lowered, lower
