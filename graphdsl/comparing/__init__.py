"""Two specs side by side: which names stand for which, what changes, and whether they are one.

`compare` decides and gathers, `substitution` fixes parameters, `structure` compares what specs
declare, and `losses` what is emitted for them.
"""

__all__ = ["Side", "compare", "same_objective"]

from graphdsl.comparing.compare import Side, compare, same_objective
