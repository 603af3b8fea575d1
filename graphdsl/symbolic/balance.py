"""Whether the terms of a loss and its constants are the objective, before anything is bounded."""

from __future__ import annotations

__all__ = ["imbalance", "leftover"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from graphdsl.ir.graph import Dag
from graphdsl.ir.information import CrossEntropy, Entropy, Information, Term, TotalCorrelation
from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.objective import Weighted, Wrapped
from graphdsl.ir.symbols import ModelRef, NetworkName, Variable
from graphdsl.ir.weight import Weight, accumulate
from graphdsl.symbolic.canonical import Canon, Sum
from graphdsl.symbolic.expand import Ledger, expand_objective

_Dags: TypeAlias = Mapping[NetworkName, Dag]
_Canons: TypeAlias = Mapping[NetworkName, Canon]

_OWN = (Entropy, Information, TotalCorrelation)  #: what distributions alone decide


def imbalance(
    model: Model,
    module: LossModule,
    dags: _Dags,
    canons: _Canons,
) -> tuple[Term, ...]:
    """What a loss and its constants miss of the objective: nothing, as it has to be.

    Each player's objective is compared with its own terms, and what is inside a function or a
    constraint with the terms under that sign. Which constants are whose is recorded of one
    objective alone: of several players, constants of the data are no matter.
    """
    if not model.players:
        plain = [term for term in module.terms if not term.within]
        whole = _side(model, model.objective, plain, module.constants, dags, canons)
        return (*whole, *_under_signs(model, model.objective, module.groups, module, dags, canons))
    terms: list[Term] = []
    for player, slot in zip(model.players, module.players, strict=True):
        mine = [term for term in module.terms if term.name in slot.terms and not term.within]
        left = _side(model, player.objective, mine, (), dags, canons)
        terms += (one for one in left if not _is_constant(one, canons))
        groups = [group for group in module.groups if group.name in slot.groups]
        terms += _under_signs(model, player.objective, groups, module, dags, canons)
    return tuple(terms)


def _under_signs(
    model: Model,
    objective: Iterable[Weighted],
    groups: Iterable[Group],
    module: LossModule,
    dags: _Dags,
    canons: _Canons,
) -> Iterator[Term]:
    """What is missing under each sign, which are in one order in the spec and in the loss.

    A sum under a sign that G^q says is zero has no group.
    """
    signs = [one.functional for one in objective if isinstance(one.functional, Wrapped)]
    there = [
        sign for sign in signs if _has_parts(replace(model, objective=sign.inner), dags, canons)
    ]
    for sign, group in zip(there, groups, strict=True):
        within = [term for term in module.terms if term.name in group.terms]
        yield from _side(model, sign.inner, within, (), dags, canons)


def _has_parts(model: Model, dags: _Dags, canons: _Canons) -> bool:
    ledger = expand_objective(model, dags, canons)
    parts = ledger.entropies, ledger.models, ledger.distances, ledger.sparsities
    return any(any(weights.values()) for weights in (*parts, ledger.importances))


def _side(
    model: Model,
    objective: tuple[Weighted, ...],
    terms: Iterable[LossTerm],
    constants: Iterable[Term],
    dags: _Dags,
    canons: _Canons,
) -> tuple[Term, ...]:
    alone = replace(model, objective=objective, players=())
    stands_for = (one for term in terms for one in term.stands_for)
    return leftover(alone, dags, canons, (*stands_for, *constants))


def _is_constant(term: Term, canons: _Canons) -> bool:
    return isinstance(term.atom, Entropy) and canons[term.atom.under].is_data(term.atom)


def leftover(
    model: Model,
    dags: _Dags,
    canons: _Canons,
    terms: Iterable[Term],
) -> tuple[Term, ...]:
    """The objective minus some terms, in canonical form: nothing if they are the objective.

    The objective is expanded anew. Informations are compared under each distribution, as entropies
    in canonical form, and cross-entropies by their variable. What is inside a function that is not
    linear, penalties, costs, and what several samples bound are left out.

    Args:
        model: A spec with one objective.
        dags: The DAG of each network that is projected on.
        canons: Canonical forms under each distribution.
        terms: What the terms of the loss stand for, and the constants.
    """
    ledger = expand_objective(model, dags, canons)
    given = tuple(terms)
    rest: Sum = dict(ledger.entropies)
    for term in given:
        if isinstance(term.atom, _OWN):
            for atom, weight in canons[term.atom.under].terms([term]).items():
                accumulate(rest, atom, -weight)
    left = [Term(weight, atom) for atom, weight in rest.items() if weight]
    return (*left, *_models(ledger, given))


def _models(ledger: Ledger, terms: tuple[Term, ...]) -> list[Term]:
    """Cross-entropies that only one side has."""
    if ledger.importances:
        return []
    rest: dict[tuple[Variable, NetworkName], Weight] = {}
    apart = {atom.node for atom in ledger.models if atom.among or atom.cost or atom.environment}
    for atom, weight in ledger.models.items():
        accumulate(rest, (atom.node, atom.under), weight)
    for term in terms:
        if isinstance(term.atom, CrossEntropy):
            accumulate(rest, (term.atom.of[0], term.atom.under), -term.weight)
    return [
        Term(weight, CrossEntropy((node,), (), ModelRef("its model of ", (node,)), under))
        for (node, under), weight in rest.items()
        if weight and node not in apart and node.block is None  # a block is counted in members
    ]
