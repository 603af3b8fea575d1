"""The collected objective to a module: bounds, names, shapes, and the direction of the whole."""

from __future__ import annotations

__all__ = ["Lowered", "lower"]

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace

from graphdsl.bound.bounds import pieces
from graphdsl.bound.directions import wrong_directions
from graphdsl.bound.fallbacks import foreign_bounds, foreign_fallbacks
from graphdsl.bound.groups import Seen, as_it_is, inner_constants, nothing_inside, within
from graphdsl.bound.models import Prior
from graphdsl.bound.pieces import Piece, Pieces
from graphdsl.bound.sides import NetworkKey, Objective, on_their_sides, playing, playing_piece
from graphdsl.bound.under_p import unfit_under_p
from graphdsl.catalog.laws import laws_of
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Collected
from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.symbols import NetworkName, Q
from graphdsl.lower.checks import all_warnings, mistakes, without_model
from graphdsl.lower.distances import distance_terms
from graphdsl.lower.errors import NothingLeft, PriorMissing
from graphdsl.lower.estimates import estimated_terms
from graphdsl.lower.estimator_choice import Estimates, choose_estimates
from graphdsl.lower.gradients import with_gradients
from graphdsl.lower.importance import importance_terms, sampled_networks
from graphdsl.lower.masks import count_terms, unfit_gradients
from graphdsl.lower.mixtures import idle_experts, unfit_mixtures
from graphdsl.lower.module import loss_module
from graphdsl.lower.signed_sums import group_of, group_relation
from graphdsl.lower.terms import added_up, loss_terms
from graphdsl.lower.turns import idle_turns, turns
from graphdsl.lower.untrained import untrained, without_part
from graphdsl.lower.vacuous_bounds import unheld
from graphdsl.lower.vanished_bounds import telling
from graphdsl.notation.signs import sign_text
from graphdsl.program.inputs import Inputs
from graphdsl.program.names import Names, local_names, named
from graphdsl.program.passes.draw_masks import with_structures
from graphdsl.program.passes.separate_players import Part, put_together, unowned
from graphdsl.program.passes.stratify_mixtures import stratified
from graphdsl.program.passes.sum_over_classes import enumerated, unfit_players
from graphdsl.program.plan import make_plan
from graphdsl.program.state import Plan


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
    estimates: tuple[Estimates, ...]  #: of the sum, and of each sum under a sign
    summed: Pieces
    inside: tuple[Pieces, ...]  #: of each sum under a sign

    @property
    def everything(self) -> list[Piece]:
        return [piece for several in (self.summed, *self.inside) for piece in several.parts]

    def where(self, plays: frozenset[NetworkKey]) -> _Bounded:
        """The same, where some networks play against the loss."""

        def turned(several: Pieces) -> Pieces:
            parts = (playing_piece(one, self.model, plays) for one in several.parts)
            return replace(several, parts=tuple(parts))

        inside = tuple(map(turned, self.inside))
        model = playing(self.model, plays)
        return _Bounded(model, self.collected, self.estimates, turned(self.summed), inside)

    @property
    def sampled(self) -> list[NetworkName]:
        """The networks that terms which are no pieces take samples of."""
        every = (self.collected, *(one.collected for one in self.collected.groups))
        return [name for one in every for name in sampled_networks(one)]


