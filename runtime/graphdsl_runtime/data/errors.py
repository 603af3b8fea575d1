"""What is wrong with data, where, and what to write instead: all of it at once."""

from __future__ import annotations

__all__ = ["CODES", "DataRefused", "Finding", "MissingLibrary", "needs", "refused"]

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from textwrap import wrap

from graphdsl_files import visible
from graphdsl_runtime.training.errors import TrainingError

#: What each code is about; docs/your-data.md has a line for each.
CODES = {
    "DATA01": "the source cannot be read",
    "DATA02": "the table has no names, or no rows, or a name twice",
    "DATA03": "a variable has no column",
    "DATA04": "`--map` does not fit the columns or the spec",
    "DATA05": "values of another type than the variable's kind",
    "DATA06": "another number of values, or another shape",
    "DATA07": "values outside the support of the variable's kind",
    "DATA08": "other classes than the variable has",
    "DATA09": "empty cells of a variable that may not lack values",
    "DATA10": "too few rows, or unequal numbers of rows",
    "DATA11": "values that are infinite, or that single precision does not keep",
    "DATA12": "the rows cannot be split so",
    "DATA13": "a library is not installed",
    "DATA21": "a column is constant",
    "DATA22": "values strictly between 0 and 1",
    "DATA23": "classes that never occur",
    "DATA24": "columns of very different scale, or with a long tail",
    "DATA25": "rows that count as missing although part of their values are there",
    "DATA26": "large counts are rounded",
}

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in the data (DATA0x, DATA1x), or something to know about them (DATA2x)."""

    code: str
    where: str  #: the variable, or the file
    said: str
    instead: str = ""  #: what to write, or to do
    _: KW_ONLY

    @property
    def fatal(self) -> bool:
        """Whether nothing can be built on such data."""
        return not self.code.startswith("DATA2")

    def lines(self) -> Iterator[str]:
        """Give it as lines of at most a hundred signs.

        >>> print(*Finding("DATA03", "y", "has no column", "write --map y=COLUMN").lines())
        DATA03  y: has no column; write --map y=COLUMN
        """
        hint = f"; {self.instead}" if self.instead else ""
        text = visible(f"{self.where}: {self.said}{hint}", keep="")
        lines = wrap(text, _WIDTH - 8, break_on_hyphens=False) or [""]
        yield f"{self.code}  {lines[0]}"
        yield from (f"        {line}" for line in lines[1:])


class DataRefused(TrainingError):  # noqa: N818  # named after the mistake, like its siblings
    """Data do not fit the spec, or cannot be read; ``findings`` says all that is wrong.

    >>> DataRefused([Finding("DATA03", "y", "has no column", "write --map y=COLUMN")])
    DataRefused('DATA03  y: has no column; write --map y=COLUMN')
    """

    def __init__(self, findings: Sequence[Finding], table: str = "") -> None:
        lines = [line for finding in findings for line in finding.lines()]
        super().__init__("\n".join([*([table, ""] if table else []), *lines]))
        self.findings = tuple(findings)


class MissingLibrary(DataRefused):
    """A library that reads such a file is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        finding = Finding(
            "DATA13",
            library,
            "is not installed, and such data need it",
            f'pip install "graphdsl[{extra}]"',
        )
        super().__init__([finding])


def refused(code: str, where: str, said: str, instead: str = "") -> DataRefused:
    """Make the refusal of one mistake."""
    return DataRefused([Finding(code, where, said, instead)])


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Import the libraries of an extra inside this.  Raises `MissingLibrary`."""
    try:
        yield
    except ModuleNotFoundError as problem:
        raise MissingLibrary((problem.name or str(problem)).partition(".")[0], extra) from None
