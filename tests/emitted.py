"""Emitted modules for tests: compiled from text, imported, and cut loose from the file."""

from __future__ import annotations

__all__ = ["emitted_class", "emitted_text"]

import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import ModuleType

from graphdsl import Source, compile_spec
from graphdsl_runtime import Objective

ROOT = Path(__file__).parent.parent


def emitted_text(spec: Path | str, constants: Mapping[str, int] | None = None) -> str:
    """The emitted text of a shipped spec, by path or name, or of a spec's own text."""
    values = {name: Fraction(value) for name, value in (constants or {}).items()}
    return compile_spec(_source(spec), values).text


def emitted_class(spec: Path | str, constants: Mapping[str, int] | None = None) -> type[Objective]:
    """The class that a spec compiles to."""
    values = {name: Fraction(value) for name, value in (constants or {}).items()}
    made = compile_spec(_source(spec), values)
    module = ModuleType(f"emitted_{made.class_name}")
    sys.modules[module.__name__] = module  # torch.compile looks globals up by module
    exec(compile(made.text, f"<{made.class_name}>", "exec"), module.__dict__)  # our own text
    found: type[Objective] = getattr(module, made.class_name)
    return found


def _source(spec: Path | str) -> Source:
    if isinstance(spec, Path):
        return Source.read(spec)
    if "\n" in spec:
        return Source("inline.mib", spec)
    return Source.read(ROOT / "specs" / f"{spec}.mib")
