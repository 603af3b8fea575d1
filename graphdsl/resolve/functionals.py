"""`I`, `TC`, `H`, `CE` and their like: one functional of an objective, with its arguments."""

from __future__ import annotations

__all__ = ["functional"]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import get_args

from graphdsl.catalog.methods import PenaltyWord
from graphdsl.declare.indices import Indices
from graphdsl.declare.masks import masks_named
from graphdsl.declare.references import joined
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import nearest, one_of
from graphdsl.ir.networks import Family
from graphdsl.ir.objective import (
    Cost,
    Functional,
    InvariancePenalty,
    MultiInformation,
    PredictiveEntropy,
    Sparsity,
    UncertaintyOf,
)
from graphdsl.ir.symbols import NetworkName, Q, Variable
from graphdsl.resolve.divergence_errors import PartOfDistribution
from graphdsl.resolve.divergences import distance, divergence, projection
from graphdsl.resolve.functional_errors import (
    CostMisfit,
    OverlappingParts,
    PenaltyMisfit,
    UnknownCost,
    UnknownFunctional,
    WrongArguments,
)
from graphdsl.resolve.labels import labels_of
from graphdsl.resolve.laws import Laws, law
from graphdsl.resolve.rows import are_in_every_row
from graphdsl.syntax import ast

_COSTS: dict[str, Cost] = {one: one for one in get_args(Cost)}
_PENALTIES: dict[str, PenaltyWord] = {one: one for one in get_args(PenaltyWord)}
_OF_PENALTY = {
    "label": "observed",
    "environment": "one observed value, binary or categorical",
}
_PARTS_OF_PENALTY = "the label, what predicts it, and last the environment"
#: How each functional is written.
_USAGE = {
    "information": "`information(q)`",
    "I": "`I(a; b)` or `I(a, b; c | d)`",
    "TC": "`TC(u)` for a family, or `TC(a; b; c | d)`",
    "H": "`H(a)` or `H(a, b | c)`",
    "CE": "`CE(x | z)`",
    "sparsity": "`sparsity(M)`, of masks",
    "cost": "`cost(x | z, squared)`; costs are squared, absolute and huber",
    **{one: f"`{one}(y | z, e)`: {_PARTS_OF_PENALTY}" for one in _PENALTIES},
    "JS": "`JS(q(x) || p(x))`",
    "MMD": "`MMD(q(z) || p(z))`",
    "W": "`W(q(z) || p(z))`",
    "KL": "`KL(q || p)` or `KL(q(z) || p(z))`",
    "D": "`D(q || G(p))`, `D(q || name(1, 2))` or `D(q || {x; u})`",
}


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
            return divergence(scope, laws, expression, indices)
        case ast.Divergence() if name in ("JS", "MMD", "W"):
            return distance(scope, laws, expression, indices)
        case ast.Divergence() if name == "D":
            return projection(scope, laws, expression, indices)
    _unknown(scope, expression)
    return None


def _unknown(scope: Scope, expression: ast.Information | ast.Divergence) -> None:
    name = expression.functional.text
    if name in _USAGE:
        divergences = ("KL", "D", "JS", "MMD", "W")
        pair = "two distributions, with `||` between them"
        _wrong(scope, expression, pair if name in divergences else "variables, not distributions")
        return
    close = nearest(name, _USAGE)
    known = "there are KL, JS, MMD, W, D, I, TC, H, CE and cost"
    guess = f"did you mean `{close}`? write {_USAGE[close]}" if close else known
    scope.note(UnknownFunctional(span=expression.functional.span, name=name, guess=guess))


def _wrong(scope: Scope, expression: ast.Information | ast.Divergence, wanted: str) -> None:
    name = expression.functional.text
    mistake = WrongArguments(span=expression.span, name=name, wanted=wanted, usage=_USAGE[name])
    scope.note(mistake)


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
            _wrong(scope, expression, "one part, without `;`")
            return None
        if name == "H":
            return UncertaintyOf(frozenset(known[0]) - frozenset(given), frozenset(given), under)
        of = _without(known[0], given)
        labels = of if under == "p" else labels_of(scope, of)
        return PredictiveEntropy(labels, frozenset(given), under)
    sets = [frozenset(part) for part in known]
    if name == "TC" and len(sets) == 1:
        sets = [frozenset({variable}) for variable in known[0]]
    if len(sets) < 2 or (name == "I" and len(sets) != 2):
        count = "two parts" if name == "I" else "two parts or more"
        _wrong(scope, expression, f"{count}, set apart by `;`")
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
            mistake = UnknownCost(span=last.span, name=word, known=one_of(_COSTS))
            scope.note(mistake)
            return None
    predicted = replace(expression, functional=ast.Word("CE", expression.functional.span))
    information = _information(scope, laws, replace(predicted, given=given), indices)
    if not isinstance(information, PredictiveEntropy):
        return None
    for name in information.of:
        family = scope.family_of(name)
        if family.role == "latent" or family.kind == "categorical":
            what = "latent" if family.role == "latent" else "categorical"
            scope.note(CostMisfit(span=expression.span, name=name, what=what))
            return None
    return replace(information, cost=_COSTS[word])


