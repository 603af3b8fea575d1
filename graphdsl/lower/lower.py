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
    def pieces(self) -> list[Piece]:
        return [piece for own in (self.summed, *self.inside) for piece in own.parts]

    def where(self, plays: frozenset[NetworkKey]) -> _Bounded:
        """The same, where some networks play against the loss."""

        def turned(pieces_of: Pieces) -> Pieces:
            parts = (playing_piece(part, self.model, plays) for part in pieces_of.parts)
            return replace(pieces_of, parts=tuple(parts))

        inside = tuple(map(turned, self.inside))
        model = playing(self.model, plays)
        return _Bounded(model, self.collected, self.estimates, turned(self.summed), inside)

    @property
    def sampled(self) -> list[NetworkName]:
        """The networks that terms which are no pieces take samples of."""
        every = (self.collected, *(group.collected for group in self.collected.groups))
        return [name for collected in every for name in sampled_networks(collected)]


def lower(
    collections: Sequence[Collected],
    model: Model,
    independences: Mapping[NetworkName, Independence],
) -> Lowered:
    """Choose models and estimators, and plan the code: of one objective, or one per player."""
    models = [replace(model, objective=player.objective) for player in model.players] or [model]
    diagnostics: list[Diagnostic] = []
    estimates = [
        _estimates(collected, own) for collected, own in zip(collections, models, strict=True)
    ]
    for collected, own, chosen in zip(collections, models, estimates, strict=True):
        every = (collected, *(group.collected for group in collected.groups))
        for part, each in zip(every, chosen, strict=True):
            diagnostics += mistakes(part, own, each, independences)
        diagnostics += inner_constants(collected)
    diagnostics += (*unfit_players(model), *unfit_gradients(model))
    diagnostics = list(dict.fromkeys(diagnostics))
    if _is_wrong(diagnostics):
        return Lowered(None, tuple(diagnostics))
    diagnostics += all_warnings(collections, models)
    bounded = [
        _bounded(collected, own, chosen, independences)
        for collected, own, chosen in zip(collections, models, estimates, strict=True)
    ]
    all_pieces = [piece for objective in bounded for piece in objective.pieces]
    bare = [
        piece.node
        for piece in all_pieces
        if isinstance(piece.ref, Prior) and not model.family_of(piece.node).prior
    ]
    if bare:
        family = model.family_of(bare[0])
        return Lowered(None, (*diagnostics, _prior_missing(family)))
    mixed = [
        each
        for objective in bounded
        for each in (
            *unfit_mixtures(objective.pieces, objective.model),
            *idle_experts(objective.model),
        )
    ]
    diagnostics += dict.fromkeys(mixed)
    plays, wrong = on_their_sides(list(_sided(bounded, model)), model)
    diagnostics += (*without_model(all_pieces, model), *unfit_under_p(all_pieces, model), *wrong)
    if _is_wrong(diagnostics):
        return Lowered(None, tuple(diagnostics))
    bounded = [objective.where(plays) for objective in bounded]
    lowered = _lowered(bounded, playing(model, plays), diagnostics)
    if lowered.module is None:
        return lowered
    left = tuple(unheld(collections, models, independences, lowered.module))
    return replace(lowered, diagnostics=(*lowered.diagnostics, *left))


def _estimates(collected: Collected, model: Model) -> tuple[Estimates, ...]:
    """The estimators of an objective, and of each sum under a sign."""
    every = (collected, *(group.collected for group in collected.groups))
    return tuple(choose_estimates(collected, model) for collected in every)


def _bounded(
    collected: Collected,
    model: Model,
    estimates: tuple[Estimates, ...],
    independences: Mapping[NetworkName, Independence],
) -> _Bounded:
    """An objective in pieces, those under a sign by themselves."""
    by_itself = any("predictors" in player.owners for player in model.players)

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
    for place, objective in enumerate(bounded):
        seen = (within(group, objective.model) for group in objective.collected.groups)
        player = model.players[place] if model.players else None
        inside = tuple(
            (under.parts, sign) for under, sign in zip(objective.inside, seen, strict=True)
        )
        yield Objective(objective.collected, objective.summed.parts, inside, player)


