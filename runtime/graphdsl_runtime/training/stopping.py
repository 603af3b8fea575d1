"""When a run ends before its last epoch: by what its epochs came to, or by the time."""

from __future__ import annotations

__all__ = ["Watched", "duration", "refuse_wrong_endings", "stalled", "watched"]

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from graphdsl_files import TrainingSettings
from graphdsl_runtime.training.metrics import Epoch

_TIME = re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d):([0-5]?\d)")


@dataclass(frozen=True, slots=True)
class Watched:
    """A term that is to improve: to fall, or to rise."""

    term: str
    rises: bool


def watched(written: str) -> Watched:
    """Read what ``early_stop`` says.

    >>> watched("loss"), watched("information_z:max")
    (Watched(term='loss', rises=False), Watched(term='information_z', rises=True))
    """
    term, _, way = written.partition(":")
    return Watched(term, rises=way == "max")


def stalled(history: Sequence[Epoch], settings: TrainingSettings) -> bool:
    """Say whether the watched term has not improved for as many epochs as it may.

    It is a function of the epochs done: a run that goes on stops where the unbroken one does.

    >>> losses = [3.0, 1.0, 2.0, 1.5]
    >>> epochs = [Epoch(number=k, train={}, held_out={"loss": x}) for k, x in enumerate(losses, 1)]
    >>> wait = TrainingSettings(early_stop="loss", patience=2)
    >>> stalled(epochs[:3], wait), stalled(epochs, wait)
    (False, True)
    """
    if settings.early_stop is None or not history:
        return False
    known = watched(settings.early_stop)
    sign = -1.0 if known.rises else 1.0
    values = [sign * epoch.held_out[known.term] for epoch in history]
    return len(values) - 1 - values.index(min(values)) >= settings.patience


def duration(written: str) -> timedelta | None:
    """Read a time, [DD:]HH:MM:SS; None where it is none.

    >>> duration("1:30:00"), duration("2:00:00:00"), duration("soon")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=2), None)
    """
    found = _TIME.fullmatch(written)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    time = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return time if time else None


def refuse_wrong_endings(
    settings: TrainingSettings, terms: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with ``max_time`` and ``early_stop``."""
    if settings.max_time is not None and duration(settings.max_time) is None:
        yield (
            "RUN01",
            f"`--max-time {settings.max_time}` is no time: write HH:MM:SS, such as 01:30:00",
        )
    if settings.early_stop is None:
        return
    term, colon, way = settings.early_stop.partition(":")
    if term not in terms:
        yield (
            "RUN02",
            f"`--early-stop {settings.early_stop}`: the terms of this loss are {', '.join(terms)}",
        )
    elif colon and way not in ("min", "max"):
        yield (
            "RUN01",
            f"`--early-stop {settings.early_stop}`: write {term}:max for a term that is to rise",
        )
