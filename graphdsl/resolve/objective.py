"""Expressions of the objective and of assertions to weighted sums of functionals."""

from __future__ import annotations

__all__ = ["choice", "linear"]

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.model import (
    DivergenceOfMarginals,
    EstimatorChoice,
    Functional,
    MultiInformation,
    Network,
    Projection,
    UncertaintyOf,
    Weighted,
)
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.resolve.errors import (
    NotAFunctional,
    NotLinear,
    OverlappingParts,
    UnknownEstimator,
    UnknownFunctional,
    UnknownName,
    UnknownNetwork,
    WrongArguments,
)
from graphdsl.resolve.networks import instantiate
from graphdsl.resolve.scope import Indices, Scope, bindings
from graphdsl.syntax import ast

#: A summand: its weight, and what it weighs; None for a bare number.
Summand: TypeAlias = tuple[Weight, Functional | None, Span]

_USAGE = {
    "I": "write `I(a; b)` or `I(a, b; c | d)`",
    "TC": "write `TC(u)` for a family, or `TC(a; b; c | d)`",
    "H": "write `H(a)` or `H(a, b | c)`",
    "KL": "write `KL(q || p)` or `KL(q(z) || p(z))`",
    "D": "write `D(q || G(p))`, `D(q || name(1, 2))` or `D(q || {x; u})`",
}


def linear(
    scope: Scope, models: dict[str, Network], expression: ast.Expression
) -> tuple[Weighted, ...]:
    """An expression as a weighted sum; a bare number in it is a mistake, but for nought."""
    weighted = []
    for weight, functional, span in _expand(scope, models, expression, {}):
        if functional is not None:
            weighted.append(Weighted(weight, functional, span.line, span.column))
        elif weight:
            scope.note(
                NotAFunctional(
                    span=span,
                    problem="a number alone is no term: it does not depend on the model",
                    instead="multiply a functional with it, or leave it out",
                )
            )
    return tuple(weighted)


def choice(
    scope: Scope, models: dict[str, Network], statement: ast.Estimate
) -> EstimatorChoice | None:
    """`estimate F with e`, where F must be an information."""
    if statement.estimator.text != "mss":
        span = statement.estimator.span
        scope.note(UnknownEstimator(span=span, name=statement.estimator.text))
        return None
    target = _atom(scope, models, statement.target, {})
    if target is None:
        return None
    if not isinstance(target, MultiInformation):
        scope.note(
            WrongArguments(
                span=statement.target.span,
                problem="`mss` estimates total correlations",
                usage="write `estimate TC(u) with mss`",
            )
        )
        return None
    return EstimatorChoice(target, "mss", statement.span.line, statement.span.column)


def _expand(
    scope: Scope, models: dict[str, Network], expression: ast.Expression, indices: Indices
) -> list[Summand]:
    match expression:
        case ast.Number(value, span):
            return [(Weight.number(value), None, span)]
        case ast.Word():
            return _scalar(scope, expression, indices)
        case ast.Negate(operand):
            return [(-w, f, s) for w, f, s in _expand(scope, models, operand, indices)]
        case ast.Binary("+" | "-" as sign, left, right):
            first = _expand(scope, models, left, indices)
            second = _expand(scope, models, right, indices)
            return first + ([(-w, f, s) for w, f, s in second] if sign == "-" else second)
        case ast.Binary("*", left, right):
            return _product(
                scope,
                _expand(scope, models, left, indices),
                _expand(scope, models, right, indices),
                expression.span,
            )
        case ast.Binary(_, left, right):
            return _quotient(scope, _expand(scope, models, left, indices), right, indices)
        case ast.Total(binder, body):
            return [
                summand
                for binding in bindings(scope, binder, indices)
                for summand in _expand(scope, models, body, binding)
            ]
        case ast.Information() | ast.Divergence():
            functional = _atom(scope, models, expression, indices)
            one = Weight.number(1)
            return [(one, functional, expression.span)] if functional is not None else []


def _scalar(scope: Scope, word: ast.Word, indices: Indices) -> list[Summand]:
    name = word.text
    if name in scope.parameters:
        return [(Weight.parameter(name), None, word.span)]
    if name in indices:
        return [(Weight.number(indices[name]), None, word.span)]
    if name in scope.constants:
        return [(Weight.number(scope.constants[name]), None, word.span)]
    if name in scope.families:
        scope.note(
            NotAFunctional(
                span=word.span,
                problem=f"`{name}` is a variable, and a term or a weight must stand here",
                instead=f"write a functional of it, such as `H({name})`",
            )
        )
    else:
        scope.unknown(word)
    return []