def _lowered(bounded: Sequence[_Bounded], model: Model, diagnostics: list[Diagnostic]) -> Lowered:
    """Plan the code of what is bounded, objective by objective."""
    taken = local_names(model)
    others = [name for objective in bounded for name in objective.sampled]
    every = [piece for objective in bounded for piece in objective.pieces]
    plans, terms, groups, known = [], [], [], Inputs(model)
    for objective in bounded:
        planned = make_plan(objective.model, known, objective.pieces, others, every)
        foreign = {under: plan.foreign for under, plan in planned.items()}
        diagnostics += foreign_fallbacks(objective.model, foreign)
        diagnostics += foreign_bounds(objective.model, objective.pieces, foreign)
        own_terms, under = _all_terms(planned, objective, taken, diagnostics)
        plans.append(planned)
        terms.append(own_terms)
        groups.append(under)
    if _is_wrong(diagnostics):
        return Lowered(None, tuple(diagnostics))
    if not all(any(term.code.kind != "sparsity" for term in own_terms) for own_terms in terms):
        place = [(term.line, term.column) for term in model.objective] or [(1, 1)]
        return Lowered(None, (*diagnostics, NothingLeft(span=Span.at(*place[0], 1))))
    constants = added_up(term for objective in bounded for term in objective.collected.constants)
    every_group = tuple(group for own_groups in groups for group in own_groups)
    if not model.players:
        module = loss_module(model, plans[0][Q], terms[0], constants)
        module, unfit = enumerated(replace(module, groups=every_group), plans[0], model)
        diagnostics += unfit
        return (
            Lowered(None, tuple(diagnostics))
            if _is_wrong(diagnostics)
            else _finished(module, model, diagnostics, taken)
        )
    parts = [
        Part(player, planned[Q], own_terms, under)
        for player, planned, own_terms, under in zip(
            model.players, plans, terms, groups, strict=True
        )
    ]
    diagnostics += unowned(parts)
    if _is_wrong(diagnostics):
        return Lowered(None, tuple(diagnostics))
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
    return _finished(module, model, diagnostics, taken)


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
    module: LossModule, model: Model, diagnostics: Iterable[Diagnostic], names: Names
) -> Lowered:
    """The module with its turns and its names, and the diagnostics of the whole."""
    whole = with_gradients(with_structures(replace(module, turns=turns(model)), model))
    idle = tuple(without_part(whole, model)) or tuple(untrained(whole, model))
    turned = wrong_directions(whole.terms)
    return Lowered(
        named(whole, model, names), (*diagnostics, *idle, *idle_turns(whole, model), *turned)
    )


def _all_terms(
    plans: MutableMapping[NetworkName, Plan],
    objective: _Bounded,
    taken: Names,
    diagnostics: list[Diagnostic],
) -> tuple[tuple[LossTerm, ...], tuple[Group, ...]]:
    """The terms of an objective, and its sums under a sign."""
    terms = _terms(plans, objective.collected, objective.estimates[0], objective.summed, taken)
    groups: list[Group] = []
    every = zip(objective.collected.groups, objective.estimates[1:], objective.inside, strict=True)
    for each, estimates, summed in every:
        under = _terms(plans, each.collected, estimates, summed, taken)
        if not under:
            diagnostics.append(nothing_inside(each))
            continue
        group = group_of(each, under, taken)
        relation, sign = group_relation(each, under, objective.model), sign_text(group)
        groups.append(group)
        terms += tuple(replace(term, within=sign, relation=relation) for term in under)
    return stratified(plans, terms, objective.model), tuple(groups)


def _is_wrong(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def _terms(
    plans: MutableMapping[NetworkName, Plan],
    collected: Collected,
    estimates: Estimates,
    summed: Pieces,
    names: Names,
) -> tuple[LossTerm, ...]:
    terms = (
        *loss_terms(plans, _in_order(summed.parts), names),
        *estimated_terms(plans, estimates.informations, names),
        *distance_terms(plans, estimates.distances, names),
        *count_terms(plans[Q], collected, names),
        *importance_terms(plans, estimates.importances, names),
    )
    return telling(terms, summed.vanished)


def _in_order(parts: Iterable[Piece]) -> list[Piece]:
    """Reconstructions first, then rates, as objectives are written."""
    order = ("reconstruction", "cost", "kl", "cross_entropy", "entropy", "penalty")
    return sorted(parts, key=lambda piece: order.index(piece.kind))
