"""Whether the terms of a loss and its constants are the objective, before anything is bounded."""

from __future__ import annotations

__all__ = ["leftover"]

from collections.abc import Iterable, Mapping

from graphdsl.ir.graph import Dag
from graphdsl.ir.information import CrossEntropy, Entropy, Information, Term, TotalCorrelation
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import ModelRef, NetworkName, Variable
from graphdsl.ir.weight import Weight, accumulate
from graphdsl.symbolic.canonical import Canon, Sum
from graphdsl.symbolic.expand import Ledger, expand_objective

_OWN = (Entropy, Information, TotalCorrelation)  #: what distributions alone decide


def leftover(
    model: Model,
    dags: Mapping[NetworkName, Dag],
    canons: Mapping[NetworkName, Canon],
    terms: Iterable[Term],
) -> tuple[Term, ...]:
    """The objective minus some terms, in canonical form: nothing if they are the objective.

    The objective is expanded anew. Informations are compared under each distribution, as entropies
    in canonical form, and cross-entropies by their variable. What stands under a sign that is not
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
    found = [Term(weight, atom) for atom, weight in rest.items() if weight]
    return (*found, *_models(ledger, given))


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
