"""What is emitted for two specs: terms, the bounds that they take, and what is dropped."""

from __future__ import annotations

__all__ = ["losses"]

from collections.abc import Iterable

from graphdsl.comparing.structure import changed
from graphdsl.ir.comparison import Section
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.notation import weight_text
from graphdsl.notation.folding import in_ranges
from graphdsl.notation.gaps import bound_text


def losses(left: LossModule, right: LossModule) -> tuple[Section, ...]:
    """Everything in which one loss is another than the other."""
    return (
        Section("Loss", changed(_whole(left), _whole(right))),
        Section("Terms", changed(_terms(left), _terms(right))),
        Section("Bounds and gaps", changed(_bounds(left), _bounds(right))),
        Section("Constants of the data", changed(_constants(left), _constants(right)), False),
    )


def _whole(module: LossModule) -> dict[str, str]:
    players = ", ".join(module.playing)
    return {"relation": module.relation, "players": players}


def _terms(module: LossModule) -> dict[str, str]:
    return _numbered((_formula(term), _term(term)) for term in module.terms)


def _formula(term: LossTerm) -> str:
    within = f", under {term.within}" if term.within else ""
    return f"{term.formula}{within}"


def _term(term: LossTerm) -> str:
    parts = [
        f"weight {weight_text(term.weight)}, {term.relation}",
        f"estimated by {term.estimator}" if term.estimator else "",
        f"for {term.player}" if term.player else "",
        f"critic {term.critic}" if term.critic else "",
        f"gradient {'; '.join(term.gradient)}" if term.gradient else "",
        "its networks frozen" if term.frozen else "",
    ]
    return "; ".join(filter(None, parts))


def _bounds(module: LossModule) -> dict[str, str]:
    return _numbered(
        (str(in_ranges(bound.entropy.atom)), f"by {bound.model}, gap {bound_text(bound)}")
        for term in module.terms
        for bound in term.bounds
    )


def _constants(module: LossModule) -> dict[str, str]:
    return _numbered(
        (str(in_ranges(constant.atom)), f"weight {weight_text(constant.weight)}")
        for constant in module.constants
    )


def _numbered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By their names, equal ones with the texts of all in one order."""
    numbered: dict[str, list[str]] = {}
    for name, text in pairs:
        numbered.setdefault(name, []).append(text)
    return {name: " and ".join(sorted(texts)) for name, texts in numbered.items()}
