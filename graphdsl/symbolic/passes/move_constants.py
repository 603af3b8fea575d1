"""Move out what depends on the data alone."""

from __future__ import annotations

__all__ = ["move_constants"]

from collections.abc import Iterable

from graphdsl.ir.information import Information, Step, Term, information
from graphdsl.ir.symbols import Variable


def move_constants(
    terms: Iterable[Term], data: frozenset[Variable]
) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Step, ...]]:
    """Law: I(x; A, z | C) = I(x; A | C) + I(x; z | C, A), the first constant for data x, A, C.

    A quantity is constant only if every variable in it is data: P3 for q.

    Returns:
        What is left, what is constant, and the steps.
    """
    free: list[Term] = []
    constant: list[Term] = []
    steps: list[Step] = []
    for term in terms:
        parts = _split(term, data)
        if len(parts) > 1:
            steps.append(
                Step(
                    rule="chain rule",
                    because="the part that depends on the data alone is constant (P3)",
                    before=(term,),
                    after=parts,
                )
            )
        for part in parts:
            (constant if _is_constant(part, data) else free).append(part)
    return tuple(free), tuple(constant), tuple(steps)


def _split(term: Term, data: frozenset[Variable]) -> tuple[Term, ...]:
    atom = term.atom
    if not isinstance(atom, Information) or not data.issuperset(atom.given):
        return (term,)
    for side, other in ((atom.left, atom.right), (atom.right, atom.left)):
        fixed = [name for name in other if name in data]
        if data.issuperset(side) and fixed and len(fixed) < len(other):
            rest = [name for name in other if name not in data]
            return (
                Term(term.weight, information((side, fixed), atom.given)),
                Term(term.weight, information((side, rest), {*atom.given, *fixed})),
            )
    return (term,)


def _is_constant(term: Term, data: frozenset[Variable]) -> bool:
    atom = term.atom
    return isinstance(atom, Information) and data.issuperset((*atom.left, *atom.right, *atom.given))
