"""D(q || G) in its four forms, and the steps from the definition to the named terms."""

from __future__ import annotations

__all__ = ["derive_projection", "entropy_form"]

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.graph import Dag
from graphdsl.ir.information import (
    Atom,
    Entropy,
    Information,
    ProjectionDerivation,
    Step,
    Term,
    TotalCorrelation,
    entropy,
    information,
    one,
)
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import DrawnBlock, NetworkName, Variable, names
from graphdsl.ir.weight import Weight
from graphdsl.symbolic.canonical import Canon
from graphdsl.symbolic.passes.move_constants import move_constants
from graphdsl.symbolic.passes.name_terms import name_terms
from graphdsl.symbolic.passes.prune_separated import prune_separated


def entropy_form(dag: Dag) -> tuple[Term, ...]:
    """D(q||G) = sum_v H(v|Pa_v) - H(V): theory.md P1, the definition written out."""
    local = [one(entropy(node, dag.parent_set(place))) for place, node in enumerate(dag.nodes)]
    return (*local, one(entropy(dag.variables), -1))


def derive_projection(
    network: Network, orders: Sequence[Dag], weight: Weight, canon: Canon
) -> ProjectionDerivation:
    """Derive D(q||G), in that of the given topological orders that leaves the fewest terms."""
    data = canon.independence.data
    shortest = min(
        (_derive(network, dag, weight, canon) for dag in orders),
        key=lambda one: _complexity(one, data),
    )
    return shortest if canon.under == "q" else _said_of(shortest, canon.under)


def _derive(network: Network, dag: Dag, weight: Weight, canon: Canon) -> ProjectionDerivation:
    local = _local_markov(dag)
    named, constant, steps = _simplify(local, canon)
    start = entropy_form(dag)
    derivation = ProjectionDerivation(
        network=network,
        weight=weight,
        under=canon.under,
        order=tuple(names(node) for node in dag.nodes),
        entropies=start,
        multi_information=_multi_information(dag, canon),
        local_markov=local,
        simplified=named,
        constant=constant,
        steps=(
            Step(
                rule="local Markov form",
                because="chain rule of H(V) in a topological order of G (P1)",
                before=start,
                after=local,
            ),
            *steps,
        ),
    )
    _verify(derivation, canon)
    return derivation


def _said_of(derivation: ProjectionDerivation, under: NetworkName) -> ProjectionDerivation:
    """The same, and every term says that it is of another distribution than q."""

    def spoken(terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(Term(term.weight, replace(term.atom, under=under)) for term in terms)

    steps = (
        replace(step, before=spoken(step.before), after=spoken(step.after))
        for step in derivation.steps
    )
    return replace(
        derivation,
        entropies=spoken(derivation.entropies),
        multi_information=spoken(derivation.multi_information),
        local_markov=spoken(derivation.local_markov),
        simplified=spoken(derivation.simplified),
        constant=spoken(derivation.constant),
        steps=tuple(steps),
    )


def _simplify(
    terms: tuple[Term, ...], canon: Canon
) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Step, ...]]:
    """Prune, move constants out and name, until nothing changes: one pass may open another."""
    constant: tuple[Term, ...] = ()
    steps: list[Step] = []
    while True:
        pruned, pruning = prune_separated(terms, canon.independence)
        free, fixed, moving = move_constants(pruned, canon.independence.data)
        named, naming = name_terms(free)
        constant += fixed
        steps += (*pruning, *moving, *naming)
        if named == terms:
            return named, constant, tuple(steps)
        terms = named


def _local_markov(dag: Dag) -> tuple[Term, ...]:
    """sum_v I(v; pred(v) - Pa_v | Pa_v)."""
    terms = []
    before: frozenset[Variable] = frozenset()
    for place, node in enumerate(dag.nodes):
        parents = dag.parent_set(place)
        if before - parents:
            terms.append(one(information((node, before - parents), parents)))
        before |= node
    return tuple(terms)


def _multi_information(dag: Dag, canon: Canon) -> tuple[Term, ...]:
    """TC(V) - sum_v I(v; Pa_v), eq. 1; TC(V) written out over G^q, not over blocks, copies (P7)."""
    total: list[Term] = []
    inferred = frozenset(canon.independence.order)
    if all(len(node) == 1 and node <= inferred for node in dag.nodes):
        order = [name for name in canon.independence.order if name in dag.variables]
        before: frozenset[Variable] = frozenset()
        for name in order:
            parents = canon.independence.boundary(name, before)
            if parents:
                total.append(one(information(((name,), parents))))
            before |= {name}
    elif len(dag.nodes) > 1:
        total.append(one(information(dag.nodes)))
    minus = [
        one(information((node, dag.parent_set(place))), -1)
        for place, node in enumerate(dag.nodes)
        if dag.parents[place]
    ]
    return (*total, *minus)


def _verify(derivation: ProjectionDerivation, canon: Canon) -> None:
    """Every form must be the definition, in canonical form; anything else is our own mistake."""
    definition = canon.terms(derivation.entropies)
    forms = {
        "multi-information": derivation.multi_information,
        "local Markov": derivation.local_markov,
        "named": (*derivation.simplified, *derivation.constant),
    }
    for name, terms in forms.items():
        if canon.terms(terms) != definition:
            title = derivation.network.name
            raise CompilerBug(f"the {name} form of D(q || {title}) is not equal to it")
    for step in derivation.steps:
        if canon.terms(step.before) != canon.terms(step.after):
            raise CompilerBug(f"the step {step.rule!r} does not keep the value")


_Complexity: TypeAlias = tuple[int, int, int, tuple[tuple[int, int], ...], tuple[int, int]]


def _complexity(derivation: ProjectionDerivation, data: frozenset[Variable]) -> _Complexity:
    """How many kinds of terms are left, members of a family one kind; how many terms, how long.

    A total correlation of data and latents together, which few know, is worse than several
    informations of one kind: D(q || {x; u}) is sum_j I(x; u_j), by a factorised encoder. Nothing of
    it is a name, so that equal networks are derived alike whatever they are called.
    """
    terms = derivation.simplified
    mixed = sum(_is_mixed(term.atom, data) for term in terms)
    lengths = tuple(sorted(_length(term.atom) for term in terms))
    kinds = len({_kind(term.atom) for term in terms})
    written = len(derivation.steps), len(derivation.local_markov)
    return kinds, mixed, len(terms), lengths, written


def _length(atom: Atom) -> tuple[int, int]:
    """How many variables an atom names; of equally many, it is better that some are given."""
    match atom:
        case Information(left, right, given):
            return len(left) + len(right) + len(given), -len(given)
        case TotalCorrelation(parts, given):
            return sum(map(len, parts)) + len(given), -len(given)
        case _:
            return 0, 0


def _is_mixed(atom: Atom, data: frozenset[Variable]) -> bool:
    if not isinstance(atom, TotalCorrelation):
        return False
    parts = [data.issuperset(one.original for one in part) for part in atom.parts]
    return any(parts) and not all(parts)


def _kind(atom: Atom) -> tuple[object, ...]:
    """What an atom is of, members of a family alike."""
    match atom:
        case TotalCorrelation(parts, given):
            return "TC", frozenset(map(_heads, parts)), _heads(given)
        case Information(left, right, given):
            return "I", _heads(left), _heads(right), _heads(given)
        case Entropy(of, given):
            return "H", _heads(of), _heads(given)
        case _:
            return (atom,)


def _heads(variables: Iterable[Variable]) -> tuple[tuple[str, DrawnBlock | None], ...]:
    return tuple((name.head, name.block) for name in variables)
