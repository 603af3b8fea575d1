"""What stands behind `with`: an estimator, how many samples, or the model that bounds a term."""

from __future__ import annotations

__all__ = ["Choice", "Replacement", "chosen", "estimate", "replaced"]

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from graphdsl.catalog.methods import DISTANCES, METHODS
from graphdsl.declare.indices import Indices
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    EstimatorChoice,
    Functional,
    IdleChoice,
    ModelChoice,
    MultiInformation,
    UncertaintyOf,
    Weighted,
)
from graphdsl.ir.symbols import NEW
from graphdsl.resolve.divergence_errors import PartOfDistribution
from graphdsl.resolve.divergences import distance
from graphdsl.resolve.estimator_errors import (
    EstimatorMisfit,
    ModelOfNoEntropy,
    UnknownEstimator,
)
from graphdsl.resolve.functionals import functional
from graphdsl.resolve.laws import Laws, law
from graphdsl.resolve.settings import experts_of, has_its_settings, numbers, samples, slope_weight
from graphdsl.syntax import ast

_Written: TypeAlias = ast.Information | ast.Divergence


@dataclass(frozen=True, slots=True)
class Replacement:
    """A term, and what it is to be: `estimate KL(q || p) with iwae(k = 16)`."""

    before: Functional
    after: Functional
    idle: IdleChoice  #: what it is where the objective has no such term


Choice: TypeAlias = EstimatorChoice | ModelChoice | Replacement


def estimate(scope: Scope, laws: Laws, statement: ast.Estimate) -> Choice | None:
    """`estimate F with e`: F wherever the objective holds it."""
    indices = Indices(where="term")
    return _choice(scope, laws, statement.target, statement.choice, indices, statement.span)


def chosen(scope: Scope, laws: Laws, expression: ast.Chosen, indices: Indices) -> Functional | None:
    """`TC(u) with loo`, `KL(q || p) with iwae(k = 16)`: a term and how it is to be had."""
    target = expression.target
    choice = _choice(scope, laws, target, expression.choice, indices, expression.span)
    if isinstance(choice, Replacement):
        return choice.after
    if choice is not None:
        laws.choices.append(choice)
    return functional(scope, laws, target, indices)


def replaced(
    objective: Iterable[Weighted], replacements: Iterable[Replacement]
) -> tuple[tuple[Weighted, ...], tuple[IdleChoice, ...]]:
    """The objective with the terms that `estimate` lines speak of, and the lines in vain."""
    terms, idle = list(objective), []
    for replacement in replacements:
        places = [k for k, term in enumerate(terms) if term.functional == replacement.before]
        for k in places:
            terms[k] = replace(terms[k], functional=replacement.after)
        if not places:
            idle.append(replacement.idle)
    return tuple(terms), tuple(idle)


def _choice(
    scope: Scope, laws: Laws, written: _Written, choice: ast.Choice, indices: Indices, span: Span
) -> Choice | None:
    name = choice.name.text
    target = functional(scope, laws, written, indices)
    if name in METHODS:
        if target is None or not has_its_settings(scope, choice, target):
            return None
        return _estimator(scope, laws, written, choice, target, indices, span)
    is_law = name in ("q", "p", "new", *scope.inferences)
    if target is not None and (isinstance(target, UncertaintyOf) or is_law):
        return _model(scope, laws, written, choice, target, indices)
    if not is_law:
        known = tuple(METHODS)
        close = nearest(name, known)
        every = f"there are {', '.join(known[:-1])} and {known[-1]}"
        guess = f"did you mean `{close}`?" if close else every
        scope.note(UnknownEstimator(span=choice.name.span, name=name, guess=guess))
    return None


def _estimator(
    scope: Scope,
    laws: Laws,
    written: _Written,
    choice: ast.Choice,
    target: Functional,
    indices: Indices,
    span: Span,
) -> Choice | None:
    """The estimator of a term that it is made for; None, and a note, of another term."""
    method, line, column = METHODS[choice.name.text], span.line, span.column
    if "information" in method.targets and isinstance(target, MultiInformation):
        return EstimatorChoice(target, method, line, column)
    after = _after(scope, laws, written, choice, target, indices)
    if after is None:
        return None
    return Replacement(target, after, IdleChoice(_text(target, written), line, column))


