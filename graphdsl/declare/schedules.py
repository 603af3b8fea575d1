"""How a parameter moves in training: `ramp` and `cycle`."""

from __future__ import annotations

__all__ = ["schedule_of"]

from graphdsl.declare.indices import NO_INDICES, number, whole
from graphdsl.declare.scope import Scope
from graphdsl.declare.setting_errors import ScheduleSetting, ScheduleTwice, ScheduleWithout
from graphdsl.ir.networks import Schedule
from graphdsl.syntax import ast

#: Of each word, how it is written; its settings: what each counts, the least it may be, and whether
#: it may be left out.
_USAGE = {
    "ramp": "ramp(0, 4, steps = 2000)",
    "cycle": "cycle(0, 1, steps = 10000, cycles = 4)",
}
_SETTINGS = {
    "ramp": {"steps": ("the number of steps", 1, False), "from": ("the first step", 0, True)},
    "cycle": {
        "steps": ("the number of steps", 1, False),
        "cycles": ("the number of cycles", 1, False),
    },
}


def schedule_of(scope: Scope, written: ast.Schedule) -> Schedule | None:
    """Where a parameter starts, and how it comes to its value."""
    start = number(scope, written.start, NO_INDICES)
    counts = _counts(scope, written)
    if len(counts) < len(written.settings):
        return None  # a mistake was noted there
    for name, (_, _, optional) in _SETTINGS[written.name.text].items():
        if name not in counts and not optional:
            word, usage = written.name.text, _USAGE[written.name.text]
            scope.note(ScheduleWithout(span=written.span, word=word, name=name, usage=usage))
            return None
    steps, first, cycles = counts["steps"], counts.get("from", 0), counts.get("cycles", 0)
    if start is None or steps is None or first is None or cycles is None:
        return None
    return Schedule(start=start, steps=steps, first=first, cycles=cycles)


def _counts(scope: Scope, written: ast.Schedule) -> dict[str, int | None]:
    """The settings by name; None where a mistake was noted."""
    word, counts = written.name.text, dict[str, int | None]()
    for setting in written.settings:
        name = setting.name.text
        if name not in _SETTINGS[word] or name in counts:
            mistake = ScheduleTwice if name in counts else ScheduleSetting
            scope.note(mistake(span=setting.span, word=word, name=name, usage=_USAGE[word]))
            continue
        what, least, _ = _SETTINGS[word][name]
        counts[name] = whole(scope, setting.value, NO_INDICES, what, least)
    return counts
