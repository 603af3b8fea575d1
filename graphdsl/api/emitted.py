"""Emitted modules at work: the class that a text defines, and never one that a file holds."""

from __future__ import annotations

__all__ = ["class_of", "emitted_class"]

import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdsl.compiler import GeneratedModule
    from graphdsl.diagnostics import Source
    from graphdsl_runtime import Objective


def class_of(module: GeneratedModule, source: Source, name: str) -> type[Objective]:
    """Make the class of a compiled spec, which knows its spec, under a module of that name."""
    from importlib.metadata import version

    from graphdsl_runtime.origin import Origin

    emitted = emitted_class(module.text, module.class_name, name)
    model = module.compiled.checked.model
    emitted.origin = Origin(
        spec=source.text,
        name=source.name,
        sha256=model.sha256,
        compiler=version("graphdsl"),
        constants={name: str(value) for name, value in model.constants},
    )
    return emitted


def emitted_class(text: str, class_name: str, name: str = "graphdsl_emitted") -> type[Objective]:
    """Run an emitted module, whose text was just compiled, and give its class."""
    module = ModuleType(name)
    sys.modules[name] = module  # what looks its own module up finds it
    place = f"<{class_name}>"
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    exec(compile(text, place, "exec"), module.__dict__)  # our own text
    emitted: type[Objective] = getattr(module, class_name)
    return emitted
