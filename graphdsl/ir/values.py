"""What statements compute and read: values, members of them, noise, and keys of attributes."""

from __future__ import annotations

__all__ = ["COMPUTED", "NO_ATTRIBUTE", "Attribute", "Entries", "Noise", "Ref", "Value"]

from collections.abc import Mapping
from dataclasses import dataclass


class Attribute(str):
    """The key of an attribute of the emitted class; once names are given, its Python name."""

    __slots__ = ()


NO_ATTRIBUTE = Attribute()


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What a statement computes. Two values are the same where they are one object.

    Until names are given, `name` is what the value would like to be called: `z@p` asks for `z_p`.
    """

    name: str
    shape: tuple[int, ...] | None = None  #: of a row; None where a row has none of its own

    def __str__(self) -> str:
        """The name, as emitted code writes it."""
        return self.name


#: Of a field that holds a value which its statement computes. Such fields do not count where
#: statements are compared: equal statements compute equal values.
COMPUTED: Mapping[str, bool] = {"computed": True}


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of a learned mask, as a tensor with an axis for each of `shape`."""

    mask: Value
    extents: tuple[int, ...]  #: of the mask
    entries: tuple[tuple[int, ...], ...]  #: counted from one; the last axis runs fastest
    shape: tuple[int, ...]
    axes: int = 0  #: of size one, behind those of `shape`


@dataclass(frozen=True, slots=True)
class Ref:
    """A value, or some members of it."""

    value: Value
    places: tuple[int, ...] | None = None  #: which members, counted from zero; None is all
    one: bool = False  #: a single member, without the axis of the family
    gate: Entries | None = None  #: what it is multiplied with, edge by edge
    spread: bool = False  #: whether the gate has an axis in front that the tensor has not
    in_sets: bool = False  #: with an axis of one behind the rows: it is the same in all sets
    behind: bool = False  #: whether its members lie behind an axis of classes

    @property
    def name(self) -> str:
        """The name of the value."""
        return self.value.name


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a variable, or of some members of it, as the caller may pass it."""

    name: str  #: the key in `noise`
    places: tuple[int, ...] | None = None  #: which members; None is all
    one: bool = False  #: a single member, without the axis of the family
    grid: int = 1  #: how many indices the family has
    in_sets: bool = False  #: with an axis of one behind the rows
