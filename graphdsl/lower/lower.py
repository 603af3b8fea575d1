"""The collected objective to a module: bounds, names, shapes, and the direction of the whole."""

from __future__ import annotations

__all__ = ["Lowered", "lower"]

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.draws import as_block
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import (
    Atom,
    Collected,
    LocalEntropy,
    Term,
    entropy,
)
from graphdsl.ir.loss import (
    Assemble,
    DrawSet,
    Group,
    LossModule,
    LossTerm,
    Observe,
    ParameterSlot,
    PriorSample,
    Ref,
    Relation,
    Run,
    Sample,
    Statement,
    VariableSlot,
)
from graphdsl.ir.model import DivergenceOfMarginals, Model
from graphdsl.ir.notation import names, weight_text
from graphdsl.ir.weight import Weight, accumulate
from graphdsl.lower.bounds import Piece, can_relax, pieces
from graphdsl.lower.distances import distance_terms, unfit_distances
from graphdsl.lower.errors import (
    EstimatorIdle,
    MarginalOfModel,
    NoBound,
    NoModelOfSets,
    NoSuchPosterior,
    NothingLeft,
    PlayerOfTwoSides,
    PriorMissing,
    WeightChangesSign,
)
from graphdsl.lower.estimates import estimated_terms, unfit_estimates
from graphdsl.lower.gating import count_terms, mask_slots, with_masks
from graphdsl.lower.groups import (
    group_of,
    group_relation,
    inner_constants,
    nothing_inside,
    sign_text,
)
from graphdsl.lower.importance import importance_terms, sampled_networks, unfit_importances
from graphdsl.lower.models import Auxiliary, Prior
from graphdsl.lower.objective import whole_latex
from graphdsl.lower.plan import make_plan
from graphdsl.lower.players import Part, as_predictors, put_together, unowned
from graphdsl.lower.renaming import reads
from graphdsl.lower.runs import Plan
from graphdsl.lower.settled import idle_models, unsettled
from graphdsl.lower.slots import Names
from graphdsl.lower.terms import loss_terms
from graphdsl.lower.turns import idle_turns, turns
from graphdsl.lower.under_p import unfit_under_p, unmodelled_under_p
from graphdsl.lower.untrained import untrained, without_part

_IMPORTED = frozenset("Objective Losses Gaussian Bernoulli Variable Batch Noise Tensor".split())
_WORST: tuple[Relation, ...] = ("surrogate", "saddle", "estimate", "upper", "equal")


@dataclass(frozen=True, slots=True)
class Lowered:
    """A module, if there is one, and what was found on the way."""

    module: LossModule | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Bounded:
    """An objective in pieces that can be computed."""

    model: Model  #: with this objective alone
    collected: Collected
    parts: tuple[Piece, ...]
    inside: tuple[tuple[Piece, ...], ...]  #: of each sum under a sign

    @property
    def everything(self) -> list[Piece]:
        return [piece for several in (self.parts, *self.inside) for piece in several]

    @property
    def sampled(self) -> list[str]:
        """The networks that terms which are no pieces take samples of."""
        every = (self.collected, *(one.collected for one in self.collected.groups))
        return [name for one in every for name in sampled_networks(one)]


def lower(
    several: Sequence[Collected], model: Model, independences: Mapping[str, Independence]
) -> Lowered:
    """Choose models and estimators, and plan the code: of one objective, or one per player."""
    several = [as_predictors(one, model.players) for one in several]
    alone = [replace(model, objective=one.objective) for one in model.players] or [model]
    found: list[Diagnostic] = []
    for collected, one in zip(several, alone, strict=True):
        found += _mistakes(collected, one, independences)
        for group in collected.groups:
            found += _mistakes(group.collected, one, independences)
        found += inner_constants(collected)
    found = list(dict.fromkeys(found))
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    found += _all_warnings(several, alone)
    bounded = [
        _Bounded(
            one,
            collected,
            pieces(collected, model, independences),
            tuple(pieces(each.collected, model, independences) for each in collected.groups),
        )
        for collected, one in zip(several, alone, strict=True)
    ]
    everything = [piece for one in bounded for piece in one.everything]
    bare = [
        piece.node
        for piece in everything
        if isinstance(piece.ref, Prior) and not model.family_of(piece.node).prior
    ]
    if bare:
        family = model.family_of(bare[0])
        span = _span(family.line, family.column, len(family.name))
        return Lowered(None, (*found, PriorMissing(span=span, name=family.name)))
    found += (*_without_model(everything, model), *unfit_under_p(everything, model))
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    return _lowered(bounded, model, found)


