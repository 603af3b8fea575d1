"""Diagnostics for other programs: as JSON, as annotations of GitHub, and as SARIF 2.1.0."""

from __future__ import annotations

__all__ = ["Checkup", "as_github", "as_json", "as_sarif"]

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from graphdsl.diagnostics.diagnostic import Diagnostic
from graphdsl.diagnostics.explanation import explained, explanation
from graphdsl.diagnostics.span import Span
from graphdsl_files import visible

_Json: TypeAlias = bool | int | str | Sequence["_Json"] | Mapping[str, "_Json"] | None

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning"}


@dataclass(frozen=True, slots=True)
class Checkup:
    """A spec that was checked, by the name that the user gave, and what is wrong with it."""

    file: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def mistakes(self) -> int:
        """How many of the diagnostics are errors."""
        return sum(one.severity == "error" for one in self.diagnostics)


def as_json(checkups: Iterable[Checkup]) -> str:
    """Write them in the schema `graphdsl.check/1`: each file with all of its diagnostics."""
    content = {
        "schema": "graphdsl.check/1",
        "files": [
            {
                "file": one.file,
                "mistakes": one.mistakes,
                "diagnostics": [_entry(found) for found in one.diagnostics],
            }
            for one in checkups
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def as_github(checkups: Iterable[Checkup]) -> str:
    """Write them as workflow commands, one a line, which GitHub shows beside the lines of a diff.

    >>> from graphdsl.diagnostics import Span
    >>> class Typo(Diagnostic):
    ...     code, title, said, hint = "MIB999", "A typo", "`y` is not a name", "write `x`"
    >>> print(as_github([Checkup("a,b.mib", (Typo(span=Span(2, 3, 2, 4)),))]), end="")
    ::error file=a%2Cb.mib,line=2,col=3,endLine=2,endColumn=3,title=MIB999 A typo::`y` is not a \
name%0AHint: write `x`
    """
    return "".join(_command(one.file, found) for one in checkups for found in one.diagnostics)


def as_sarif(checkups: Iterable[Checkup], version: str) -> str:
    """Write them in the Static Analysis Results Interchange Format, OASIS 2.1.0.

    Args:
        checkups: The specs.
        version: Of graphdsl, as the file names its tool.
    """
    several = [*checkups]
    used = sorted({found.code: found for one in several for found in one.diagnostics}.items())
    places = {code: place for place, (code, _) in enumerate(used)}
    driver: _Json = {
        "name": "graphdsl",
        "version": version,
        "rules": [_rule(found) for _, found in used],
    }
    run: _Json = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(one.file, found, places[found.code])
            for one in several
            for found in one.diagnostics
        ],
    }
    content = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _entry(found: Diagnostic) -> _Json:
    span = found.span
    return {
        "code": found.code,
        "severity": found.severity,
        "title": found.title,
        "message": found.message,
        "hint": found.advice,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _command(file: str, found: Diagnostic) -> str:
    line, column, end_line, end_column = _inclusive(found.span)
    where = {
        "file": file,
        "line": line,
        "col": column,
        "endLine": end_line,
        "endColumn": end_column,
        "title": f"{found.code} {found.title}",
    }
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in where.items())
    message = _data(f"{found.message}\nHint: {found.advice}")
    return f"::{_LEVELS[found.severity]} {properties}::{message}\n"


def _inclusive(span: Span) -> tuple[int, int, int, int]:
    """A stretch by its first and its last character, as GitHub counts."""
    return span.line, span.column, span.end_line, max(span.column, span.end_column - 1)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _rule(found: Diagnostic) -> _Json:
    text = explanation(found.code).text if found.code in explained() else found.title
    return {
        "id": found.code,
        "shortDescription": {"text": found.title},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[found.severity]},
    }


def _result(file: str, found: Diagnostic, rule: int) -> _Json:
    span = found.span
    region: dict[str, _Json] = {"startLine": max(1, span.line), "startColumn": max(1, span.column)}
    if (span.end_line, span.end_column) > (span.line, span.column):
        region |= {"endLine": span.end_line, "endColumn": span.end_column}
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": _LEVELS[found.severity],
        "message": {"text": f"{found.message}\nHint: {found.advice}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(visible(file, keep=""))},
                    "region": region,
                }
            }
        ],
    }
