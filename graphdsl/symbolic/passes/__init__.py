"""The rewrites of a derivation: a file each, named by its verb, with its law in the docstring."""

__all__ = ["move_constants", "name_terms", "prune_separated"]

from graphdsl.symbolic.passes.move_constants import move_constants
from graphdsl.symbolic.passes.name_terms import name_terms
from graphdsl.symbolic.passes.prune_separated import prune_separated
