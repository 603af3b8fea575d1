"""The whole objective, expanded once and collected before anything is bounded.

Every functional becomes entropies in canonical form, and cross-entropies of p. Equal terms meet
over the whole objective, so that an upper bound is never cancelled against a lower bound of the
same information. What is left is then read as entropies that somebody can compute or bound.
"""

from __future__ import annotations

__all__ = ["collect_objective"]

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from graphdsl.ir.graph import Dag
from graphdsl.ir.information import (
    Collected,
    CollectedGroup,
    Discrepancy,
    Entropy,
    ExpectedEdges,
    Importance,
    LocalEntropy,
    ModelAtom,
    ModelCrossEntropy,
    Term,
    TotalCorrelation,
    information,
)
from graphdsl.ir.model import Model, Place
from graphdsl.ir.networks import Conditional
from graphdsl.ir.objective import EstimatorChoice, MultiInformation, Wrapped
from graphdsl.ir.symbols import NetworkName, Q, Variable, natural
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.signs import sign
from graphdsl.symbolic.canonical import Canon, Counts, Sum, collect
from graphdsl.symbolic.decoders import (
    nonnegative,
    open_atoms,
    pivot_of,
    take_decoders,
    take_hints,
    take_meetings,
)
from graphdsl.symbolic.expand import Ledger, expand_objective
from graphdsl.symbolic.recognise import take_recognisers

_Key: TypeAlias = tuple[str, tuple[int, ...]]  #: of a name, in its natural order


def collect_objective(
    model: Model,
    dags: Mapping[NetworkName, Dag],
    canons: Mapping[NetworkName, Canon],
    whole: bool = True,
) -> Collected:
    """Expand, collect, and read an objective.

    Args:
        model: The resolved spec.
        dags: The DAG of each network that is projected on, by its name.
        canons: Canonical forms under q, p and each further inference network, by their names.
        whole: Whether it is all of the objective: a part of it under a sign that is not linear
            is bounded without decoders, whose bounds hold the data's own entropy.
    """
    ledger = expand_objective(model, dags, canons)
    rest = ledger.entropies
    estimated = list(_take_choices(model, rest, canons))
    local = list(take_hints(model, ledger, rest, canons))
    estimated += _take_correlations(model, rest, canons[Q])
    for under, canon in canons.items() if whole else ():
        if under == "p":
            local += take_recognisers(model, rest, canon, ledger)
        else:
            local += take_meetings(model, ledger, rest, canon, canons)
            local += take_decoders(model, rest, canon, canons)
    parts = _read(model, ledger, rest, local, estimated, canons)
    return replace(parts, groups=tuple(_groups(model, dags, canons)))


def _groups(
    model: Model, dags: Mapping[NetworkName, Dag], canons: Mapping[NetworkName, Canon]
) -> Iterator[CollectedGroup]:
    """What is inside a function or a constraint."""
    for term in model.objective:
        if isinstance(term.functional, Wrapped):
            inner = replace(model, objective=term.functional.inner)
            yield CollectedGroup(
                weight=term.weight,
                wrapped=term.functional,
                collected=collect_objective(inner, dags, canons, whole=False),
                line=term.line,
                column=term.column,
            )


def _take_choices(
    model: Model, rest: Sum, canons: Mapping[NetworkName, Canon]
) -> Iterator[tuple[Weight, TotalCorrelation, EstimatorChoice | None]]:
    """`estimate TC(u) with mss`: as much of TC(u) as its last, intractable entropy asks for.

    Where it has none that is negative, as I(a; b) = H(b) - H(b | a) for an encoder of b, it is the
    last positive one. Under p, where recognisers bound what is left, it is what is asked for.
    """
    for choice in model.choices:
        canon = canons[choice.target.under]
        counts = canon.information(choice.target.parts, choice.target.given)
        weight = _asked(model, choice) if choice.target.under == "p" else ZERO
        if weight:
            collect(rest, counts, -weight)
        else:
            pivot = pivot_of(counts, canon) or pivot_of(counts, canon, positive=True)
            weight = _take(rest, counts, pivot)
        atom = information(choice.target.parts, choice.target.given, choice.target.under)
        total = atom if isinstance(atom, TotalCorrelation) else None
        if total is None:
            parts = tuple(tuple(sorted(part, key=natural)) for part in choice.target.parts)
            given = tuple(sorted(choice.target.given, key=natural))
            total = TotalCorrelation(parts, given, choice.target.under)
        yield weight, total, choice


def _asked(model: Model, choice: EstimatorChoice) -> Weight:
    """With which weight the objective has an information by its own name."""
    wanted, total = choice.target, ZERO
    for term in model.objective:
        functional = term.functional
        if isinstance(functional, MultiInformation) and functional.under == wanted.under:
            if (set(functional.parts), functional.given) == (set(wanted.parts), wanted.given):
                total = total + term.weight
    return total


