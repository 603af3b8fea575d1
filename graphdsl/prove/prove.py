"""Prove that a sum of entropies is nonnegative for every q that follows G^q."""

from __future__ import annotations

__all__ = ["prove"]

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.evidence import Certificate, Distance, Use
from graphdsl.ir.information import (
    Atom,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.symbols import Names, Variable, names
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.prove.checker import mistake_in
from graphdsl.prove.eliminate_parameters import spread
from graphdsl.prove.setting import Setting


def prove(claim: Iterable[Term], setting: Setting) -> Certificate | str:
    """A certificate that the sum is >= 0 over the whole range of its parameters, or why not.

    The certificate has been checked, in exact arithmetic.

    Raises:
        ImportError: If scipy cannot be had: that says nothing of the claim.
    """
    terms = tuple(claim)
    parts = spread(setting.canon.terms(terms), setting.ranges)
    if isinstance(parts, str):
        return f"the range of `{parts}` has no end that its weights could be measured from"
    from graphdsl.prove.shannon import Unproved, uses_of

    groups = _groups(terms)
    uses: list[Use] = []
    for distances, combination in parts.items():
        found = uses_of(combination, setting, groups) if combination else ()
        if isinstance(found, Unproved):
            return f"{found.because}{_where(distances)}"
        uses += (replace(use, distances=distances) for use in found)
    certificate = Certificate(tuple(uses))
    mistake = mistake_in(certificate, terms, setting.canon, setting.real, setting.ranges)
    if mistake is not None:
        raise CompilerBug(f"a certificate of ours is wrong: {mistake}")
    return certificate


def _groups(terms: Iterable[Term]) -> tuple[Names, ...]:
    """The sets of variables whose entropies are left when the terms are written in H(S)."""
    total: defaultdict[frozenset[Variable], Weight] = defaultdict(lambda: ZERO)
    for term in terms:
        for group, times in _joints(term.atom):
            total[frozenset(group)] += term.weight.scaled(times)
    return tuple(names(group) for group, weight in total.items() if weight and group)


def _joints(atom: Atom) -> list[tuple[Names, int]]:
    """An atom as signed H(S)."""
    match atom:
        case Entropy(of, given):
            return [((*of, *given), 1), (given, -1)]
        case Information(left, right, given):
            parts: tuple[Names, ...] = (left, right)
        case TotalCorrelation(variables, given):
            parts = variables
        case CrossEntropy() | DivergenceAtom() | PenaltyAtom():
            raise ValueError("a cross-entropy is of a model, not of q alone")
    whole = (*(name for part in parts for name in part), *given)
    return [*(((*part, *given), 1) for part in parts), (whole, -1), (given, 1 - len(parts))]


def _where(distances: tuple[Distance, ...]) -> str:
    named = sorted({distance.parameter for distance in distances})
    return f", as {', '.join(named)} varies" if named else ""
