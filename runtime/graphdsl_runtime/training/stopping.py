"""The settings that end a run before its last epoch: what may be written there."""

from __future__ import annotations

__all__ = ["duration", "refuse_wrong_endings"]

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from graphdsl_files import TrainingSettings

_TIME = re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d):([0-5]?\d)")


def duration(written: str) -> timedelta | None:
    """Read a time, [DD:]HH:MM:SS; None where it is none.

    >>> duration("1:30:00"), duration("2:00:00:00"), duration("soon")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=2), None)
    """
    parts = _TIME.fullmatch(written)
    if parts is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
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
