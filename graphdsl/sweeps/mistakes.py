"""What is wrong with a sweep: all of it at once, each mistake with its code and its next step."""

from __future__ import annotations

__all__ = ["CODES", "Mistake", "SweepRefused", "refused"]

from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl_files import shown

#: What each code is about; docs/sweeps.md has a line for each.
CODES = {
    "SWEEP01": "`--param` or `--const` is not NAME=VALUE,VALUE,... with numbers",
    "SWEEP02": "the spec declares no such parameter or constant",
    "SWEEP03": "a name, or a value, is given twice",
    "SWEEP04": "`--select` is not a rule",
    "SWEEP05": "the rule names a term that the loss does not have",
    "SWEEP06": "an option that the sweep sets itself, or that `graphdsl train` does not have",
    "SWEEP07": "the spec does not compile with a value of the grid",
    "SWEEP08": "the folder holds another sweep, or something else",
    "SWEEP09": "another process works on the sweep",
    "SWEEP10": "`--on` names no place to run, or Ray is not there",
    "SWEEP11": "a result of a run cannot be read",
    "SWEEP21": "the rule compares losses of different parameters",
}
_USAGE = frozenset(f"SWEEP0{number}" for number in range(1, 7)) | {"SWEEP10"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in what a sweep was asked for."""

    code: str
    where: str  #: the option, or the file
    reason: str
    instead: str = ""  #: what to write, or to do

    def __str__(self) -> str:
        """Give it as one line.

        >>> print(Mistake("SWEEP04", "--select", "is empty", "write min(loss)"))
        SWEEP04  --select: is empty; write min(loss)
        """
        hint = f"; {self.instead}" if self.instead else ""
        return f"{self.code}  {shown(self.where)}: {self.reason}{hint}"


class SweepRefused(Exception):  # noqa: N818  # named after the mistake
    """A sweep that cannot be carried out; ``mistakes`` says all that is wrong."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)

    @property
    def exit_code(self) -> int:
        """2 for wrong usage, 1 for what the spec, the folder or a run is at fault for."""
        return 2 if any(mistake.code in _USAGE for mistake in self.mistakes) else 1


def refused(code: str, where: str, reason: str, instead: str = "") -> SweepRefused:
    """Make the refusal of one mistake."""
    return SweepRefused([Mistake(code, where, reason, instead)])