def lower(
    several: Sequence[Collected], model: Model, independences: Mapping[NetworkName, Independence]
) -> Lowered:
    """Choose models and estimators, and plan the code: of one objective, or one per player."""
    alone = [replace(model, objective=one.objective) for one in model.players] or [model]
    found: list[Diagnostic] = []
    estimates = [_estimates(one, model) for one, model in zip(several, alone, strict=True)]
    for collected, one, chosen in zip(several, alone, estimates, strict=True):
        every = (collected, *(group.collected for group in collected.groups))
        for part, each in zip(every, chosen, strict=True):
            found += mistakes(part, one, each, independences)
        found += inner_constants(collected)
    found += (*unfit_players(model), *unfit_gradients(model))
    found = list(dict.fromkeys(found))
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    found += all_warnings(several, alone)
    bounded = [
        _bounded(collected, one, chosen, independences)
        for collected, one, chosen in zip(several, alone, estimates, strict=True)
    ]
    everything = [piece for one in bounded for piece in one.everything]
    bare = [
        piece.node
        for piece in everything
        if isinstance(piece.ref, Prior) and not model.family_of(piece.node).prior
    ]
    if bare:
        family = model.family_of(bare[0])
        return Lowered(None, (*found, _prior_missing(family)))
    mixed = [
        each
        for one in bounded
        for each in (*unfit_mixtures(one.everything, one.model), *idle_experts(one.model))
    ]
    found += dict.fromkeys(mixed)
    plays, wrong = on_their_sides(list(_sided(bounded, model)), model)
    found += (*without_model(everything, model), *unfit_under_p(everything, model), *wrong)
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    bounded = [one.where(plays) for one in bounded]
    lowered = _lowered(bounded, playing(model, plays), found)
    if lowered.module is None:
        return lowered
    left = tuple(unheld(several, alone, independences, lowered.module))
    return replace(lowered, diagnostics=(*lowered.diagnostics, *left))


def _estimates(collected: Collected, model: Model) -> tuple[Estimates, ...]:
    """The estimators of an objective, and of each sum under a sign."""
    every = (collected, *(group.collected for group in collected.groups))
    return tuple(choose_estimates(one, model) for one in every)


def _bounded(
    collected: Collected,
    model: Model,
    estimates: tuple[Estimates, ...],
    independences: Mapping[NetworkName, Independence],
) -> _Bounded:
    """An objective in pieces, those under a sign by themselves."""
    by_itself = any("predictors" in one.owners for one in model.players)

    def seen_in(seen: Seen) -> Seen:
        return (lambda _: "nonnegative") if by_itself else seen  # what is made has an objective

    return _Bounded(
        model,
        collected,
        estimates,
        pieces(collected, model, independences, seen_in(as_it_is)),
        tuple(
            pieces(each.collected, model, independences, seen_in(within(each, model)))
            for each in collected.groups
        ),
    )


def _sided(bounded: Sequence[_Bounded], model: Model) -> Iterator[Objective]:
    """Each objective's pieces, with the signs that stand over them."""
    for place, one in enumerate(bounded):
        seen = (within(group, one.model) for group in one.collected.groups)
        player = model.players[place] if model.players else None
        inside = tuple((under.parts, sign) for under, sign in zip(one.inside, seen, strict=True))
        yield Objective(one.collected, one.summed.parts, inside, player)


def _lowered(bounded: Sequence[_Bounded], model: Model, found: list[Diagnostic]) -> Lowered:
    """Plan the code of what is bounded, objective by objective."""
    taken = local_names(model)
    others = [name for one in bounded for name in one.sampled]
    every = [piece for one in bounded for piece in one.everything]
    plans, terms, groups, known = [], [], [], Inputs(model)
    for one in bounded:
        planned = make_plan(one.model, known, one.everything, others, every)
        foreign = {under: plan.foreign for under, plan in planned.items()}
        found += foreign_fallbacks(one.model, foreign)
        found += foreign_bounds(one.model, one.everything, foreign)
        made, under = _all_terms(planned, one, taken, found)
        plans.append(planned)
        terms.append(made)
        groups.append(under)
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    if not all(any(one.code.kind != "sparsity" for one in made) for made in terms):
        place = [(one.line, one.column) for one in model.objective] or [(1, 1)]
        return Lowered(None, (*found, NothingLeft(span=Span.at(*place[0], 1))))
    constants = added_up(term for one in bounded for term in one.collected.constants)
    every_group = tuple(group for several in groups for group in several)
    if not model.players:
        module = loss_module(model, plans[0][Q], terms[0], constants)
        module, unfit = enumerated(replace(module, groups=every_group), plans[0], model)
        found += unfit
        return (
            Lowered(None, tuple(found))
            if _is_wrong(found)
            else _finished(module, model, found, taken)
        )
    parts = [
        Part(player, planned[Q], made, under)
        for player, planned, made, under in zip(model.players, plans, terms, groups, strict=True)
    ]
    found += unowned(parts)
    if _is_wrong(found):
        return Lowered(None, tuple(found))
    plan, whole, players = put_together(parts, taken)
    module = loss_module(model, plan, whole, constants)
    surrogate = module.relation == "surrogate"
    reason = "each player has an objective of its own, with the others' networks as they are"
    module = replace(
        module,
        groups=every_group,
        players=players,
        relation="surrogate" if surrogate else "saddle",
        reason=module.reason if surrogate else reason,
    )
    return _finished(module, model, found, taken)


