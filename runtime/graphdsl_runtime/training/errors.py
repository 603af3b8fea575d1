"""What can go wrong around a training run, each mistake with its next step.

All of them are `TrainingError`; a batch that does not fit a module is an `ObjectiveError` of the
runtime, as everywhere.
"""

# ruff: noqa: N818  (each is named after the mistake; `TrainingError` is what they all are)

from __future__ import annotations

__all__ = [
    "BadDataFile",
    "CannotResume",
    "CannotWrite",
    "Diverged",
    "MissingExtra",
    "RunExists",
    "SeesItsAnswer",
    "TooFewLabels",
    "TrainingError",
    "UnknownData",
    "WrongKind",
    "WrongNumberOfValues",
    "WrongNumberOfViews",
    "WrongSettings",
]

import shlex
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

from graphdsl_files import visible


class TrainingError(Exception):
    """A mistake in what a training run was asked for, or a run that came to no good end."""


class MissingExtra(TrainingError):
    """A library that only training needs is not installed.

    >>> MissingExtra("sklearn.datasets")
    MissingExtra('this needs scikit-learn, which is not installed: pip install "graphdsl[train]"')
    """

    def __init__(self, module: str) -> None:
        root = module.partition(".")[0]
        library = {"sklearn": "scikit-learn"}.get(root, root)
        super().__init__(
            f'this needs {library}, which is not installed: pip install "graphdsl[train]"'
        )


#: What each code of a run's settings is about; docs/training.md has a line for each.
CODES = {
    "RUN01": "a setting has no such value",
    "RUN02": "a setting names what the spec has not",
    "RUN03": "the machine has no such devices, or cannot use them so",
    "RUN04": "a library is not installed",
    "RUN05": "a `run.toml` cannot be read",
    "RUN06": "a `run.toml` is of another spec, or of other weights",
    "RUN07": "a `run.toml` names code to run",
}


