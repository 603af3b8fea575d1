"""What two specs declare: variables, parameters, networks, and what they ask for."""

from __future__ import annotations

__all__ = ["changed", "is_one_graph", "structure"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.ir.comparison import Change, Section
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Family, Network, Parameter
from graphdsl.ir.notation import Phrase, number_text, weight_text
from graphdsl.ir.symbols import Variable, names
from graphdsl.ir.weight import ZERO
from graphdsl.notation.folding import in_ranges, listed


def structure(left: Model, right: Model) -> tuple[Section, ...]:
    """Everything that one spec declares otherwise than the other, the objective apart."""
    return (
        Section("Variables", grouped(changed(_variables(left), _variables(right)))),
        Section("Parameters", changed(_parameters(left), _parameters(right))),
        Section("Masks", changed(_masks(left), _masks(right))),
        Section("Edges", tuple(_edges(left, right))),
        Section("Conditionals", grouped(changed(_conditionals(left), _conditionals(right)))),
        Section("Players", changed(_players(left), _players(right))),
        Section("Projections", changed(_projections(left), _projections(right)), False),
    )


def changed(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[Change, ...]:
    """What the texts of one side say otherwise than those of the other, in their order.

    >>> changed({"beta": "1", "gamma": "2"}, {"beta": "4", "gamma": "2"})
    (Change(subject='beta', before='1', after='4'),)
    """
    pairs = ((name, left.get(name, ""), right.get(name, "")) for name in {**left, **right})
    return tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])


def grouped(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes that differ in their subject alone as one of all of these."""
    groups: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        groups.setdefault((change.before, change.after), []).append(change.subject)
    return tuple(
        Change(", ".join(in_ranges(tuple(several))), *texts) for texts, several in groups.items()
    )


def is_one_graph(left: Model, right: Model) -> bool:
    """Whether both have the same variables in the same roles, and the same networks of edges."""
    return (
        left.roles.keys() == right.roles.keys()
        and all(left.roles[name][0] == right.roles[name][0] for name in left.roles)
        and _graphs(left) == _graphs(right)
        and _masks(left) == _masks(right)
    )


def _graphs(model: Model) -> dict[str, object]:
    """Of each network its variables, and how each is drawn given which, by what edges."""
    return {
        network.name: (
            frozenset(network.variables),
            frozenset(
                (
                    child,
                    frozenset(conditional.parents),
                    _by(conditional),
                    conditional.gates,
                    conditional.one_expert,
                )
                for conditional in network.conditionals
                for child in conditional.children
            ),
        )
        for network in _networks(model)
    }


def _by(one: Conditional) -> str:
    """How several parents make one distribution; of one there is nothing to choose."""
    return f"by {one.by}" if len(one.parents) > 1 else ""


def _networks(model: Model) -> tuple[Network, ...]:
    generation = () if model.generation is None else (model.generation,)
    return (model.inference, *generation, *model.further)


def _variables(model: Model) -> dict[str, str]:
    return {name: _family(family) for family in model.families for name in family.nodes}


def _family(one: Family) -> str:
    classes = "" if one.classes is None else f"({one.classes})"
    shape = f"[{', '.join(map(str, one.shape))}]" if one.shape else ""
    law = f" ~ {one.root_text or one.distribution}" if one.role != "given" else ""
    labels = f", labels of {one.label_of}" if one.label_of else ""
    return f"{one.role} {one.kind}{classes}{shape}{law}{' optional' * one.optional}{labels}"


def _parameters(model: Model) -> dict[str, str]:
    return {parameter.name: _parameter(parameter) for parameter in model.parameters}


def _parameter(one: Parameter) -> str:
    moves = "" if one.schedule is None else f", {one.schedule}"
    return f"{number_text(one.value)} in {one.range}{moves}"


def _masks(model: Model) -> dict[str, str]:
    return {
        mask.name: f"learned, {' x '.join(map(str, mask.extents))}, from {mask.start}"
        for mask in model.masks
    }


def _edges(left: Model, right: Model) -> Iterator[Change]:
    """Edges that one side lacks, those into one variable together."""
    here, there = (_parents(model) for model in (left, right))
    for network, child in {**here, **there}:
        before = here.get((network, child), frozenset())
        after = there.get((network, child), frozenset())
        if before != after:
            yield Change(network, *(_arrow(one, child) for one in (before - after, after - before)))


def _parents(model: Model) -> dict[tuple[str, Variable], frozenset[Variable]]:
    return {
        (network.name, child): frozenset(conditional.parents)
        for network in _networks(model)
        for conditional in network.conditionals
        for child in conditional.children
    }


def _arrow(parents: frozenset[Variable], child: Variable) -> str:
    return f"{listed(names(parents))} -> {child}" if parents else ""


def _conditionals(model: Model) -> dict[str, str]:
    """How each variable is drawn given its parents, beside which these are."""
    conditionals = {}
    for network in _networks(model):
        for conditional in network.conditionals:
            for child in conditional.children:
                conditionals[f"{network.name}({child})"] = _conditional(model, conditional, child)
    return conditionals


def _conditional(model: Model, one: Conditional, child: Variable) -> str:
    law = model.distribution_of(one, child).written
    parts = [
        _by(one),
        f"via {one.via}",
        f"~ {law}" if one.drawn is not None else "",
        f"one network for {listed(names(one.children))}" if len(one.children) > 1 else "",
        "one expert for each row" if one.one_expert else "",
        f"edges under {', '.join(sorted({gate.mask for gate in one.gates}))}" if one.gates else "",
    ]
    return ", ".join(filter(None, parts))


def _players(model: Model) -> dict[str, str]:
    turns = {turn.player: str(turn.count) for turn in model.turns}
    players = {player.name: "a player of its own" for player in model.players}
    return {
        **players,
        **{name: f"{count} steps in a round" for name, count in turns.items()},
    }


def _projections(model: Model) -> dict[str, str]:
    weights = {}
    for projection in model.projections:
        if projection.weight != ZERO:
            nodes = _nodes(projection.network)  # by its edges, whatever its name
            weights[f"D({projection.under} || {nodes})"] = (
                f"weight {weight_text(projection.weight)}"
            )
    return weights


def _nodes(network: Network) -> str:
    """The lines of a network, of every node its parents."""
    lines = []
    for place, node in enumerate(network.nodes):
        parents = [name for parent in network.parents(place) for name in network.nodes[parent]]
        if parents:
            lines.append(Phrase((names(parents), " -> ", node)))
        elif all(place not in edge for edge in network.edges):
            lines.append(Phrase((node,)))
    written = (str(in_ranges(line)) for line in sorted(lines, key=str))
    return f"{{{'; '.join(written)}}}"
