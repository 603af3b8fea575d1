"""The intended objective as the spec states it: as text, and in LaTeX."""

from __future__ import annotations

__all__ = ["whole_latex", "whole_text"]

from collections.abc import Iterator, Sequence

from graphdsl.catalog.methods import IWAE
from graphdsl.ir.functionals import draws_of
from graphdsl.ir.model import Model
from graphdsl.ir.notation import shortened
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    InvariancePenalty,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    Sparsity,
    UncertaintyOf,
    Weighted,
    Wrapped,
)
from graphdsl.ir.symbols import Variable, names
from graphdsl.ir.weight import ONE, Weight
from graphdsl.notation.dress import LATEX, TEXT, Dress


def whole_latex(model: Model) -> str:
    """The objective in LaTeX, or that of every player."""
    if not model.players:
        return _sum(model.objective, LATEX)
    parts = [
        f"\\min_{{{','.join(one.owners)}}}\\ {_sum(one.objective, LATEX)}" for one in model.players
    ]
    return r";\quad ".join(parts)


def whole_text(model: Model) -> Iterator[str]:
    """The objective as text, or a line for that of every player."""
    if not model.players:
        yield _sum(model.objective, TEXT)
    for one in model.players:
        yield f"for {','.join(one.owners)}: {_sum(one.objective, TEXT)}"


def _sum(objective: Sequence[Weighted], dress: Dress) -> str:
    """All weighted functionals; long runs of one weight are shortened to their ends."""
    groups: dict[tuple[Weight, str], list[Functional]] = {}
    for one in objective:
        groups.setdefault((one.weight, type(one.functional).__name__), []).append(one.functional)
    written = ""
    for (weight, _), functionals in groups.items():
        body = tuple(dress.fold([_functional(one, dress) for one in functionals]))
        joined = " + ".join(shortened(body, dress.dots))
        if len(body) > 1 and weight != ONE:
            joined = dress.sum.format(joined)
        written += _joined(written, weight, joined, dress)
    return written or "0"


def _functional(functional: Functional, dress: Dress) -> str:
    """One functional: `D(q || through_z(1,2))`."""
    mean = "".join(dress.expectation.format(draw) for draw in draws_of(functional))
    return mean + _under_mean(functional, dress)


def _under_mean(functional: Functional, dress: Dress) -> str:
    at = "" if functional.under == "q" else dress.index.format(functional.under)
    match functional:
        case PredictiveEntropy(of, given, cost=str(cost)):
            inner = f"{dress.names(names(of))}{dress.bar(names(given))}"
            measure = f",{dress.space}{dress.word.format(cost)}"
            return f"{dress.word.format('cost')}{at}({inner}{measure})"
        case PredictiveEntropy(of, given):
            inner = f"{dress.names(names(of))}{dress.bar(names(given))}"
            return f"{dress.word.format('CE')}{at}({inner})"
        case MultiInformation(parts, given):
            sign = "I" if len(parts) == 2 else dress.word.format("TC")
            inner = "; ".join(dress.names(names(part)) for part in parts)
            return f"{sign}{at}({inner}{dress.bar(names(given))})"
        case UncertaintyOf(of, given):
            return f"H{at}({dress.names(names(of))}{dress.bar(names(given))})"
        case Wrapped():
            return _wrapped(functional, dress)
        case Sparsity(masks):
            return f"{dress.word.format('sparsity')}({dress.names(map(Variable, masks))})"
        case InvariancePenalty(name, given, environment, _, biased, word):
            inner = dress.names((*names(given), environment))
            inner += f",{dress.space}{dress.word.format('biased')}" * biased
            return f"{dress.word.format(word)}{at}({dress.names((name,))}{dress.given}{inner})"
        case _:
            return _divergence(functional, dress)


def _wrapped(functional: Wrapped, dress: Dress) -> str:
    inner = _sum(functional.inner, dress)
    if functional.offset:
        inner = f"{inner} + {dress.weight(functional.offset)}".replace("+ -", "- ")
    match functional.kind:
        case "abs":
            return dress.absolute.format(inner)
        case "max":
            return dress.maximum.format(inner, dress.weight(functional.bound))
        case "constraint":
            return f"{dress.multiplier}{dress.times}{dress.sum.format(inner)}"


def _divergence(
    functional: Projection | DivergenceOfMarginals | DivergenceOfPosteriors | Distance,
    dress: Dress,
) -> str:
    """What compares two distributions."""
    under, marginal = functional.under, ""
    if not isinstance(functional, Projection):
        marginal = dress.names(names(functional.variables or ()))
    match functional:
        case Projection(network):
            return f"D({under}{dress.against}{dress.network(network)})"
        case DivergenceOfMarginals(None):
            return f"{_several(functional, dress)}({under}{dress.against}p)"
        case DivergenceOfMarginals(_, given):
            name = _several(functional, dress)
            right = f"p({marginal}{dress.bar(names(functional.model_given))})"
        case DivergenceOfPosteriors(_, given, network_name, model_given):
            name = dress.word.format("KL")
            right = f"{network_name}({marginal}{dress.bar(names(model_given))})"
        case Distance(name):
            name, given, right = dress.word.format(name), frozenset(), f"p({marginal})"
    left = f"{under}({marginal}{dress.bar(names(given))})"
    return f"{name}({left}{dress.against}{right})"


def _several(functional: DivergenceOfMarginals, dress: Dress) -> str:
    """A KL; of a bound by several samples with their number, and which experts have them."""
    sign, method = dress.word.format("KL"), functional.method
    if not functional.samples:
        return sign
    words = [{"every": "", "apart": "per expert", "one": "one expert"}[functional.experts]]
    words += [method.word] * (method != IWAE)
    words += [f"{name} = {value}" for name, value in functional.settings]
    phrase = ", ".join(filter(None, words))
    return sign + dress.power.format(functional.samples, phrase and dress.phrase.format(phrase))


def _joined(before: str, weight: Weight, body: str, dress: Dress) -> str:
    """A sum with one summand more."""
    if len(weight.terms) == 1 and weight.terms[0][1] < 0:
        return f"{' - ' if before else '-'}{dress.factor(-weight)}{body}"
    return f"{' + ' if before else ''}{dress.factor(weight)}{body}"
