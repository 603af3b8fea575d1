"""G^q with a family as two blocks: the members in a drawn set, and the members outside of it."""

from __future__ import annotations

__all__ = ["blocked_dag"]

from graphdsl.graphs.build import inference_dag
from graphdsl.ir.draws import inside, outside
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Variable

Parents = dict[Variable, frozenset[Variable]]


def blocked_dag(
    model: Model, network: Network, head: str, draw: str
) -> tuple[tuple[Variable, ...], Parents, frozenset[Variable]]:
    """The network for any one S: x[S] and x[not S] stand for x, and are observed as it is.

    A latent that is inferred from some members of the family, and not from all, has no place in a
    network that holds for every S: it is left out, and so is what is inferred from it.

    Returns:
        The variables in topological order, the data first, the parents of each, and the data.
    """
    order, parents = inference_dag(model, network)
    members = frozenset(model.members(head))
    both = (inside(head, draw), outside(head, draw))
    data = [name for name in order if _is_data(model, name) and name not in {*members, *both}]
    data += both
    dag: Parents = {name: frozenset(data[:place]) for place, name in enumerate(data)}
    for name in order:
        above, seen = parents[name] - members, parents[name] & members
        if not _is_data(model, name) and seen in (frozenset(), members) and above <= dag.keys():
            dag[name] = above.union(both) if seen else above
    return tuple(dag), dag, frozenset(data)


def _is_data(model: Model, name: Variable) -> bool:
    return name.block is not None or name in model.observed()