def _product(
    scope: Scope, left: list[Summand], right: list[Summand], span: Span
) -> list[Summand]:
    if any(f is not None for _, f, _ in left):
        left, right = right, left
    if any(f is not None for _, f, _ in left):
        scope.note(NotLinear(span=span, problem="this multiplies functionals with each other"))
        return []
    scalar = sum((weight for weight, _, _ in left), ZERO)
    return [(scalar * w, f, s) for w, f, s in right]


def _quotient(
    scope: Scope, left: list[Summand], right: ast.Expression, indices: Indices
) -> list[Summand]:
    divisor = scope.number(right, indices)
    if divisor is None:
        return []
    if divisor == 0:
        scope.note(NotLinear(span=right.span, problem="this divides by nought"))
        return []
    return [(w.scaled(Fraction(1) / divisor), f, s) for w, f, s in left]


def _atom(
    scope: Scope,
    models: dict[str, Network],
    expression: ast.Information | ast.Divergence,
    indices: Indices,
) -> Functional | None:
    name = expression.functional.text
    if isinstance(expression, ast.Information) and name in ("I", "TC", "H"):
        return _information(scope, expression, indices)
    if isinstance(expression, ast.Divergence) and name == "KL":
        return _divergence(scope, models, expression, indices)
    if isinstance(expression, ast.Divergence) and name == "D":
        return _projection(scope, models, expression, indices)
    if name in _USAGE:
        _misused(scope, expression)
        return None
    close = nearest(name, _USAGE)
    guess = f"did you mean `{close}`? " if close else ""
    usage = _USAGE[close] if close else "there are KL, D, I, TC and H"
    scope.note(
        UnknownFunctional(
            span=expression.functional.span, name=name, form="", guess=f"{guess}{usage}"
        )
    )
    return None


def _misused(scope: Scope, expression: ast.Information | ast.Divergence) -> None:
    name = expression.functional.text
    problem = (
        f"`{name}` compares two distributions, with `||` between them"
        if name in ("KL", "D")
        else f"`{name}` is of variables, not of distributions"
    )
    scope.note(WrongArguments(span=expression.span, problem=problem, usage=_USAGE[name]))


def _information(
    scope: Scope, expression: ast.Information, indices: Indices
) -> Functional | None:
    name = expression.functional.text
    parts = [_joint(scope, part, indices) for part in expression.parts]
    given = _joint(scope, expression.given, indices)
    if given is None or any(part is None for part in parts):
        return None
    sets = [frozenset(part) for part in parts if part is not None]
    if name == "H":
        if len(sets) != 1:
            return _wrong_parts(scope, expression, "`H` takes no `;`")
        return UncertaintyOf(sets[0] - frozenset(given), frozenset(given))
    if name == "TC" and len(sets) == 1:
        sets = [frozenset({variable}) for variable in parts[0] or ()]
    if len(sets) < 2 or (name == "I" and len(sets) != 2):
        count = "two parts" if name == "I" else "two parts or more"
        return _wrong_parts(scope, expression, f"`{name}` is between {count}, set apart by `;`")
    return _disjoint(scope, expression, sets, frozenset(given))


def _disjoint(
    scope: Scope, expression: ast.Information, sets: Sequence[frozenset[str]], given: frozenset[str]
) -> Functional | None:
    seen: set[str] = set(given)
    for part in sets:
        shared = sorted(seen & part)
        if shared:
            scope.note(
                OverlappingParts(
                    span=expression.span, name=shared[0], functional=expression.functional.text
                )
            )
            return None
        seen |= part
    return MultiInformation(tuple(sets), given)


def _wrong_parts(scope: Scope, expression: ast.Information, problem: str) -> None:
    usage = _USAGE[expression.functional.text]
    scope.note(WrongArguments(span=expression.span, problem=problem, usage=usage))


def _joint(
    scope: Scope, references: Iterable[ast.Reference], indices: Indices
) -> tuple[str, ...] | None:
    found = [scope.members(reference, indices) for reference in references]
    if any(names is None for names in found):
        return None
    return tuple(name for names in found if names is not None for name in names)


