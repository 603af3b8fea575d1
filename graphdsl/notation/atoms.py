"""Entropies, informations and cross-entropies in LaTeX."""

from __future__ import annotations

__all__ = ["latex_atom", "latex_bar", "latex_index", "latex_mean_over", "latex_model"]

from collections.abc import Iterable, Sequence

from graphdsl.ir.draws import draws_in
from graphdsl.ir.information import (
    Atom,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    TotalCorrelation,
)
from graphdsl.ir.symbols import ModelRef, Names, NetworkName, Variable, latex_names


def latex_atom(atom: Atom) -> str:
    """An entropy, information, total correlation or cross-entropy in LaTeX."""
    match atom:
        case Entropy(of, given):
            return f"{_mean(atom)}H{_at(atom)}({latex_names(of)}{latex_bar(given)})"
        case Information(left, right, given):
            sides = f"{latex_names(left)}; {latex_names(right)}"
            return f"{_mean(atom)}I{_at(atom)}({sides}{latex_bar(given)})"
        case TotalCorrelation(parts, given):
            inner = _latex_parts(parts)
            return f"{_mean(atom)}\\mathrm{{TC}}{_at(atom)}({inner}{latex_bar(given)})"
        case PenaltyAtom(name, of, given):
            return f"\\mathrm{{{name}}}({of.latex}{latex_bar(given)})"
        case DivergenceAtom(name, of, under):
            inner = latex_names(of)
            return f"\\mathrm{{{name}}}({under}({inner}) \\,\\|\\, p({inner}))"
        case CrossEntropy(of, given, model):
            density = f"{model.network}({latex_names(of)}{latex_bar(given)})"
            return f"{_mean(atom)}\\mathbb{{E}}{_at(atom)}[-\\log {density}]"


def latex_model(model: ModelRef) -> str:
    r"""A model in LaTeX.

    >>> latex_model(ModelRef("p", (Variable("x", (1,)),), (Variable("z"), Variable("u", (1,)))))
    'p(x_{1} \\mid z, u_{1})'
    """
    return f"{model.network}({latex_names(model.children)}{latex_bar(model.parents)})"


def latex_bar(given: Sequence[Variable]) -> str:
    r"""What is conditioned on, behind a bar: ` \mid z`; nothing if there is nothing."""
    return f" \\mid {latex_names(given)}" if given else ""


def latex_index(under: NetworkName) -> str:
    """The distribution that something is under, as an index: `_q`, `_{r(1)}`."""
    return f"_{{{under}}}" if len(under) > 1 else f"_{under}"


def latex_mean_over(names: Iterable[Variable], *titles: NetworkName) -> str:
    """The expectation that is meant where a term speaks of drawn sets; often nothing."""
    return "".join(f"\\mathbb{{E}}_{{{draw}}}\\," for draw in draws_in(names, *titles))


def _latex_parts(parts: tuple[Names, ...]) -> str:
    """Parts with semicolons between them; a long run of single members by its two ends."""
    if all(len(part) == 1 for part in parts):
        return latex_names((part[0] for part in parts), between="; ")
    return "; ".join(latex_names(part) for part in parts)


def _at(atom: Atom) -> str:
    return latex_index(atom.under)


def _mean(atom: Atom) -> str:
    """The mean over sets that are drawn, where the atom speaks of one."""
    match atom:
        case Entropy(of, given) | CrossEntropy(of, given):
            variables = (*of, *given)
        case Information(left, right, given):
            variables = (*left, *right, *given)
        case TotalCorrelation(parts, given):
            variables = (*(name for part in parts for name in part), *given)
    return latex_mean_over(variables, atom.under)
