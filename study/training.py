"""A spec compiled in memory and trained, every player in its turn."""

from __future__ import annotations

__all__ = ["Trained", "emitted", "train"]

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from graphdsl import Source, compile_spec
from graphdsl_runtime import Objective, alternate

_SPECS = Path(__file__).parent.parent / "specs"
_BATCH = 128


@dataclass(frozen=True)
class Trained:
    """An objective after training, what a step took, and its terms at the end."""

    objective: Objective
    milliseconds: float
    terms: Mapping[str, float]


def emitted(text: str) -> Callable[..., Objective]:
    """The class that a spec compiles to: a shipped one by its name, or one by its text."""
    path = _SPECS / f"{text}.mib"
    source = Source("study.mib", text) if "\n" in text else Source.read(path)
    made = compile_spec(source)
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
    rate: float = 1e-3,
) -> Trained:
    """Train by Adam on batches of rows drawn anew, and give the mean of the last terms."""
    torch.manual_seed(seed)
    objective.rows = len(rows)
    optimizers = {
        player: torch.optim.Adam(group, rate, betas=(0.5 if player == "critic" else 0.9, 0.999))
        for player, group in objective.parameter_groups().items()
    }
    last: list[dict[str, float]] = []
    start = time.perf_counter()
    for losses in alternate(objective, optimizers, _batches(batch_of, rows, steps)):
        last = [*last[-49:], {name: one.item() for name, one in losses.terms.items()}]
    terms = {name: sum(one[name] for one in last) / len(last) for name in last[0]}
    return Trained(objective.eval(), 1e3 * (time.perf_counter() - start) / steps, terms)


def _batches(
    batch_of: Callable[[Tensor], dict[str, Tensor]], rows: Tensor, steps: int
) -> Iterator[dict[str, Tensor]]:
    """So many batches, row by row without replacement until all have been seen."""
    order = rows[:0]
    for _ in range(steps):
        if len(order) < _BATCH:
            order = rows[torch.randperm(len(rows))]
        yield batch_of(order[:_BATCH])
        order = order[_BATCH:]