def _after(
    scope: Scope,
    laws: Laws,
    written: _Written,
    choice: ast.Choice,
    target: Functional,
    indices: Indices,
) -> Functional | None:
    """What a term is with that estimator; None, and a note, where it is not made for the term."""
    method = METHODS[choice.name.text]
    match target:
        case DivergenceOfMarginals() if "KL" in method.targets and isinstance(
            written, ast.Divergence
        ):
            return _played(scope, choice, distance(scope, laws, written, indices), indices)
        case Distance(name="JS") if "JS" in method.targets:
            return _played(scope, choice, target, indices)
        case DivergenceOfMarginals() if "joint" in method.targets and _is_of_a_joint(scope, target):
            return _of_a_joint(scope, choice, target, indices)
    mistake = EstimatorMisfit(
        span=written.span,
        estimator=method.word,
        targets=method.fits,
        usage=method.usage.format(method.word),
    )
    scope.note(mistake)
    return None


def _of_a_joint(
    scope: Scope, choice: ast.Choice, target: DivergenceOfMarginals, indices: Indices
) -> Functional | None:
    """KL(q || p) by several samples, by a sum over classes, or by one expert of a mixture."""
    method = METHODS[choice.name.text]
    if method.joint is not None:
        count, settings = samples(scope, choice, indices), numbers(scope, choice, indices)
        if count is None or settings is None:
            return None
        estimated = replace(target, samples=count, method=method, settings=settings)
        return replace(estimated, experts=experts_of(choice))
    return replace(target, enumerated=True) if method.is_sum else replace(target, experts="one")


def _played(
    scope: Scope, choice: ast.Choice, target: Functional | None, indices: Indices
) -> Functional | None:
    """A distance as a game: by which labels, and what the critic pays for its slope."""
    r1 = slope_weight(scope, choice, indices)
    if r1 is None or not isinstance(target, Distance):
        return None
    game = dict(METHODS[choice.name.text].distances).get(target.name)
    return replace(target, game=None if game == DISTANCES[target.name] else game, r1=r1)


def _is_of_a_joint(scope: Scope, target: DivergenceOfMarginals) -> bool:
    """Whether a divergence is of data and latents: then the latents are what is integrated out."""
    if target.variables is None:
        return True
    roles = {scope.family_of(name).role == "latent" for name in target.variables}
    given = {*target.given, *target.model_given}
    return len(roles) == 2 and all(scope.family_of(one).role != "latent" for one in given)


def _model(
    scope: Scope,
    laws: Laws,
    written: _Written,
    choice: ast.Choice,
    target: Functional,
    indices: Indices,
) -> Choice | None:
    """`estimate H(z | x[1]) with r(1)`: whose model bounds an entropy; `new` makes one for it."""
    name = choice.name.text
    if not isinstance(target, UncertaintyOf):
        scope.note(ModelOfNoEntropy(span=written.span, name=name))
        return None
    line, column = written.span.line, written.span.column
    if name == "new" and name not in scope.inferences:
        return ModelChoice(target, NEW, line, column)
    operand = ast.Named(choice.name, choice.arguments, choice.span)
    distribution = law(scope, laws, operand, indices)
    if distribution is None:
        return None
    if distribution.of is not None or distribution.frozen or choice.settings:
        usage = "`estimate H(z | x[1]) with r(1)`"
        scope.note(PartOfDistribution(span=choice.span, usage=usage))
        return None
    return ModelChoice(target, distribution.name, line, column)


def _text(target: Functional, written: _Written) -> str:
    """The term, as the message about an idle line names it."""
    if isinstance(target, DivergenceOfMarginals | Distance) and target.variables is not None:
        inner = ", ".join(target.variables)
        return f"{written.functional}({target.under}({inner}) || p({inner}))"
    return f"{written.functional}({target.under} || p)"