class WrongSettings(TrainingError):
    """Settings of a run do not fit each other, the spec or the machine; all that is wrong.

    >>> WrongSettings([("RUN01", "`--max-time soon` is no time")])
    WrongSettings('RUN01  `--max-time soon` is no time')
    """

    def __init__(self, findings: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{code}  {visible(said)}" for code, said in findings))
        self.findings = tuple(findings)


class UnknownData(TrainingError):
    """No data set has that name, or it wants a folder that was not given.

    >>> UnknownData("digit-halves", known=["digits", "digits-halves"])
    ... # doctest: +NORMALIZE_WHITESPACE
    UnknownData('there is no data set `digit-halves` (did you mean `digits-halves`?);
    the names are: `digits`, `digits-halves`')
    """

    def __init__(self, name: str, *, known: Sequence[str]) -> None:
        kinds = {one.partition(":")[0]: one for one in known}
        close = get_close_matches(name.partition(":")[0].lower(), kinds, n=1)
        guess = f" (did you mean `{kinds[close[0]]}`?)" if close else ""
        names = ", ".join(f"`{one}`" for one in known)
        super().__init__(
            f"there is no data set `{visible(name, keep='')}`{guess}; the names are: {names}"
        )


class BadDataFile(TrainingError):
    """A data file is missing, or is not what its name says.

    >>> BadDataFile(Path("t10k-labels-idx1-ubyte"), "ends after 7 of 100 values")
    BadDataFile('t10k-labels-idx1-ubyte: ends after 7 of 100 values')
    """

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(f"{visible(str(path), keep='')}: {said}")
        self.path = path


class WrongNumberOfViews(TrainingError):
    """The spec observes more, or fewer, things than the data set has views.

    >>> WrongNumberOfViews("digits", has=1, names=["x[1]", "x[2]"], other="digits-halves")
    ... # doctest: +NORMALIZE_WHITESPACE
    WrongNumberOfViews('digits has 1 view a row, and the spec observes 2: `x[1]`, `x[2]`;
    `digits-halves` has 2')
    """

    def __init__(self, data: str, *, has: int, names: Sequence[str], other: str) -> None:
        listed = ": " + ", ".join(f"`{name}`" for name in names) if names else ""
        hint = f"; `{other}` has {len(names)}" if other else ""
        views = "view" if has == 1 else "views"
        super().__init__(
            f"{data} has {has} {views} a row, and the spec observes {len(names)}{listed}{hint}"
        )


class WrongNumberOfValues(TrainingError):
    """A variable of the spec has more, or fewer, values than a view of the data set.

    >>> WrongNumberOfValues("x", shape=(784,), data="digits", image=(8, 8))
    ... # doctest: +NORMALIZE_WHITESPACE
    WrongNumberOfValues('`x` has 784 values a row, digits has 64 (8 x 8):
    if a constant of the spec sets that size, try `--const NAME=64` with its name')
    """

    def __init__(
        self, name: str, *, shape: Sequence[int], data: str, image: tuple[int, int]
    ) -> None:
        values = 1
        for size in shape:
            values *= size
        rows, columns = image
        long = "" if len(shape) < 2 else f" ({' x '.join(map(str, shape))})"
        super().__init__(
            f"`{name}` has {values} values a row{long}, {data} has {rows * columns} "
            f"({rows} x {columns}): if a constant of the spec sets that size, "
            f"try `--const NAME={rows * columns}` with its name"
        )


class WrongKind(TrainingError):
    """A variable of the spec is of a kind that the data set has nothing for.

    >>> WrongKind("y", kind="categorical", data="digits")
    WrongKind('`y` is categorical; digits has images of 0 and 1, for `binary` or `real` variables')
    """

    def __init__(self, name: str, *, kind: str, data: str) -> None:
        super().__init__(
            f"`{name}` is {kind}; {data} has images of 0 and 1, for `binary` or `real` variables"
        )


class CannotResume(TrainingError):
    """A checkpoint is not one, belongs to another module, or has nothing left to do.

    >>> CannotResume(Path("last"), "there is no such file")
    CannotResume('cannot resume from last: there is no such file')
    """

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(f"cannot resume from {visible(str(path), keep='')}: {said}")
        self.path = path


class CannotWrite(TrainingError):
    """The system refuses to write a run's file; what was there before is there still.

    >>> CannotWrite(Path("runs/vae"), "no space left on device")
    CannotWrite('runs/vae cannot be written: no space left on device')
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{visible(str(path), keep='')} cannot be written: {why}")
        self.path = path


class RunExists(TrainingError):
    """A run would be written over another one.

    >>> RunExists(Path("runs/vae"))
    ... # doctest: +NORMALIZE_WHITESPACE
    RunExists('runs/vae holds a run already: go on with it (--resume runs/vae),
    replace it (--force), or write to another folder (-o)')
    """

    def __init__(self, path: Path) -> None:
        name = visible(shlex.quote(str(path)), keep="")
        super().__init__(
            f"{visible(str(path), keep='')} holds a run already: go on with it "
            f"(--resume {name}), replace it (--force), or write to another folder (-o)"
        )
        self.path = path


class Diverged(TrainingError):
    """The loss stopped being a number.

    >>> Diverged("rate_z", float("nan"), epoch=3, learning_rate=0.1)
    ... # doctest: +NORMALIZE_WHITESPACE
    Diverged('`rate_z` became nan in epoch 3: the run stopped there, and the checkpoint holds
    epoch 2; try a learning rate below 0.1')
    >>> Diverged("rate_z", float("nan"), epoch=1, learning_rate=0.1)
    ... # doctest: +NORMALIZE_WHITESPACE
    Diverged('`rate_z` became nan in epoch 1: the run stopped there, and nothing was saved;
    try a learning rate below 0.1')
    """

    def __init__(
        self,
        term: str,
        value: float,
        *,
        epoch: int,
        learning_rate: float,
        because: str = "",
        command: str = "",
    ) -> None:
        done = epoch - 1
        kept = f"the checkpoint holds epoch {done}" if done else "nothing was saved"
        hint = f", or go on from the checkpoint with it: {command}" if done and command else ""
        super().__init__(
            f"`{term}` became {value} in epoch {epoch}: the run stopped there, and {kept}; "
            f"{because or f'try a learning rate below {learning_rate:g}'}{hint}"
        )
        self.term = term
        self.value = value
        self.epoch = epoch
        self.learning_rate = learning_rate
        self.because = because

    def going_on(self, command: str) -> Diverged:
        """Say the same, with the command that goes on from the checkpoint."""
        return Diverged(
            self.term,
            self.value,
            epoch=self.epoch,
            learning_rate=self.learning_rate,
            because=self.because,
            command=command,
        )


class TooFewLabels(TrainingError):
    """More than half of the rows have the same label, so not every row can get another's.

    >>> TooFewLabels(3, of=5)
    TooFewLabels('3 of 5 rows have the same label: not every row can be given one of another label')
    """

    def __init__(self, same: int, *, of: int) -> None:
        super().__init__(
            f"{same} of {of} rows have the same label: "
            "not every row can be given one of another label"
        )


class SeesItsAnswer(TrainingError):
    """A view is to be predicted from itself.

    >>> SeesItsAnswer({"x[2]"})
    SeesItsAnswer('`x[2]` is both given and to be predicted: leave it out of what is given')
    """

    def __init__(self, names: Collection[str]) -> None:
        listed = ", ".join(f"`{name}`" for name in sorted(names))
        super().__init__(
            f"{listed} is both given and to be predicted: leave it out of what is given"
        )
