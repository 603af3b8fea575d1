"""Trials of emitted modules that do not agree with their exact values."""

from __future__ import annotations

__all__ = ["disagreeing"]

from graphdsl.auditing import on_trial
from graphdsl.compiler import Compiled, read
from graphdsl.ir.verification import EmittedComparison, Unverified
from graphdsl.trials.verifying import tried

_FAR = 4.0  #: standard errors from which a mean disagrees, if nothing else does


def disagreeing(
    result: Compiled, seed: int, most: int | None
) -> tuple[list[EmittedComparison], list[EmittedComparison]]:
    """All trials of a module, or `most` of them, and those that do not agree.

    Among many thousands of means chance alone puts some 4 standard errors off, but none twice.
    Where nothing but means are off, the trials are those of another seed.
    """
    found, wrong = _compared(result, seed, most)
    if wrong and all(abs(one.z_score or 0.0) > _FAR for one in wrong):
        return _compared(result, seed + 1, most)
    return found, wrong


def _compared(
    result: Compiled, seed: int, most: int | None
) -> tuple[list[EmittedComparison], list[EmittedComparison]]:
    trials = on_trial(result, read(result), seed, most)
    several = [
        tried(one.text, one.class_name, one.trial, one.of)
        for one in trials
        if not isinstance(one, Unverified)
    ]
    return several, [one for one in several if not one.agrees]
