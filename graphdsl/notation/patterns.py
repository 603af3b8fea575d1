"""Data with letters in the place of indices, and with ranges in the place of long lists.

`rebuilt` makes such data from any data that are tuples, sets and dataclasses of variables and names
of networks. What it makes is printed as the data themselves are.
"""

from __future__ import annotations

__all__ = ["Index", "in_ranges", "indices_of", "lettered", "rebuilt", "words_of"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import NamedTuple, Self, TypeVar, cast

from graphdsl.ir.symbols import Names, NetworkName, Variable, latex_names, runs

_Data = TypeVar("_Data")
_FEWEST = 3  #: members of a run that is written as a range


class Index(NamedTuple):
    """One value of the index of a variable, `2` of `u[1,2]`, or of a network, `1` of `r(1)`."""

    symbol: str  #: the variable, the range or the name
    part: int  #: which part of the symbol it is; a range has a part for either end
    slot: int  #: which value of an index it is
    value: int
    end: bool = False  #: whether it is an end of a range


class _Member(Variable):
    """A member of a family with letters in its index: `x[i]`, `z[i-1]`, `u[2,i]`."""

    __slots__ = ("letters",)

    letters: tuple[str, ...]  #: the values of its index, and letters

    def __new__(cls, of: Variable, letters: tuple[str, ...]) -> Self:
        self = super().__new__(cls, f"{of.head}[{','.join(letters)}]")
        self.word, self.head, self.copy, self.letters = of.word, of.head, of.copy, letters
        *prefix, last = letters
        if last == str(of.member[-1]):  # members of a row: `u[i,1]`, `u[i,2]`
            self.order = f"{of.head}[{','.join(prefix)}", of.member[-1:]
        return self

    @property
    def subscript(self) -> str:
        return ",".join(self.letters)


class _Range(Variable):
    """Members of a family that follow each other: `z[1..3]`, `u[2,1..4]`, `z[1..i-1]`."""

    __slots__ = ("letters", "members")

    letters: tuple[str, ...]  #: of its index, the last in two parts: the ends
    members: Names

    def __new__(cls, members: Names, letters: tuple[str, ...] = ()) -> Self:
        first, last = members[0], members[-1]
        letters = letters or tuple(map(str, (*first.member, last.member[-1])))
        index = f"{','.join(letters[:-1])}..{letters[-1]}"
        self = super().__new__(cls, f"{first.head}[{index}]")
        self.word, self.head, self.copy = first.word, first.head, first.copy
        self.letters, self.members = letters, members
        return self

    @property
    def values(self) -> tuple[int, ...]:
        """The values of its parts."""
        return (*self.members[0].member, self.members[-1].member[-1])

    @property
    def latex(self) -> str:
        *prefix, low, high = self.letters
        if (low, high) == tuple(map(str, self.values[-2:])):
            return latex_names(_Member(one, (*prefix, str(one.member[-1]))) for one in self.members)
        first, last = (_Member(self.members[0], (*prefix, end)) for end in (low, high))
        return rf"{first.latex}, \dots, {last.latex}"


def rebuilt(data: _Data, instead: Mapping[str, str]) -> _Data:
    """The same data, with other symbols in the place of some.

    >>> from graphdsl.ir.symbols import ModelRef
    >>> x, z = Variable("x", (1,)), Variable("z")
    >>> str(rebuilt(ModelRef("p", (x,), (z,)), {x: Variable("y")}))
    'p(y|z)'
    """
    return _mapped(data, lambda one: instead.get(one, one), lambda several: several)


def in_ranges(data: _Data) -> _Data:
    """The same data, with runs of three or more members in a list as a range.

    >>> from graphdsl.ir.information import Entropy
    >>> z = [Variable("z", (k,)) for k in (1, 2, 3)]
    >>> str(in_ranges(Entropy((Variable("u"),), (*z, Variable("x", (2,))))))
    'H(u | z[1..3], x[2])'
    """
    return _mapped(data, lambda one: one, _with_ranges)


def lettered(written: Mapping[Index, str]) -> dict[str, str]:
    """Of each symbol that it is with letters in the place of some of its values.

    >>> (_, index) = indices_of((Variable("u", (1, 2)),))
    >>> lettered({index: "i"})
    {'u[1,2]': 'u[1,i]'}
    """
    parts: dict[str, dict[int, str]] = {}
    for one, letter in written.items():
        parts.setdefault(one.symbol, {})[one.part] = letter
    return {symbol: _lettered(symbol, letters) for symbol, letters in parts.items()}


def indices_of(data: object) -> tuple[Index, ...]:
    """Every value of an index in some data, in their order.

    >>> from graphdsl.ir.information import Entropy
    >>> found = indices_of(Entropy((Variable("u", (1, 2)),), (), NetworkName("r", (3,))))
    >>> [(one.symbol, one.slot, one.value) for one in found]
    [('u[1,2]', 0, 1), ('u[1,2]', 1, 2), ('r(3)', 0, 3)]
    """
    found: list[Index] = []
    for symbol in dict.fromkeys(_symbols(data)):
        match symbol:
            case _Range():
                last = len(symbol.values) - 2
                found += (
                    Index(symbol, part, min(part, last), value, part >= last)
                    for part, value in enumerate(symbol.values)
                )
                continue
            case Variable():
                values = symbol.member
            case NetworkName():
                numbers = tuple(one for one in symbol.arguments if isinstance(one, int))
                values = numbers if len(numbers) == len(symbol.arguments) else ()
            case _:
                values = ()
        found += (Index(symbol, slot, slot, value) for slot, value in enumerate(values))
    return tuple(found)


def words_of(data: object) -> Iterator[str]:
    """The words that some data are printed with: those of variables, networks and parameters."""
    for symbol in _symbols(data):
        match symbol:
            case _Member() | _Range():
                yield from (symbol.word, *symbol.letters)
            case Variable():
                yield symbol.word
                yield symbol.block.draw if symbol.block else symbol.word
            case NetworkName():
                yield from (symbol.base, *symbol.draws)
            case _:
                yield symbol.strip()


def _mapped(
    data: _Data,
    of_symbol: Callable[[str], str],
    of_list: Callable[[tuple[object, ...]], tuple[object, ...]],
) -> _Data:
    found: object = data
    match data:
        case str():
            found = of_symbol(data)
        case tuple():
            found = of_list(tuple(_mapped(one, of_symbol, of_list) for one in data))
        case frozenset():
            found = frozenset(_mapped(one, of_symbol, of_list) for one in data)
        case _ if is_dataclass(data) and not isinstance(data, type):
            parts = {one.name: getattr(data, one.name) for one in fields(data)}
            changed = {name: _mapped(one, of_symbol, of_list) for name, one in parts.items()}
            found = replace(data, **changed)
    return cast(_Data, found)


def _symbols(data: object) -> Iterator[str]:
    """Variables, names and words, in their order."""
    match data:
        case str():
            yield data
        case tuple():
            for one in data:
                yield from _symbols(one)
        case frozenset():
            for one in sorted(data, key=str):
                yield from _symbols(one)
        case _ if is_dataclass(data):
            for field in fields(data):
                yield from _symbols(getattr(data, field.name))


def _lettered(symbol: str, letters: Mapping[int, str]) -> str:
    match symbol:
        case _Range():
            parts = (letters.get(part, str(value)) for part, value in enumerate(symbol.values))
            return _Range(symbol.members, tuple(parts))
        case Variable():
            parts = (letters.get(part, str(value)) for part, value in enumerate(symbol.member))
            return _Member(symbol, tuple(parts))
        case NetworkName():
            values = enumerate(symbol.arguments)
            return NetworkName(
                symbol.base,
                (NetworkName(letters[part]) if part in letters else one for part, one in values),
            )
        case _:
            return symbol


def _with_ranges(several: tuple[object, ...]) -> tuple[object, ...]:
    variables = tuple(one for one in several if isinstance(one, Variable))
    if len(variables) < len(several):
        return several
    found: list[object] = []
    for run in runs(variables):
        short = len(run) < _FEWEST or isinstance(run[0], _Member)
        found += run if short else (_Range(tuple(run)),)
    return tuple(found)
