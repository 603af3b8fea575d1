"""`KL`, `D`, `I`, `TC`, `H`, `CE`: one functional of an objective, with its arguments."""

from __future__ import annotations

__all__ = ["distance", "functional"]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal, get_args

from graphdsl.diagnostics import nearest
from graphdsl.ir.model import (
    Cost,
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
)
from graphdsl.resolve.indices import Indices
from graphdsl.resolve.labels import labels_of
from graphdsl.resolve.laws import Law, Laws, law
from graphdsl.resolve.masks import masks_named
from graphdsl.resolve.projections import projected
from graphdsl.resolve.references import joined
from graphdsl.resolve.scope import Scope
from graphdsl.resolve.term_errors import OverlappingParts, UnknownFunctional, WrongArguments
from graphdsl.syntax import ast

_COSTS: dict[str, Cost] = {one: one for one in get_args(Cost)}
_USAGE = {
    "information": "write `information(q)`",
    "I": "write `I(a; b)` or `I(a, b; c | d)`",
    "TC": "write `TC(u)` for a family, or `TC(a; b; c | d)`",
    "H": "write `H(a)` or `H(a, b | c)`",
    "CE": "write `CE(x | z)`",
    "sparsity": "write `sparsity(M)`, of masks",
    "cost": "write `cost(x | z, squared)`; costs are squared, absolute and huber",
    "irm": "write `irm(y | z, e)`: the label, what predicts it, and last the environment",
    "JS": "write `JS(q(x) || p(x))`",
    "MMD": "write `MMD(q(z) || p(z))`",
    "W": "write `W(q(z) || p(z))`",
    "KL": "write `KL(q || p)` or `KL(q(z) || p(z))`",
    "D": "write `D(q || G(p))`, `D(q || name(1, 2))` or `D(q || {x; u})`",
}
_WHOLE = "estimated from whole rows"


def functional(
    scope: Scope,
    laws: Laws,
    expression: ast.Information | ast.Divergence,
    indices: Indices,
) -> Functional | None:
    """What an expression such as `I(x; z)` is a functional of; None if it has mistakes."""
    name = expression.functional.text
    match expression:
        case ast.Information() if name == "information":
            return _multi_information(scope, laws, expression)
        case ast.Information() if name in ("I", "TC", "H", "CE"):
            return _information(scope, laws, expression, indices)
        case ast.Information() if name in _OF_MODELS:
            return _OF_MODELS[name](scope, laws, expression, indices)
        case ast.Divergence() if name == "KL":
            return _divergence(scope, laws, expression, indices)
        case ast.Divergence() if name in ("JS", "MMD", "W"):
            return distance(scope, laws, expression, indices)
        case ast.Divergence() if name == "D":
            return _projection(scope, laws, expression, indices)
    _unknown(scope, expression)
    return None


def _unknown(scope: Scope, expression: ast.Information | ast.Divergence) -> None:
    name = expression.functional.text
    if name in _USAGE:
        problem = (
            f"`{name}` compares two distributions, with `||` between them"
            if name in ("KL", "D", "JS", "MMD", "W")
            else f"`{name}` is of variables, not of distributions"
        )
        _wrong(scope, expression, problem)
        return
    close = nearest(name, _USAGE)
    known = "there are KL, JS, MMD, W, D, I, TC, H, CE and cost"
    guess = f"did you mean `{close}`? {_USAGE[close]}" if close else known
    scope.note(UnknownFunctional(span=expression.functional.span, name=name, guess=guess))


def _wrong(
    scope: Scope, expression: ast.Information | ast.Divergence, problem: str, usage: str = ""
) -> None:
    usage = usage or _USAGE[expression.functional.text]
    scope.note(WrongArguments(span=expression.span, problem=problem, usage=usage))


# ---- I, TC, H, CE --------------------------------------------------------------------------------


