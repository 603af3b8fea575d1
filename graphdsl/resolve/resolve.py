"""The walk over the statements that turns words into things that exist."""

from __future__ import annotations

__all__ = ["Resolution", "resolve"]

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from graphdsl.declare.conditionals import idle_modifiers
from graphdsl.declare.declarations import declare
from graphdsl.declare.masks import declare_masks
from graphdsl.declare.networks import model_network
from graphdsl.declare.scope import Scope
from graphdsl.declare.vias import check_shared_further
from graphdsl.diagnostics import Diagnostic, Source, Span
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network, Node, owners_of_edges
from graphdsl.ir.objective import (
    Assertion,
    EstimatorChoice,
    IdleChoice,
    ModelChoice,
    Player,
    Projection,
    Weighted,
    WeightedProjection,
    Wrapped,
)
from graphdsl.ir.symbols import NetworkName, P, Q
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.resolve.choices import Choice, Replacement, estimate, replaced
from graphdsl.resolve.experts import with_one_expert
from graphdsl.resolve.labels import check_labels, declare_labels, with_labels
from graphdsl.resolve.laws import Laws, every_law
from graphdsl.resolve.objective import constraint, linear
from graphdsl.resolve.players import check_players, goal_before, player_of
from graphdsl.resolve.priors import check_priors, with_priors
from graphdsl.resolve.turns import turns_of
from graphdsl.resolve.whole_spec import check_selectors, check_whole, unused
from graphdsl.syntax import ast
from graphdsl_files import visible


@dataclass(frozen=True, slots=True)
class Resolution:
    """What resolving gave: a model if there is one to speak of, and what was found."""

    model: Model | None
    diagnostics: tuple[Diagnostic, ...]


