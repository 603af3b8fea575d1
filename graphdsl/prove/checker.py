"""Check a certificate: exact arithmetic and the canonical form, no solver and no floating point."""

from __future__ import annotations

__all__ = ["mistake_in"]

from collections.abc import Iterable, Mapping

from graphdsl.ir.evidence import CanonicalForm, Certificate, Use
from graphdsl.ir.information import Information, Term
from graphdsl.ir.networks import Interval
from graphdsl.ir.symbols import Variable


def mistake_in(
    certificate: Certificate,
    claim: Iterable[Term],
    canon: CanonicalForm,
    real: frozenset[Variable],
    ranges: Mapping[str, Interval],
) -> str | None:
    """What is wrong with a certificate that `claim` >= 0, or None if it is a proof.

    Three things make it one: no multiplier is negative, no atom can be (I(a; b | c), or H(a | c)
    with a discrete), and their weighted sum is the claim, in canonical form.
    """
    terms: list[Term] = []
    for use in certificate.uses:
        if use.multiplier < 0:
            return f"the multiplier {use.multiplier} is negative"
        if not _nonnegative(use, real):
            return f"{use.atom} can be negative"
        try:
            terms.append(Term(use.weight(ranges), use.atom))
        except ValueError as problem:
            return str(problem)
    if canon.terms(terms) != canon.terms(claim):
        return "the inequalities do not add up to the claim"
    return None


def _nonnegative(use: Use, real: frozenset[Variable]) -> bool:
    atom = use.atom
    if isinstance(atom, Information):
        return set(atom.left).isdisjoint(atom.right)
    return real.isdisjoint(atom.of)
