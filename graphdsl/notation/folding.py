"""Sums and lists of family members, written once with their range instead of member by member."""

from __future__ import annotations

__all__ = [
    "Folded",
    "fold_lists",
    "fold_sum",
    "folded_each",
    "folded_latex",
    "folded_text",
    "latex_binder",
    "text_binder",
]

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_TEXT_INDEX = re.compile(r"\[(\d+(?:,\d+)*)\]|(?<=\w)\((\d+(?:,\d+)*)\)")
_LATEX_INDEX = re.compile(r"_\{(\d+(?:,\d+)*)\}|(?<=\w)\((\d+(?:,\d+)*)\)")
_MEMBER = re.compile(r"([A-Za-z_]\w*'*)\[((?:\d+,)*)(\d+)\]")
_LETTERS = ("i", "j", "k", "l", "m", "n")
_FEWEST = 3  #: members of a run that is written as a range


@dataclass(frozen=True, slots=True)
class Folded:
    """Items that differ in one index alone: their pattern, and the values of the index.

    An item by itself has no values, and its pattern is its text.
    """

    place: int  #: of the first of them
    pattern: str
    letter: str = ""
    values: tuple[int, ...] = ()


def fold_sum(
    items: Sequence[str], keys: Sequence[Hashable] = (), *, latex: bool = False
) -> tuple[Folded, ...]:
    """Group the items of a sum whose texts differ in one index, and whose keys are equal.

    The groups expand to the items, each exactly once, whatever their order. Three or more links of
    a chain, whose indices are one apart, are a group where no other takes them.

    >>> [(one.pattern, one.values) for one in fold_sum(["H(x[1])", "H(z)", "H(x[2])"])]
    [('H(x[i])', (1, 2)), ('H(z)', ())]
    >>> [*fold_sum(["H(z[2] | z[1])", "H(z[3] | z[2])", "H(z[4] | z[3])"])]
    [Folded(place=0, pattern='H(z[i] | z[i-1])', letter='i', values=(2, 3, 4))]
    """
    keys = keys or [None] * len(items)
    places: dict[tuple[bool, Hashable, _Pattern], dict[int, int]] = {}
    for place, (item, key) in enumerate(zip(items, keys, strict=True)):
        for pattern, value in _patterns(item, latex):
            places.setdefault((pattern.chain, key, pattern), {}).setdefault(value, place)
    grouped: set[int] = set()
    groups: list[Folded] = []
    for (chain, _, pattern), found in sorted(
        places.items(), key=lambda one: (one[0][0], -len(one[1]), min(one[1].values()))
    ):
        free = {value: place for value, place in found.items() if place not in grouped}
        if len(free) >= (_FEWEST if chain else 2):
            grouped.update(free.values())
            first, values = min(free.values()), tuple(sorted(free))
            groups.append(Folded(first, pattern.text, pattern.letter, values))
    groups += (Folded(place, item) for place, item in enumerate(items) if place not in grouped)
    return tuple(sorted(groups, key=lambda one: one.place))


def folded_text(items: Sequence[str]) -> tuple[str, ...]:
    """The summands of a sum as text, families folded.

    >>> folded_text(["H(x[1])", "H(x[2])", "H(x[3])", "H(z)"])
    ('sum(i in 1..3) H(x[i])', 'H(z)')
    """
    return tuple(f"{text_binder(one)}{one.pattern}" for one in fold_sum(items))


def folded_each(items: Sequence[str]) -> tuple[str, ...]:
    """Sentences that differ in one index, as one sentence and the values of the index.

    >>> folded_each(["x[1] is fixed", "x[2] is fixed"])
    ('x[i] is fixed for i in 1..2',)
    """
    return tuple(
        f"{one.pattern} for {one.letter} in {_span(one)}" if one.values else one.pattern
        for one in fold_sum([fold_lists(item) for item in items])
    )


def folded_latex(items: Sequence[str]) -> tuple[str, ...]:
    r"""The summands of a sum in LaTeX, families folded.

    >>> folded_latex(["H(x_{1})", "H(x_{2})", "H(x_{3})"])
    ('\\sum_{i=1}^{3} H(x_{i})',)
    """
    return tuple(f"{latex_binder(one)}{one.pattern}" for one in fold_sum(items, latex=True))


