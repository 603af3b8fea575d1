"""A spec read statement by statement is what is read as a whole, whatever was read before."""

from __future__ import annotations

from itertools import chain
from random import Random

import pytest

from graphdsl.diagnostics import Source
from graphdsl.syntax import parse, reader
from graphdsl.syntax.parse import right_statements
from graphdsl.syntax.reader import Reader
from tests.conftest import ROOT, SPECS
from tests.layouts import scramble

BAD = sorted((ROOT / "tests" / "bad").glob("1xx/*.mib"))
TEXTS = [Source.read(path).text for path in chain(SPECS[::3], BAD[::2])]


def test_statements_are_read_alike_alone_and_together() -> None:
    kept = Reader()
    for text in TEXTS:
        for version in (text, scramble(text, Random(1)) if text in TEXTS[:6] else text):
            source = Source("a.mib", version)
            assert kept.read(source) == Reader().read(source) == parse(source)


def test_every_beginning_of_a_spec_is_read_alike() -> None:
    """As someone types it: most beginnings have a mistake."""
    text, kept = TEXTS[3], Reader()
    for end in range(0, len(text), 29):
        source = Source("a.mib", text[:end])
        assert kept.read(source) == parse(source)


def test_one_statement_is_parsed_for_a_keystroke(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Source.read(ROOT / "specs" / "wyner.mib").text
    kept = Reader()
    kept.read(Source("a.mib", text))
    parsed: list[str] = []

    def counted(text: str) -> object:
        parsed.append(text.strip())
        return right_statements(text)

    monkeypatch.setattr(reader, "right_statements", counted)
    kept.read(Source("a.mib", text.replace("param cross  = 1", "param cross  = 12")))
    assert parsed == ["param cross  = 12"]
    kept.read(Source("a.mib", f"{text}# a comment"))
    assert parsed[1:] == ["param cross  = 1"]
