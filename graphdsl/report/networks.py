"""The networks of a spec: as text, and as the audit's JSON, from which each D can be evaluated."""

from __future__ import annotations

__all__ = ["networks_json", "networks_text"]

from collections.abc import Iterable, Iterator

from graphdsl.ir.audit import Audit
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.notation import Phrase
from graphdsl.ir.symbols import names
from graphdsl.notation.folding import folded_each
from graphdsl.report.lines import WIDEST, filled, laid
from graphdsl.report.terms import Json

_MOST = 6  #: inference networks that the text shows, unless all are asked for


def networks_text(
    audit: Audit, *, width: int = WIDEST, full: bool = False, indent: str = "  "
) -> Iterator[str]:
    """A line for q, p and each further inference network, and what holds of them."""
    model = audit.model
    further = model.further if full else model.further[:_MOST]
    shown = [model.inference, *further]
    if model.generation is not None:
        shown.insert(1, model.generation)
    longest = max(len(one.name) for one in shown)
    for one in shown:
        lines = _lines(one)
        pieces = [f"{line};" for line in lines[:-1]] + lines[-1:]
        yield from laid(f"{indent}{one.name:{longest}}  ", pieces, longest + 6, width)
    if len(model.further) > len(further):
        yield f"{indent}... and {len(model.further) - len(further)} more: `--full` shows them"
    for note in _notes(model, shown):
        yield from filled(indent, f"({note})", len(indent) + 1, width)


def _notes(model: Model, shown: Iterable[Network]) -> Iterator[str]:
    """What holds of the networks: the data, selectors, labels and masks."""
    yield "under q the observed variables have the data's joint, which is arbitrary"
    for one in (
        conditional
        for network in shown
        for conditional in network.conditionals
        if conditional.mixes
    ):
        yield f"{one.selector} picks the expert of {one.children[0]} that a row draws"
    for family in model.families:
        if family.label_of:
            yield f"{family.name} is {family.label_of} where a row has it: else q infers it"
    if model.masks:
        masks = ", ".join(
            f"{mask.name}[{', '.join(map(str, mask.extents))}]" for mask in model.masks
        )
        yield f"edges under {masks} are learned: all below is for each structure by itself"


def networks_json(audit: Audit) -> Json:
    """q, p, each further inference network, and each network that something is projected on.

    A node that holds several variables is in `blocks`: its variables have any joint given its
    parents. A copy x' has the edge from x alone, and equals it. A mixture's selector is a root.
    Under an inference network the data's joint is arbitrary, which needs no edges here.
    """
    model = audit.model
    own = [
        network
        for network in (model.inference, model.generation, *model.further)
        if network is not None
    ]
    known = {one.name for one in own}
    projected = [
        projection.network
        for projection in audit.projections
        if projection.network.name not in known
    ]
    return [_network(one) for one in (*own, *dict.fromkeys(projected))]


def _network(network: Network) -> Json:
    copies = names(name for name in network.variables if name.original != name)
    selectors = [conditional for conditional in network.conditionals if conditional.mixes]
    edges: list[Json] = [
        [parent, child]
        for start, end in network.edges
        for parent in network.nodes[start]
        for child in network.nodes[end]
    ]
    edges += [[name.original, name] for name in copies]
    edges += [[selector.selector, child] for selector in selectors for child in selector.children]
    blocks: Json = [list(node) for node in network.nodes if len(node) > 1]
    chosen = list(dict.fromkeys(selector.selector for selector in selectors))
    return {
        "name": network.name,
        "role": "inference" if network.role == "further" else network.role,
        "nodes": [*network.variables, *chosen],
        "edges": edges,
        **({"blocks": blocks} if blocks else {}),
        **({"copies": list(copies)} if copies else {}),
        **({"selectors": list(chosen)} if chosen else {}),
    }


def _lines(network: Network) -> list[str]:
    """The lines of a network, parents of each node together; nodes without edges by themselves."""
    lines: list[Phrase] = []
    for place, node in enumerate(network.nodes):
        parents = tuple(name for parent in network.parents(place) for name in network.nodes[parent])
        if parents:
            lines.append(Phrase((parents, " -> ", node)))
        elif all(place not in edge for edge in network.edges):
            lines.append(Phrase((node,)))
    return [*folded_each(lines)] or ["no variable has parents"]
