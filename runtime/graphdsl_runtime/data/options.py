"""What a message proposes, in the words of who reads it: options of a command, or arguments.

`graphdsl.LatentModel` reads data inside `in_python`; every command reads them outside.
"""

from __future__ import annotations

__all__ = ["column_of", "columns_of", "constant_of", "in_python", "without_incomplete"]

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PYTHON: ContextVar[bool] = ContextVar("python", default=False)


@contextmanager
def in_python() -> Iterator[None]:
    """Propose arguments of `graphdsl.LatentModel` inside this."""
    token = _PYTHON.set(True)
    try:
        yield
    finally:
        _PYTHON.reset(token)


def columns_of(name: str = "NAME", columns: str = "COLUMN,...") -> str:
    """Say how to give a variable its columns before training.

    >>> columns_of("y", "stage")
    "--map 'y=stage'"
    >>> with in_python():
    ...     print(columns_of("y", "stage"))
    maps={"y": "stage"}
    """
    return f'maps={{"{name}": "{columns}"}}' if _PYTHON.get() else f"--map '{name}={columns}'"


def column_of(name: str, trained: str = "") -> str:
    """Say how to give a trained model the column of a variable, which was ``trained`` in training.

    >>> column_of("y")
    "write --map 'y=COLUMN'"
    >>> with in_python():
    ...     print(column_of("y"))
    name its column `y`
    """
    if _PYTHON.get():
        return f"name its column `{trained or name}`"
    return f"write --map '{name}=COLUMN'"


def constant_of(value: int) -> str:
    """Say how to give the constant that sets a size its value.

    >>> constant_of(5)
    '`--const NAME=5`'
    >>> with in_python():
    ...     print(constant_of(5))
    `constants={"NAME": 5}`
    """
    return f'`constants={{"NAME": {value}}}`' if _PYTHON.get() else f"`--const NAME={value}`"


def without_incomplete() -> str:
    """Say how to leave out the rows that lack a value.

    >>> without_incomplete()
    '--drop-incomplete'
    """
    return "a DataFrame's `dropna`" if _PYTHON.get() else "--drop-incomplete"
