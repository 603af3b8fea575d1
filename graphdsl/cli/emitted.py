"""Emitted modules at work: the class that a text defines, and never one that a file holds."""

from __future__ import annotations

__all__ = ["emitted_class"]

import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdsl_runtime import Objective


def emitted_class(text: str, class_name: str, name: str = "graphdsl_emitted") -> type[Objective]:
    """Run an emitted module, whose text was just compiled, and give its class."""
    module = ModuleType(name)
    sys.modules[name] = module  # what looks its own module up finds it
    place = f"<{class_name}>"
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    exec(compile(text, place, "exec"), module.__dict__)  # our own text
    made: type[Objective] = getattr(module, class_name)
    return made
