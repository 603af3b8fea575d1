"""The program: its commands, gathered from `commands/`."""

from __future__ import annotations

__all__ = ["app", "main", "program"]

import gc
import os
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, get_type_hints

import typer
from typer.core import TyperArgument, TyperGroup
from typer.main import get_command
from typer.models import ArgumentInfo

from graphdsl.cli import commands
from graphdsl.cli.ending import ended

_COMPLETION = "_GRAPHDSL_COMPLETE"  #: set by the shell's script, as typer calls it

app = typer.Typer(
    name="graphdsl",
    help="Compile Bayesian networks to audited PyTorch training objectives.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line that the process was started with."""
    # A compilation is over before its garbage counts, and to look for it while sympy is imported
    # takes a tenth of the time. `train` turns the collector on again.
    gc.disable()
    if _COMPLETION in os.environ:
        app(prog_name="graphdsl")  # a shell asks what may come next: typer answers, and exits
    raise SystemExit(program(sys.argv[1:]))


def program(words: list[str]) -> int:
    """Run a command line, and give its exit code; no traceback reaches a user."""
    return ended(lambda: _run(words), words)


def _run(words: list[str]) -> None:
    command = get_command(app)
    if "--help" in words and isinstance(command, TyperGroup):
        _document(command)
    with command.make_context("graphdsl", [*words], obj=words) as context:
        command.invoke(context)


def _document(group: TyperGroup) -> None:
    """Give every argument its help: click 8.5 sets its own, which is empty, after typer has."""
    for command in app.registered_commands:
        assert command.callback is not None
        notes = get_type_hints(command.callback, include_extras=True)
        for parameter in group.commands[command.name or ""].params:
            for note in getattr(notes.get(parameter.name or ""), "__metadata__", ()):
                if isinstance(parameter, TyperArgument) and isinstance(note, ArgumentInfo):
                    parameter.help = note.help


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"graphdsl {version('graphdsl')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    pass


def _gather() -> None:
    """Make a command of `command` in every module of `commands/`, in the order of their names.

    A module's `CONTEXT`, where it has one, says how click reads the command's words.
    """
    for name in sorted(info.name for info in iter_modules(commands.__path__)):
        module = import_module(f"{commands.__name__}.{name}")
        app.command(name, context_settings=getattr(module, "CONTEXT", None))(module.command)


_gather()
