"""The intended objective as the spec states it: as text, and in LaTeX."""

from __future__ import annotations

__all__ = ["whole_latex", "whole_text"]

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.catalog.methods import IWAE
from graphdsl.ir.functionals import draws_of
from graphdsl.ir.model import Model
from graphdsl.ir.notation import Phrase, plus, shortened
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

_Parts: TypeAlias = tuple[object, ...]  #: of a phrase


def whole_latex(model: Model) -> str:
    """The objective in LaTeX, or that of every player."""
    if not model.players:
        return str(_sum(model.objective, LATEX))
    parts = [
        f"\\min_{{{','.join(player.owners)}}}\\ {_sum(player.objective, LATEX)}"
        for player in model.players
    ]
    return r";\quad ".join(parts)


def whole_text(model: Model) -> Iterator[tuple[str, ...]]:
    """The objective as text by its summands, or that of every player."""
    if not model.players:
        yield _texts(model.objective)
    for player in model.players:
        first, *others = _texts(player.objective)
        yield (f"for {','.join(player.owners)}: {first}", *others)


def _texts(objective: Sequence[Weighted]) -> tuple[str, ...]:
    return tuple(map(str, _summands(objective, TEXT))) or ("0",)


def _sum(objective: Sequence[Weighted], dress: Dress) -> Phrase:
    """All weighted functionals."""
    return Phrase(tuple(_between(_summands(objective, dress), " ")) or ("0",))


def _summands(objective: Sequence[Weighted], dress: Dress) -> Iterator[Phrase]:
    """Each with its sign; long runs of one weight are shortened to their ends."""
    groups: dict[tuple[Weight, str], list[Functional]] = {}
    for term in objective:
        groups.setdefault((term.weight, type(term.functional).__name__), []).append(term.functional)
    first = True
    for (weight, _), functionals in groups.items():
        folded = dress.fold([_functional(functional, dress) for functional in functionals])
        body = shortened(folded, Phrase((dress.dots,)))
        if len(body) > 1 and weight != ONE:
            body = (Phrase((dress.sum[0], *_between(body, " + "), dress.sum[1])),)
        for summand in body:
            yield Phrase((_factor(weight, dress, first=first), summand))
            first = False


def _between(several: Iterable[object], sign: str) -> _Parts:
    """Things side by side with a sign between them."""
    return tuple(part for one in several for part in (sign, one))[1:]


def _functional(functional: Functional, dress: Dress) -> Phrase:
    """One functional: `D(q || through_z(1,2))`."""
    mean = "".join(dress.expectation.format(draw) for draw in draws_of(functional))
    return Phrase((mean, *_under_mean(functional, dress)))


def _under_mean(functional: Functional, dress: Dress) -> _Parts:
    at = dress.at(functional.under)
    inner: _Parts
    match functional:
        case PredictiveEntropy(of, given, cost=str(cost)):
            measure = f",{dress.space}{dress.word.format(cost)}"
            inner = (dress.names(names(of)), dress.bar(names(given)), measure)
            return (dress.word.format("cost"), at, "(", *inner, ")")
        case PredictiveEntropy(of, given):
            inner = (dress.names(names(of)), dress.bar(names(given)))
            return (dress.word.format("CE"), at, "(", *inner, ")")
        case MultiInformation(parts, given):
            sign = "I" if len(parts) == 2 else dress.word.format("TC")
            between = _between((dress.names(names(part)) for part in parts), "; ")
            return (sign, at, "(", *between, dress.bar(names(given)), ")")
        case UncertaintyOf(of, given):
            return ("H", at, "(", dress.names(names(of)), dress.bar(names(given)), ")")
        case Wrapped():
            return _wrapped(functional, dress)
        case Sparsity(masks):
            word = dress.word.format("sparsity")
            return (word, "(", dress.names(map(Variable, masks)), ")")
        case InvariancePenalty(name, given, environment, _, biased, word):
            inner = (dress.given, dress.names((*names(given), environment)))
            inner += (f",{dress.space}{dress.word.format('biased')}" * biased,)
            return (dress.word.format(word), at, "(", dress.names((name,)), *inner, ")")
        case _:
            return _divergence(functional, dress)


def _wrapped(functional: Wrapped, dress: Dress) -> _Parts:
    inner: _Parts = (_sum(functional.inner, dress),)
    if functional.offset:
        inner += (plus(functional.offset, dress.weight),)
    if functional.kind == "constraint":
        return (dress.multiplier, dress.times, dress.sum[0], *inner, dress.sum[1])
    function = FUNCTIONS[functional.kind]
    head, end = function.ends(dress.function(function), dress.weight(functional.bound))
    return (head, *inner, end)


def _divergence(
    functional: Projection | DivergenceOfMarginals | DivergenceOfPosteriors | Distance,
    dress: Dress,
) -> _Parts:
    """What compares two distributions."""
    right: _Parts
    under, marginal = functional.under, dress.names(())
    if not isinstance(functional, Projection):
        marginal = dress.names(names(functional.variables or ()))
    match functional:
        case Projection(network):
            return ("D(", under, dress.against, dress.network(network), ")")
        case DivergenceOfMarginals(None):
            return (_several(functional, dress), "(", under, dress.against, "p)")
        case DivergenceOfMarginals(_, given):
            name = _several(functional, dress)
            right = ("p(", marginal, dress.bar(names(functional.model_given)), ")")
        case DivergenceOfPosteriors(_, given, network_name, model_given):
            name = dress.word.format("KL")
            right = (network_name, "(", marginal, dress.bar(names(model_given)), ")")
        case Distance(name):
            name, given, right = dress.word.format(name), frozenset(), ("p(", marginal, ")")
    left = (under, "(", marginal, dress.bar(names(given)), ")")
    return (name, "(", *left, dress.against, *right, ")")


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


def _factor(weight: Weight, dress: Dress, *, first: bool) -> str:
    """What is in front of a summand: its sign, and its weight unless that is one."""
    if len(weight.terms) == 1 and weight.terms[0][1] < 0:
        return f"{'-' if first else '- '}{dress.factor(-weight)}"
    return f"{'' if first else '+ '}{dress.factor(weight)}"
