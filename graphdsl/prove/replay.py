"""Do a derivation again from its steps alone."""

from __future__ import annotations

__all__ = ["mistake_in_steps"]

from collections import Counter

from graphdsl.ir.evidence import CanonicalForm
from graphdsl.ir.information import ProjectionDerivation, Step, Term


def mistake_in_steps(derivation: ProjectionDerivation, canon: CanonicalForm) -> str | None:
    """Where the steps from D(q || G)'s definition to its named form break off, or None.

    Each step must find all that it rewrites, and keep its value in canonical form; what the last
    one leaves must be the named form and the constants, term by term.
    """
    current = Counter(derivation.entropies)
    for place, step in enumerate(derivation.steps, start=1):
        mistake = _mistake(step, current, canon)
        if mistake is not None:
            return f"step {place}, {step.rule}: {mistake}"
        current = current - Counter(step.before) + Counter(step.after)
    if current != Counter((*derivation.simplified, *derivation.constant)):
        return "the steps do not end where the derivation does"
    return None


def _mistake(step: Step, current: Counter[Term], canon: CanonicalForm) -> str | None:
    missing = Counter(step.before) - current
    if missing:
        return f"{next(iter(missing)).atom} is not there to be rewritten"
    if canon.terms(step.before) != canon.terms(step.after):
        return "its value changes"
    return None
