"""The arguments and options that several commands have."""

from __future__ import annotations

__all__ = [
    "Consts",
    "Out",
    "Params",
    "Spec",
    "Specs",
    "Strict",
]

from pathlib import Path
from typing import Annotated

import typer

from graphdsl.cli.completing import completed_spec

Spec = Annotated[
    str,
    typer.Argument(help="A path, or the name of a spec that ships.", autocompletion=completed_spec),
]
Specs = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC...",
        help="Paths, or names of specs that ship.",
        autocompletion=completed_spec,
    ),
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Where to write; - is stdout.")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings are errors.")]
Consts = Annotated[
    list[str] | None,
    typer.Option("--const", metavar="NAME=VALUE", help="Value of a constant of the spec."),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="Value of a parameter of the spec."),
]