def _divergence(
    scope: Scope, models: dict[str, Network], expression: ast.Divergence, indices: Indices
) -> Functional | None:
    left, right = expression.left, expression.right
    if isinstance(left, ast.Body) or isinstance(right, ast.Body):
        problem = "`KL` compares distributions, and this is a network"
        scope.note(
            WrongArguments(
                span=expression.span,
                problem=problem,
                usage="write `D(q || {...})` for the distance to a network",
            )
        )
        return None
    if (left.name.text, right.name.text) != ("q", "p"):
        scope.note(
            WrongArguments(
                span=expression.span,
                problem=f"`KL` is from `q` to `p` so far, not from `{left.name}` to `{right.name}`",
                usage=_USAGE["KL"],
            )
        )
        return None
    if "p" not in models:
        _no_generation(scope, right)
        return None
    if not left.arguments and not right.arguments:
        return DivergenceOfMarginals(None)
    first = _variables(scope, left, indices)
    second = _variables(scope, right, indices)
    if first is None or second is None:
        return None
    if set(first) != set(second):
        scope.note(
            WrongArguments(
                span=expression.span,
                problem="the two marginals are of different variables",
                usage="name the same variables on both sides: `KL(q(z) || p(z))`",
            )
        )
        return None
    return DivergenceOfMarginals(tuple(dict.fromkeys(first)))


def _no_generation(scope: Scope, operand: ast.Named) -> None:
    if "p" not in scope.lost_words:
        scope.note(
            UnknownNetwork(
                span=operand.span, name="p", guess="add a generation network: `p { z -> x }`"
            )
        )


def _variables(scope: Scope, operand: ast.Named, indices: Indices) -> tuple[str, ...] | None:
    references = []
    for argument in operand.arguments:
        if isinstance(argument, ast.Word):
            argument = ast.Reference(argument, None, argument.span)
        if not isinstance(argument, ast.Reference):
            scope.note(
                WrongArguments(
                    span=operand.span,
                    problem=f"the marginal `{operand.name}(...)` is of variables",
                    usage=_USAGE["KL"],
                )
            )
            return None
        references.append(argument)
    return _joint(scope, references, indices)


def _projection(
    scope: Scope, models: dict[str, Network], expression: ast.Divergence, indices: Indices
) -> Functional | None:
    left = expression.left
    if not isinstance(left, ast.Named) or left.name.text != "q" or left.arguments:
        scope.note(
            WrongArguments(
                span=expression.span,
                problem="`D` projects the joint of `q` so far",
                usage=_USAGE["D"],
            )
        )
        return None
    network = _network(scope, models, expression.right, indices)
    return None if network is None else Projection(network)


def _network(
    scope: Scope, models: dict[str, Network], operand: ast.Operand, indices: Indices
) -> Network | None:
    if isinstance(operand, ast.Body):
        return instantiate(scope, operand, "", indices)
    name = operand.name.text
    if name == "G":
        return _network_of_model(scope, models, operand)
    declared = scope.networks.get(name)
    if declared is None:
        if name not in scope.lost_words:
            close = nearest(name, scope.networks)
            guess = f"did you mean `{close}`?" if close else f"declare it: `network {name} {{...}}`"
            if name in ("p", "q"):
                guess = f"write `G({name})` for the network of `{name}`"
            scope.note(UnknownNetwork(span=operand.name.span, name=name, guess=guess))
        return None
    values = [_argument(scope, argument, indices) for argument in operand.arguments]
    if len(values) != len(declared.formals):
        expected = ", ".join(map(str, declared.formals))
        scope.note(
            WrongArguments(
                span=operand.span,
                problem=f"`{name}` takes {len(declared.formals)} indices, and is given "
                f"{len(values)}",
                usage=f"write `{name}({expected})` with a value for each",
            )
        )
        return None
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    formals = [word.text for word in declared.formals]
    title = f"{name}({','.join(map(str, known))})" if known else name
    network = instantiate(scope, declared.body, title, dict(zip(formals, known, strict=True)))
    if network is None:
        return None
    return replace(network, line=declared.span.line, column=declared.span.column)


def _network_of_model(
    scope: Scope, models: dict[str, Network], operand: ast.Named
) -> Network | None:
    words = [argument for argument in operand.arguments if isinstance(argument, ast.Word)]
    known = [word.text for word in words if word.text in models]
    if len(operand.arguments) == 1 and known:
        source = models[known[0]]
        return replace(source, name=f"G({known[0]})", role="regularizer", conditionals=())
    if [word.text for word in words] == ["p"]:
        _no_generation(scope, operand)
        return None
    scope.note(
        WrongArguments(
            span=operand.span,
            problem="`G(...)` is the network of `p` or of `q`",
            usage="write `G(p)`",
        )
    )
    return None


def _argument(
    scope: Scope, argument: ast.Expression | ast.Reference, indices: Indices
) -> int | None:
    if isinstance(argument, ast.Reference):
        scope.note(
            UnknownName(
                span=argument.span,
                name=str(argument.name),
                guess="a network's arguments are indices: numbers, constants, bound names",
            )
        )
        return None
    return scope.whole(argument, indices, "an index")
