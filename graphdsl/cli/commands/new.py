"""`graphdsl new`: a spec to begin with."""

from __future__ import annotations

__all__ = ["command"]

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdsl.cli.console import fail, say, write
from graphdsl.diagnostics import Source, SpecError
from graphdsl_files import shown

_FOLDER = Path(__file__).parent.parent / "templates"

#: Of a model; what else a name must not be, the compiler says.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Template(StrEnum):
    """The specs to begin with."""

    single_view = "single-view"
    multi_view = "multi-view"
    fair = "fair"
    environments = "environments"


def command(
    name: Annotated[str, typer.Argument(help="Name of the model and of its file.")],
    template: Annotated[Template, typer.Option(help="What to begin with.")] = Template.single_view,
    data: Annotated[
        str | None, typer.Option("--from", metavar="DATA", help="Guess the variables from a file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Where to write, NAME.mib; - is stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write NAME.mib, a spec to begin with."""
    if not _NAME.fullmatch(name):
        fail(
            f"graphdsl: `{shown(name)}` is no name: letters, digits and `_`, a letter first", code=2
        )
    target = out or Path(f"{name}.mib")
    text, next_ = _from(name, template, data, target) if data else (_named(name, template), "")
    if str(target) != "-" and os.path.lexists(target) and not force:
        fail(f"graphdsl: {shown(target)} is there already; --force replaces it")
    write(text, target)
    if str(target) != "-":
        whence = f"guessed from {shown(data)}" if data else f"a model of the template {template}"
        audit = f"graphdsl audit {shown(shlex.quote(str(target)))}"
        say(f"{shown(target)}: {whence}; next: {next_ or audit}")


def _from(name: str, template: Template, data: str, target: Path) -> tuple[str, str]:
    """A spec guessed from data, and the command that trains it; stops where there can be none."""
    from graphdsl.compiler import check_spec
    from graphdsl.suggesting.from_data import spec_from
    from graphdsl_runtime.data import guess, open_table
    from graphdsl_runtime.training import TrainingError

    if template not in (Template.single_view, Template.multi_view):
        fail(
            f"graphdsl: --from writes {Template.single_view} or {Template.multi_view}: which "
            f"variable would be the attribute of {template}, the data do not say",
            code=2,
        )
    try:
        guesses = guess(open_table(data))
    except TrainingError as problem:
        fail(f"graphdsl: these data cannot be used\n{problem}")
    named = f"{name}.mib" if str(target) == "-" else str(target)
    private = template is Template.multi_view
    with _refusing():
        text, command = spec_from(name, data, guesses, private=private, target=named)
        check_spec(Source(f"{name}.mib", text))
    return text, command


def _named(name: str, template: Template) -> str:
    """The template as the spec of a model of this name; stops with code 2 if it can have none."""
    from graphdsl.compiler import check_spec

    text = (_FOLDER / f"{template}.mib").read_text(encoding="utf-8")
    text = re.sub(r"^model .*$", f"model {name}", text, count=1, flags=re.MULTILINE)
    with _refusing():
        check_spec(Source(f"{name}.mib", text))
    return text


@contextmanager
def _refusing() -> Iterator[None]:
    """Stop with code 2 where a spec of this name has a mistake."""
    try:
        yield
    except SpecError as problem:
        why = problem.diagnostics[0]
        fail(f"graphdsl: {why.code}: {why.message}; {why.advice}", code=2)
