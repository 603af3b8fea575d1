"""What the rivals' scripts share: the check that they do the same work, and the JSON they print."""

__all__ = ["contest", "require_same_loss"]

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from statistics import fmean

import torch
from torch import Tensor

from bench.handwritten import random_batches
from bench.measure import Step, compare

Loss = Callable[[Tensor], float]  #: nats per row of one batch, at the weights a step starts from


def contest(prepare: Callable[[], Mapping[str, Mapping[str, Step]]]) -> None:
    """Measure every comparison and print it as JSON; the first step of each is hand-written.

    `prepare` builds the steps, comparison -> name -> step, after threads and seed were set.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    results = {
        title: [asdict(timing) for timing in compare(steps, random_batches(), arguments.rounds)]
        for title, steps in prepare().items()
    }
    print(json.dumps(results))


def require_same_loss(handwritten: Loss, rival: Loss) -> None:
    """Refuse to compare steps whose mean losses differ by more than 0.1 % at equal weights."""
    batches = random_batches(16)
    ours, theirs = (fmean(loss(batch) for batch in batches) for loss in (handwritten, rival))
    if abs(ours - theirs) > 1e-3 * abs(ours):
        raise SystemExit(f"the losses differ, {ours:.3f} and {theirs:.3f} nats: not the same work")
