"""`KL`, `D`, `I`, `TC` and `H`: one functional of an objective, with its arguments."""

from __future__ import annotations

__all__ = ["functional"]

from collections.abc import Iterable, Mapping, Sequence

from graphdsl.diagnostics import nearest
from graphdsl.ir.model import (
    DivergenceOfMarginals,
    Functional,
    MultiInformation,
    Network,
    Projection,
    UncertaintyOf,
)
from graphdsl.resolve.errors import NotYet
from graphdsl.resolve.indices import Indices, members
from graphdsl.resolve.projections import no_generation, projected
from graphdsl.resolve.scope import Scope
from graphdsl.resolve.term_errors import OverlappingParts, UnknownFunctional, WrongArguments
from graphdsl.syntax import ast

_TO_COME = frozenset("CE cost sparsity irm JS MMD W".split())
_USAGE = {
    "information": "write `information(q)`",
    "I": "write `I(a; b)` or `I(a, b; c | d)`",
    "TC": "write `TC(u)` for a family, or `TC(a; b; c | d)`",
    "H": "write `H(a)` or `H(a, b | c)`",
    "KL": "write `KL(q || p)` or `KL(q(z) || p(z))`",
    "D": "write `D(q || G(p))`, `D(q || name(1, 2))` or `D(q || {x; u})`",
}


def functional(
    scope: Scope,
    models: Mapping[str, Network],
    expression: ast.Information | ast.Divergence,
    indices: Indices,
) -> Functional | None:
    """What an expression such as `I(x; z)` is a functional of; None if it has mistakes."""
    name = expression.functional.text
    if _is_to_come(scope, expression):
        return None
    match expression:
        case ast.Information() if name == "information":
            return _multi_information(scope, models, expression)
        case ast.Information() if name in ("I", "TC", "H"):
            return _information(scope, expression, indices)
        case ast.Divergence() if name == "KL":
            return _divergence(scope, models, expression, indices)
        case ast.Divergence() if name == "D":
            return _projection(scope, models, expression, indices)
    if name in _USAGE:
        problem = (
            f"`{name}` compares two distributions, with `||` between them"
            if name in ("KL", "D")
            else f"`{name}` is of variables, not of distributions"
        )
        _wrong(scope, expression, problem)
        return None
    close = nearest(name, _USAGE)
    guess = f"did you mean `{close}`? {_USAGE[close]}" if close else "there are KL, D, I, TC and H"
    scope.note(UnknownFunctional(span=expression.functional.span, name=name, guess=guess))
    return None


def _wrong(
    scope: Scope, expression: ast.Information | ast.Divergence, problem: str, usage: str = ""
) -> None:
    usage = usage or _USAGE[expression.functional.text]
    scope.note(WrongArguments(span=expression.span, problem=problem, usage=usage))


def _is_to_come(scope: Scope, expression: ast.Information | ast.Divergence) -> bool:
    """Note what is in the language and not compiled yet."""
    name = expression.functional.text
    what = f"`{name}`" if name in _TO_COME else ""
    if isinstance(expression, ast.Information):
        under = expression.under
        if under is not None and not (isinstance(under, ast.Named) and under.name.text == "q"):
            what = f"`{name}` under another distribution than `q`"
    else:
        operands = [
            one for one in (expression.left, expression.right) if isinstance(one, ast.Named)
        ]
        if any(one.name.text == "frozen" for one in operands):
            what = "`frozen`"
        elif any(one.marginal or one.given for one in operands):
            what = "a divergence of conditionals"
    if what:
        instead = "leave it out, or say it with `KL`, `D`, `I`, `TC` and `H` under `q`"
        scope.note(NotYet(span=expression.span, what=what, instead=instead))
    return bool(what)


# ---- I, TC, H ------------------------------------------------------------------------------------


