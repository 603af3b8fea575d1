"""Sums and lists of family members, written once with their range instead of member by member.

What is folded is data: terms, models, phrases, or whatever else is made of variables and names of
networks. A folded sum holds the same kind of data, with a letter in the place of an index.
"""

from __future__ import annotations

__all__ = [
    "Folded",
    "fold_sum",
    "folded_each",
    "folded_text",
    "in_ranges",
    "latex_binder",
    "listed",
    "text_binder",
]

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, NamedTuple, TypeVar

from graphdsl.ir.notation import Phrase
from graphdsl.ir.symbols import Variable
from graphdsl.notation.patterns import Index, in_ranges, indices_of, lettered, rebuilt, words_of

_Item = TypeVar("_Item", bound=Hashable)
_LETTERS = ("i", "j", "k", "l", "m", "n")
_FEWEST = 3  #: links of a chain that is written as a range


@dataclass(frozen=True, slots=True)
class Folded(Generic[_Item]):
    """Items that differ in one index alone: their pattern, and the values of the index.

    An item by itself has no values, and is its own pattern.
    """

    place: int  #: of the first of them
    pattern: _Item
    letter: str = ""
    values: tuple[int, ...] = ()


def fold_sum(items: Sequence[_Item], keys: Sequence[Hashable] = ()) -> tuple[Folded[_Item], ...]:
    """Group the items of a sum that differ in one index, and whose keys are equal.

    The groups expand to the items, each exactly once, whatever their order. Three or more links of
    a chain, whose indices are one apart, are a group where no other takes them.

    >>> from graphdsl.ir.information import Entropy
    >>> x, z = ([Variable(head, (k,)) for k in range(1, 5)] for head in "xz")
    >>> items = [Entropy((x[0],)), Entropy((Variable("u"),)), Entropy((x[1],))]
    >>> [(str(one.pattern), one.values) for one in fold_sum(items)]
    [('H(x[i])', (1, 2)), ('H(u)', ())]
    >>> chain = [Entropy((z[k],), (z[k - 1],)) for k in (1, 2, 3)]
    >>> [(str(one.pattern), one.values) for one in fold_sum(chain)]
    [('H(z[i] | z[i-1])', (2, 3, 4))]
    """
    keys = keys or [None] * len(items)
    places: dict[tuple[bool, Hashable, str, _Item], dict[int, int]] = {}
    for place, (item, key) in enumerate(zip(items, keys, strict=True)):
        for one in _patterns(item, key):
            known = places.setdefault((one.chain, key, one.letter, one.item), {})
            known.setdefault(one.value, place)
    grouped: set[int] = set()
    groups: list[Folded[_Item]] = []
    for (chain, _, letter, pattern), found in sorted(
        places.items(), key=lambda one: (one[0][0], -len(one[1]), min(one[1].values()))
    ):
        free = {value: place for value, place in found.items() if place not in grouped}
        if len(free) >= (_FEWEST if chain else 2):
            grouped.update(free.values())
            groups.append(Folded(min(free.values()), pattern, letter, tuple(sorted(free))))
    groups += (Folded(place, item) for place, item in enumerate(items) if place not in grouped)
    return tuple(sorted(groups, key=lambda group: group.place))


def folded_text(items: Iterable[Hashable]) -> tuple[str, ...]:
    """The summands of a sum as text, families folded.

    >>> from graphdsl.ir.symbols import ModelRef
    >>> folded_text([ModelRef("p", (Variable("x", (k,)),)) for k in (1, 2, 3)])
    ('sum(i in 1..3) p(x[i])',)
    """
    folded = fold_sum([in_ranges(item) for item in items])
    return tuple(f"{text_binder(one)}{one.pattern}" for one in folded)


def folded_each(items: Iterable[Phrase]) -> tuple[str, ...]:
    """Sentences that differ in one index, as one sentence and the values of the index.

    >>> folded_each([Phrase((Variable("x", (k,)), " is fixed")) for k in (1, 2)])
    ('x[i] is fixed for i in 1..2',)
    """
    return tuple(
        f"{one.pattern} for {one.letter} in {_span(one)}" if one.values else str(one.pattern)
        for one in fold_sum([in_ranges(item) for item in items])
    )


