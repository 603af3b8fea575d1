"""Half a page on every code: each wrong spec makes its mistake, each right one compiles."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from graphdsl.cli import app
from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source, SpecError, explained, explanation
from tests.test_bad_specs import GUARDS, diagnostics

CODES = explained()
SHOWN = [code for code in CODES if code not in GUARDS]


def _found(text: str) -> set[str]:
    try:
        compiled = compile_spec(Source("a.mib", text)).compiled
    except SpecError as found:
        return {one.code for one in found.diagnostics}
    return {one.code for one in compiled.warnings}


def test_every_code_has_an_explanation_and_every_explanation_a_code() -> None:
    titles = {one.code: one.title for one in diagnostics()}
    assert {code: explanation(code).title for code in CODES} == titles


def test_what_no_spec_can_do_has_no_spec() -> None:
    assert {code for code in CODES if not explanation(code).wrong} == GUARDS


@pytest.mark.parametrize("code", SHOWN)
def test_the_wrong_spec_makes_this_mistake_alone(code: str) -> None:
    assert _found(explanation(code).wrong) == {code}


@pytest.mark.parametrize("code", SHOWN)
def test_the_right_spec_compiles_without_a_warning(code: str) -> None:
    assert _found(explanation(code).right) == set()


@pytest.mark.parametrize("code", CODES)
def test_half_a_page(code: str) -> None:
    page = explanation(code)
    assert 3 <= len(page.meaning.splitlines()) <= 15
    assert max(map(len, page.text.splitlines())) <= 100
    assert len(page.wrong.splitlines()) <= 12


@pytest.mark.parametrize("code", ["MIB204", "mib204", "Mib204"])
def test_a_code_in_any_case(code: str) -> None:
    done = CliRunner().invoke(app, ["explain", code])
    assert done.exit_code == 0
    assert done.stdout == explanation("MIB204").text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("MIB240", "did you mean `MIB204`?"),
        ("MIB2O4", "did you mean `MIB204`?"),
        ("MIB4111", "did you mean `MIB411`?"),
        ("MIB999", "there are MIB101 to MIB5"),
        ("204", "did you mean `MIB204`?"),
        ("cycles", "there are MIB101 to MIB5"),
        ("../../README", "there is no diagnostic"),
    ],
)
def test_an_unknown_code_is_wrong_usage(code: str, said: str) -> None:
    done = CliRunner().invoke(app, ["explain", code])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr


def test_a_terminal_is_shown_no_markup() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "graphdsl", "explain", "MIB204"]
    environment = os.environ | {"TERM": "dumb", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=theirs, env=environment) as running:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        assert running.wait() == 0
    os.close(ours)
    assert b"Index out of range" in shown
    assert b"x[1], x[3] -> z" in shown
    assert b"```" not in shown


def _read(descriptor: int) -> bytes:
    """What a terminal shows next; nothing once its other end is closed."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
