"""`graphdsl new`: a spec to begin with."""

from __future__ import annotations

__all__ = ["command"]

import os
import re
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdsl.cli.console import fail, say, shown, write
from graphdsl.diagnostics import Source, SpecError

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
    name: Annotated[str, typer.Argument(help="Of the model.")],
    template: Annotated[Template, typer.Option(help="What to begin with.")] = Template.single_view,
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
    text = _named(name, template)
    target = out or Path(f"{name}.mib")
    if str(target) != "-" and os.path.lexists(target) and not force:
        fail(f"graphdsl: {shown(target)} is there already; --force replaces it")
    write(text, target)
    if str(target) != "-":
        say(
            f"{shown(target)}: a model of the template {template}; next: "
            f"graphdsl audit {shown(shlex.quote(str(target)))}"
        )


def _named(name: str, template: Template) -> str:
    """The template as the spec of a model of this name; stops with code 2 if it can have none."""
    from graphdsl.compiler import check_spec

    text = (_FOLDER / f"{template}.mib").read_text(encoding="utf-8")
    text = re.sub(r"^model .*$", f"model {name}", text, count=1, flags=re.MULTILINE)
    try:
        check_spec(Source(f"{name}.mib", text))
    except SpecError as found:
        why = found.diagnostics[0]
        fail(f"graphdsl: {why.code}: {why.message}; {why.advice}", code=2)
    return text