def fold_lists(text: str) -> str:
    """Runs of three or more members, side by side in a list, as a range.

    >>> fold_lists("H(u | z[1], z[2], z[3], x[2])")
    'H(u | z[1..3], x[2])'
    >>> fold_lists("H(u[2,1], u[2,2], u[2,3])")
    'H(u[2,1..3])'
    """
    written, end = [], 0
    for run in _runs(text):
        head, before, first, last = *run[0].groups(), run[-1].group(3)
        written.append(f"{text[end : run[0].start()]}{head}[{before}{first}..{last}]")
        end = run[-1].end()
    return "".join(written) + text[end:]


def text_binder(one: Folded) -> str:
    """`sum(i in 1..8) `, as a spec would write it; nothing for an item by itself."""
    if not one.values:
        return ""
    return f"sum({one.letter} in {_span(one)}) "


def latex_binder(one: Folded) -> str:
    r"""The same in LaTeX: `\sum_{i=1}^{8} `."""
    if not one.values:
        return ""
    low, high = one.values[0], one.values[-1]
    if one.values == tuple(range(low, high + 1)):
        return f"\\sum_{{{one.letter}={low}}}^{{{high}}} "
    return f"\\sum_{{{one.letter} \\in \\{{{', '.join(map(str, one.values))}\\}}}} "


def _span(one: Folded) -> str:
    """`1..8`, or `{1, 3, 4}` where values are missing in between."""
    low, high = one.values[0], one.values[-1]
    whole = one.values == tuple(range(low, high + 1))
    return f"{low}..{high}" if whole else f"{{{', '.join(map(str, one.values))}}}"


class _Place(NamedTuple):
    """Where a text has a value of an index."""

    start: int
    end: int
    value: int
    slot: int  #: which value of its index it is


class _Pattern(NamedTuple):
    """A text with a letter in the place of a value."""

    chain: bool  #: whether the value before it is the letter less one
    letter: str
    text: str


def _patterns(text: str, latex: bool) -> Iterator[tuple[_Pattern, int]]:
    """The text with one value replaced by a letter: everywhere, in one slot, or where it is first.

    `H(z[2] | x[1], x[2])` is `H(z[i] | x[1], x[i])`, and `H(z[i] | x[1], x[2])` too. In one slot,
    the value before it may be replaced as well: `H(z[2] | z[1])` is `H(z[i] | z[i-1])`.
    """
    places = [*_places(text, latex)]
    words = set(re.findall(r"[A-Za-z_]\w*", text)) if places else set()
    letter = next((one for one in _LETTERS if one not in words), "")
    if not letter:
        return
    for value in sorted({one.value for one in places}):
        mine = [one for one in places if one.value == value]
        slots = sorted({one.slot for one in mine})
        choices = [mine, *([one for one in mine if one.slot == slot] for slot in slots), mine[:1]]
        for chosen in dict.fromkeys(map(tuple, choices)):
            written = {one: letter for one in chosen}
            yield _Pattern(False, letter, _replaced(text, written)), value
        for slot in slots:
            before = [one for one in places if (one.value, one.slot) == (value - 1, slot)]
            if before:
                written = {one: letter for one in mine if one.slot == slot}
                written |= dict.fromkeys(before, f"{letter}-1")
                yield _Pattern(True, letter, _replaced(text, written)), value


def _places(text: str, latex: bool) -> Iterator[_Place]:
    for found in (_LATEX_INDEX if latex else _TEXT_INDEX).finditer(text):
        group = 1 if found.group(1) else 2
        start = found.start(group)
        for slot, value in enumerate(found.group(group).split(",")):
            yield _Place(start, start + len(value), int(value), slot)
            start += len(value) + 1


def _replaced(text: str, instead: Mapping[_Place, str]) -> str:
    written, end = "", 0
    for one in sorted(instead):
        written += text[end : one.start] + instead[one]
        end = one.end
    return written + text[end:]


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Members of one family, each the next of the one before it, with only commas between."""
    run: list[re.Match[str]] = []
    for found in _MEMBER.finditer(text):
        if run and not _follows(text, run[-1], found):
            yield from _long(run)
            run = []
        run.append(found)
    yield from _long(run)


def _long(run: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    if len(run) >= _FEWEST:
        yield run


def _follows(text: str, before: re.Match[str], after: re.Match[str]) -> bool:
    between = text[before.end() : after.start()]
    same = before.groups()[:2] == after.groups()[:2]
    return same and between in (", ", ",") and int(after.group(3)) == int(before.group(3)) + 1
