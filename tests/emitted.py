"""Emitted modules for tests: compiled from text, imported, and cut loose from the file."""

from __future__ import annotations

__all__ = [
    "built",
    "class_of",
    "emitted_class",
    "emitted_objectives",
    "emitted_text",
    "objective_of",
    "small",
]

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import torch

from graphdsl import GeneratedModule, Source, compile_spec
from graphdsl_runtime import NetworkNeeded, Objective, mlp
from tests.corpus import Case, compiling

ROOT = Path(__file__).parent.parent
_DEFAULT = "(400, 400)"  #: hidden layers where a spec names none


def emitted_text(spec: Path | str, constants: Mapping[str, int] | None = None) -> str:
    """The emitted text of a shipped spec, by path or name, or of a spec's own text."""
    values = {name: Fraction(value) for name, value in (constants or {}).items()}
    return compile_spec(_source(spec), values).text


def emitted_class(spec: Path | str, constants: Mapping[str, int] | None = None) -> type[Objective]:
    """The class that a spec compiles to."""
    values = {name: Fraction(value) for name, value in (constants or {}).items()}
    return class_of(compile_spec(_source(spec), values))


def objective_of(spec: Path | str) -> Objective:
    """An objective in double precision, with the same weights in each run."""
    torch.manual_seed(0)
    return emitted_class(spec)().double()


def class_of(made: GeneratedModule) -> type[Objective]:
    """The class of a module that was emitted."""
    module = ModuleType(f"emitted_{made.class_name}")
    sys.modules[module.__name__] = module  # torch.compile looks globals up by module
    exec(compile(made.text, f"<{made.class_name}>", "exec"), module.__dict__)  # our own text
    found: type[Objective] = getattr(module, made.class_name)
    return found


def emitted_objectives(
    cases: Iterable[Case], *, at_least: float = 0.3
) -> Iterator[tuple[Case, Objective]]:
    """An objective of each case that compiles, with its assertions left out.

    Its networks are small: no law is of their width. Their weights are the same in each run.

    Raises:
        AssertionError: At the end, if less than the fraction `at_least` of the cases compiled.
    """
    claiming_nothing = (case.without_assertions() for case in cases)
    for case, made in compiling(claiming_nothing, at_least=at_least):
        torch.manual_seed(0)
        yield case, built(class_of(small(made)))


def small(made: GeneratedModule) -> GeneratedModule:
    """The module with the layers of `via mlp(6, 6)` where networks are of the default kind."""
    return replace(made, text=made.text.replace(_DEFAULT, "(6, 6)"))


def built(made: type[Objective]) -> Objective:
    """The objective, with a network wherever it says that it needs one, of the shapes it says."""
    networks: dict[str, torch.nn.Module] = {}
    while True:
        try:
            return made(networks=networks)
        except NetworkNeeded as needed:
            networks[needed.name] = mlp(needed.inputs, (4,), needed.outputs)


def _source(spec: Path | str) -> Source:
    if isinstance(spec, Path):
        return Source.read(spec)
    if "\n" in spec:
        return Source("inline.mib", spec)
    return Source.read(ROOT / "specs" / f"{spec}.mib")