def _all_warnings(several: Sequence[Collected], models: Sequence[Model]) -> Iterator[Diagnostic]:
    """What is suspicious in some objective; an estimate is idle where it is so in all of them."""
    told = [list(_warnings(one, model)) for one, model in zip(several, models, strict=True)]
    for one in dict.fromkeys(each for warnings in told for each in warnings):
        if not isinstance(one, EstimatorIdle) or all(one in warnings for warnings in told):
            yield one


def _lowered(bounded: Sequence[_Bounded], model: Model, found: list[Diagnostic]) -> Lowered:
    """Plan the code of what is bounded, objective by objective."""
    taken = Names()
    others = [name for one in bounded for name in one.sampled]
    every = [piece for one in bounded for piece in one.everything]
    plans, terms, groups = [], [], []
    for one in bounded:
        planned = make_plan(one.model, one.everything, others, every)
        made, under = _all_terms(planned, one, taken, found)
        plans.append(planned["q"])
        terms.append(made)
        groups.append(under)
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    if not all(any(one.code.kind != "sparsity" for one in made) for made in terms):
        place = [(one.line, one.column) for one in model.objective] or [(1, 1)]
        return Lowered(None, (*found, NothingLeft(span=_span(*place[0], 1))))
    constants = _constants(bounded)
    every_group = tuple(group for several in groups for group in several)
    if not model.players:
        module = _module(model, plans[0], terms[0], constants)
        return _finished(replace(module, groups=every_group), model, found)
    parts = [
        Part(player, plan, made, under)
        for player, plan, made, under in zip(model.players, plans, terms, groups, strict=True)
    ]
    found += unowned(parts)
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    plan, whole, players = put_together(parts)
    module = _module(model, plan, whole, constants)
    surrogate = module.relation == "surrogate"
    reason = "each player has an objective of its own, with the others' networks as they are"
    module = replace(
        module,
        groups=every_group,
        players=players,
        relation="surrogate" if surrogate else "saddle",
        reason=module.reason if surrogate else reason,
    )
    return _finished(module, model, found)


def _finished(module: LossModule, model: Model, found: Iterable[Diagnostic]) -> Lowered:
    """The module with its turns, and what is told of the whole of it."""
    whole = replace(module, turns=turns(model))
    idle = tuple(without_part(whole, model)) or tuple(untrained(whole, model))
    return Lowered(whole, (*found, *idle, *idle_turns(whole, model)))


def _all_terms(
    plans: MutableMapping[str, Plan], one: _Bounded, taken: Names, found: list[Diagnostic]
) -> tuple[tuple[LossTerm, ...], tuple[Group, ...]]:
    """The terms of an objective, and its sums under a sign."""
    terms = _terms(plans, one.collected, one.parts, taken)
    groups: list[Group] = []
    for each, several in zip(one.collected.groups, one.inside, strict=True):
        under = _terms(plans, each.collected, several, taken)
        if not under:
            found.append(nothing_inside(each))
            continue
        made = group_of(each, under, taken)
        relation, told = group_relation(each, under), sign_text(made)
        groups.append(made)
        terms += tuple(replace(term, within=told, relation=relation) for term in under)
    return terms, tuple(groups)


