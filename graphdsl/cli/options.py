"""The arguments and options that several commands have."""

from __future__ import annotations

__all__ = ["Consts", "Out", "Params", "Spec", "Strict"]

from pathlib import Path
from typing import Annotated

import typer

Spec = Annotated[str, typer.Argument(help="A path, or the name of a spec that ships.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Where to write; - is stdout.")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings are errors.")]
Consts = Annotated[list[str] | None, typer.Option("--const", metavar="NAME=VALUE")]
Params = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE")]
