"""What a run's folder holds for people to read: the module, and what makes the run again."""

from __future__ import annotations

__all__ = ["Plain", "papers", "toml_table", "versions"]

import json
import platform
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from graphdsl.compiler import GeneratedModule

Plain: TypeAlias = str | bool | int | float | Sequence[str]


def papers(
    module: GeneratedModule,
    command: Sequence[str],
    settings: Mapping[str, Plain],
    data: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """The emitted module, `run.toml`, and how data were read, as the files of a run's folder."""
    model = module.compiled.checked.model
    tables: dict[str, Mapping[str, Plain]] = {
        "run": {"model": model.name, "spec_sha256": model.sha256, "command": command, **settings},
        "constants": {name: str(value) for name, value in model.constants},
        "parameters": {parameter.name: str(parameter.value) for parameter in model.parameters},
        "versions": versions(),
    }
    files = {"objective.py": module.text, "run.toml": "\n".join(map(toml_table, tables.items()))}
    if data is not None:
        files["data.json"] = json.dumps(data, indent=1) + "\n"
    return files


def versions() -> dict[str, str]:
    """The versions of what a run depends on."""
    from importlib.metadata import version

    return {
        "graphdsl": version("graphdsl"),
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def toml_table(named: tuple[str, Mapping[str, Plain]]) -> str:
    """Write a table of TOML, with its name."""
    name, entries = named
    return "".join(
        (f"[{name}]\n", *(f"{key} = {_value(entry)}\n" for key, entry in entries.items()))
    )


def _value(value: Plain) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return f"[{', '.join(map(_text, value))}]"


def _text(value: str) -> str:
    r"""A string of TOML, which escapes like JSON and knows no halves of a pair.

    >>> print(_text('a "b" \x1b \U0001f600'))
    "a \"b\" \u001b 😀"
    """
    signs = []
    for sign in value.encode("utf-8", "backslashreplace").decode("utf-8"):
        if sign in '"\\':
            signs.append("\\" + sign)
        elif sign.isprintable():
            signs.append(sign)
        else:
            signs.append(f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}")
    return f'"{"".join(signs)}"'
