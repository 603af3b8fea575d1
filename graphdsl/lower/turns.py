"""The turns of a game's players, and of who has turns and does not play."""

from __future__ import annotations

__all__ = ["idle_turns", "turns"]

from collections.abc import Iterator

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.lower.errors import TurnsIdle

_EXAMPLES = {
    "critic": "JS(q(x) || p(x))",
    "multiplier": "subject to KL(q(z | x) || p(z)) <= 1",
}


def turns(model: Model) -> tuple[tuple[str, int], ...]:
    """How many steps players take in a round, as the spec says."""
    return tuple((turn.player, turn.count) for turn in model.turns)


def idle_turns(module: LossModule, model: Model) -> Iterator[Diagnostic]:
    """Turns of a critic that no term has, or of a multiplier whose constraint has vanished."""
    players = [f"`{name}`" for name in module.playing]
    for turn in model.turns:
        if turn.player not in module.playing:
            yield TurnsIdle(
                span=Span(turn.line, turn.column, turn.line, turn.column + len(turn.written)),
                name=turn.player,
                players=" and ".join(filter(None, (", ".join(players[:-1]), players[-1]))),
                example=_EXAMPLES[turn.player],
            )
