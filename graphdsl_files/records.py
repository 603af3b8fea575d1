"""Records of settings: each field carries its help and its limits, and is declared in one place.

The options of a command and the entries of a `run.toml` are made of them. The standard library is
all that it needs: a command line shows its help without loading torch.
"""

from __future__ import annotations

__all__ = ["Setting", "setting", "settings_of", "written"]

import math
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known of one field of a record of settings."""

    name: str
    kind: (
        Any  #: its type: int, float, str, bool, a Literal, tuple[str, ...], or any of them or None
    )
    default: Any
    help: str
    low: float | None = None  #: the least value
    above: float | None = None  #: a value that is too small by itself
    below: float | None = None  #: a value that is too large by itself
    metavar: str | None = None  #: what its value is called
    option: str = ""  #: the name of its option, where it is not that of the field

    @property
    def key(self) -> str:
        """Its name as an option, and in a `run.toml`."""
        return self.option or self.name

    @property
    def plain_kind(self) -> Any:  # noqa: ANN401  # a type
        """Its type without None."""
        if isinstance(self.kind, UnionType):
            (kind,) = (one for one in get_args(self.kind) if one is not type(None))
            return kind
        return self.kind

    def problem(self, value: object) -> str:
        """Say what a number has to be, if this one is out of range.

        >>> Setting(name="epochs", kind=int, default=1, help="", low=1).problem(0)
        '1 or more'
        """
        if not isinstance(value, int | float):
            return ""
        if self.low is not None and not self.low <= value < math.inf:
            return f"{self.low:g} or more"
        if self.above is not None and not self.above < value < math.inf:
            return f"more than {self.above:g}"
        if self.below is not None and not value < self.below:
            return f"less than {self.below:g}"
        return ""

    def admit(self, value: object) -> object:
        """Take a value that a file gives.  Raises ValueError, with what it has to be.

        >>> Setting(name="log", kind=tuple[str, ...], default=(), help="").admit(["csv"])
        ('csv',)
        >>> Setting(name="epochs", kind=int, default=1, help="", low=1).admit("3")
        Traceback (most recent call last):
        ValueError: expected a whole number
        """
        kind = self.plain_kind
        if get_origin(kind) is Literal:
            if value not in get_args(kind):
                raise ValueError(f"expected one of {', '.join(get_args(kind))}")
            return value
        if kind == tuple[str, ...]:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise ValueError("expected a list of texts")
            return tuple(value)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise ValueError(f"expected {_KINDS[kind]}")
        if expected := self.problem(value):
            raise ValueError(f"expected {expected}")
        return value


_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def setting(default: Any, text: str, **known: object) -> Any:  # noqa: ANN401  # as `field` is typed
    """Declare a field with its help, its limits, its metavar and the name of its option."""
    return field(default=default, metadata={"help": text, **known})


def settings_of(record: type[Any]) -> dict[str, Setting]:
    """List the settings that a record declares, by name."""
    kinds = get_type_hints(record)
    return {
        one.name: Setting(name=one.name, kind=kinds[one.name], default=one.default, **one.metadata)
        for one in fields(record)
    }


def written(record: Any) -> dict[str, Any]:  # noqa: ANN401  # a record of any type
    """Give the settings of a record by their keys, without those that are unset."""
    values = {one.key: getattr(record, name) for name, one in settings_of(type(record)).items()}
    return {key: value for key, value in values.items() if value is not None and value != ()}
