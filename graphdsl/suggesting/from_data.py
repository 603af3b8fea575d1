"""A spec to begin with, written from data: `graphdsl new --from`."""

from __future__ import annotations

__all__ = ["spec_from"]

import math
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdsl.diagnostics import Source, SpecError
from graphdsl_files import visible

if TYPE_CHECKING:
    from graphdsl_runtime.data import Guess, Guesses

_MOST_LATENT = 16
_MOST_NAMED = 4  # columns that a map names one by one where a range says the same
_LONGEST = 60  # of a comment behind a line


@dataclass(frozen=True)
class _Declared:
    """A variable of the spec, and the `--map` that it needs, if any."""

    guess: Guess
    name: str
    map: str

    @property
    def family(self) -> int | None:
        """How many members it has, if it is a family: columns that lack cells one by one."""
        many = len(self.guess.columns) > 1
        views = many and bool(self.guess.shape)
        return len(self.guess.columns) if many and (self.guess.optional or views) else None

    @property
    def size(self) -> int:
        """How many values a row of it has."""
        return len(self.guess.columns) * math.prod(self.guess.shape)

    @property
    def parents(self) -> str:
        """How a line of a network names one member, or all of it."""
        return f"{self.name}[i]" if self.family else self.name

    @property
    def each(self) -> str:
        """What a line of a network says for all members."""
        return f"  for i in 1..{self.family}" if self.family else ""

    def line(self) -> str:
        """Its declaration, with a comment on the guess."""
        one = self.guess
        shape = one.shape if one.shape else ((len(one.columns),) if len(one.columns) > 1 else ())
        shape = one.shape if self.family else shape
        kind = one.kind if one.classes is None else f"{one.kind}({one.classes})"
        sizes = f"[{', '.join(map(str, shape))}]" if shape else ""
        family = f"[1..{self.family}]" if self.family else ""
        scale = " ~ normal(scale = learned)" if one.kind == "real" else ""
        optional = " optional" if one.optional else ""
        lacking = f"; {100 * one.missing:.2g} % of the rows lack it" if one.optional else ""
        said = _comment(f"{_short(one.why)}{lacking}")
        return f"observed {self.name}{family} : {kind}{sizes}{scale}{optional}  # {said}"


def spec_from(
    model: str, source: str, guesses: Guesses, *, private: bool, target: str
) -> tuple[str, str]:
    """Write a spec, and the command that trains it; ``private`` gives each view a latent.

    Raises `SpecError` for a model that cannot have this name.
    """
    from graphdsl.fmt import format_spec

    declared = _declared(guesses)
    size = max(2, min(_MOST_LATENT, sum(one.size for one in declared) // 2))
    maps = [one.map for one in declared if one.map]
    words = ["graphdsl", "train", target, "--data", source]
    for one in maps:
        words += ["--map", one]
    command = shlex.join(words)
    lines = [
        f"# Guessed from {_comment(source)}",
        f"model {model}",
        "",
        f"# Look at every line: a kind claims how the data ({guesses.rows} rows) are distributed.",
        f"# Train it with: {_comment(command)}",
        *(one.line() for one in declared),
        *(f"# left out: {_comment(f'{_short(name)}: {why}')}" for name, why in guesses.left_out),
        f"latent   z : real[{size}] ~ normal  # what the variables share",
        *(_private(declared) if private else ()),
        "",
        *_networks(declared, private),
        "",
        "# KL(q || p) is minus the ELBO, up to a constant of the data.",
        "minimize KL(q || p)",
        "",
    ]
    return format_spec(Source(f"{model}.mib", "\n".join(lines))), command


def _networks(declared: Sequence[_Declared], private: bool) -> Iterator[str]:
    many = len(declared) > 1 or declared[0].family is not None
    experts = "  by poe" if many or declared[0].guess.optional else ""
    names = ", ".join(one.name for one in declared)
    if many:
        yield "# `by poe` multiplies an expert for each variable, so that any may be missing."
    yield "q {"
    yield f"    {names} -> z{experts}"
    if private:
        yield from (f"    {one.parents} -> own_{one.parents}{one.each}" for one in declared)
    yield "}"
    yield "p {"
    for one in declared:
        own = f", own_{one.parents}" if private else ""
        yield f"    z{own} -> {one.parents}{one.each}"
    yield "}"


def _private(declared: Sequence[_Declared]) -> Iterator[str]:
    for one in declared:
        size = max(1, min(_MOST_LATENT // 2, one.size // 4))
        family = f"[1..{one.family}]" if one.family else ""
        named = f"own_{one.name}{family}"
        yield f"latent {named} : real[{size}] ~ normal  # what {one.name} has alone"


def _declared(guesses: Guesses) -> list[_Declared]:
    """Name every variable."""
    every = guesses.columns
    taken: set[str] = {"z"}
    declared = []
    for variable in guesses.variables:
        name = _name(variable.name, lambda name: name not in taken and _is_legal(name))
        taken.add(name)
        declared.append(_Declared(variable, name, _map(variable, name, every)))
    return declared


def _map(one: Guess, name: str, every: Sequence[str]) -> str:
    """The option that gives a variable its columns, where their names do not."""
    if len(one.columns) == 1:
        return "" if one.columns[0] == name else f"{name}={_quoted(one.columns[0])}"
    starts = [f"{name}_{first}" for first in ((1,) if one.optional or one.shape else (0, 1))]
    alike = re.compile(rf"{name}(_\d+|\.\d+|\[\d+\])")
    if one.numbered and one.columns[0] in starts:
        if {other for other in every if alike.fullmatch(other)} == set(one.columns):
            return ""
    start = f"{one.name}_"
    if _quoted(start) == start:
        if tuple(other for other in every if other.startswith(start)) == one.columns:
            return f"{name}={start}*"
    first = every.index(one.columns[0])
    ends = one.columns[0], one.columns[-1]
    ranged = len(one.columns) > _MOST_NAMED and all(_quoted(end) == end for end in ends)
    if ranged and tuple(every[first : first + len(one.columns)]) == one.columns:
        return f"{name}={'..'.join(ends)}"
    return f"{name}={','.join(map(_quoted, one.columns))}"


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"[,*?]|\.\.", name) else name


def _name(text: str, fits: Callable[[str], bool]) -> str:
    """A legal name that is as near to a text as can be."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"\W+", "_", letters).strip("_") or "x"
    plain = plain if plain[0].isalpha() else f"x_{plain}"
    number = 1
    name = plain
    while not fits(name):
        number += 1
        name = f"{plain}_{number}"
    return name


def _is_legal(name: str) -> bool:
    from graphdsl.compiler import check_spec

    text = (
        f"model guessed\nobserved {name} : binary\nlatent z : real[2] ~ normal\n"
        f"q {{ {name} -> z }}\np {{ z -> {name} }}\nminimize KL(q || p)\n"
    )
    try:
        check_spec(Source("guessed.mib", text))
    except SpecError:
        return False
    return True


def _comment(text: str) -> str:
    return visible(text, keep="")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
