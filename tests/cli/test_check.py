"""`graphdsl check` for programs: its formats say what its text says; completion and watching."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import jsonschema
import pytest

from graphdsl.cli.watching import changes
from graphdsl.diagnostics import explained, explanation
from tests.command_line import run

SLIPS = """model two_slips
observed x : binary[64]
latent   z : real[8] ~ gaussian
q { x -> w }
p { z -> x }
minimize KL(q || p)
"""
WARNED = """model idle
observed x : binary
observed w : binary
latent z : real ~ normal
q { x -> z }
p { z -> x }
minimize KL(q || p)
"""


Schema: TypeAlias = "dict[str, str | int | list[str] | Schema | dict[str, Schema]]"


def needs(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "required": [*required], "properties": properties}


def each(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 1}
MESSAGE: Schema = needs("text", text=TEXT)
LEVEL: Schema = {"enum": ["none", "note", "warning", "error"]}
#: What SARIF 2.1.0 requires of the objects that are used here.
SARIF = needs(
    "version",
    "runs",
    version={"const": "2.1.0"},
    runs=each(
        needs(
            "tool",
            "results",
            tool=needs(
                "driver",
                driver=needs(
                    "name",
                    name=TEXT,
                    rules=each(needs("id", id=TEXT, shortDescription=MESSAGE, help=MESSAGE)),
                ),
            ),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results=each(
                needs(
                    "message",
                    "ruleId",
                    message=MESSAGE,
                    level=LEVEL,
                    ruleIndex={"type": "integer", "minimum": 0},
                    locations=each(
                        needs(
                            "physicalLocation",
                            physicalLocation=needs(
                                "artifactLocation",
                                "region",
                                artifactLocation=needs(
                                    "uri", uri={"type": "string", "pattern": "^[^\\s:]+$"}
                                ),
                                region=needs(
                                    "startLine",
                                    startLine=NUMBER,
                                    startColumn=NUMBER,
                                    endLine=NUMBER,
                                    endColumn=NUMBER,
                                ),
                            ),
                        ),
                        least=1,
                    ),
                )
            ),
        ),
        least=1,
    ),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a, b.mib").write_text(SLIPS)
    (tmp_path / "idle.mib").write_text(WARNED)
    return tmp_path


def in_text(err: str) -> list[tuple[str, str, int, int]]:
    """Severity, code, line and column of what the text says."""
    found = re.findall(r"^(error|warning)\[(MIB\d+)\] .* in .*?:(\d+):(\d+)$", err, re.M)
    return [(severity, code, int(line), int(column)) for severity, code, line, column in found]


def test_json_says_what_the_text_says(folder: Path) -> None:
    text = run("check", "vae", "a, b.mib", "idle.mib")
    done = run("check", "vae", "a, b.mib", "idle.mib", "--format", "json")
    found = json.loads(done.out)
    assert [one["file"] for one in found["files"]] == ["vae.mib", "a, b.mib", "idle.mib"]
    assert [one["mistakes"] for one in found["files"]] == [0, 2, 0]
    listed = [
        (one["severity"], one["code"], one["line"], one["column"])
        for file in found["files"]
        for one in file["diagnostics"]
    ]
    assert listed == in_text(text.err)
    assert {code for _, code, _, _ in listed} == {"MIB201", "MIB207", "MIB226"}
    assert text.code == done.code == 1


def test_sarif_has_what_its_schema_requires(folder: Path) -> None:
    done = run("check", "a, b.mib", "idle.mib", "--format", "sarif", "-o", "found.sarif")
    assert done.out == ""
    found = json.loads((folder / "found.sarif").read_text())
    jsonschema.validate(found, SARIF)
    (one,) = found["runs"]
    rules = one["tool"]["driver"]["rules"]
    for result in one["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [result["level"] for result in one["results"]] == ["error", "error", "warning"]
    region = one["results"][0]["locations"][0]["physicalLocation"]
    assert region["artifactLocation"]["uri"] == "a%2C%20b.mib"
    assert (
        SLIPS.split("\n")[region["region"]["startLine"] - 1][
            region["region"]["startColumn"] - 1 : region["region"]["endColumn"] - 1
        ]
        == "gaussian"
    )


def test_a_schema_that_asks_for_more_is_not_met() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": "2.1.0", "runs": [{"results": []}]}, SARIF)


def test_github_annotations_are_one_line_each(folder: Path) -> None:
    done = run("check", "a, b.mib", "idle.mib", "--format", "github")
    lines = done.out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert "file=a%2C b.mib,line=3,col=24,endLine=3,endColumn=31," in lines[0]
    assert all(line.count("::") == 2 for line in lines)


def test_standard_input_is_a_file_like_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SLIPS.encode())))
    done = run("check", "vae", "-", "--format", "json")
    assert [one["mistakes"] for one in json.loads(done.out)["files"]] == [0, 2]


def test_a_file_that_is_missing_does_not_hide_the_others(folder: Path) -> None:
    done = run("check", "none.mib", "a, b.mib", "vae")
    assert done.code == 2
    assert "none.mib cannot be read" in done.err
    assert "a, b.mib: 2 mistakes" in done.err
    assert "vae.mib: no mistakes" in done.err


def test_strict_makes_warnings_count_in_every_format(folder: Path) -> None:
    for words in ((), ("--format", "json")):
        assert run("check", "idle.mib", *words).code == 0
        assert run("check", "idle.mib", "--strict", *words).code == 1


def test_wrong_usage_is_said(folder: Path) -> None:
    for words, said in (
        (("vae", "-o", "x"), "--format"),
        (("-", "-"), "once"),
        (("-", "--watch"), "standard input"),
    ):
        done = run("check", *words)
        assert (done.code, said in done.err) == (2, True)


def test_changes_are_what_was_saved(tmp_path: Path) -> None:
    kept, edited, late = (tmp_path / name for name in ("kept", "edited", "late"))
    kept.write_text("a")
    edited.write_text("a")
    found = changes([kept, edited, late], pause=0)

    def save() -> None:
        edited.with_suffix(".new").write_text("b")
        edited.with_suffix(".new").replace(edited)
        late.write_text("c")

    class Saving:
        """Sleep by saving: what happens between two looks."""

        @staticmethod
        def sleep(seconds: float) -> None:
            save()

    from graphdsl.cli import watching

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "time", Saving)
        assert next(found) == (edited, late)


def test_watching_checks_again_when_a_spec_is_saved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = folder / "idle.mib"

    def saved_once(files: list[Path]) -> Iterator[tuple[Path, ...]]:
        spec.write_text(SLIPS)
        yield (spec,)
        raise KeyboardInterrupt

    monkeypatch.setattr("graphdsl.cli.commands.check.changes", saved_once)
    done = run("check", "idle.mib", "--watch")
    assert done.code == 130
    assert done.err.index("idle.mib: no mistakes") < done.err.index("idle.mib changed")
    assert done.err.index("idle.mib changed") < done.err.index("idle.mib: 2 mistakes")


def test_explain_lists_every_code() -> None:
    done = run("explain")
    assert done.out.splitlines() == [f"{one}  {explanation(one).title}" for one in explained()]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("check wyn", "wyner"), ("explain MIB40", "MIB401"), ("check a", "a, b.mib"), ("dra", "draw")],
)
def test_a_shell_is_offered_what_fits(folder: Path, typed: str, offered: str) -> None:
    words = f"graphdsl {typed}"
    asked = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "_GRAPHDSL_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-m", "graphdsl"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered in done.stdout.splitlines()
    assert done.stderr == ""
