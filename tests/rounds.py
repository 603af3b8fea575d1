"""A round of a game, held against steps that are taken by hand."""

from __future__ import annotations

__all__ = ["assert_a_round_is_of_own_steps"]

from collections.abc import Mapping

import torch
from torch import Tensor

from graphdsl_runtime import Objective, alternate, due

_RATE = 1e-2


def assert_a_round_is_of_own_steps(
    objective: Objective, batch: Mapping[str, Tensor], turns: Mapping[str, int]
) -> None:
    """In a round each player's parameters move by its own gradient steps, and by nothing else.

    Every step is taken twice, by `alternate` and by hand: what is not the player's stays as it is,
    bit by bit, and what is moves by the gradient of the player's own loss, which is not zero.
    """
    groups = objective.parameter_groups()
    steps = {name: torch.optim.SGD(group, lr=_RATE) for name, group in groups.items()}
    everything = [one for group in groups.values() for one in group]
    assert len(set(map(id, everything))) == len(everything)
    assert set(map(id, everything)) == set(map(id, objective.parameters()))
    counts = dict.fromkeys(groups, 0)
    for step in range(max(turns.values(), default=1)):
        torch.manual_seed(step)
        players = objective(batch).players
        assert players.keys() == groups.keys()
        before = {id(one): one.detach().clone() for one in everything}
        expected: dict[int, Tensor] = {}
        for name in due(groups, turns, step):
            counts[name] += 1
            grads = torch.autograd.grad(
                players[name], groups[name], retain_graph=True, allow_unused=True
            )
            assert any(one is not None and bool((one != 0).any()) for one in grads), name
            for parameter, grad in zip(groups[name], grads, strict=True):
                if grad is not None:
                    expected[id(parameter)] = before[id(parameter)] - _RATE * grad
        torch.manual_seed(step)
        next(alternate(objective, steps, [batch], turns, start=step))
        for parameter in everything:
            if id(parameter) in expected:
                torch.testing.assert_close(parameter.detach(), expected[id(parameter)])
            else:
                assert torch.equal(parameter, before[id(parameter)])
    assert counts == {name: turns.get(name, 1) for name in groups}
