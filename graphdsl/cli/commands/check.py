"""`graphdsl check`: is anything wrong?"""

from __future__ import annotations

__all__ = ["command"]

from graphdsl.cli.compiling import checked
from graphdsl.cli.console import reported, say, warn
from graphdsl.cli.options import Consts, Params, Spec, Strict
from graphdsl.cli.sources import open_source


def command(spec: Spec, strict: Strict = False, const: Consts = None, param: Params = None) -> None:
    """Only say what is wrong with SPEC."""
    from graphdsl.compiler import derive

    source = open_source(spec)
    derived = reported(source, lambda: derive(checked(source, const, param)))
    warn(source, derived.warnings, strict)
    say(f"{source.name}: no mistakes")
