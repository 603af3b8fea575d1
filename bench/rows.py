"""A row of the tables of estimators: what was estimated, beside what is true."""

__all__ = ["ERRORS", "HEAD", "Row", "row_of"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from bench.gaussians import Case
from graphdsl_runtime import ESTIMATORS

#: Standard errors that a mean may lie on the wrong side: of some 250 means that are held from both
#: sides, 3 would fail one in half the runs by chance, and 4 in one run of sixty.
ERRORS = 4.0
Held: TypeAlias = Literal["yes", "NO", "undecided", "no claim"]

_NUMBERS = ("correlation", "dimension", "batch", "true", "estimate", "error", "standard error")
HEAD = (
    f"| estimator | relation | {' | '.join(_NUMBERS)} | held |\n"
    f"| --- | --- |{' ---: |' * len(_NUMBERS)} --- |"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one estimator gave at one place."""

    name: str
    case: Case
    true: float
    estimate: float
    error: float  #: standard error of the mean over batches
    held: Held  #: whether it lies where it is said to

    def __str__(self) -> str:
        case = self.case
        return (
            f"| {self.name} | {ESTIMATORS[self.name].relation} | {case.correlation} "
            f"| {case.dimension} | {case.batch} | {self.true:.3f} | {self.estimate:.3f} "
            f"| {self.estimate - self.true:+.3f} | {self.error:.3f} | {self.held} |"
        )


def row_of(name: str, case: Case, true: float, values: Sequence[Tensor], known: float = 0.0) -> Row:
    """Hold the mean over batches against the truth.

    ``known`` is a standard error that the values may not show: of a tail too heavy for them, or of
    a truth that is itself a mean.
    """
    drawn = torch.stack(list(values))
    error = math.hypot(drawn.std().item() / math.sqrt(len(values)), known)
    mean = drawn.mean().item()
    held = _held(name, mean - true, ERRORS * error, true)
    return Row(name=name, case=case, true=true, estimate=mean, error=error, held=held)


def _held(name: str, surplus: float, slack: float, true: float) -> Held:
    """Say whether the mean lies on the side that relation and bias name, for the best critic."""
    record = ESTIMATORS["donsker_varadhan" if name == "Mine" else name]  # of equal value
    upwards = record.relation == "upper" or record.bias.startswith("upwards")
    exact = record.relation == "saddle" or record.bias.startswith("none")  # for the best critic
    downwards = record.relation == "lower" or record.bias.startswith("downwards")
    if not (upwards or downwards or exact):
        return "no claim"
    if abs(surplus) <= slack and slack > abs(true):
        return "undecided"
    above, below = surplus >= -slack, surplus <= slack
    if upwards:
        return "yes" if above else "NO"
    if record.relation != "saddle" and downwards:
        return "yes" if below else "NO"
    return "yes" if above and below else "NO"
