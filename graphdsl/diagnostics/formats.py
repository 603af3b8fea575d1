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
        return sum(diagnostic.severity == "error" for diagnostic in self.diagnostics)


def as_json(checkups: Iterable[Checkup]) -> str:
    """Write them in the schema `graphdsl.check/1`: each file with all of its diagnostics."""
    content = {
        "schema": "graphdsl.check/1",
        "files": [
            {
                "file": checkup.file,
                "mistakes": checkup.mistakes,
                "diagnostics": [_entry(diagnostic) for diagnostic in checkup.diagnostics],
            }
            for checkup in checkups
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
    return "".join(
        _command(checkup.file, diagnostic)
        for checkup in checkups
        for diagnostic in checkup.diagnostics
    )


def as_sarif(checkups: Iterable[Checkup], version: str) -> str:
    """Write them in the Static Analysis Results Interchange Format, OASIS 2.1.0.

    Args:
        checkups: The specs.
        version: Of graphdsl, as the file names its tool.
    """
    files = [*checkups]
    used = sorted(
        {diagnostic.code: diagnostic for one in files for diagnostic in one.diagnostics}.items()
    )
    places = {code: place for place, (code, _) in enumerate(used)}
    driver: _Json = {
        "name": "graphdsl",
        "version": version,
        "rules": [_rule(diagnostic) for _, diagnostic in used],
    }
    run: _Json = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(one.file, diagnostic, places[diagnostic.code])
            for one in files
            for diagnostic in one.diagnostics
        ],
    }
    content = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _entry(diagnostic: Diagnostic) -> _Json:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "title": diagnostic.title,
        "message": diagnostic.message,
        "hint": diagnostic.advice,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _command(file: str, diagnostic: Diagnostic) -> str:
    line, column, end_line, end_column = _inclusive(diagnostic.span)
    where = {
        "file": file,
        "line": line,
        "col": column,
        "endLine": end_line,
        "endColumn": end_column,
        "title": f"{diagnostic.code} {diagnostic.title}",
    }
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in where.items())
    message = _data(f"{diagnostic.message}\nHint: {diagnostic.advice}")
    return f"::{_LEVELS[diagnostic.severity]} {properties}::{message}\n"


def _inclusive(span: Span) -> tuple[int, int, int, int]:
    """A stretch by its first and its last character, as GitHub counts."""
    return span.line, span.column, span.end_line, max(span.column, span.end_column - 1)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _rule(diagnostic: Diagnostic) -> _Json:
    text = explanation(diagnostic.code).text if diagnostic.code in explained() else diagnostic.title
    return {
        "id": diagnostic.code,
        "shortDescription": {"text": diagnostic.title},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[diagnostic.severity]},
    }


def _result(file: str, diagnostic: Diagnostic, rule: int) -> _Json:
    span = diagnostic.span
    region: dict[str, _Json] = {"startLine": max(1, span.line), "startColumn": max(1, span.column)}
    if (span.end_line, span.end_column) > (span.line, span.column):
        region |= {"endLine": span.end_line, "endColumn": span.end_column}
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": f"{diagnostic.message}\nHint: {diagnostic.advice}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(visible(file, keep=""))},
                    "region": region,
                }
            }
        ],
    }
