"""The program: its commands, gathered from `commands/`, and the one way out for a bug of ours."""

from __future__ import annotations

__all__ = ["app", "main"]

import gc
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated

import typer

from graphdsl.cli import commands
from graphdsl.cli.console import say
from graphdsl.diagnostics import CompilerBug

app = typer.Typer(
    name="graphdsl",
    help="Compile Bayesian networks to audited PyTorch training objectives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; no traceback reaches a user for a mistake of theirs."""
    # A compilation is over before its garbage counts, and to look for it while sympy is imported
    # takes a tenth of the time. `train` turns the collector on again.
    gc.disable()
    try:
        app()
    except CompilerBug as bug:
        say(f"graphdsl: a bug of ours: {bug}\nPlease report it, with the spec.")
        raise SystemExit(70) from None
    except BrokenPipeError:
        raise SystemExit(0) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"graphdsl {version('graphdsl')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show it.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    pass


def _gather() -> None:
    """Make a command of `command` in every module of `commands/`, in the order of their names."""
    for name in sorted(found.name for found in iter_modules(commands.__path__)):
        app.command(name)(import_module(f"{commands.__name__}.{name}").command)


_gather()
