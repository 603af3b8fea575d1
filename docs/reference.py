"""The reference of the Python interface: a page for each package, written from its docstrings."""

from __future__ import annotations

__all__ = ["reference_pages"]

import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType

import graphdsl
import graphdsl_runtime
from graphdsl_runtime import distributions, estimators

#: The parts of the runtime's page, and whose public names each lists; the last lists the rest.
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Objectives", ("Objective", "Losses", "Variable", "Subset", "play", "alternate", "due")),
    ("Distributions", tuple(distributions.__all__)),
    ("Estimators", tuple(estimators.__all__)),
)


def reference_pages() -> dict[str, str]:
    """The Markdown of each page, by its place in the site: `mkdocstrings` fills in the rest."""
    compiler = ["# graphdsl", _summary(graphdsl), *_entries(graphdsl, graphdsl.__all__)]
    runtime = ["# graphdsl_runtime", _summary(graphdsl_runtime)]
    left = list(graphdsl_runtime.__all__)
    for title, names in _PARTS:
        listed = [name for name in names if name in left]
        left = [name for name in left if name not in listed]
        runtime += [f"## {title}", *_entries(graphdsl_runtime, listed)]
    runtime += ["## Networks, fusion and errors", *_entries(graphdsl_runtime, left)]
    return {
        "reference/graphdsl.md": "\n\n".join(compiler) + "\n",
        "reference/graphdsl_runtime.md": "\n\n".join(runtime) + "\n",
    }


def _summary(package: ModuleType) -> str:
    return inspect.cleandoc(package.__doc__ or "")


def _entries(package: ModuleType, names: Iterable[str]) -> Iterator[str]:
    """A line for each class and function, at the place where it is defined."""
    for name in names:
        thing = getattr(package, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield f"::: {thing.__module__}.{thing.__qualname__}"
