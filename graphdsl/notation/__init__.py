"""How formulas are printed: as text, as LaTeX and as MathML.

`terms` writes the terms of a loss, `networks` what networks compute, `sets` sums over sets of
members, `rows` who pays for a missing view, `objective` the objective as its spec states it, `gaps`
the gaps of a term; `folding` writes the members of a family once, with their range. `formula` reads
the LaTeX that we write as a tree, and `mathematics` writes the tree as MathML or in Unicode.
"""

__all__ = ["Samples", "formula", "whole_latex", "whole_text"]

from graphdsl.notation.objective import whole_latex, whole_text
from graphdsl.notation.samples import Samples
from graphdsl.notation.terms import formula