def _under(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> NetworkName | None:
    """The distribution that an information is of; None if it has mistakes."""
    if expression.under is None:
        return Q
    distribution = law(scope, laws, expression.under, indices)
    if distribution is not None and (distribution.of is not None or distribution.frozen):
        scope.note(PartOfDistribution(span=expression.under.span, usage="`I[p](a; b)`"))
        return None
    return None if distribution is None else distribution.name


def _penalty(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> Functional | None:
    """`irm(y | z, e)`: the environment is what stands last, or before the word `biased`."""
    word = _PENALTIES[expression.functional.text]
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
    if len(expression.parts) != 1 or len(of) != 1 or len(given) < 2:
        _wrong(scope, expression, "one label, what predicts it, and last an environment")
        return None
    if not are_in_every_row(scope, expression, [*of, *given], filled_in=given[:-1]):
        return None
    for part, name in (("label", of[0]), ("environment", given[-1])):
        unfit = _unfit_for_penalty(scope.family_of(name), part, word)
        if unfit:
            of_classes = part == "label" and word == "irm"
            mistake = PenaltyMisfit(
                span=expression.span,
                word=word,
                part=part,
                wanted=_OF_PENALTY[part] + ", and binary or categorical" * of_classes,
                name=name,
                found=unfit,
            )
            scope.note(mistake)
            return None
    if biased and word == "dro":
        _wrong(scope, expression, "no word `biased`: the largest risk has one form")
        return None
    return InvariancePenalty(of[0], frozenset(given[:-1]), given[-1], under, biased, word)


def _unfit_for_penalty(family: Family, part: str, word: PenaltyWord) -> str:
    """What a variable is that a penalty cannot take as that part; empty if it can."""
    if family.role == "latent":
        return "latent"
    if part == "label" and word != "irm":
        return ""
    if family.kind not in ("binary", "categorical"):
        return f"a {family.kind} variable"
    return "a tensor" if part == "environment" and family.shape else ""


def _sparsity(
    scope: Scope, laws: Laws, expression: ast.Information, indices: Indices
) -> Functional | None:
    """`sparsity(M)`, of learned masks."""
    if len(expression.parts) != 1 or expression.given or expression.under is not None:
        _wrong(scope, expression, "masks, and nothing behind `|`")
        return None
    named = masks_named(scope, expression.parts[0])
    return None if named is None else Sparsity(named)


def _multi_information(scope: Scope, laws: Laws, expression: ast.Information) -> Functional | None:
    """Friedman's I^G = TC of all the variables of q's network (theory.md, 2.26)."""
    words = [str(one.name) for part in expression.parts for one in part if not one.subscripts]
    network = laws.models.get(Q)
    if words != ["q"] or expression.given or network is None:
        _wrong(scope, expression, "the network `q`")
        return None
    return MultiInformation(tuple(frozenset({name}) for name in network.variables))


def _disjoint(
    scope: Scope,
    expression: ast.Information,
    sets: Sequence[frozenset[Variable]],
    given: frozenset[Variable],
    under: NetworkName,
) -> Functional | None:
    seen: set[Variable] = set(given)
    for part in sets:
        shared = sorted(seen & part)
        if shared:
            name, of = shared[0], expression.functional.text
            scope.note(OverlappingParts(span=expression.span, name=name, functional=of))
            return None
        seen |= part
    return MultiInformation(tuple(sets), given, under)


def _without(names: Iterable[Variable], given: Iterable[Variable]) -> tuple[Variable, ...]:
    left_out = set(given)
    return tuple(dict.fromkeys(name for name in names if name not in left_out))


_OF_MODELS: dict[str, Callable[[Scope, Laws, ast.Information, Indices], Functional | None]] = {
    "cost": _cost,
    "sparsity": _sparsity,
    **dict.fromkeys(_PENALTIES, _penalty),
}
