"""One frozen view for each template: its fields are the template's holes, no more and no fewer."""

from __future__ import annotations

__all__ = ["HeaderView", "ModuleView"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderView:
    """`header.py.j2`: the docstring that the emitted file opens with."""

    title: str
    origin: str
    sha256: str
    objective: tuple[str, ...]
    loss: tuple[str, ...]
    relation: str
    gaps: tuple[str, ...]
    whose: str
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """`loss_module.py.j2`: the whole file."""

    header: str
    of_torch: tuple[str, ...]  #: the names that it imports
    of_runtime: tuple[str, ...]
    class_name: str
    code: str  #: of the class