def _constants(bounded: Sequence[_Bounded]) -> tuple[Term, ...]:
    """The constants of all objectives, equal ones together."""
    weights: dict[Atom, Weight] = {}
    for one in bounded:
        for term in one.collected.constants:
            accumulate(weights, term.atom, term.weight)
    return tuple(Term(weight, atom) for atom, weight in weights.items())


def _is_wrong(found: Iterable[Diagnostic]) -> bool:
    return any(one.severity == "error" for one in found)


def _terms(
    plans: MutableMapping[str, Plan], collected: Collected, parts: Sequence[Piece], names: Names
) -> tuple[LossTerm, ...]:
    return (
        *loss_terms(plans, _in_order(parts), names),
        *estimated_terms(plans, collected, names),
        *distance_terms(plans, collected, names),
        *count_terms(collected, names),
        *importance_terms(plans, collected, names),
    )


def _in_order(parts: Iterable[Piece]) -> list[Piece]:
    """Reconstructions first, then rates, as objectives are written."""
    order = ("reconstruction", "cost", "kl", "cross_entropy", "entropy", "penalty")
    return sorted(parts, key=lambda piece: order.index(piece.kind))


def _module(
    model: Model, plan: Plan, terms: tuple[LossTerm, ...], constants: tuple[Term, ...]
) -> LossModule:
    relation = _relation(terms)
    read = [
        (family.local, family.name, len(family.extents))
        for family in model.families
        if family.role == "latent"
        and any(ref.name == family.local for ref in _arguments(plan.decode))
    ]
    read_by = frozenset(_read_by(terms))
    return LossModule(
        model=model.name,
        class_name=_class_name(model.name),
        title=model.title,
        sha256=model.sha256,
        objective=whole_latex(model),
        relation=relation,
        reason=_reason(relation, terms) + _in_expectation(plan),
        variables=tuple(
            VariableSlot(
                name=one.name,
                role="observed" if one.labels else one.role,
                kind=one.kind,
                members=None if one.members is None else one.extents,
                shape=one.shape,
                classes=one.classes,
                optional=one.optional or bool(one.labels),
                inferred=bool(one.labels),
            )
            for one in model.families
            if not one.label_of
        ),
        parameters=tuple(
            ParameterSlot(
                name=one.name,
                value=float(one.value),
                low=None if one.range.low is None else float(one.range.low),
                high=None if one.range.high is None else float(one.range.high),
                ramp=None if one.ramp is None else (float(one.ramp[0]), one.ramp[1]),
            )
            for one in model.parameters
        ),
        networks=tuple(plan.networks),
        subsets=tuple(plan.subsets),
        holders=tuple(plan.holders),
        forward=with_masks(_alive(plan.forward, read_by), likeliest=False),
        terms=terms,
        infer=with_masks(_used(plan.infer), likeliest=True),
        inferred=tuple(plan.inferred),
        decode=with_masks(plan.decode, likeliest=True),
        decoded=tuple(plan.decoded),
        latents_decoded=tuple(read),
        ancestral=with_masks(plan.ancestral, likeliest=True),
        drawn=tuple(plan.drawn),
        constants=constants,
        critics=tuple(dict.fromkeys(_critics(terms, plan))),
        draws=plan.draws,
        masks=mask_slots(model, terms),
    )


def _in_expectation(plan: Plan) -> str:
    """What the emitted loss draws, and the objective is a mean over."""
    drawn = [*(one.name for one in plan.draws), *(one.name for one in plan.model.masks)]
    return f", in expectation over {', '.join(drawn)}" if drawn else ""


def _used(statements: Sequence[Statement], read: Iterable[str] = ()) -> tuple[Statement, ...]:
    """The statements without samples that nothing is computed from."""
    names = {*read, *(ref.name for ref in _arguments(statements))}
    names |= {one.like for one in statements if isinstance(one, PriorSample)}
    for one in statements:
        if isinstance(one, Assemble) and one.target in names:
            names |= {part.name for part in one.parts}
    kept = (_sample(one, names) if isinstance(one, Sample) else one for one in statements)
    return tuple(
        one
        for one in kept
        if not isinstance(one, Sample | Assemble)
        or one.target in names
        or (isinstance(one, Sample) and one.density)
    )


