"""Numbers that should agree: how many were compared, and how far apart they were."""

from __future__ import annotations

__all__ = ["Tally"]

from graphdsl.ir.verification import Comparison

_TOLERANCE = 1e-9  #: nats, and a share of what is compared


class Tally:
    """Comparisons over distributions of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.mistakes: dict[str, float] = {}  #: what disagreed, and by how much at most
        self.draws = self.values = 0
        self.error = 0.0

    def equal(self, what: str, value: float, exact: float) -> None:
        """Compare two values of one quantity."""
        self._note(what, abs(value - exact), abs(exact))

    def nonnegative(self, what: str, value: float) -> None:
        """Compare with zero what must not be below it."""
        self._note(what, max(0.0, -value), 1.0)

    @property
    def comparison(self) -> Comparison | None:
        """The sum of it; None if nothing was compared."""
        if not self.values:
            return None
        return Comparison(draws=self.draws, values=self.values, max_abs_error=self.error)

    def disagreements(self) -> tuple[str, ...]:
        """Each disagreement in a sentence."""
        return tuple(
            f"{what}: off by {error:.3g} nats, {self.kind}" for what, error in self.mistakes.items()
        )

    def _note(self, what: str, error: float, size: float) -> None:
        self.values += 1
        self.error = max(self.error, error)
        if not error <= _TOLERANCE * max(1.0, size):  # so that NaN is a mistake
            self.mistakes[what] = max(error, self.mistakes.get(what, 0.0))
