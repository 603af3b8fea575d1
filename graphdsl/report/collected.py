"""The whole objective as one sum, equal terms collected, before anything is bounded."""

from __future__ import annotations

__all__ = ["collected"]

from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Atom, Term
from graphdsl.ir.weight import Weight, accumulate


def collected(audit: Audit) -> tuple[Term, ...]:
    """What all terms stand for, and the constants: where that was checked to be the objective.

    Nothing where it was not: several players have an objective each, and what is inside a function
    that is not linear is collected by itself.
    """
    module = audit.module
    if audit.model.players or audit.leftover or module.groups:
        return ()
    total: dict[Atom, Weight] = {}
    for term in (*(one for each in module.terms for one in each.stands_for), *module.constants):
        accumulate(total, term.atom, term.weight)
    return tuple(Term(weight, atom) for atom, weight in total.items())
