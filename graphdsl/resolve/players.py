"""Objectives by player: `minimize E for p` trains p's networks, and those alone."""

from __future__ import annotations

__all__ = ["check_players", "player_of"]

from collections.abc import Iterable, Sequence

from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.model import Player
from graphdsl.resolve.errors import NotYet
from graphdsl.resolve.scope import Scope
from graphdsl.resolve.term_errors import PlayerMissing, PlayerTwice, UnknownPlayer
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
            scope.note(UnknownPlayer(span=word.span, name=word.text, guess=guess))
    return tuple(word.text for word in goal.owners)


def check_players(scope: Scope, spec: ast.Spec, players: Sequence[Player]) -> None:
    """Note who plays twice, and what is not said of whose it is."""
    goals = [one for one in spec.statements if isinstance(one, ast.Goal)]
    if not any(goal.owners for goal in goals):
        return
    seen: dict[str, int] = {}
    for goal in goals:
        if not goal.owners:
            named = {name for one in players for name in one.owners}
            left = [name for name in ("q", "p", *scope.inferences) if name not in named]
            example = ", ".join(left or ["q"])
            scope.note(PlayerMissing(span=_aim(goal), example=f"minimize ... for {example}"))
        for word in goal.owners:
            if word.text in seen:
                line = seen[word.text]
                scope.note(PlayerTwice(span=word.span, name=word.text, line=line))
            seen.setdefault(word.text, word.span.line)
    _check_alone(scope, spec.statements)


def _check_alone(scope: Scope, statements: Iterable[ast.Statement]) -> None:
    for one in statements:
        if isinstance(one, ast.Constraints):
            instead = "say it with a weight: `+ 10 * max(E, 0.1)` in the objective of one player"
            what = "`subject to` beside objectives by player"
            scope.note(NotYet(span=one.span, what=what, instead=instead))
        if isinstance(one, ast.MaskDeclaration) and one.learned is not None:
            instead = "leave `for` out: one objective trains all networks and the mask"
            what = "a learned mask beside objectives by player"
            scope.note(NotYet(span=one.span, what=what, instead=instead))


def _aim(goal: ast.Goal) -> Span:
    span = goal.span
    return Span(span.line, span.column, span.line, span.column + len(goal.aim))
