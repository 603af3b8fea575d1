"""How a parameter of an objective moves in training."""

from __future__ import annotations

__all__ = ["Schedule"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """A number that goes from ``start`` to ``end``: once, or anew in each of its cycles.

    Without cycles it moves in ``steps`` equal steps from step ``first`` on. With cycles, ``steps``
    are divided among them: in each the number moves in the first half and stays in the second.

    >>> ramp = Schedule(0.0, 1.0, steps=10, first=100)
    >>> ramp.at(0), ramp.at(105), ramp.at(200)
    (0.0, 0.5, 1.0)
    >>> cycle = Schedule(0.0, 1.0, steps=100, cycles=2)
    >>> cycle.at(0), cycle.at(5), cycle.at(40), cycle.at(50), cycle.at(100)
    (0.0, 0.2, 1.0, 0.0, 1.0)
    """

    start: float
    end: float
    steps: int
    first: int = 0
    cycles: int = 0

    @property
    def last(self) -> int:
        """The step from which it is at its end for good."""
        return self.first + self.steps

    def at(self, step: int) -> float:
        """Give the number at a step of training, from 0 on."""
        share = (step - self.first) / self.steps
        if self.cycles and share < 1.0:
            share = 2.0 * (share * self.cycles % 1.0)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def __str__(self) -> str:
        word = "cycle" if self.cycles else "ramp"
        others = f", from = {self.first}" * (self.first > 0)
        others += f", cycles = {self.cycles}" * (self.cycles > 0)
        return f"{word}({self.start}, {self.end}, steps = {self.steps}{others})"
