"""Proposals for what is estimated: another estimator, the compiler's own bound, or a range."""

from __future__ import annotations

__all__ = ["for_estimates"]

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from graphdsl.catalog.methods import METHODS
from graphdsl.diagnostics import Span
from graphdsl.ir.information import Information, Term, TotalCorrelation
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Parameter
from graphdsl.ir.notation import number_text
from graphdsl.ir.objective import EstimatorChoice
from graphdsl.ir.weight import Weight
from graphdsl.signs import sign
from graphdsl.suggesting.amendments import Amendment, without
from graphdsl.syntax import ast, nodes

_TRIED = ("loo", "mss", "adversary")  #: of informations: bounds first
_KNOWN = {
    "loo": "In expectation over batches the estimate is never below the quantity, so the term is "
    "an upper bound. How loose it is depends on the batch: more rows make it closer.",
    "mss": "The estimate is of the quantity itself, in nats, and is no bound.",
    "adversary": "The term is the quantity itself where the critic is optimal.",
    "": "The compiler bounds the quantity itself. Every gap is listed, and none is negative.",
}
_UNFLIPPED = (
    "The term is the divergence itself where the critic is optimal, and that pays nothing for its "
    "slope. The generator's gradient vanishes where the critic is sure."
)


def for_estimates(term: LossTerm, model: Model, spec: ast.Spec) -> Iterator[Amendment]:
    """What may make an estimate a bound, or a surrogate an estimate."""
    if term.code.kind in ("information", "total_correlation") and term.relation != "upper":
        yield from _informations(term, model, spec)
    if term.code.kind in ("distance", "importance"):
        yield from _chosen(term, spec)
    if term.relation == "surrogate":
        yield from _ranges(term.weight, model, spec)


def _informations(term: LossTerm, model: Model, spec: ast.Spec) -> Iterator[Amendment]:
    choice = next((one for one in model.choices if _is_of(one, term.stands_for)), None)
    if choice is None:
        for word in _TRIED:
            yield Amendment(added=(f"estimate {term.formula} with {word}",), known=_KNOWN[word])
        return
    where = choice.line, choice.column
    statements = [one for one in spec.statements if isinstance(one, ast.Estimate)]
    written: list[ast.Estimate | ast.Chosen] = [*statements, *_with(spec)]
    statement = next((one for one in written if _start(one.span) == where), None)
    if statement is None:
        statement = next((one for one in written if one.span.line == choice.line), None)
    if statement is None:
        return
    for word in _TRIED:
        if METHODS[word] != choice.method:
            yield Amendment(edits=((statement.choice.span, word),), known=_KNOWN[word])
    taken = statement.span
    if isinstance(statement, ast.Chosen):
        taken = _behind(statement)
    yield Amendment(edits=(without(taken),), known=_KNOWN[""])


def _chosen(term: LossTerm, spec: ast.Spec) -> Iterator[Amendment]:
    """`with non_saturating`, and the settings of `with iwae`."""
    for one in _with(spec):
        if one.span.line not in term.lines and one.span.end_line not in term.lines:
            continue
        if one.choice.name.text == "non_saturating":
            for span in dict.fromkeys((one.choice.name.span, one.choice.span)):
                yield Amendment(edits=((span, "adversary"),), known=_UNFLIPPED)
        if one.choice.name.text == "iwae":
            yield from _samples(one)


def _samples(one: ast.Chosen) -> Iterator[Amendment]:
    words = [each for each in one.choice.arguments if isinstance(each, ast.Word)]
    if words:
        settings = ", ".join(f"{each.name} = {_text(each.value)}" for each in one.choice.settings)
        span = one.choice.span
        yield Amendment(
            edits=((span, f"iwae({settings})"),),
            known="One logarithm of the mean of all weights is no looser than the mean of "
            "logarithms, whatever the networks (Jensen).",
            is_certain=True,
        )
    for setting in one.choice.settings:
        if setting.name.text == "k" and isinstance(setting.value, ast.Number):
            yield Amendment(
                edits=((setting.value.span, number_text(2 * setting.value.value)),),
                known="The bound of twice as many samples is no looser, whatever the networks "
                "(Burda et al., 2016), and costs twice as much.",
                is_certain=True,
            )


def _text(value: ast.Expression) -> str:
    return number_text(value.value) if isinstance(value, ast.Number) else str(value)


def _ranges(weight: Weight, model: Model, spec: ast.Spec) -> Iterator[Amendment]:
    """The part of a parameter's range in which a weight keeps its sign, if the value is in it."""
    if sign(weight, model.parameters) != "unknown" or len(weight.parameters) != 1:
        return
    (name,) = weight.parameters
    parameter = next(one for one in model.parameters if one.name == name)
    root = _root(weight, name)
    declared = next(
        (
            statement
            for statement in spec.statements
            if isinstance(statement, ast.Parameter) and statement.name.text == name
        ),
        None,
    )
    if root is None or declared is None or declared.range is None:
        return
    narrow = _side(parameter, root)
    yield Amendment(
        edits=((declared.range.span, str(narrow.range)),),
        known=f"It is the same loss. Where {name} is in {narrow.range}, the weight keeps its sign, "
        "so that its bounds have a direction.",
    )


def _root(weight: Weight, name: str) -> Fraction | None:
    """Where a weight that is linear in a parameter is zero."""
    parts = dict(iter(weight))
    slope = parts.pop((name,), Fraction(0))
    return -parts.get((), Fraction(0)) / slope if slope and set(parts) <= {()} else None


def _side(parameter: Parameter, root: Fraction) -> Parameter:
    above = parameter.value >= root
    ends = {"low": root} if above else {"high": root}
    return replace(parameter, range=replace(parameter.range, **ends))


def _is_of(choice: EstimatorChoice, terms: tuple[Term, ...]) -> bool:
    """Whether an `estimate` line is about one of these."""
    wanted = {frozenset(part) for part in choice.target.parts}
    for term in terms:
        match term.atom:
            case Information(left, right, given):
                parts = {frozenset(left), frozenset(right)}
            case TotalCorrelation(variables, given):
                parts = set(map(frozenset, variables))
            case _:
                continue
        if parts == wanted and frozenset(given) == choice.target.given:
            return True
    return False


def _with(spec: ast.Spec) -> Iterator[ast.Chosen]:
    """Every `E with method` of a spec."""
    return (node for node in nodes(spec) if isinstance(node, ast.Chosen))


def _behind(one: ast.Chosen) -> Span:
    """What stands behind the target: ` with method`."""
    end, choice = one.target.span, one.choice.span
    return Span(end.end_line, end.end_column, choice.end_line, choice.end_column)


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column
