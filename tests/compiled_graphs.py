"""A compiled module, held against itself in eager torch."""

from __future__ import annotations

__all__ = ["assert_compiled_is_eager", "assert_trains_alike"]

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch._functorch.config
from torch import Tensor
from torch.optim import Optimizer

from graphdsl_runtime import Losses, Objective


def assert_compiled_is_eager(
    objective: Objective,
    batch: Mapping[str, Tensor],
    noise: Mapping[str, Tensor] | None = None,
    backend: str = "aot_eager",
    within: float = 1e-6,
) -> None:
    """One graph, and every player's loss and own gradients are eager's.

    The backend "eager" would trace the forward pass alone; "aot_eager" traces both, with torch's
    own ideas of every tensor's strides. Differences are relative to the largest entry.
    """
    torch.compiler.reset()
    compiled = torch.compile(objective, fullgraph=True, backend=backend)
    groups = objective.parameter_groups()
    steps = []
    with torch._functorch.config.patch(donated_buffer=False):  # players share the graph
        for one in (compiled, objective):
            torch.manual_seed(7)  # what is drawn inside, such as permutations
            losses: Losses = one(batch, noise)
            gradient = partial(torch.autograd.grad, retain_graph=True, materialize_grads=True)
            steps.append(
                [
                    found
                    for player, own in groups.items()
                    for loss in [losses.players[player]]
                    for found in (loss.detach(), *gradient(loss, own))
                ]
            )
    for ours, theirs in zip(*steps, strict=True):
        assert (ours - theirs).abs().max() <= within * theirs.abs().max().clamp(min=1e-3)


def assert_trains_alike(
    make: Callable[[], Objective], train: Callable[[Objective, Mapping[str, Optimizer]], None]
) -> None:
    """All parameters end where they do in eager torch, each player with an optimizer of its own."""
    trained = []
    for compiled in (False, True):
        objective = make()
        groups = objective.parameter_groups()
        optimizers = {name: torch.optim.SGD(group, lr=0.1) for name, group in groups.items()}
        torch.compiler.reset()
        one: Any = objective
        if compiled:
            one = torch.compile(objective, fullgraph=True, backend="aot_eager")
        torch.manual_seed(2)  # the noise
        train(one, optimizers)
        trained.append(dict(objective.named_parameters()))
    eager, graph = trained
    for name in eager:
        torch.testing.assert_close(graph[name], eager[name], msg=name)