def _take_correlations(
    model: Model, rest: Sum, canon: Canon
) -> Iterator[tuple[Weight, TotalCorrelation, EstimatorChoice | None]]:
    """Total correlations of latents that nobody named."""
    for atom in sorted(open_atoms(rest, canon), key=lambda one: -len(one.given)):
        weight = -rest.get(atom, ZERO)
        group = (*atom.given, *atom.of)
        if not weight or not nonnegative(weight, model) or len(group) < 2:
            continue
        if not _sampled_alike(group, model, canon):
            continue  # no estimator: what is negative in it is bounded by conditioning
        parts = tuple((name,) for name in sorted(group, key=natural))
        trial = dict(rest)
        collect(trial, canon.information(map(frozenset, parts)), -weight)
        singles = [canon.entropy(frozenset(part)) for part in parts]
        if all(
            nonnegative(trial.get(count, ZERO), model) for counts in singles for count in counts
        ):
            rest.clear()
            rest.update(trial)
            yield weight, TotalCorrelation(parts), None


def _sampled_alike(group: tuple[Variable, ...], model: Model, canon: Canon) -> bool:
    """Whether latents are normal, of one family, and inferred from the same data."""
    independence = canon.independence
    parents = {independence.parents(name) for name in group}
    families = {model.family_of(name).name for name in group}
    holders = [
        conditional
        for conditional in model.inference.conditionals
        if set(group) & set(conditional.children)
    ]
    if len(holders) != 1 or not all(map(model.is_normal, group)):
        return False
    return len(families) == len(parents) == 1 and next(iter(parents)) <= independence.data


def _take(rest: Sum, counts: Counts, pivot: Entropy | None) -> Weight:
    """Take as much of a quantity as its pivot is there for."""
    if pivot is None:
        return ZERO
    weight = rest.get(pivot, ZERO).scaled(1) if counts[pivot] > 0 else -rest.get(pivot, ZERO)
    if weight:
        collect(rest, counts, -weight)
    return weight


def _read(
    model: Model,
    ledger: Ledger,
    rest: Sum,
    local: list[LocalEntropy],
    estimated: list[tuple[Weight, TotalCorrelation, EstimatorChoice | None]],
    canons: Mapping[NetworkName, Canon],
) -> Collected:
    exact: list[LocalEntropy] = []
    uncertain: list[LocalEntropy] = []
    intractable: list[LocalEntropy] = []
    constants: list[Term] = []
    for atom, weight in sorted(rest.items(), key=lambda item: _atom_key(item[0])):
        canon = canons[atom.under]
        if canon.is_data(atom):
            constants.append(Term(weight, atom))
            continue
        (name,) = atom.of
        one = LocalEntropy(name, frozenset(atom.given), weight, ledger.asked(atom), atom.under)
        if canon.is_exact(atom):
            exact.append(one)
            continue
        kept = {"nonnegative": local, "nonpositive": intractable}
        kept.get(sign(weight, model.parameters), uncertain).append(one)
    return Collected(
        models=tuple(_models(model, ledger)),
        exact=tuple(exact),
        unbounded=tuple(local),
        estimated=tuple(estimated),
        constants=tuple(constants),
        uncertain=tuple(uncertain),
        intractable=tuple(intractable),
        distances=tuple(
            Discrepancy(distance, weight, ledger.asked(distance))
            for distance, weight in ledger.distances.items()
        ),
        sparsities=tuple(
            ExpectedEdges(sparsity.masks[0], weight, ledger.asked(sparsity))
            for sparsity, weight in ledger.sparsities.items()
        ),
        importances=tuple(
            Importance(one, weight, ledger.asked(one))
            for one, weight in ledger.importances.items()
            if weight
        ),
    )


def _models(model: Model, ledger: Ledger) -> Iterator[ModelCrossEntropy]:
    for atom in sorted(ledger.models, key=lambda one: _model_key(model, one)):
        weight = ledger.models[atom]
        if weight:
            conditional = _conditional(model, atom)
            yield ModelCrossEntropy(atom, conditional, weight, ledger.asked(atom))


def _conditional(model: Model, atom: ModelAtom) -> Conditional | None:
    """The conditional of a network that models a variable; none for a prior, or a new model."""
    if atom.network == "new":
        return None
    network = model.generation if atom.network == "p" else model.inference_of(atom.network)
    return network.conditional_of(model.labelled(atom.node)) if network else None


_ModelKey: TypeAlias = tuple[
    int, Place, int, list[Place], tuple[Place, ...], str, bool, str, bool, str
]


def _model_key(model: Model, atom: ModelAtom) -> _ModelKey:
    """The order of cross-entropies: that of declarations, whatever things are called."""
    given = sorted(map(model.place, atom.given or ()))
    environment = (model.place(atom.environment),) if atom.environment else ()
    networks = model.place_of_network(atom.under), model.place_of_network(atom.network)
    last = environment, atom.penalty, atom.biased, atom.among, atom.frozen, atom.cost or ""
    return networks[0], model.place(atom.node), networks[1], given, *last


def _atom_key(atom: Entropy) -> tuple[str, list[_Key], list[_Key]]:
    return atom.under, list(map(natural, atom.of)), list(map(natural, atom.given))
