"""Assertions that the canonical form leaves open: proved with a certificate, or refuted.

`settle` does both. A certificate is a sum of Shannon inequalities with exact multipliers, and
`mistake_in` checks it without the solver that found it; a counterexample is a small distribution
that follows G^q, with exact probabilities. `mistake_in_steps` does a derivation again from its
steps. This is the only room with scipy, which is imported when an inequality is to be proved and
not before.
"""

__all__ = ["Setting", "mistake_in", "mistake_in_steps", "prove", "refute", "settle"]

from graphdsl.prove.checker import mistake_in
from graphdsl.prove.prove import prove
from graphdsl.prove.refute import refute
from graphdsl.prove.replay import mistake_in_steps
from graphdsl.prove.setting import Setting
from graphdsl.prove.settle import settle