def resolve(
    spec: ast.Spec,
    source: Source,
    constants: Mapping[str, Fraction] | None = None,
    parameters: Mapping[str, Fraction] | None = None,
) -> Resolution:
    """Give every word of a spec its meaning, and gather every mistake on the way."""
    scope = _declared(spec, constants or {}, parameters or {})
    laws = Laws(_models(scope, spec))
    wanted = _objectives(scope, laws, spec, source)
    every_law(scope, laws)
    _check(scope, laws, spec, wanted.players)
    if not scope.families:
        return Resolution(None, scope.found)
    model = _model(scope, laws, spec, source, wanted)
    warnings = () if scope.found or spec.broken else unused(scope, model)
    return Resolution(model, (*scope.found, *warnings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Objectives:
    """What a spec minimises and asserts, and the estimators and models that it chooses."""

    terms: tuple[Weighted, ...]  #: of all objectives, after the choices
    players: tuple[Player, ...]  #: those with objectives of their own
    choices: tuple[Choice, ...]
    idle_choices: tuple[IdleChoice, ...]
    assertions: tuple[Assertion, ...]


def _declared(
    spec: ast.Spec, constants: Mapping[str, Fraction], parameters: Mapping[str, Fraction]
) -> Scope:
    """The variables, numbers, networks, masks and labels that a spec declares."""
    scope = Scope(spec.lost_words)
    declare(scope, spec, constants, parameters)
    declare_masks(scope, spec)
    declare_labels(scope, spec)
    return scope


def _objectives(scope: Scope, laws: Laws, spec: ast.Spec, source: Source) -> _Objectives:
    """The objectives with the estimators that the spec chooses for their terms."""
    players = _players(scope, laws, spec)
    choices: list[Choice] = []
    assertions: list[Assertion] = []
    for statement in spec.statements:
        match statement:
            case ast.Estimate():
                choice = estimate(scope, laws, statement)
                choices += [choice] if choice else []
            case ast.Assertion():
                assertions.append(_assertion(scope, laws, statement, source))
            case _:
                pass
    choices += laws.choices
    replacements = [choice for choice in choices if isinstance(choice, Replacement)]
    terms, idle = replaced([term for player in players for term in player.objective], replacements)
    return _Objectives(
        terms=terms,
        players=tuple(
            replace(player, objective=replaced(player.objective, replacements)[0])
            for player in players
            if player.owners
        ),
        choices=tuple(choices),
        idle_choices=idle,
        assertions=tuple(assertions),
    )


def _check(scope: Scope, laws: Laws, spec: ast.Spec, players: Sequence[Player]) -> None:
    """Note what is wrong with the networks, the players and the spec as a whole."""
    check_priors(scope, {**laws.models, **laws.further})
    networks = (*laws.models.values(), *laws.further.values())
    check_players(scope, spec, players, owners_of_edges(networks))
    for block in scope.inferences.values():
        check_shared_further(scope, block, laws.further)
    check_selectors(scope, networks)
    check_whole(scope, spec)


def _model(scope: Scope, laws: Laws, spec: ast.Spec, source: Source, wanted: _Objectives) -> Model:
    weighted = (*wanted.terms, *(term for player in wanted.players for term in player.objective))
    empty = Network(name=Q, role="inference", nodes=(), edges=())
    return Model(
        name=_name(spec),
        title=_title(source),
        source_name=source.name,
        sha256=source.sha256,
        families=tuple(scope.families.values()),
        nodes=tuple(_nodes(scope)),
        parameters=tuple(scope.parameters.values()),
        constants=tuple(scope.constants.items()),
        inference=with_one_expert(laws.models.get(Q, empty), weighted),
        generation=laws.models.get(P),
        objective=wanted.terms,
        players=wanted.players,
        turns=turns_of(scope, spec, wanted.players),
        choices=tuple(choice for choice in wanted.choices if isinstance(choice, EstimatorChoice)),
        model_choices=tuple(choice for choice in wanted.choices if isinstance(choice, ModelChoice)),
        idle_choices=wanted.idle_choices,
        assertions=wanted.assertions,
        projections=tuple(_projections(wanted.terms, wanted.assertions)),
        further=tuple(with_one_expert(network, weighted) for network in laws.further.values()),
        draws=tuple(draw for draw in scope.draws.values() if draw.families),
        masks=tuple(mask for mask in scope.masks.values() if mask.learned),
    )


def _models(scope: Scope, spec: ast.Spec) -> dict[NetworkName, Network]:
    """Q and p, the first of each."""
    models: dict[NetworkName, Network] = {}
    for statement in spec.statements:
        if isinstance(statement, ast.NetworkBlock):
            if statement.role == "regularizer":
                idle_modifiers(scope, statement.body)
            elif statement.role != "further" and statement.name.text not in models:
                network = model_network(scope, statement)
                if statement.role == "inference":
                    check_labels(scope, network)
                    network = with_labels(scope, network)
                elif statement.role == "generation":
                    network = with_priors(scope, network)
                models[network.name] = network
    return models


def _players(scope: Scope, laws: Laws, spec: ast.Spec) -> list[Player]:
    """What is minimised, by whom, and the constraints that it is under."""
    players: list[Player] = []
    goals = {one.span: goal for one, goal in goal_before(spec.statements)}
    for statement in spec.statements:
        span = statement.span
        if isinstance(statement, ast.Goal):
            sign = 1 if statement.aim == "minimize" else -1
            objective = tuple(
                replace(one, weight=one.weight.scaled(sign))
                for one in linear(scope, laws, statement.expression)
            )
            players.append(Player(player_of(scope, statement), objective, span.line, span.column))
        elif isinstance(statement, ast.Constraints):
            constraints = [constraint(scope, laws, one) for one in statement.constraints]
            held = tuple(one for one in constraints if one is not None)
            goal = goals[span]
            if goal is not None and goal.owners:  # a constraint of that player's objective
                players[-1] = replace(players[-1], objective=(*players[-1].objective, *held))
            else:
                players.append(Player((), held, span.line, span.column))
    return players


def _assertion(scope: Scope, laws: Laws, statement: ast.Assertion, source: Source) -> Assertion:
    zero = isinstance(statement.right, ast.Number) and statement.right.value == 0
    left = linear(scope, laws, statement.left)
    right = () if zero else linear(scope, laws, statement.right)
    minus = tuple(Weighted(-one.weight, one.functional, one.line, one.column) for one in right)
    return Assertion(
        text=_text(source, statement.span).removeprefix("assert").strip(),
        relation=statement.relation,
        difference=(*left, *minus),
        line=statement.span.line,
        column=statement.span.column,
    )


def _text(source: Source, span: Span) -> str:
    """A stretch of the spec on one line, without comments."""
    lines = list(source.lines[span.line - 1 : span.end_line])
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return " ".join(re.sub(r"#.*", "", " \n".join(lines)).split())


def _title(source: Source) -> str:
    """The comment that a spec opens with, as one line."""
    words = []
    for line in source.lines:
        if not line.startswith("#"):
            break
        words.append(line.lstrip("#").strip())
    return visible(" ".join(words).strip(), keep="")


def _name(spec: ast.Spec) -> str:
    named = [
        statement.name.text for statement in spec.statements if isinstance(statement, ast.ModelName)
    ]
    return named[0] if named else "model"


def _nodes(scope: Scope) -> Iterator[Node]:
    for family in scope.families.values():
        for name in family.nodes:
            yield Node(name=name, family=family.name, role=family.role)


def _projections(
    objective: Sequence[Weighted], assertions: Sequence[Assertion]
) -> Iterator[WeightedProjection]:
    """Every D(q || G), each network once: with its weight in the objective, or with zero."""
    weights: dict[tuple[NetworkName, NetworkName], Weight] = {}
    networks: dict[tuple[NetworkName, NetworkName], Network] = {}
    for one in _unwrapped(objective):
        if isinstance(one.functional, Projection):
            network = one.functional.network
            key = network.name, one.functional.under
            networks.setdefault(key, network)
            weights[key] = weights.get(key, ZERO) + one.weight
    for assertion in assertions:
        for term in assertion.difference:
            if isinstance(term.functional, Projection):
                key = term.functional.network.name, term.functional.under
                networks.setdefault(key, term.functional.network)
    for key, network in networks.items():
        yield WeightedProjection(weights.get(key, ZERO), network, key[1])


def _unwrapped(objective: Iterable[Weighted]) -> Iterator[Weighted]:
    for term in objective:
        if isinstance(term.functional, Wrapped):
            yield from term.functional.inner
        else:
            yield term