def _prior_missing(family: Family) -> PriorMissing:
    """A latent root of p without a distribution, and its declaration with one."""
    classes = "" if family.classes is None else f"({family.classes})"
    shape = f"[{', '.join(map(str, family.shape))}]" if family.shape else ""
    prior = next(iter(laws_of(family.kind)))
    return PriorMissing(
        span=Span.at(family.line, family.column, len(family.name)),
        name=family.name,
        declared=f"latent {family.name} : {family.kind}{classes}{shape} ~ {prior}",
    )


def _finished(
    module: LossModule, model: Model, found: Iterable[Diagnostic], names: Names
) -> Lowered:
    """The module with its turns and its names, and what is told of the whole of it."""
    whole = with_gradients(with_structures(replace(module, turns=turns(model)), model))
    idle = tuple(without_part(whole, model)) or tuple(untrained(whole, model))
    turned = wrong_directions(whole.terms)
    return Lowered(named(whole, model, names), (*found, *idle, *idle_turns(whole, model), *turned))


def _all_terms(
    plans: MutableMapping[NetworkName, Plan], one: _Bounded, taken: Names, found: list[Diagnostic]
) -> tuple[tuple[LossTerm, ...], tuple[Group, ...]]:
    """The terms of an objective, and its sums under a sign."""
    terms = _terms(plans, one.collected, one.estimates[0], one.summed, taken)
    groups: list[Group] = []
    every = zip(one.collected.groups, one.estimates[1:], one.inside, strict=True)
    for each, estimates, several in every:
        under = _terms(plans, each.collected, estimates, several, taken)
        if not under:
            found.append(nothing_inside(each))
            continue
        made = group_of(each, under, taken)
        relation, told = group_relation(each, under, one.model), sign_text(made)
        groups.append(made)
        terms += tuple(replace(term, within=told, relation=relation) for term in under)
    return stratified(plans, terms, one.model), tuple(groups)


def _is_wrong(found: Iterable[Diagnostic]) -> bool:
    return any(one.severity == "error" for one in found)


def _terms(
    plans: MutableMapping[NetworkName, Plan],
    collected: Collected,
    estimates: Estimates,
    several: Pieces,
    names: Names,
) -> tuple[LossTerm, ...]:
    terms = (
        *loss_terms(plans, _in_order(several.parts), names),
        *estimated_terms(plans, estimates.informations, names),
        *distance_terms(plans, estimates.distances, names),
        *count_terms(plans[Q], collected, names),
        *importance_terms(plans, estimates.importances, names),
    )
    return telling(terms, several.vanished)


def _in_order(parts: Iterable[Piece]) -> list[Piece]:
    """Reconstructions first, then rates, as objectives are written."""
    order = ("reconstruction", "cost", "kl", "cross_entropy", "entropy", "penalty")
    return sorted(parts, key=lambda piece: order.index(piece.kind))
