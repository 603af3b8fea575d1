"""The choice: the setting whose mean over seeds of the rule's figure is best.

It looks at validation figures alone, and is written down before any held-out row is looked at.
"""

from __future__ import annotations

__all__ = ["Choice", "Spread", "choose", "read_choice", "spread"]

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphdsl.sweeps.grid import Grid, Setting
from graphdsl.sweeps.mistakes import refused
from graphdsl.sweeps.results import Result
from graphdsl.sweeps.rule import Rule
from graphdsl_files import read_at_most

_FORMAT = "graphdsl.sweep-choice/1"
_MOST = 2**26


@dataclass(frozen=True, slots=True)
class Spread:
    """The mean and the standard deviation of a figure over seeds, in nats."""

    mean: float
    deviation: float | None  #: with n - 1; None of one seed
    seeds: int

    def __str__(self) -> str:
        """Write it as one does.

        >>> print(spread([1.0, 2.0]), spread([1.0]))
        1.5000 ± 0.7071 1.0000
        """
        width = "" if self.deviation is None else f" ± {self.deviation:.4f}"
        return f"{self.mean:.4f}{width}"


def spread(values: Sequence[float]) -> Spread:
    """Give the mean and the deviation of some values, at least one."""
    mean = math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    deviation = math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else None
    return Spread(mean, deviation, len(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A setting of the grid, and what the rule found of each setting that it could take."""

    setting: Setting
    rule: str
    figures: tuple[tuple[Setting, Spread], ...]  #: in the order of the grid

    def json(self) -> bytes:
        """Write it for `read_choice`, and for people."""
        content = {
            "format": _FORMAT,
            "rule": self.rule,
            "chosen": self.setting.values,
            "number": self.setting.number,
            "validation": [
                {
                    **{"setting": one.values, "number": one.number},
                    **{"mean": figure.mean, "deviation": figure.deviation, "seeds": figure.seeds},
                }
                for one, figure in self.figures
            ],
        }
        return (json.dumps(content, indent=1) + "\n").encode("utf-8")


def choose(grid: Grid, rule: Rule, results: Iterable[Result]) -> Choice | None:
    """Choose among the settings of which every seed has a finite figure; None if there are none.

    Of equal ones the first of the grid is taken.
    """
    values: dict[int, list[float]] = {}
    for result in results:
        values.setdefault(result.run.setting.number, []).append(rule.value(result.validation))
    figures = tuple(
        (setting, spread(values[setting.number]))
        for setting in grid.settings
        if len(values.get(setting.number, ())) == grid.seeds
        and all(map(math.isfinite, values[setting.number]))
    )
    if not figures:
        return None
    best = min(figures, key=lambda figure: rule.sign * figure[1].mean)
    return Choice(setting=best[0], rule=str(rule), figures=figures)


def read_choice(path: Path, grid: Grid) -> Choice | None:
    """Read the choice that was made; None before it is.  Raises `SweepRefused`."""
    if not path.exists():
        return None
    settings = {setting.number: setting for setting in grid.settings}
    try:
        known = json.loads(read_at_most(path, _MOST))
        if known["format"] != _FORMAT:
            raise ValueError(known["format"])
        return Choice(
            setting=settings[known["number"]],
            rule=str(known["rule"]),
            figures=tuple(
                (settings[one["number"]], Spread(one["mean"], one["deviation"], one["seeds"]))
                for one in known["validation"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise refused("SWEEP11", str(path), "is no record of a choice") from None
