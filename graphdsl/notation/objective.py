"""The intended objective as the spec states it, in LaTeX."""

from __future__ import annotations

__all__ = ["functional_latex", "objective_latex", "whole_latex"]

from collections.abc import Iterable, Sequence

from graphdsl.ir.functionals import draws_of
from graphdsl.ir.model import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Experts,
    Functional,
    InvariancePenalty,
    Model,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    Sparsity,
    UncertaintyOf,
    Weighted,
    Wrapped,
)
from graphdsl.ir.notation import latex_names, latex_weight, names
from graphdsl.ir.weight import ONE, Weight

_MOST = 6  #: more terms of one kind than this are written as first, dots, last


def whole_latex(model: Model) -> str:
    """The objective, or that of every player."""
    if not model.players:
        return objective_latex(model.objective)
    parts = [
        f"\\min_{{{','.join(one.owners)}}}\\ {objective_latex(one.objective)}"
        for one in model.players
    ]
    return r";\quad ".join(parts)


def objective_latex(objective: Sequence[Weighted]) -> str:
    """All weighted functionals; long runs of one weight are shortened to their ends."""
    groups: dict[tuple[Weight, str], list[Functional]] = {}
    for one in objective:
        groups.setdefault((one.weight, type(one.functional).__name__), []).append(one.functional)
    written = ""
    for (weight, _), functionals in groups.items():
        body = [functional_latex(one) for one in functionals]
        if len(body) > _MOST:
            body = [body[0], r"\dots", body[-1]]
        joined = " + ".join(body)
        written += _joined(written, weight, f"\\bigl({joined}\\bigr)" if len(body) > 1 else joined)
    return written or "0"


def functional_latex(functional: Functional) -> str:
    r"""One functional: `D(q \,\|\, \mathrm{through\_z}(1,2))`."""
    mean = "".join(f"\\mathbb{{E}}_{{{draw}}}\\," for draw in draws_of(functional))
    return mean + _latex(functional)


def _latex(functional: Functional) -> str:
    at = "" if functional.under == "q" else f"_{{{functional.under}}}"
    match functional:
        case PredictiveEntropy(of, given, cost=str(cost)):
            inner = f"{latex_names(names(of))}{_bar(given)},\\ \\mathrm{{{cost}}}"
            return f"\\mathrm{{cost}}{at}({inner})"
        case PredictiveEntropy(of, given):
            return f"\\mathrm{{CE}}{at}({latex_names(names(of))}{_bar(given)})"
        case MultiInformation(parts, given):
            sign = "I" if len(parts) == 2 else r"\mathrm{TC}"
            inner = "; ".join(latex_names(names(part)) for part in parts)
            return f"{sign}{at}({inner}{_bar(given)})"
        case UncertaintyOf(of, given):
            return f"H{at}({latex_names(names(of))}{_bar(given)})"
        case Wrapped():
            return _wrapped(functional)
        case Sparsity(masks):
            return f"\\mathrm{{sparsity}}({latex_names(masks)})"
        case InvariancePenalty(name, given, environment, _, biased):
            inner = latex_names((*names(given), environment))
            inner += r",\ \mathrm{biased}" * biased
            return f"\\mathrm{{irm}}{at}({latex_names((name,))} \\mid {inner})"
        case _:
            return _divergence(functional)


def _wrapped(functional: Wrapped) -> str:
    inner = objective_latex(functional.inner)
    if functional.offset:
        inner = f"{inner} + {latex_weight(functional.offset)}".replace("+ -", "- ")
    match functional.kind:
        case "abs":
            return f"\\left|{inner}\\right|"
        case "max":
            return f"\\max({inner},\\ {latex_weight(functional.bound)})"
        case "constraint":
            return f"\\lambda\\,\\bigl({inner}\\bigr)"


def _divergence(
    functional: Projection | DivergenceOfMarginals | DivergenceOfPosteriors | Distance,
) -> str:
    """What compares two distributions."""
    under, marginal = functional.under, ""
    if not isinstance(functional, Projection):
        marginal = latex_names(names(functional.variables or ()))
    match functional:
        case Projection(network):
            return f"D({under} \\,\\|\\, {_network(network.name)})"
        case DivergenceOfMarginals(None, samples=k, experts=experts):
            return f"{_kl(k, experts)}({under} \\,\\|\\, p)"
        case DivergenceOfMarginals(_, given, samples=k, experts=experts):
            name, right = _kl(k, experts), f"p({marginal}{_bar(functional.model_given)})"
        case DivergenceOfPosteriors(_, given, network_name, model_given):
            name, right = _kl(), f"{network_name}({marginal}{_bar(model_given)})"
        case Distance(name):
            name, given, right = f"\\mathrm{{{name}}}", frozenset(), f"p({marginal})"
    return f"{name}({under}({marginal}{_bar(given)}) \\,\\|\\, {right})"


def _kl(samples: int = 0, experts: Experts = "every") -> str:
    """Of a bound by several samples, with their number, and which experts have them."""
    if not samples:
        return r"\mathrm{KL}"
    which = {"every": "", "apart": r",\,\text{per expert}", "one": r",\,\text{one expert}"}
    return f"\\mathrm{{KL}}^{{({samples}){which[experts]}}}"


def _joined(before: str, weight: Weight, body: str) -> str:
    if weight == ONE:
        return f" + {body}" if before else body
    minus = -weight
    if len(weight.terms) == 1 and weight.terms[0][1] < 0:
        factor = "" if minus == ONE else f"{latex_weight(minus)}\\,"
        return f" - {factor}{body}" if before else f"-{factor}{body}"
    text = latex_weight(weight)
    factor = text if len(weight.terms) == 1 else f"({text})"
    return f" + {factor}\\,{body}" if before else f"{factor}\\,{body}"


def _network(name: str) -> str:
    if name.startswith("{"):
        body = latex_text(name[1:-1])
        return f"\\{{{body}\\}}"
    head, paren, rest = name.partition("(")
    escaped = head.replace("_", r"\_")
    return f"\\mathrm{{{escaped}}}{paren}{rest}"


def latex_text(body: str) -> str:
    """A network's body: arrows and names in LaTeX."""
    lines = []
    for line in body.split("; "):
        groups = [_group(group) for group in line.split(" -> ")]
        lines.append(r" \to ".join(groups))
    return r";\ ".join(lines)


def _group(group: str) -> str:
    inner = group.strip("()")
    written = latex_names(inner.split(", "))
    return f"({written})" if inner != group else written


def _bar(given: Iterable[str]) -> str:
    written = latex_names(names(given))
    return f" \\mid {written}" if written else ""
