"""A spec compiled with the values of the command line, as far as a command wants it."""

from __future__ import annotations

__all__ = ["checked", "compiled"]

from typing import TYPE_CHECKING

from graphdsl.cli.console import reported, warn
from graphdsl.cli.values import values
from graphdsl.diagnostics import Source

if TYPE_CHECKING:
    from graphdsl.compiler import Checked, GeneratedModule


def compiled(
    source: Source, const: list[str] | None, param: list[str] | None, strict: bool
) -> GeneratedModule:
    """The module of a spec with these values; its mistakes are shown, and stop with code 1."""
    from graphdsl.compiler import compile_spec

    constants, parameters = values(source, const, param)
    module = reported(source, lambda: compile_spec(source, constants, parameters))
    warn(source, module.compiled.warnings, strict)
    return module


def checked(source: Source, const: list[str] | None, param: list[str] | None) -> Checked:
    """The networks of a spec with these values.

    Raises:
        SpecError: If the spec is at fault.
    """
    from graphdsl.compiler import check_spec

    return check_spec(source, *values(source, const, param))
