"""A spec compiled in memory and trained, every player in its turn."""

from __future__ import annotations

__all__ = ["SPECS", "Trained", "emitted", "train"]

import copy
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from graphdsl import GeneratedModule, Source, compile_spec
from graphdsl_runtime import Objective, alternate
from study.warming import WARM, warmed

SPECS = Path(__file__).parent.parent / "specs"
_SWIFT = 10  #: times the rate of networks is that of a price, which has one number to move
_GAME = {"model": 0.5, "critic": 2.0}  #: times the rate, of players that circle each other
_MEMORY = 500  #: steps, or so, that the weights by which they are judged are a mean of


@dataclass(frozen=True)
class Trained:
    """An objective after training, what a step took of one core, and its terms at the end."""

    objective: Objective
    milliseconds: float
    terms: Mapping[str, float]


@cache
def _compiled(text: str, constants: tuple[tuple[str, int], ...]) -> GeneratedModule:
    source = Source("study.mib", text) if "\n" in text else Source.read(SPECS / f"{text}.mib")
    return compile_spec(source, {name: Fraction(value) for name, value in constants})


def emitted(text: str, constants: Mapping[str, int] | None = None) -> Callable[..., Objective]:
    """The class that a spec compiles to: a shipped one by its name, or one by its text."""
    made = _compiled(text, tuple((constants or {}).items()))
    module = ModuleType(f"study_{made.class_name}")
    sys.modules[module.__name__] = module
    exec(compile(made.text, f"<{made.class_name}>", "exec"), module.__dict__)  # our own text
    found: type[Objective] = getattr(module, made.class_name)
    return found


def train(
    objective: Objective,
    batch_of: Callable[[Tensor], dict[str, Tensor]],
    rows: Tensor,
    steps: int,
    seed: int = 0,
    *,
    rate: float = 1e-3,
    size: int = 128,
    decay: bool = False,
    warm: bool = False,
    game: bool = False,
) -> Trained:
    """Train by Adam on batches of rows drawn anew, and give the mean of the last terms.

    With ``decay`` the rate falls to 0 along half a cosine; with ``warm`` the objective's own rates
    are warmed up; as a ``game`` nobody has momentum, the critic has four times the model's rate,
    and the objective that comes back has means of the weights of the last steps.
    """
    torch.manual_seed(seed)
    objective.rows = len(rows)
    optimizers = {
        player: _adam(player, group, rate, game)
        for player, group in objective.parameter_groups().items()
    }
    mean = copy.deepcopy(objective) if game else objective
    last: list[dict[str, float]] = []
    start = time.process_time()
    batches = _batches(batch_of, rows, steps, size)
    with warmed(objective, round(WARM * steps)) if warm else nullcontext():
        for step, losses in enumerate(alternate(objective, optimizers, batches), 1):
            for optimizer in optimizers.values() if decay else ():
                share = step / steps
                optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * share))
            if game:
                _average(mean, objective, 1 / min(step, _MEMORY))
            last = [*last[-49:], {name: one.item() for name, one in losses.terms.items()}]
    terms = {name: sum(one[name] for one in last) / len(last) for name in last[0]}
    return Trained(mean.eval(), 1e3 * (time.process_time() - start) / steps, terms)


def _adam(player: str, group: list[nn.Parameter], rate: float, game: bool) -> torch.optim.Adam:
    if game:
        return torch.optim.Adam(group, _GAME[player] * rate, betas=(0.0, 0.99))
    own = _SWIFT * rate if player == "multiplier" else rate
    return torch.optim.Adam(group, own, betas=(0.5 if player == "critic" else 0.9, 0.999))


@torch.no_grad()
def _average(mean: Objective, objective: Objective, share: float) -> None:
    """Take a share of the weights that there are now into their mean."""
    for kept, one in zip(mean.parameters(), objective.parameters(), strict=True):
        kept.lerp_(one, share)


def _batches(
    batch_of: Callable[[Tensor], dict[str, Tensor]], rows: Tensor, steps: int, size: int
) -> Iterator[dict[str, Tensor]]:
    """So many batches, row by row without replacement until all have been seen."""
    order = rows[:0]
    for _ in range(steps):
        if len(order) < size:
            order = rows[torch.randperm(len(rows))]
        yield batch_of(order[:size])
        order = order[size:]
