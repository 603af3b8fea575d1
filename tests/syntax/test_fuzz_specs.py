"""Specs with random slips: a mistake is said in its place, and nothing else ever happens.

`FUZZ=10000 pytest tests/syntax/test_fuzz_specs.py` tries more of them, and others each time.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Diagnostic, Source, SpecError, render
from tests.conftest import SPECS
from tests.corpus import fuzz
from tests.effort import calls

COUNT = fuzz(250)
TEXTS = [spec.read_text(encoding="utf-8") for spec in SPECS]
TOKEN = re.compile(r"[ \t]+|#[^\n]*|->|\|\||\.\.|==|[A-Za-z_]\w*|\d+|.", re.DOTALL)
VOCABULARY = sorted({token for text in TEXTS for token in TOKEN.findall(text) if token.strip()})
CHARACTERS = '{}()[],;:|->=~*+/.0129 \n\tqpxzuij#é\u2028"\\\x00'

Cut: TypeAlias = Literal["token", "character", "line"]


@dataclass(frozen=True)
class Slip:
    """One thing that fingers do to a text; places count modulo what there is."""

    what: Literal["delete", "double", "swap", "insert", "replace"]
    of: Cut
    at: int
    other: int
    new: str

    def apply(self, text: str) -> str:
        """The text after the slip."""
        pieces = _cut(text, self.of)
        if not pieces:
            return self.new
        at, other = self.at % len(pieces), self.other % len(pieces)
        match self.what:
            case "delete":
                del pieces[at]
            case "double":
                pieces.insert(at, pieces[at])
            case "swap":
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case "insert":
                pieces.insert(at, self.new)
            case "replace":
                pieces[at] = pieces[other]
        return "".join(pieces)


def _cut(text: str, of: Cut) -> list[str]:
    if of == "token":
        return TOKEN.findall(text)
    return list(text) if of == "character" else text.splitlines(keepends=True)


SLIPS = st.builds(
    Slip,
    what=st.sampled_from(("delete", "double", "swap", "insert", "replace")),
    of=st.sampled_from(("token", "token", "token", "character", "line")),
    at=st.integers(0, 2_000),
    other=st.integers(0, 2_000),
    new=st.sampled_from(VOCABULARY) | st.sampled_from(CHARACTERS),
)


def tried(share: int) -> settings:
    """That many slips: the same each time, but others each time where FUZZ asks for a number."""
    return settings(
        max_examples=share,
        deadline=None,
        derandomize="FUZZ" not in os.environ,
        suppress_health_check=[HealthCheck.too_slow],
    )


@tried(COUNT)
@given(text=st.sampled_from(TEXTS), slips=st.lists(SLIPS, min_size=1, max_size=4))
@example(text="", slips=[])
@example(text="q", slips=[])
@example(text="model a\nobserved x : real\nq {}\nminimize H(x)", slips=[])
def test_a_slip_is_a_mistake_in_its_place(text: str, slips: list[Slip]) -> None:
    source = _slipped(text, slips)
    for one in _found(source):
        assert re.fullmatch(r"MIB[1-5]\d\d", one.code)
        assert _is_inside(one, source), one
        assert len(render(one, source).split("\n")) == 4


@tried(max(1, COUNT // 10))
@given(text=st.sampled_from(TEXTS), slips=st.lists(SLIPS, min_size=1, max_size=4))
def test_a_slip_is_no_great_effort(text: str, slips: list[Slip]) -> None:
    source = _slipped(text, slips)
    assert calls(partial(_found, source)) < 2_000_000


def _slipped(text: str, slips: list[Slip]) -> Source:
    for slip in slips:
        text = slip.apply(text)
    return Source("fuzz.mib", text)


def _found(source: Source) -> tuple[Diagnostic, ...]:
    """Warnings of a spec that can be derived, and the mistakes of one that cannot."""
    try:
        return derive(check_spec(source)).warnings
    except SpecError as error:
        return error.diagnostics or pytest.fail("refused, and no word of why")


def _is_inside(one: Diagnostic, source: Source) -> bool:
    """Whether a place is in the text, or just behind the end of one of its lines."""
    span = one.span
    last = max(1, len(source.lines))
    return (
        1 <= span.line <= span.end_line <= last
        and 1 <= span.column <= len(source.line(span.line)) + 1
        and 1 < span.end_column <= len(source.line(span.end_line)) + 2
        and (span.line, span.column) < (span.end_line, span.end_column)
    )
