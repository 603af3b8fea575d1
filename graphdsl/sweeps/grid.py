"""The grid of a sweep: the values of each parameter and constant, and all their combinations."""

from __future__ import annotations

__all__ = ["Axis", "Grid", "Setting", "read_axes"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

from graphdsl.api.numbers import exact_text
from graphdsl.diagnostics import nearest
from graphdsl.sweeps.mistakes import Mistake
from graphdsl_files import shown

Kind: TypeAlias = Literal["param", "const"]

_LONGEST = 120  # letters of a folder's name
_EXAMPLES = {"param": "such as --param beta=0.1,1,10", "const": "such as --const latents=4,8"}
_QUOTED = 100  # letters of a word that a message repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A name of the spec and its values, as they were written."""

    kind: Kind
    name: str
    values: tuple[str, ...]

    @property
    def words(self) -> tuple[str, str]:
        """The option that gives it, and the argument of that."""
        return f"--{self.kind}", f"{self.name}={','.join(self.values)}"

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One combination of values."""

    number: int  #: its place in the grid, from 1
    axes: tuple[Axis, ...]  #: each with one value

    @property
    def values(self) -> dict[str, str]:
        """The value of each name."""
        return {axis.name: axis.values[0] for axis in self.axes}

    @property
    def folder(self) -> str:
        """The name of the folder of its runs; its number where the values are too long.

        >>> beta = Axis(kind="param", name="beta", values=("1/3",))
        >>> Setting(number=1, axes=(beta,)).folder, Setting(number=1, axes=()).folder
        ('beta=1-3', 'setting-0001')
        """
        name = ",".join(f"{key}={value}" for key, value in self.values.items()).replace("/", "-")
        return name if 0 < len(name) <= _LONGEST else f"setting-{self.number:04d}"

    @property
    def words(self) -> list[str]:
        """The options of `graphdsl train` that give it."""
        return [word for axis in self.axes for word in axis.words]

    def __str__(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.values.items()) or "as written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All combinations of the values, each with as many seeds."""

    axes: tuple[Axis, ...]
    seeds: int

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All combinations, the last name's values changing fastest.

        >>> axis = Axis(kind="param", name="beta", values=("1", "10"))
        >>> [str(one) for one in Grid(axes=(axis,), seeds=1).settings]
        ['beta=1', 'beta=10']
        """
        return tuple(
            self._setting(number, values)
            for number, values in enumerate(product(*(axis.values for axis in self.axes)), start=1)
        )

    @property
    def samples(self) -> tuple[Setting, ...]:
        """As few settings as have every value of every name: what a check compiles."""
        count = max((len(axis.values) for axis in self.axes), default=1)
        return tuple(
            self._setting(place + 1, [axis.values[place % len(axis.values)] for axis in self.axes])
            for place in range(count)
        )

    def _setting(self, number: int, values: Sequence[str]) -> Setting:
        fixed = (
            Axis(kind=axis.kind, name=axis.name, values=(value,))
            for axis, value in zip(self.axes, values, strict=True)
        )
        return Setting(number=number, axes=tuple(fixed))


def read_axes(
    written: Mapping[Kind, Sequence[str]], declared: Mapping[Kind, Sequence[str]]
) -> tuple[tuple[Axis, ...], list[Mistake]]:
    """Read the words of --param and --const; give the axes, and all that is wrong.

    ``declared`` is what the spec declares, by kind.
    """
    axes: list[Axis] = []
    mistakes: list[Mistake] = []
    for kind, words in written.items():
        for word in words:
            axis, wrong = _axis(kind, word)
            mistakes += wrong
            if axis is None:
                continue
            mistakes += _unknown(axis, declared)
            if any(one.name == axis.name for one in axes):
                where = f"--{kind} {axis.name}"
                mistakes.append(
                    Mistake("SWEEP03", where, "is given twice", "list all values after one `=`")
                )
            axes.append(axis)
    return tuple(axes), mistakes


def _axis(kind: Kind, word: str) -> tuple[Axis | None, list[Mistake]]:
    name, equals, rest = (part.strip() for part in word.partition("="))
    values = tuple(value.strip() for value in rest.split(",")) if equals else ()
    numbers = [exact_text(value) for value in values]
    if not (name and values):
        reason = f"takes NAME=VALUE,VALUE,..., not {word[:_QUOTED]!r}"
        return None, [Mistake("SWEEP01", f"--{kind}", reason, _EXAMPLES[kind])]
    mistakes = [
        Mistake("SWEEP01", f"--{kind} {name}", f"{value[:_QUOTED]!r} is no number", "such as 0.1")
        for value, number in zip(values, numbers, strict=True)
        if number is None
    ]
    mistakes += _repeated(kind, name, values)
    return Axis(kind=kind, name=name, values=values), mistakes


def _repeated(kind: Kind, name: str, values: Sequence[str]) -> Iterator[Mistake]:
    """Find values that are the same number, however they are written."""
    first: dict[object, str] = {}
    for value in values:
        number = exact_text(value)
        if number is not None and number in first:
            same = f" ({value} is {first[number]})" if value != first[number] else ""
            reason = f"has the value {first[number]} twice{same}"
            yield Mistake("SWEEP03", f"--{kind} {name}", reason, "leave one out")
        first.setdefault(number, value)


def _unknown(axis: Axis, declared: Mapping[Kind, Sequence[str]]) -> Iterator[Mistake]:
    known = declared[axis.kind]
    if axis.name in known:
        return
    other: Kind = "const" if axis.kind == "param" else "param"
    close = nearest(axis.name, known)
    if axis.name in declared[other]:
        hint = f"write --{other} {axis.name}=..."
    elif close:
        hint = f"did you mean `{close}`?"
    else:
        hint = f"there are: {', '.join(known) or 'none'}"
    what = {"param": "parameter", "const": "constant"}[axis.kind]
    yield Mistake("SWEEP02", f"--{axis.kind}", f"the spec has no {what} `{shown(axis.name)}`", hint)
