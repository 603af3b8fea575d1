"""An objective to what can be bounded, by the order of variables that leaves the best bound.

A derivation takes variables one after the other. Which order it takes follows from what the spec
means: neither names nor the order of lines decide, and what the spec treats alike has equal shares.
"""

from __future__ import annotations

__all__ = ["Forms", "collect", "forms_of", "independences_of"]

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from graphdsl.diagnostics import Diagnostic, Span, SpecError
from graphdsl.ir.draws import draws_in, inside, outside
from graphdsl.ir.graph import Dag, Independence
from graphdsl.ir.information import Collected
from graphdsl.ir.model import Model
from graphdsl.ir.objective import Weighted, Wrapped
from graphdsl.ir.symbols import NetworkName, P, Variable

if TYPE_CHECKING:
    from graphdsl.symbolic import Blocks, Canon, PartsOfLoss

Independences: TypeAlias = Mapping[NetworkName, Independence]
Forms: TypeAlias = "dict[NetworkName, Canon]"


@dataclass(frozen=True, slots=True)
class _Trial:
    """Every objective of a spec, its variables in one order."""

    independences: Independences
    collected: tuple[Collected, ...]
    parts: tuple[PartsOfLoss, ...]  #: of each objective, and of each sum under a sign


def collect(
    model: Model, dags: Mapping[NetworkName, Dag], independences: Independences
) -> tuple[Independences, tuple[Collected, ...]]:
    """Each objective, and the order of variables in which it was derived.

    Where the spec's own order gives the same loss as the best, it is taken: a reader thinks in it.
    Raises `SpecError` where no order splits the bounds of what is alike into few enough shares.
    """
    from graphdsl.graphs import orders, symmetry_of
    from graphdsl.symbolic import quality

    own = _trial(model, dags, independences)
    if own is not None and not any(map(_has_bounds, own.collected)):
        return own.independences, own.collected
    symmetry = symmetry_of(model)
    tried = {_order(independences): own}
    wanted = []
    for ordered in orders(model, symmetry):
        other = independences_of(ordered)
        if _order(other) not in tried:
            tried[_order(other)] = _trial(model, dags, other)
        wanted.append(tried[_order(other)])
    fit = [one for one in wanted if one is not None]
    if not fit:
        raise SpecError((_too_many_shares(model),))
    best = min(fit, key=lambda one: quality(one.collected, one.parts, symmetry))
    chosen = own if own is not None and own.parts == best.parts else best
    return chosen.independences, chosen.collected


def _too_many_shares(model: Model) -> Diagnostic:
    from graphdsl.symbolic import MOST_SHARES
    from graphdsl.symbolic.errors import TooManyShares

    first = model.objective[0]
    span = Span.at(first.line, first.column, 1)
    return TooManyShares(span=span, most=MOST_SHARES)


def _order(independences: Independences) -> tuple[tuple[Variable, ...], ...]:
    """The order of the variables under each distribution."""
    return tuple(one.order for one in independences.values())


def _trial(
    model: Model, dags: Mapping[NetworkName, Dag], independences: Independences
) -> _Trial | None:
    """Every objective in one order; None where an even split of it makes too many terms."""
    from graphdsl.bound import readings
    from graphdsl.symbolic import TooManySharesError, parts_of_loss

    alone = [replace(model, objective=player.objective, players=()) for player in model.players]
    try:
        collected = tuple(_collected(one, dags, independences) for one in alone or [model])
    except TooManySharesError:
        return None
    parts = tuple(
        parts_of_loss(each, partial(readings, model=model))
        for one in collected
        for each in (one, *(group.collected for group in one.groups))
    )
    return _Trial(independences, collected, parts)


def _collected(
    model: Model, dags: Mapping[NetworkName, Dag], independences: Independences
) -> Collected:
    """One objective, what the spec treats alike in equal shares; so are sums under a sign."""
    from graphdsl.bound import readings, shared_evenly
    from graphdsl.graphs import symmetry_of
    from graphdsl.symbolic import collect_objective, evened

    canons = forms_of(model, independences)

    def evenly(collected: Collected, objective: tuple[Weighted, ...]) -> Collected:
        if not _has_bounds(collected):
            return collected
        part = replace(model, objective=objective)
        exchanges = symmetry_of(part).exchanges
        shared = shared_evenly(collected, part, exchanges)
        return evened(shared, part, canons, exchanges, partial(readings, model=model))

    whole = collect_objective(model, dags, canons)
    linear = tuple(term for term in model.objective if not isinstance(term.functional, Wrapped))
    groups = tuple(
        replace(group, collected=evenly(group.collected, group.wrapped.inner))
        for group in whole.groups
    )
    return replace(evenly(whole, linear), groups=groups)


def _has_bounds(collected: Collected) -> bool:
    """Whether anything is bounded or estimated, so that there may be several ways."""
    bounded = collected.unbounded, collected.uncertain, collected.intractable, collected.estimated
    return any(bounded) or any(_has_bounds(group.collected) for group in collected.groups)


def forms_of(model: Model, independences: Independences) -> Forms:
    """Canonical forms under each distribution; under p, the priors of its roots are fixed."""
    from graphdsl.symbolic import Canon

    fixed = frozenset[Variable]()
    if model.generation is not None:
        children = {
            name for conditional in model.generation.conditionals for name in conditional.children
        }
        fixed = frozenset(model.generation.variables) - children - model.observed()
    blocks = _blocks(model)
    return {
        name: Canon(
            independence, name, fixed if name == "p" else frozenset(), tuple(blocks.get(name, ()))
        )
        for name, independence in independences.items()
    }


def _blocks(model: Model) -> dict[NetworkName, list[Blocks]]:
    """Under each inference network, the families that drawn sets choose from, in their blocks."""
    from graphdsl.graphs import Separation, blocked_dag
    from graphdsl.symbolic import Blocks

    blocks: dict[NetworkName, list[Blocks]] = {}
    for network in (model.inference, *model.further):
        seen = {block.head for block in (variable.block for variable in network.variables) if block}
        own = draws_in((), network.name)
        for draw in model.draws:
            for head in draw.families:
                if own and (draw.name not in own or head not in seen):
                    continue
                separation = Separation(*blocked_dag(model, network, head, draw.name))
                members = frozenset(model.members(head))
                one = Blocks(draw, head, members, separation)
                blocks.setdefault(network.name, []).append(one)
    return blocks


def independences_of(model: Model) -> dict[NetworkName, Independence]:
    """d-separation under every distribution that the spec has."""
    from graphdsl.graphs import Separation, generation_dag, inference_dag

    independences: dict[NetworkName, Independence] = {}
    blocks = {
        block(head, draw.name): model.members(head)
        for draw in model.draws
        for head in draw.families
        for block in (inside, outside)
    }
    for network in (model.inference, *model.further):
        order, parents = inference_dag(model, network)
        independences[network.name] = Separation(order, parents, model.observed(), blocks)
    if model.generation is not None:
        order, parents, roots = generation_dag(model, model.generation)
        independences[P] = Separation(order, parents, roots)
    return independences
