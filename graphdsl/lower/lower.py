"""The collected objective to a module: bounds, names, shapes, and the direction of the whole."""

from __future__ import annotations

__all__ = ["Lowered", "lower"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Collected, LocalEntropy, TotalCorrelation, entropy
from graphdsl.ir.loss import (
    Assemble,
    LossModule,
    LossTerm,
    ParameterSlot,
    Ref,
    Relation,
    Run,
    Sample,
    Statement,
    VariableSlot,
)
from graphdsl.ir.model import Conditional, DivergenceOfMarginals, EstimatorChoice, Model
from graphdsl.ir.notation import weight_text
from graphdsl.lower.bounds import Piece, can_relax, pieces
from graphdsl.lower.errors import (
    EstimatorIdle,
    EstimatorMisplaced,
    MarginalOfModel,
    NoBound,
    NothingLeft,
    PriorMissing,
    WeightChangesSign,
)
from graphdsl.lower.models import Prior
from graphdsl.lower.objective import objective_latex
from graphdsl.lower.plan import make_plan
from graphdsl.lower.runs import Plan
from graphdsl.lower.slots import Names
from graphdsl.lower.terms import correlation_terms, loss_terms

_IMPORTED = frozenset("Objective Losses Gaussian Bernoulli Variable Batch Noise Tensor".split())
_WORST: tuple[Relation, ...] = ("surrogate", "saddle", "estimate", "upper", "equal")


@dataclass(frozen=True, slots=True)
class Lowered:
    """A module, if there is one, and what was found on the way."""

    module: LossModule | None
    diagnostics: tuple[Diagnostic, ...]


def lower(collected: Collected, model: Model, independence: Independence) -> Lowered:
    """Choose models and estimators, and plan the code."""
    found = list(_mistakes(collected, model, independence))
    if found:
        return Lowered(None, tuple(found))
    found = list(_warnings(collected, model))
    parts = pieces(collected, model, independence)
    bare = [
        piece.node
        for piece in parts
        if isinstance(piece.ref, Prior) and not model.family_of(piece.node).prior
    ]
    if bare:
        family = model.family_of(bare[0])
        span = _span(family.line, family.column, len(family.name))
        return Lowered(None, (*found, PriorMissing(span=span, name=family.name)))
    plan = make_plan(model, parts)
    names_used = Names()
    terms = (
        *loss_terms(plan, _in_order(parts), names_used),
        *correlation_terms(plan, collected, names_used),
    )
    if not terms:
        place = [(one.line, one.column) for one in model.objective] or [(1, 1)]
        return Lowered(None, (*found, NothingLeft(span=_span(*place[0], 1))))
    return Lowered(_module(model, plan, terms, collected), tuple(found))


def _in_order(parts: Iterable[Piece]) -> list[Piece]:
    """Reconstructions first, then rates, as objectives are written."""
    order = ("reconstruction", "kl", "cross_entropy", "entropy")
    return sorted(parts, key=lambda piece: order.index(piece.kind))


def _module(
    model: Model, plan: Plan, terms: tuple[LossTerm, ...], collected: Collected
) -> LossModule:
    relation = _relation(terms)
    read = [
        (family.local, family.name, len(family.extents))
        for family in model.families
        if family.role == "latent"
        and any(ref.name == family.local for ref in _arguments(plan.decode))
    ]
    return LossModule(
        model=model.name,
        class_name=_class_name(model.name),
        title=model.title,
        sha256=model.sha256,
        objective=objective_latex(model.objective),
        relation=relation,
        reason=_reason(relation, terms),
        variables=tuple(
            VariableSlot(
                name=one.name,
                role=one.role,
                kind=one.kind,
                members=None if one.members is None else one.extents,
                shape=one.shape,
                classes=one.classes,
                optional=one.optional,
            )
            for one in model.families
        ),
        parameters=tuple(
            ParameterSlot(
                name=one.name,
                value=float(one.value),
                low=None if one.range.low is None else float(one.range.low),
                high=None if one.range.high is None else float(one.range.high),
            )
            for one in model.parameters
        ),
        networks=tuple(plan.networks),
        subsets=tuple(plan.subsets),
        forward=tuple(plan.forward),
        terms=terms,
        infer=_used(plan),
        inferred=tuple(plan.inferred),
        decode=tuple(plan.decode),
        decoded=tuple(plan.decoded),
        latents_decoded=tuple(read),
        ancestral=tuple(plan.ancestral),
        drawn=tuple(plan.drawn),
        constants=collected.constants,
    )


def _used(plan: Plan) -> tuple[Statement, ...]:
    """The statements of `infer`, without samples that nothing is inferred from."""
    read = {ref.name for ref in _arguments(plan.infer)}
    for one in plan.infer:
        if isinstance(one, Assemble) and one.target in read:
            read |= {part.name for part in one.parts}
    return tuple(
        one for one in plan.infer if not isinstance(one, Sample | Assemble) or one.target in read
    )


def _arguments(statements: Iterable[Statement]) -> Iterator[Ref]:
    for one in statements:
        if isinstance(one, Run):
            yield from one.arguments


def _relation(terms: Sequence[LossTerm]) -> Relation:
    present = {term.relation for term in terms}
    return next((one for one in _WORST if one in present), "equal")


def _reason(relation: Relation, terms: Sequence[LossTerm]) -> str:
    """Why the emitted loss stands to the intended objective as it does."""
    if relation == "equal":
        return "every term is computed exactly, up to the named constants"
    if relation == "upper":
        return "every entropy that is bounded has a weight that is nowhere negative"
    names_of = ", ".join(term.name for term in terms if term.relation == relation)
    if relation == "estimate":
        return f"{names_of} is estimated from a minibatch, and is no bound"
    return f"the weight of what {names_of} bounds changes its sign over the parameters' range"


def _class_name(name: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return f"{camel}Model" if camel in _IMPORTED else camel


def _mistakes(
    collected: Collected, model: Model, independence: Independence
) -> Iterator[Diagnostic]:
    line, column = (
        (model.objective[0].line, model.objective[0].column) if model.objective else (1, 1)
    )
    yield from _marginals(model)
    stuck = [one for one in collected.intractable if not can_relax(one, independence)]
    for one in stuck[:3]:  # the others have the same reason
        yield NoBound(span=_span(line, column, 1), term=_text(one))
    for _, atom, choice in collected.estimated:
        reason = _no_stratified_sampling(atom, model, independence)
        if reason:
            yield _misplaced(atom, choice, reason, line, column)


def _marginals(model: Model) -> Iterator[Diagnostic]:
    """KL(q(A) || p(A)) needs p(A) as a product: the parents in p of all of A must be in A."""
    for one in model.objective:
        if not isinstance(one.functional, DivergenceOfMarginals):
            continue
        named = one.functional.variables
        for conditional in model.generation.conditionals if named and model.generation else ():
            children = [name for name in conditional.children if name in (named or ())]
            missing = [name for name in conditional.parents if name not in (named or ())]
            if children and missing:
                yield MarginalOfModel(
                    span=_span(one.line, one.column, 2),
                    names=", ".join(named or ()),
                    parent=missing[0],
                    child=children[0],
                )
                break


def _misplaced(
    atom: TotalCorrelation, choice: EstimatorChoice | None, reason: str, line: int, column: int
) -> Diagnostic:
    span = _span(choice.line, choice.column, 8) if choice else _span(line, column, 1)
    return EstimatorMisplaced(
        span=span,
        estimator="minibatch stratified sampling",
        target=str(atom),
        reason=reason,
        instead="it needs scalar or vector latents of one family, inferred from data by one line",
    )


def _no_stratified_sampling(
    atom: TotalCorrelation, model: Model, independence: Independence
) -> str:
    """Why minibatch stratified sampling does not apply; empty if it does."""
    nodes = [name for part in atom.parts for name in part]
    if atom.given:
        return "it is conditional"
    if any(len(part) > 1 for part in atom.parts):
        return "its parts hold several variables"
    families = {model.family_of(name).name: model.family_of(name) for name in nodes}
    if len(families) > 1:
        return "its parts are of different families"
    if any(model.posterior_law(name) != "normal" for name in nodes):
        return "its parts are not normal given the data"
    parents = {independence.parents(name) for name in nodes}
    if len(parents) > 1 or not next(iter(parents)) <= independence.data:
        return "its parts are not all inferred from the same data"
    single = len(_holders(model, nodes)) == 1
    return "" if single else "its parts are inferred by different networks"


def _holders(model: Model, nodes: Sequence[str]) -> list[Conditional]:
    return [one for one in model.inference.conditionals if set(nodes) & set(one.children)]


def _warnings(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    for one in collected.uncertain:
        first = model.objective[0]
        yield WeightChangesSign(
            span=_span(first.line, first.column, 1),
            term=str(entropy((one.node,), one.given)),
            weight=weight_text(one.weight),
        )
    for weight, atom, choice in collected.estimated:
        if choice is not None and not weight:
            yield EstimatorIdle(span=_span(choice.line, choice.column, 8), target=str(atom))


def _text(one: LocalEntropy) -> str:
    return f"({weight_text(one.weight)}) * {entropy((one.node,), one.given)}"


def _span(line: int, column: int, width: int) -> Span:
    return Span(line, column, line, column + width)
