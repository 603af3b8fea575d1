"""Games in training: whose turn it is, and a step of those whose turn it is."""

from __future__ import annotations

__all__ = ["alternate", "begin", "due", "play", "turn"]

from collections.abc import Iterable, Iterator, Mapping

import torch
import torch._functorch.config
from torch.optim import Optimizer

from graphdsl_runtime.errors import OutOfRange, ShardedParameters, UnknownName
from graphdsl_runtime.module import Batch, Losses, Objective
from graphdsl_runtime.ranks import average_gradients, of_all_ranks


def alternate(
    objective: Objective,
    optimizers: Mapping[str, Optimizer],
    batches: Iterable[Batch],
    turns: Mapping[str, int] | None = None,
    start: int = 0,
) -> Iterator[Losses]:
    r"""Train on batch after batch, every player in its turn, and give the losses of each.

    A round is as many batches as the player with most turns has; a player of fewer takes its steps
    evenly among them, and the last with all others: ``{"critic": 5, "model": 1}`` is five steps of
    the critic, the model stepping beside the fifth. Players that step on the same batch do so at
    once, from the losses that it had before any of them. Parameters that move over training are
    where they are at the step, which counts on from ``start``.  The objective may be one that
    `torch.compile` made.  Of several ranks each has its own batches, and all begin with the first's
    weights.

    ``optimizers`` has one per player, over its `Objective.parameter_groups`; ``turns`` are by
    default the objective's own.
    Raises `UnknownName` for a player that the objective has not, and for one without an optimizer,
    and `OutOfRange` for less than one turn.
    Reference: paper, algorithm 1; Goodfellow et al. 2014, algorithm 1 (k critic steps a round).

    >>> from torch import nn
    >>> class Mean(Objective):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.level = nn.Parameter(torch.zeros(()))
    ...
    ...     def forward(self, batch, noise=None):
    ...         return Losses((batch["x"] - self.level).square().mean(), {})
    >>> objective = Mean()
    >>> sgd = torch.optim.SGD(objective.parameters(), lr=0.25)
    >>> batches = [{"x": torch.ones(4)}, {"x": torch.ones(4)}]
    >>> print(*(losses.loss.item() for losses in alternate(objective, {"model": sgd}, batches)))
    1.0 0.25
    """
    turns = begin(objective, optimizers, turns)
    for step, batch in enumerate(batches, start):
        objective.advance(step)
        yield turn(objective, batch, optimizers, due(optimizers, turns, step))


def begin(
    objective: Objective, optimizers: Mapping[str, Optimizer], turns: Mapping[str, int] | None
) -> dict[str, int]:
    """Check who plays, give all ranks the first's weights, and say the turns: the objective's own.

    Raises `UnknownName` for a player that the objective has not, and for one without an optimizer.
    """
    players = list(objective.parameter_groups())
    turns = dict(objective.turns if turns is None else turns)
    for name in (*turns, *optimizers):
        if name not in players:
            raise UnknownName("player", name, known=players)
    for name in players:
        if name not in optimizers:
            raise UnknownName("optimizer of the player", name, known=list(optimizers))
    for parameter in objective.parameters():
        of_all_ranks(parameter.detach())
    return turns


def turn(
    objective: Objective,
    batch: Batch,
    optimizers: Mapping[str, Optimizer],
    playing: Iterable[str],
) -> Losses:
    """Let some players step on a batch, and give the losses that it had before."""
    # A graph that torch compiles in here keeps its memory until every player has been through.
    with torch._functorch.config.patch(donated_buffer=False):  # torch's own word for it
        losses: Losses = objective(batch)
        play(losses, {name: optimizers[name] for name in playing})
    return losses


def due(players: Iterable[str], turns: Mapping[str, int], step: int) -> list[str]:
    """Say who takes a step on the batch of that number; who has no entry has one turn a round.

    Raises `OutOfRange` for less than one turn.

    >>> for step in range(3):
    ...     print(*due(["model", "critic"], {"critic": 3}, step))
    critic
    critic
    model critic
    """
    for name, count in turns.items():
        if count < 1:
            raise OutOfRange(f"turns of {name}", count, low=1, high=float("inf"))
    counts = {name: turns.get(name, 1) for name in players}
    length = max(counts.values(), default=1)
    place = step % length
    return [
        name
        for name, count in counts.items()
        if (place + 1) * count // length > place * count // length
    ]


def play(losses: Losses, optimizers: Mapping[str, Optimizer], clip: float | None = None) -> None:
    """Let some players step at once, each on its own loss and with what its optimizer holds alone.

    All gradients come first: a step changes what the others' were computed from. What a loss says
    of another player's parameters is not asked, and a loss that depends on no parameter moves none.
    Gradients are averaged over all ranks; then one whose norm is above ``clip``, over all that the
    player trains, is scaled down to it. Raises `ShardedParameters` for what `fully_shard` has cut:
    autograd would find no gradient of it, and nothing would be trained.

    >>> weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    >>> losses = Losses(weight.square().sum() / 2, {})  # its gradient is the weight, of norm 5
    >>> play(losses, {"model": torch.optim.SGD([weight], lr=1.0)}, clip=1.0)
    >>> weight.detach().round(decimals=3)
    tensor([2.4000, 3.2000])
    """
    for name, optimizer in optimizers.items():
        optimizer.zero_grad()
        own = [one for group in optimizer.param_groups for one in group["params"]]
        if any(hasattr(one, "full_tensor") for one in own):  # a DTensor
            raise ShardedParameters(name)
        loss = losses.players[name]
        if loss.requires_grad:
            torch.autograd.backward(loss, inputs=own, retain_graph=len(optimizers) > 1)
            average_gradients(own)
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(own, clip)
    for optimizer in optimizers.values():
        optimizer.step()
        optimizer.zero_grad()
