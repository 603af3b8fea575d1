"""Weights that turn a bound round, or may: what is warned of wherever a direction needs a sign."""

from __future__ import annotations

__all__ = ["changing_signs", "wrong_directions"]

from collections.abc import Iterable, Iterator

from graphdsl.bound.errors import FunctionOfBatch, WeightChangesSign, WrongDirection
from graphdsl.bound.relations import side_of
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, CollectedGroup, entropy, information
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.notation import weight_text
from graphdsl.ir.weight import Weight
from graphdsl.signs import ranges_text, sign


def changing_signs(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    """A warning for each bound, estimate and distance, and each sign, whose weight has no sign."""
    first = model.objective[0]
    place = Span(first.line, first.column, first.line, first.column + 1)
    for weight, term, lines in _directed(collected):
        if sign(weight, model.parameters) == "unknown":
            span = Span(lines[0], 1, lines[0], 2) if lines else place
            yield _warning(span, term, weight, model)
    for group in collected.groups:
        yield from _of_group(group, model)


def _directed(collected: Collected) -> Iterator[tuple[Weight, str, tuple[int, ...]]]:
    """What has a direction: its weight, its name, and the lines that ask for it where known."""
    for entropy_ in collected.uncertain:
        name = str(entropy((entropy_.node,), entropy_.given, entropy_.under))
        yield entropy_.weight, name, ()
    for weight, atom, _ in collected.estimated:
        yield weight, str(information(atom.parts, atom.given, atom.under)), ()
    for distance in collected.distances:
        inner = ", ".join(distance.distance.variables)
        name = f"{distance.distance.name}({distance.distance.under}({inner}) || p({inner}))"
        yield distance.weight, name, distance.lines
    for bound in collected.importances:
        yield bound.weight, f"KL({bound.divergence.under} || p)", bound.lines


def _of_group(group: CollectedGroup, model: Model) -> Iterator[Diagnostic]:
    kind = group.wrapped.kind
    if kind != "constraint" and sign(group.weight, model.parameters) == "unknown":
        span = Span(group.line, group.column, group.line, group.column + 3)
        yield _warning(span, f"`{kind}`", group.weight, model)
    yield from changing_signs(group.collected, model)


def wrong_directions(terms: Iterable[LossTerm]) -> Iterator[Diagnostic]:
    """A warning for each term that can only be too small: lowering it may not lower the rest."""
    for term in terms:
        if term.relation != "lower":
            continue
        line = term.lines[0] if term.lines else 1
        span = Span(line, 1, line, 2)
        if term.within:
            yield FunctionOfBatch(span=span, within=term.within)
        else:
            weight = weight_text(term.weight)
            yield WrongDirection(span=span, term=term.formula, side=side_of(term), weight=weight)


def _warning(span: Span, term: str, weight: Weight, model: Model) -> Diagnostic:
    return WeightChangesSign(
        span=span,
        term=term,
        weight=weight_text(weight),
        ranges=ranges_text(weight, model.parameters),
    )
