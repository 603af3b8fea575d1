"""Turn the absence of a library of the `train` extra into an error that says what to install."""

from __future__ import annotations

__all__ = ["train_extra"]

from collections.abc import Iterator
from contextlib import contextmanager

from graphdsl_runtime.training.errors import MissingExtra


@contextmanager
def train_extra() -> Iterator[None]:
    """Import libraries of the `train` extra inside this, and not at the top of a module.

    So the room can be imported, and a mistake in its arguments be reported, without paying for
    Lightning, or having it.  Raises `MissingExtra`.
    """
    try:
        yield
    except ModuleNotFoundError as problem:
        raise MissingExtra(problem.name or str(problem)) from None