def listed(variables: Iterable[Variable]) -> str:
    """Variables with commas between them, long runs of a family as ranges.

    >>> listed([Variable("u"), *(Variable("z", (k,)) for k in (1, 2, 3))])
    'u, z[1..3]'
    """
    return ", ".join(in_ranges(tuple(variables)))


def text_binder(one: Folded[_Item]) -> str:
    """`sum(i in 1..8) `, as a spec would write it; nothing for an item by itself."""
    if not one.values:
        return ""
    return f"sum({one.letter} in {_span(one)}) "


def latex_binder(one: Folded[_Item]) -> str:
    r"""The same in LaTeX: `\sum_{i=1}^{8} `."""
    if not one.values:
        return ""
    low, high = one.values[0], one.values[-1]
    if one.values == tuple(range(low, high + 1)):
        return f"\\sum_{{{one.letter}={low}}}^{{{high}}} "
    return f"\\sum_{{{one.letter} \\in \\{{{', '.join(map(str, one.values))}\\}}}} "


def _span(one: Folded[_Item]) -> str:
    """`1..8`, or `{1, 3, 4}` where values are missing in between."""
    low, high = one.values[0], one.values[-1]
    whole = one.values == tuple(range(low, high + 1))
    return f"{low}..{high}" if whole else f"{{{', '.join(map(str, one.values))}}}"


class _Pattern(NamedTuple, Generic[_Item]):
    """An item with a letter in the place of a value."""

    chain: bool  #: whether the value before it is the letter less one
    letter: str
    item: _Item
    value: int


def _patterns(item: _Item, key: Hashable) -> Iterator[_Pattern[_Item]]:
    """The item with one value replaced by a letter: everywhere, in one slot, or where it is first.

    `H(z[2] | x[1], x[2])` is `H(z[i] | x[1], x[i])`, and `H(z[i] | x[1], x[2])` too. In one slot,
    the value before it may be replaced as well: `H(z[2] | z[1])` is `H(z[i] | z[i-1])`. The ends of
    ranges stay or go with the others: `H(z[5] | z[1..4])` is `H(z[i] | z[1..i-1])`.
    """
    every = indices_of(item)
    words = {*words_of(item), *words_of(key)} if every else set()
    letter = next((one for one in _LETTERS if one not in words), "")
    if not letter:
        return
    ends_apart = tuple(one for one in every if not one.end)
    for places, value in product(dict.fromkeys((ends_apart, every)), _values(every)):
        for chosen in _choices(places, value):
            yield _Pattern(
                False, letter, rebuilt(item, lettered(dict.fromkeys(chosen, letter))), value
            )
        for written in _links(places, value, letter):
            yield _Pattern(True, letter, rebuilt(item, lettered(written)), value)


def _values(places: Iterable[Index]) -> list[int]:
    return sorted({place.value for place in places})


def _choices(places: Sequence[Index], value: int) -> Iterable[tuple[Index, ...]]:
    """Which of the indices of a value a letter replaces."""
    mine = [place for place in places if place.value == value]
    slots = sorted({one.slot for one in mine})
    choices = [mine, *([one for one in mine if one.slot == slot] for slot in slots), mine[:1]]
    return filter(None, dict.fromkeys(map(tuple, choices)))


def _links(places: Sequence[Index], value: int, letter: str) -> Iterator[dict[Index, str]]:
    """A letter for a value, and the letter less one for the value before it, in each slot."""
    for slot in sorted({place.slot for place in places if place.value == value}):
        here = [place for place in places if place.slot == slot and place.value == value]
        before = [place for place in places if place.slot == slot and place.value == value - 1]
        members = [one for one in here if not one.end]
        if before:
            for chosen in {tuple(members or here): None, tuple(here): None}:
                yield dict.fromkeys(chosen, letter) | dict.fromkeys(before, f"{letter}-1")
