"""Networks as DAGs: the only room that knows networkx.

`build_dag` gives a network's nodes in topological order, `inference_dag` completes the observed
edges of G^q, `blocked_dag` does so with x[S] and x[not S] in it, `check_model` finds cycles and
latents that nobody infers, `Separation` answers what G^q guarantees, and `symmetry_of` orders
variables by what a spec means.
"""

__all__ = [
    "Separation",
    "blocked_dag",
    "build_dag",
    "check_model",
    "generation_dag",
    "inference_dag",
    "orders",
    "renaming",
    "symmetry_of",
    "topological_orders",
]

from graphdsl.graphs.blocks import blocked_dag
from graphdsl.graphs.build import (
    build_dag,
    generation_dag,
    inference_dag,
    topological_orders,
)
from graphdsl.graphs.check import check_model
from graphdsl.graphs.meaning import orders, symmetry_of
from graphdsl.graphs.renaming import renaming
from graphdsl.graphs.separation import Separation