def _sample(one: Sample, names: set[str]) -> Sample:
    """A sample, with its density where a term is computed from that."""
    return one if one.density in names else replace(one, density="")


def _alive(statements: Sequence[Statement], read: Iterable[str]) -> tuple[Statement, ...]:
    """The statements of `forward` that some term is computed from, and the data."""
    names, kept = set(read), []
    for one in reversed(statements):
        made = _sample(one, names) if isinstance(one, Sample) else one
        told = isinstance(made, Sample) and made.density in names
        if told or one.target in names or isinstance(one, Observe | DrawSet):
            kept.append(made)
            names.update(reads(one))
    return tuple(reversed(kept))


def _read_by(terms: Iterable[LossTerm]) -> Iterator[str]:
    """The names that terms are computed from."""
    for term in terms:
        for code in (term.code, term.critic_code):
            if code is not None:
                refs = (code.left, code.right, code.value)
                yield from (ref.name for ref in refs if ref is not None)
                yield from (code.density,) if code.density else ()
                for one in (*code.above, *code.below):
                    yield from (ref.name for ref in (one.distribution, one.value, one.seen) if ref)
                yield from (ref.name for refs in code.samples for ref in refs)


def _arguments(statements: Iterable[Statement]) -> Iterator[Ref]:
    for one in statements:
        if isinstance(one, Run):
            yield from one.arguments


def _critics(terms: Sequence[LossTerm], plan: Plan) -> Iterator[str]:
    """The networks that some critic trains, and the model does not."""
    for term in terms:
        if term.code.critic:
            yield term.code.critic
        if term.critic_code is not None:
            runs = (one for one in plan.forward if isinstance(one, Run) and one.detached)
            yield from (one.slot for one in runs if one.target == term.critic_code.left.name)


def _relation(terms: Sequence[LossTerm]) -> Relation:
    present = {term.relation for term in terms}
    return next((one for one in _WORST if one in present), "equal")


def _reason(relation: Relation, terms: Sequence[LossTerm]) -> str:
    """Why the emitted loss stands to the intended objective as it does."""
    blamed = [term for term in terms if term.relation == relation]
    under_sign = any(term.within for term in blamed)
    are = "is" if len(blamed) == 1 else "are"
    names_of = ", ".join(term.name for term in blamed)
    match relation, under_sign:
        case "equal", _:
            return "every term is computed exactly, up to the named constants"
        case "upper", True:
            return "on average over batches: a convex sign of a mean is no less than of its limit"
        case "upper", False:
            return "every entropy that is bounded has a weight that is nowhere negative"
        case "saddle", True:
            return f"{names_of} {are} held by a multiplier, which plays against the rest"
        case "saddle", False:
            return f"{names_of} {are} as good as what plays against it"
        case "estimate", _:
            return f"{names_of} {are} estimated from a minibatch, and {are} no bound"
        case _:
            return f"{names_of} {are} no bound: {_no_bound(blamed)}"


def _no_bound(terms: Sequence[LossTerm]) -> str:
    """Why surrogates are no more than that."""
    if any(term.within for term in terms):
        return "a sign that keeps none stands over it"
    for kind in ("penalty", "cost"):
        if any(term.code.kind == kind for term in terms):
            return f"a {kind} is no information"
    if all(term.code.kind == "information" for term in terms):
        return "a discrepancy of kernels is nought where the information is, and in no nats"
    if any(term.code.kind == "distance" for term in terms):
        return "with its labels flipped, a critic tells no divergence"
    return "the weight of what it bounds changes its sign over the parameters' range"


