"""Objectives by player: `minimize E for p` trains p's networks, and those alone."""

from __future__ import annotations

__all__ = ["check_players", "goal_before", "player_of"]

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.objective import Player, Sparsity, Weighted, Wrapped
from graphdsl.resolve.term_errors import (
    ConstraintOfNobody,
    PlayerMissing,
    PlayerTwice,
    SparsityElsewhere,
    UnknownPlayer,
)
from graphdsl.syntax import ast

_PREDICTORS = "predictors"


def player_of(scope: Scope, goal: ast.Goal) -> tuple[str, ...]:
    """Whose networks an objective trains; none for all of them."""
    known = ["q", "p", *scope.inferences, _PREDICTORS]
    for word in goal.owners:
        scope.used.add(word.text)
        if word.text not in known:
            close = nearest(word.text, known)
            listed = ", ".join(f"`{one}`" for one in known[:-1])
            guess = f"there are {listed} and `{_PREDICTORS}`; a critic plays of its own accord"
            guess = f"did you mean `{close}`?" if close else guess
            if word.text == "model":
                guess = "leave `for` out, and one objective trains all networks; or name several"
            scope.note(UnknownPlayer(span=word.span, name=word.text, guess=guess))
    return tuple(word.text for word in goal.owners)


def goal_before(
    statements: Iterable[ast.Statement],
) -> Iterator[tuple[ast.Constraints, ast.Goal | None]]:
    """Every `subject to`, with the objective that it stands right behind."""
    goal: ast.Goal | None = None
    for statement in statements:
        if isinstance(statement, ast.Constraints):
            yield statement, goal
        else:
            goal = statement if isinstance(statement, ast.Goal) else None


def check_players(
    scope: Scope,
    spec: ast.Spec,
    players: Sequence[Player],
    edges: Mapping[str, frozenset[str]],
) -> None:
    """Note who plays twice, and what is not said of whose it is.

    Of each learned mask, `edges` has the distributions whose networks have edges under it.
    """
    goals = [statement for statement in spec.statements if isinstance(statement, ast.Goal)]
    if not any(goal.owners for goal in goals):
        return
    _check_owners(scope, goals, players)
    first = ", ".join(word.text for word in next(one for one in goals if one.owners).owners)
    for constraints, goal in goal_before(spec.statements):
        if goal is None:
            scope.note(ConstraintOfNobody(span=_start(constraints.span, "subject"), player=first))
    for player in players:
        _check_sparsity(scope, player, edges)


def _check_owners(scope: Scope, goals: Iterable[ast.Goal], players: Sequence[Player]) -> None:
    """Every objective says whose it is, and nobody has two."""
    seen: dict[str, int] = {}
    for goal in goals:
        if not goal.owners:
            named = {name for player in players for name in player.owners}
            left = [name for name in ("q", "p", *scope.inferences) if name not in named]
            example = ", ".join(left or ["q"])
            scope.note(PlayerMissing(span=_aim(goal), example=f"minimize ... for {example}"))
        for word in goal.owners:
            if word.text in seen:
                line = seen[word.text]
                scope.note(PlayerTwice(span=word.span, name=word.text, line=line))
            seen.setdefault(word.text, word.span.line)


def _check_sparsity(scope: Scope, player: Player, edges: Mapping[str, frozenset[str]]) -> None:
    """Edges follow the objective of who has them: what is said of them elsewhere moves nothing."""
    for one in _unwrapped(player.objective):
        if not isinstance(one.functional, Sparsity):
            continue
        for mask in one.functional.masks:
            whose = edges.get(mask, frozenset())
            if whose and whose.isdisjoint(player.owners):
                span = Span(one.line, one.column, one.line, one.column + len("sparsity"))
                written = ", ".join(player.owners)
                scope.note(
                    SparsityElsewhere(span=span, mask=mask, player=written, owner=min(whose))
                )


def _unwrapped(objective: Iterable[Weighted]) -> Iterator[Weighted]:
    for term in objective:
        yield from term.functional.inner if isinstance(term.functional, Wrapped) else (term,)


def _aim(goal: ast.Goal) -> Span:
    return _start(goal.span, goal.aim)


def _start(span: Span, word: str) -> Span:
    """The word that a statement begins with."""
    return Span(span.line, span.column, span.line, span.column + len(word))
