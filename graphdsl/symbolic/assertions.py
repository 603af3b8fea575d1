"""Equalities of informations, decided by canonical form."""

from __future__ import annotations

__all__ = ["decide"]

from collections.abc import Mapping

from graphdsl.ir.evidence import Proof
from graphdsl.ir.functionals import draws_of
from graphdsl.ir.graph import Dag
from graphdsl.ir.information import Term, information, one
from graphdsl.ir.information import entropy as entropy_atom
from graphdsl.ir.objective import Assertion, MultiInformation, Projection, UncertaintyOf, Weighted
from graphdsl.ir.symbols import NetworkName
from graphdsl.ir.weight import accumulate
from graphdsl.symbolic.canonical import Canon, Sum
from graphdsl.symbolic.projection import entropy_form

_OF_DRAWN_SETS = "the canonical forms differ, and those of means over drawn sets need not agree"
_NO_EQUALITY = "the canonical forms differ, and their entropies are linearly independent"
_NOT_EQUAL = "the sides are not equal, and equalities are all that a canonical form decides"


def decide(
    assertion: Assertion, dags: Mapping[NetworkName, Dag], canons: Mapping[NetworkName, Canon]
) -> Proof:
    """Prove an equality, or say what is left of its two sides; `prove` goes on from there.

    Canonical entropies are linearly independent over the distributions that follow G^q: an
    equality holds for all of them if and only if nothing is left.
    """
    asserted: list[Term] = []
    total: Sum = {}
    for summand in assertion.difference:
        terms = _terms(summand, dags)
        if terms is None:
            return Proof(
                assertion=assertion,
                status="unknown",
                because="it speaks of `p`, whose distribution G^q does not determine",
            )
        weighted = [Term(term.weight * summand.weight, term.atom) for term in terms]
        asserted += weighted
        for atom, weight in canons[summand.functional.under].terms(weighted).items():
            accumulate(total, atom, weight)
    remainder = tuple(Term(weight, atom) for atom, weight in sorted(total.items(), key=str))
    if not total:
        return Proof(
            assertion=assertion, status="proved", because="both sides have one canonical form"
        )
    because = _NOT_EQUAL
    if any(draws_of(one.functional) for one in assertion.difference):
        because = _OF_DRAWN_SETS
    elif assertion.relation == "==":
        because = _NO_EQUALITY
    return Proof(
        assertion=assertion,
        status="refuted" if because == _NO_EQUALITY else "unknown",
        because=because,
        remainder=remainder,
        terms=tuple(asserted),
    )


def _terms(summand: Weighted, dags: Mapping[NetworkName, Dag]) -> tuple[Term, ...] | None:
    match summand.functional:
        case Projection(network):
            return entropy_form(dags[network.name])
        case MultiInformation(parts, given):
            return (one(information(parts, given)),)
        case UncertaintyOf(of, given):
            return (one(entropy_atom(of, given)),)
        case _:
            return None