def _class_name(name: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return f"{camel}Model" if camel in _IMPORTED else camel


def _mistakes(
    collected: Collected, model: Model, independences: Mapping[str, Independence]
) -> Iterator[Diagnostic]:
    line, column = (
        (model.objective[0].line, model.objective[0].column) if model.objective else (1, 1)
    )
    yield from _marginals(model)
    yield from unmodelled_under_p(collected, model)
    yield from unfit_distances(collected, model)
    yield from unfit_importances(collected, model)
    yield from _unfit_models(collected, line, column)
    yield from unsettled(collected, model)
    stuck = [one for one in collected.intractable if not can_relax(one, independences[one.under])]
    for one in stuck[:3]:  # the others have the same reason
        yield NoBound(span=_span(line, column, 1), term=_text(one))
    yield from unfit_estimates(collected, model, independences["q"], line, column)


def _unfit_models(collected: Collected, line: int, column: int) -> Iterator[Diagnostic]:
    """Models that the objective names, and that nothing computes, or that would play both sides."""
    for one in collected.models:
        atom, conditional = one.atom, one.conditional
        span = _span(one.lines[0] if one.lines else line, column if not one.lines else 1, 1)
        if one.sides == "both":
            inner = f"{atom.node} | {', '.join(names(atom.given or ()))}"
            term = f"cost({inner}, {atom.cost})" if atom.cost else f"CE({inner})"
            yield PlayerOfTwoSides(span=span, term=term, weight=weight_text(one.weight))
        if conditional is None or atom.network in ("p", "new") or atom.given is None:
            continue
        if conditional.by != "poe" and atom.given != set(conditional.parents):
            asked = f"{conditional.network}({atom.node} | {', '.join(names(atom.given))})"
            yield NoSuchPosterior(span=span, name=atom.node, asked=asked)


def _without_model(pieces: Iterable[Piece], model: Model) -> Iterator[Diagnostic]:
    """Of q(z|x[S]), for a set S that is drawn, no network made for the bound can be a model."""
    for piece in pieces:
        if isinstance(piece.ref, Auxiliary) and any(map(as_block, piece.ref.given)):
            family = model.family_of(piece.node)
            yield NoModelOfSets(
                span=_span(family.line, family.column, len(family.name)),
                term=str(entropy((piece.node,), piece.ref.given, piece.under)),
                name=piece.node,
            )
            return


def _marginals(model: Model) -> Iterator[Diagnostic]:
    """KL(q(A) || p(A)) needs p(A) as a product: the parents in p of all of A must be in A."""
    for one in model.asked():
        if not isinstance(one.functional, DivergenceOfMarginals):
            continue
        named = one.functional.variables
        for conditional in model.generation.conditionals if named and model.generation else ():
            children = [name for name in conditional.children if name in (named or ())]
            known = {*(named or ()), *one.functional.model_given}
            missing = [name for name in conditional.parents if name not in known]
            if children and missing:
                yield MarginalOfModel(
                    span=_span(one.line, one.column, 2),
                    names=", ".join(named or ()),
                    parent=missing[0],
                    child=children[0],
                )
                break


def _warnings(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    for one in collected.uncertain:
        first = model.objective[0]
        yield WeightChangesSign(
            span=_span(first.line, first.column, 1),
            term=str(entropy((one.node,), one.given, one.under)),
            weight=weight_text(one.weight),
        )
    inside = {
        choice
        for group in collected.groups
        for weight, _, choice in group.collected.estimated
        if weight
    }
    for weight, atom, choice in collected.estimated:
        if choice is not None and not weight and choice not in inside:
            yield EstimatorIdle(span=_span(choice.line, choice.column, 8), target=str(atom))
    for idle in (*model.idle_choices, *idle_models(collected, model)):
        yield EstimatorIdle(span=_span(idle.line, idle.column, 8), target=idle.target)


def _text(one: LocalEntropy) -> str:
    return f"({weight_text(one.weight)}) * {entropy((one.node,), one.given, one.under)}"


def _span(line: int, column: int, width: int) -> Span:
    return Span(line, column, line, column + width)