def _information(scope: Scope, expression: ast.Information, indices: Indices) -> Functional | None:
    name = expression.functional.text
    parts = [_joint(scope, part, indices) for part in expression.parts]
    given = _joint(scope, expression.given, indices)
    known = [part for part in parts if part is not None]
    if given is None or len(known) < len(parts):
        return None
    sets = [frozenset(part) for part in known]
    if name == "H":
        if len(sets) == 1:
            return UncertaintyOf(sets[0] - frozenset(given), frozenset(given))
        _wrong(scope, expression, "`H` takes no `;`")
        return None
    if name == "TC" and len(sets) == 1:
        sets = [frozenset({variable}) for variable in known[0]]
    if len(sets) < 2 or (name == "I" and len(sets) != 2):
        count = "two parts" if name == "I" else "two parts or more"
        _wrong(scope, expression, f"`{name}` is between {count}, set apart by `;`")
        return None
    return _disjoint(scope, expression, sets, frozenset(given))


def _multi_information(
    scope: Scope, models: Mapping[str, Network], expression: ast.Information
) -> Functional | None:
    """Friedman's I^G = TC of all the variables of q's network (theory.md, 2.26)."""
    words = [str(one.name) for part in expression.parts for one in part if not one.subscripts]
    network = models.get("q")
    if words != ["q"] or expression.given or network is None:
        _wrong(scope, expression, "`information` is that of the network `q`")
        return None
    return MultiInformation(tuple(frozenset({name}) for name in network.variables))


def _disjoint(
    scope: Scope, expression: ast.Information, sets: Sequence[frozenset[str]], given: frozenset[str]
) -> Functional | None:
    seen: set[str] = set(given)
    for part in sets:
        shared = sorted(seen & part)
        if shared:
            name, of = shared[0], expression.functional.text
            scope.note(OverlappingParts(span=expression.span, name=name, functional=of))
            return None
        seen |= part
    return MultiInformation(tuple(sets), given)


def _joint(
    scope: Scope, references: Iterable[ast.Reference], indices: Indices
) -> tuple[str, ...] | None:
    found = [members(scope, reference, indices) for reference in references]
    if any(names is None for names in found):
        return None
    return tuple(name for names in found if names is not None for name in names)


# ---- KL, D ---------------------------------------------------------------------------------------


def _divergence(
    scope: Scope, models: Mapping[str, Network], expression: ast.Divergence, indices: Indices
) -> Functional | None:
    left, right = expression.left, expression.right
    if isinstance(left, ast.Body) or isinstance(right, ast.Body):
        usage = "write `D(q || {...})` for the distance to a network"
        _wrong(scope, expression, "`KL` compares distributions, and this is a network", usage)
        return None
    if (left.name.text, right.name.text) != ("q", "p"):
        problem = f"`KL` is from `q` to `p` so far, not from `{left.name}` to `{right.name}`"
        _wrong(scope, expression, problem)
        return None
    if "p" not in models:
        no_generation(scope, right)
        return None
    if not left.arguments and not right.arguments:
        return DivergenceOfMarginals(None)
    first = _variables(scope, expression, left, indices)
    second = _variables(scope, expression, right, indices)
    if first is None or second is None:
        return None
    if set(first) != set(second):
        usage = "name the same variables on both sides: `KL(q(z) || p(z))`"
        _wrong(scope, expression, "the two marginals are of different variables", usage)
        return None
    return DivergenceOfMarginals(tuple(dict.fromkeys(first)))


def _variables(
    scope: Scope, expression: ast.Divergence, operand: ast.Named, indices: Indices
) -> tuple[str, ...] | None:
    references = []
    for argument in operand.arguments:
        if isinstance(argument, ast.Word):
            argument = ast.Reference(argument, (), argument.span)
        if not isinstance(argument, ast.Reference):
            problem = f"the marginal `{operand.name}(...)` is of variables"
            scope.note(WrongArguments(span=operand.span, problem=problem, usage=_USAGE["KL"]))
            return None
        references.append(argument)
    return _joint(scope, references, indices)


def _projection(
    scope: Scope, models: Mapping[str, Network], expression: ast.Divergence, indices: Indices
) -> Functional | None:
    left = expression.left
    if not isinstance(left, ast.Named) or left.name.text != "q" or left.arguments:
        _wrong(scope, expression, "`D` projects the joint of `q` so far")
        return None
    network = projected(scope, models, expression.right, indices)
    return None if network is None else Projection(network)
