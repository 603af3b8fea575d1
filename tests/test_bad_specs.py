"""Every bad spec gives the text of its `.err`: what `graphdsl check` says of it on stderr."""

from __future__ import annotations

__all__ = ["GUARDS", "diagnostics"]

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from typer.testing import CliRunner

import graphdsl
from graphdsl.cli import app
from graphdsl.diagnostics import Diagnostic, Warned
from graphdsl.syntax.slips import SLIPS

BAD = Path(__file__).parent / "bad"
SPECS = sorted(BAD.glob("*/*.mib"))

#: What no spec can reach. MIB401: the entropies of the canonical form are given predecessors alone,
#: and of those a variable is independent given its parents. MIB421: a library is not installed.
GUARDS = {"MIB294", "MIB401", "MIB421"}

_MISTAKE = re.compile(r"^(?:error|warning)\[(MIB\d+)\] .* in (\S+):(\d+):(\d+)$", re.MULTILINE)


def _said(spec: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", str(spec)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result.exit_code, result.stderr


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_what_is_said(spec: Path, request: pytest.FixtureRequest) -> None:
    code, said = _said(spec)
    golden = spec.with_suffix(".err")
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert code == (1 if "error[" in said else 0)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_one_mistake_is_said_once(spec: Path) -> None:
    expected = 3 if spec.stem.startswith("three_") else 1
    assert len(_MISTAKE.findall(spec.with_suffix(".err").read_text(encoding="utf-8"))) == expected


def test_every_error_file_has_its_spec() -> None:
    assert {path.stem for path in BAD.glob("*/*.err")} == {path.stem for path in SPECS}


def diagnostics() -> Iterator[type[Diagnostic]]:
    """Every kind of mistake that some room knows."""
    for module in walk_packages(graphdsl.__path__, "graphdsl."):
        if module.name.endswith("errors"):
            import_module(module.name)
    waiting: list[type[Diagnostic]] = [Diagnostic]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if one.__module__.startswith("graphdsl.") and one not in (Diagnostic, Warned):
            yield one


def test_codes_are_given_once() -> None:
    codes = [one.code for one in diagnostics()]
    assert len(codes) == len(set(codes))


def test_every_mistake_has_a_bad_spec() -> None:
    texts = [path.read_text(encoding="utf-8") for path in BAD.glob("*/*.err")]
    shown = {code for text in texts for code, *_ in _MISTAKE.findall(text)}
    missing = {one.code: one.__name__ for one in diagnostics() if one.code not in shown}
    assert missing.keys() == GUARDS, missing


def test_every_slip_has_a_bad_spec() -> None:
    texts = [path.read_text(encoding="utf-8") for path in BAD.glob("*/*.err")]
    for slip in SLIPS:
        assert any(f"error[{slip.label.code}]" in text for text in texts), slip.label.__name__


def test_sentences_have_a_hole_for_every_field() -> None:
    for one in diagnostics():
        holes = set(re.findall(r"(?<!\{)\{(\w+)\}", one.said + one.hint))
        fields = set(one.__annotations__)
        assert holes <= fields, one.__name__
        assert fields <= holes, one.__name__


def test_every_class_has_words_of_its_own() -> None:
    """A class whose sentence is one hole could hold any mistake, and would be no one kind."""
    for one in diagnostics():
        assert re.search(r"\w{2,}", re.sub(r"\{\w+\}", "", one.said)), one.__name__


def test_every_bad_spec_lies_with_its_hundred() -> None:
    """MIB207 in `2xx`: by the first code that is said of it."""
    for path in BAD.glob("*/*.err"):
        first = re.search(r"MIB(\d)\d\d", path.read_text(encoding="utf-8"))
        assert first is not None
        assert path.parent.name == f"{first[1]}xx", path.name