def _information(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> Functional | None:
    name = expression.functional.text
    under = _under(scope, laws, expression, indices)
    parts = [joined(scope, part, indices) for part in expression.parts]
    given = joined(scope, expression.given, indices)
    known = [part for part in parts if part is not None]
    if under is None or given is None or len(known) < len(parts):
        return None
    if name in ("H", "CE"):
        if len(known) > 1:
            _wrong(scope, expression, f"`{name}` takes no `;`")
            return None
        if name == "H":
            return UncertaintyOf(frozenset(known[0]) - frozenset(given), frozenset(given), under)
        of = _without(known[0], given)
        labels = of if under == "p" else labels_of(scope, of, expression.span)
        return None if labels is None else PredictiveEntropy(labels, frozenset(given), under)
    sets = [frozenset(part) for part in known]
    if name == "TC" and len(sets) == 1:
        sets = [frozenset({variable}) for variable in known[0]]
    if len(sets) < 2 or (name == "I" and len(sets) != 2):
        count = "two parts" if name == "I" else "two parts or more"
        _wrong(scope, expression, f"`{name}` is between {count}, set apart by `;`")
        return None
    return _disjoint(scope, expression, sets, frozenset(given), under)


def _cost(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> Functional | None:
    """`cost(x | z, squared)`: CE(x | z) with another price; what stands last may name it."""
    given, word = expression.given, "squared"
    last = given[-1] if given else None
    if last is not None and not last.subscripts and last.name.text not in scope.declared:
        given, word = given[:-1], last.name.text
        if word not in _COSTS:
            _wrong(scope, expression, f"`{word}` is neither a variable nor a cost")
            return None
    predicted = replace(expression, functional=ast.Word("CE", expression.functional.span))
    found = _information(scope, laws, replace(predicted, given=given), indices)
    if not isinstance(found, PredictiveEntropy):
        return None
    for name in found.of:
        family = scope.family_of(name)
        if family.role == "latent" or family.kind == "categorical":
            kind = "latent" if family.role == "latent" else "categorical"
            problem = f"`cost` compares data with a mean, and `{name}` is {kind}"
            usage = "write `CE(...)`, or a cost of observed numbers: `cost(x | z, squared)`"
            _wrong(scope, expression, problem, usage)
            return None
    return replace(found, cost=_COSTS[word])


def _under(scope: Scope, laws: Laws, expression: ast.Information, indices: Indices) -> str | None:
    """The distribution that an information is of; None if it has mistakes."""
    if expression.under is None:
        return "q"
    found = law(scope, laws, expression.under, indices)
    if found is not None and (found.of is not None or found.frozen):
        _wrong(
            scope, expression, "the brackets need the name of a distribution", "write `I[p](a; b)`"
        )
        return None
    return None if found is None else found.name


def _penalty(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> Functional | None:
    """`irm(y | z, e)`: the environment is what stands last, or before the word `biased`."""
    last = expression.given[-1] if expression.given else None
    biased = (
        last is not None
        and not last.subscripts
        and last.name.text == "biased"
        and "biased" not in scope.declared
    )
    if biased:
        expression = replace(expression, given=expression.given[:-1])
    under = _under(scope, laws, expression, indices)
    of = joined(scope, expression.parts[0], indices)
    given = joined(scope, expression.given, indices)
    if under is None or of is None or given is None:
        return None
    families = [scope.family_of(name) for name in (*of, *given[-1:])]
    label, environment = families[0], families[-1]
    if _lacked(scope, expression, [*of, *given], filled_in=given[:-1]):
        return None
    fits = label.kind in ("binary", "categorical") and environment.kind in ("binary", "categorical")
    data = label.role != "latent" and environment.role != "latent" and not environment.shape
    if len(expression.parts) != 1 or len(of) != 1 or len(given) < 2 or not (fits and data):
        problem = "`irm` is of one observed label given its predictors and an observed environment"
        _wrong(scope, expression, problem + ", both binary or categorical")
        return None
    return InvariancePenalty(of[0], frozenset(given[:-1]), given[-1], under, biased)


def _lacked(
    scope: Scope,
    expression: ast.Information | ast.Divergence,
    names: Sequence[str],
    filled_in: Sequence[str],
) -> bool:
    """Note what rows may lack of a term that takes whole rows; labels may be ``filled_in`` by q."""
    for name in names:
        family = scope.family_of(name)
        if family.optional or (family.labels and name not in filled_in):
            of = "of all rows of an environment" if expression.functional.text == "irm" else _WHOLE
            problem = f"rows may lack `{family.name}`, and `{expression.functional.text}` is {of}"
            _wrong(scope, expression, problem, "take the word `optional` out of its declaration")
            return True
    return False


def _sparsity(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> Functional | None:
    """`sparsity(M)`, of learned masks."""
    if len(expression.parts) != 1 or expression.given or expression.under is not None:
        _wrong(scope, expression, "`sparsity` is of masks, whatever is given")
        return None
    named = masks_named(scope, expression.parts[0])
    return None if named is None else Sparsity(named)


def _multi_information(scope: Scope, laws: Laws, expression: ast.Information) -> Functional | None:
    """Friedman's I^G = TC of all the variables of q's network (theory.md, 2.26)."""
    words = [str(one.name) for part in expression.parts for one in part if not one.subscripts]
    network = laws.models.get("q")
    if words != ["q"] or expression.given or network is None:
        _wrong(scope, expression, "`information` is that of the network `q`")
        return None
    return MultiInformation(tuple(frozenset({name}) for name in network.variables))


def _disjoint(
    scope: Scope,
    expression: ast.Information,
    sets: Sequence[frozenset[str]],
    given: frozenset[str],
    under: str,
) -> Functional | None:
    seen: set[str] = set(given)
    for part in sets:
        shared = sorted(seen & part)
        if shared:
            name, of = shared[0], expression.functional.text
            scope.note(OverlappingParts(span=expression.span, name=name, functional=of))
            return None
        seen |= part
    return MultiInformation(tuple(sets), given, under)


def _without(names: Iterable[str], given: Iterable[str]) -> tuple[str, ...]:
    left_out = set(given)
    return tuple(dict.fromkeys(name for name in names if name not in left_out))


# ---- KL, D ---------------------------------------------------------------------------------------


def _divergence(
    scope: Scope, laws: Laws, expression: ast.Divergence, indices: Indices
) -> Functional | None:
    if isinstance(expression.left, ast.Body) or isinstance(expression.right, ast.Body):
        usage = "write `D(q || {...})` for the distance to a network"
        _wrong(scope, expression, "`KL` compares distributions, and this is a network", usage)
        return None
    left = law(scope, laws, expression.left, indices)
    right = law(scope, laws, expression.right, indices)
    if left is None or right is None:
        return None
    if left.name == "p":
        problem = f"`KL` is from an inference network, not from `p` to `{right.name}`"
        _wrong(scope, expression, problem, "write `KL(q || p)`: expectations are over q's samples")
        return None
    if left.of is not None and right.of is not None and set(left.of) != set(right.of):
        usage = "name the same variables on both sides: `KL(q(z) || p(z))`"
        _wrong(scope, expression, "the two sides are of different variables", usage)
        return None
    if right.name == "p":
        return _to_generation(scope, expression, left, right)
    return _to_posterior(scope, expression, left, right)


def distance(
    scope: Scope, laws: Laws, expression: ast.Divergence, indices: Indices
) -> Functional | None:
    """`MMD(q(z) || p(z))` and its like: told from samples of both sides."""
    name = expression.functional.text
    sides = [law(scope, laws, one, indices) for one in (expression.left, expression.right)]
    left, right = sides
    if left is None or right is None:
        return None
    if left.name == "p" or right.name != "p" or left.given or right.given or right.frozen:
        problem = f"`{name}` is from a marginal of an inference network to that of `p`"
        _wrong(scope, expression, problem, f"write `{name}(q(z) || p(z))`")
        return None
    network = laws.models["p"]
    first = network.variables if left.of is None else left.of
    second = network.variables if right.of is None else right.of
    if set(first) != set(second):
        usage = f"name the same variables on both sides: `{name}(q(z) || p(z))`"
        _wrong(scope, expression, "the two sides are of different variables", usage)
        return None
    if _lacked(scope, expression, first, filled_in=first):
        return None
    kinds: dict[str, Literal["JS", "MMD", "W", "KL"]] = {
        "JS": "JS",
        "MMD": "MMD",
        "W": "W",
        "KL": "KL",
    }
    return Distance(kinds[name], tuple(dict.fromkeys(first)), left.name)


def _to_generation(
    scope: Scope, expression: ast.Divergence, left: Law, right: Law
) -> Functional | None:
    if (left.of is None) != (right.of is None):
        usage = "write `KL(q || p)`, or name the same variables on both sides"
        _wrong(scope, expression, "one side is a joint, the other a marginal of it", usage)
        return None
    if left.of is None:
        return DivergenceOfMarginals(None, under=left.name, frozen=right.frozen)
    return DivergenceOfMarginals(left.of, left.given, left.name, right.frozen, right.given)


def _to_posterior(
    scope: Scope, expression: ast.Divergence, left: Law, right: Law
) -> Functional | None:
    """KL(q(z | x) || q(z | x[1])): between two ways to infer the same latents."""
    if left.of is None or right.of is None:
        usage = "name the latents and what they are inferred from: `KL(q(z | x) || q(z | x[1]))`"
        problem = f"`{left.name}` and `{right.name}` both infer: their joints have the same data"
        _wrong(scope, expression, problem, usage)
        return None
    return DivergenceOfPosteriors(
        left.of, left.given, right.name, right.given, left.name, right.frozen
    )


def _projection(
    scope: Scope, laws: Laws, expression: ast.Divergence, indices: Indices
) -> Functional | None:
    left = law(scope, laws, expression.left, indices)
    if left is None:
        return None
    if left.of is not None or left.frozen:
        _wrong(scope, expression, "`D` projects a joint: the network says of which variables")
        return None
    network = projected(scope, laws, expression.right, indices)
    return None if network is None else Projection(network, left.name)


_OF_MODELS: dict[str, Callable[[Scope, Laws, ast.Information, Indices], Functional | None]] = {
    "cost": _cost,
    "irm": _penalty,
    "sparsity": _sparsity,
}
