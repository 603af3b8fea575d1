"""How many steps each player takes in a round: `turns critic = 5, model = 1`."""

from __future__ import annotations

__all__ = ["turns_of"]

from collections.abc import Iterator, Mapping, Sequence

from graphdsl.declare.indices import NO_INDICES, whole
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import nearest, one_of
from graphdsl.ir.objective import Player, Turn
from graphdsl.resolve.term_errors import TurnsOfNobody, TurnsTwice
from graphdsl.syntax import ast


def turns_of(scope: Scope, spec: ast.Spec, players: Sequence[Player]) -> tuple[Turn, ...]:
    """The turns that a spec gives its players; a critic's are checked where critics are made."""
    known = _players(scope, spec, players)
    seen: dict[str, int] = {}
    turns: list[Turn] = []
    for turn in _written(spec):
        word, name = turn.player, known.get(turn.player.text)
        count = whole(scope, turn.count, NO_INDICES, f"the number of turns of `{word}`", 1)
        if name is None:
            guess = _guess(scope, word.text, known)
            scope.note(TurnsOfNobody(span=word.span, name=word.text, guess=guess))
        elif name in seen:
            scope.note(TurnsTwice(span=word.span, name=word.text, line=seen[name]))
        elif count is not None:
            span = word.span
            turns.append(Turn(name, count, word.text, span.line, span.column))
        seen.setdefault(name or "", word.span.line)
    return tuple(turns)


def _guess(scope: Scope, name: str, known: Mapping[str, str]) -> str:
    close = nearest(name, known)
    if close:
        return f"did you mean `{close}`?"
    if name in ("q", "p", *scope.inferences):
        whole = "`model` trains its networks" if "model" in known else "no objective is for it"
        return f"{whole}: write {one_of(known)}"
    return f"write {one_of(known)}"


def _written(spec: ast.Spec) -> Iterator[ast.Turn]:
    for statement in spec.statements:
        if isinstance(statement, ast.Turns):
            yield from statement.turns


def _players(scope: Scope, spec: ast.Spec, players: Sequence[Player]) -> dict[str, str]:
    """Who may play, by each name in the spec, as the module calls them."""
    known = {owner: player.name for player in players for owner in player.owners} or {
        "model": "model"
    }
    known["critic"] = "critic"
    if any(mask.learned for mask in scope.masks.values()):
        known["structure"] = "structure"
    if any(isinstance(statement, ast.Constraints) for statement in spec.statements):
        known["multiplier"] = "multiplier"
    return known
