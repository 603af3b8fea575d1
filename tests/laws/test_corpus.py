"""The specs that the laws are held to: there are many, each by a name, and they come again."""

from __future__ import annotations

from itertools import chain

import pytest

from graphdsl.compiler import read
from graphdsl.report import audit_json
from tests import corpus
from tests.conftest import SPECS
from tests.corpus import Case, compiled, compiling, documented, generated, shipped, some


def test_there_are_many_specs_and_each_has_a_name() -> None:
    from_specs, from_pages = list(shipped()), list(documented())
    assert [case.name for case in from_specs] == [path.stem for path in SPECS]
    assert len(from_pages) > 200
    names = [case.name for case in chain(from_specs, from_pages)]
    assert len(set(names)) == len(names)


def test_shipped_specs_compile() -> None:
    assert len(list(compiling(shipped(), at_least=1))) == len(SPECS)


def test_a_law_that_refused_specs_alone_would_keep_is_no_law() -> None:
    refused = Case("refused", "model refused\nminimize H(z)\n")
    with pytest.raises(AssertionError, match="0 of 1"):
        list(compiling([refused]))
    with pytest.raises(AssertionError, match="0 of 0"):
        list(compiling([]))


def test_seeds_change_with_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUZZ", raising=False)
    monkeypatch.delenv("FUZZ_START", raising=False)

    def drawn(law: str, commit: str) -> list[str]:
        corpus._draw.cache_clear()
        monkeypatch.setattr(corpus, "_commit", lambda: commit)
        return [case.text for case in generated(law, 3)]

    first = drawn("one", "a")
    assert first == drawn("one", "a")
    assert first != drawn("one", "b")
    assert first == drawn("another", "a")  # compiled once for both
    assert len(first) == len(drawn("one", "")) == 3  # without git
    corpus._draw.cache_clear()


def test_what_is_kept_is_what_was_compiled() -> None:
    for case, made in compiling(one.without_assertions() for one in generated("kept", 12)):
        assert compiled(case) is made
        corpus._compiled.cache_clear()
        again = compiled(case)
        assert again is not None
        assert again is not made
        assert again.text == made.text
        assert again.compiled.checked.model == made.compiled.checked.model
        assert audit_json(read(again.compiled)) == audit_json(read(made.compiled))


def test_a_share_of_many_is_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUZZ", raising=False)
    chosen = some("law", range(100), 10)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 10
    assert some("law", "ab", 10) == ["a", "b"]
    monkeypatch.setenv("FUZZ", "10000")
    assert some("law", range(100), 10) == list(range(100))


def test_a_failing_case_can_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUZZ", "2")
    first, second = generated("renaming", 40)
    assert corpus.case_at_hand() == second
    seed = second.name.removeprefix("renaming_")
    assert f"FUZZ=1 FUZZ_START={seed}" in str(second)
    assert second.text in str(second)
    monkeypatch.setenv("FUZZ", "1")
    monkeypatch.setenv("FUZZ_START", seed)
    assert [case.text for case in generated("another", 40)] == [second.text]
    assert first.text != second.text
