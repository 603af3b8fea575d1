"""Drop what d-separation in G^q makes zero."""

from __future__ import annotations

__all__ = ["prune_separated"]

from collections.abc import Iterable

from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Information, Step, Term, information
from graphdsl.ir.symbols import Variable, bar_text, names

Variables = frozenset[Variable]


def prune_separated(
    terms: Iterable[Term], independence: Independence
) -> tuple[tuple[Term, ...], tuple[Step, ...]]:
    """Laws, for d-separation in G^q: I(v; A, B | C) = I(v; A | C) where v _||_ B | A, C (P2).

    Variables of either side go, and those of the condition that matter neither to v given the
    others alone nor given A as well. A term none of whose right side is left is zero. Where
    v _||_ A | C, what is left of I(v; A, B | C) is I(v; B | A, C).
    """
    kept: list[Term] = []
    steps: list[Step] = []
    for term in terms:
        if not isinstance(term.atom, Information):
            kept.append(term)
            continue
        after = _prune(term, term.atom, independence)
        if after != (term,):
            steps.append(
                Step(
                    rule="d-separation in G^q",
                    because=_license(term.atom, after),
                    before=(term,),
                    after=after,
                )
            )
        kept += after
    return tuple(kept), tuple(steps)


def _prune(term: Term, atom: Information, independence: Independence) -> tuple[Term, ...]:
    left, right = frozenset(atom.left), frozenset(atom.right)
    given = frozenset(atom.given)
    right = _relevant(left, right, given, independence)
    if not right:
        return ()
    left = _relevant(right, left, given, independence)
    given = _needed(left, right, given, independence)
    right, given = _told(left, right, given, independence)
    left, given = _told(right, left, given, independence)
    if (names(left), names(right), names(given)) == (atom.left, atom.right, atom.given):
        return (term,)
    return (Term(term.weight, information((left, right), given)),)


def _relevant(
    side: Variables, other: Variables, given: Variables, independence: Independence
) -> Variables:
    """The smallest subset of `other` that separates `side` from the rest of it, given `given`."""
    for name in reversed(names(other)):
        if independence.separated(side, {name}, given | other - {name}):
            other -= {name}
    return other


def _told(
    side: Variables, other: Variables, given: Variables, independence: Independence
) -> tuple[Variables, Variables]:
    """The other side without what is independent of this one, which is then given instead."""
    for name in names(other):
        if len(other) > 1 and independence.separated(side, {name}, given):
            other, given = other - {name}, given | {name}
    return other, given


def _needed(
    left: Variables, right: Variables, given: Variables, independence: Independence
) -> Variables:
    """The condition without what is irrelevant to one side, with and without the other side."""
    for name in names(given):
        rest = given - {name}
        for side, other in ((left, right), (right, left)):
            if independence.separated(side, {name}, rest) and independence.separated(
                side, {name}, rest | other
            ):
                given = rest
                break
    return given


def _license(before: Information, after: tuple[Term, ...]) -> str:
    """The separation that was used: who is apart from whom, given what."""
    atom = after[0].atom if after else None
    if not isinstance(atom, Information):
        return _statement(before.left, before.right, before.given)
    added = set(atom.given) - set(before.given)
    if added:
        known = names(set(atom.given) - added)
        side, other = (atom.left, before.right), (atom.right, before.left)
        apart = next(one for one, whole in (side, other) if added & set(whole))
        return _statement(names(added.intersection(before.right) or added), apart, known)
    gone_right = tuple(name for name in before.right if name not in atom.right)
    if gone_right:
        return _statement(before.left, gone_right, names({*atom.right, *before.given}))
    gone_left = tuple(name for name in before.left if name not in atom.left)
    if gone_left:
        return _statement(before.right, gone_left, names({*atom.left, *before.given}))
    gone = tuple(name for name in before.given if name not in atom.given)
    return _statement(gone, atom.left, atom.given) + ", also with " + ", ".join(atom.right)


def _statement(a: tuple[str, ...], b: tuple[str, ...], given: tuple[Variable, ...]) -> str:
    return f"{', '.join(a)} _||_ {', '.join(b)}{bar_text(given)}"
