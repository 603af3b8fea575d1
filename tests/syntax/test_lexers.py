"""The colours of a spec, in documents and in editors: the words are those of the grammar."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from itertools import product
from pathlib import Path
from random import Random

import pytest
from pygments.lexer import words
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Whitespace,
    _TokenType,
)

from graphdsl.diagnostics import Source
from graphdsl.fmt import format_spec
from graphdsl.syntax.tables import build_parser
from graphdsl.syntax.tokens import Token, read_tokens
from graphdsl_grammar import textmate_path
from graphdsl_grammar.pygments_lexer import MibLexer
from tests.conftest import ROOT, SPECS
from tests.fmt.test_fmt import BAD, EVERYTHING, TEMPLATES
from tests.layouts import scramble

ALL = sorted((ROOT / "tests" / "bad").glob("*/*.mib"))
RIGHT = {path.stem: Source.read(path).text for path in (*SPECS, *TEMPLATES, *BAD)}
RIGHT["everything"] = EVERYTHING
#: Terminals of the grammar that are read as a word, as a regular expression each.
WORDS = {
    one.name: one.pattern.to_regexp()
    for one in build_parser().terminals
    if re.match(r"(?:\(\?:)?[a-z]", one.pattern.to_regexp())
}

by_spec = pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())


def spelled(pattern: str) -> list[str]:
    r"""The words that the pattern of a terminal reads: `(?:a|b)\b(?=\s*\()` reads a and b."""
    pattern = re.sub(r"\(\?=.*$", "", pattern).replace(r"\b", "").replace(r"\s+", " ")
    choices = re.fullmatch(r"(?:\(\?:)?([a-z| ]+)\)?", pattern)
    assert choices, f"{pattern} is no list of words any more"
    return choices[1].split("|")


#: Words of the grammar that are names unless a bracket follows.
BEFORE_BRACKETS = ("abs", "square", "max", "min", "ramp", "cycle")
GRAMMAR_WORDS = sorted(word for pattern in WORDS.values() for word in spelled(pattern))


def lexed(text: str) -> list[tuple[int, _TokenType, str]]:
    return list(MibLexer().get_tokens_unprocessed(text))


# ---- Pygments ------------------------------------------------------------------------------------


def test_the_lexer_has_the_words_of_the_grammar() -> None:
    rules = [rule for rule, kind in MibLexer.tokens["root"] if kind in Keyword]
    lists = {word for rule in rules if isinstance(rule, words) for word in rule.words}
    patterns = {word for rule in rules if isinstance(rule, str) for word in spelled_in(rule)}
    assert lists | patterns == set(GRAMMAR_WORDS)


def spelled_in(pattern: str) -> list[str]:
    """The words that stand in a pattern of the lexer or of the TextMate grammar."""
    bare = re.sub(r"\(\?=.*?\\[({]\)|\\b", "", pattern).replace(r"\s+", " ")  # no lookahead
    return re.findall(r"(?<=\[)q|p(?=\])|[a-z]{2,}(?: to)?", bare)


def test_pygments_finds_the_lexer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, value),) = project["entry-points"]["pygments.lexers"].items()
    assert EntryPoint(name, value, "pygments.lexers").load() is MibLexer
    assert all(path.match(MibLexer.filenames[0]) for path in SPECS)


@pytest.mark.parametrize("word", GRAMMAR_WORDS)
def test_every_word_of_the_grammar_is_a_keyword(word: str) -> None:
    """Where it stands as the grammar has it, and nowhere inside of a longer word."""
    behind = {"q": " {", "p": " {"}.get(word, "(" * (word in BEFORE_BRACKETS))
    assert lexed(word + behind)[0][1:] in product(_kinds(Keyword), [word])
    for longer in (f"{word}z", f"{word}_1", f"z{word}"):
        assert not any(kind in Keyword for _, kind, _ in lexed(longer + behind))


@pytest.mark.parametrize("name", [*BEFORE_BRACKETS, "q", "p", "to", "KL", "x", "subjects"])
def test_names_are_no_keywords(name: str) -> None:
    assert lexed(name) == [(0, Name, name)]


@by_spec
@pytest.mark.parametrize("layout", ["own", "scrambled"])
def test_the_lexer_reads_what_the_parser_does(text: str, layout: str) -> None:
    if layout == "scrambled":
        text = scramble(text, Random(1))
    ours = [
        (at, found, _class_of(kind))
        for at, kind, found in lexed(text)
        if kind not in Whitespace and kind not in Comment
    ]
    theirs = [
        (one.start, one.text, _class_of_terminal(one))
        for one in read_tokens(text)
        if one.kind != "_NEWLINE"
    ]
    assert ours == theirs


@pytest.mark.parametrize("path", [*SPECS, *TEMPLATES, *ALL], ids=lambda path: path.stem)
def test_the_text_comes_back_whole(path: Path) -> None:
    text = Source.read(path).text
    tokens = lexed(text)
    assert "".join(found for _, _, found in tokens) == text
    if path.stem in RIGHT:
        assert Error not in {kind for _, kind, _ in tokens}


def _kinds(kind: _TokenType) -> list[_TokenType]:
    return [kind, *kind.subtypes]


def _class_of(kind: _TokenType) -> str:
    classes = {"word": Keyword, "number": Number, "name": Name}
    return next((name for name, one in classes.items() if kind in one), "sign")


def _class_of_terminal(token: Token) -> str:
    if token.kind in WORDS:
        return "word"
    return {"NUMBER": "number", "NAME": "name", "COPY": "name"}.get(token.kind, "sign")


# ---- TextMate ------------------------------------------------------------------------------------

GRAMMAR = json.loads(textmate_path().read_text(encoding="utf-8"))
RULES = [GRAMMAR["repository"][one["include"].removeprefix("#")] for one in GRAMMAR["patterns"]]
_WORD_SCOPES = ("storage.", "keyword.control.", "support.function.")


def test_it_is_a_textmate_grammar() -> None:
    assert GRAMMAR["scopeName"] == "source.mib"
    assert GRAMMAR["fileTypes"] == ["mib"]
    assert {one["include"][1:] for one in GRAMMAR["patterns"]} == set(GRAMMAR["repository"])
    for rule in RULES:
        assert set(rule) == {"name", "match"}
        assert rule["name"].endswith(".mib")


def test_its_words_are_those_of_the_grammar() -> None:
    rules = [rule["match"] for rule in RULES if rule["name"].startswith(_WORD_SCOPES)]
    assert {word for rule in rules for word in spelled_in(rule)} == set(GRAMMAR_WORDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_patterns_mean_the_same_to_oniguruma(rule: dict[str, str]) -> None:
    """Groups, lookahead, classes and escapes that both engines know, and that read something."""
    pattern = re.compile(rule["match"])
    assert not pattern.match("")
    assert set(re.findall(r"\(\?.", rule["match"])) <= {"(?:", "(?="}
    assert set(re.findall(r"\\[A-Za-z]", rule["match"])) <= {r"\b", r"\s"}
    assert "[[" not in rule["match"]
    assert "&&" not in rule["match"]


@by_spec
def test_editors_and_documents_agree(text: str) -> None:
    text = format_spec(Source("test.mib", text))  # an editor reads line by line
    documents = [
        (at, found, "comment" if kind in Comment else _class_of(kind))
        for at, kind, found in lexed(text)
        if kind not in Whitespace
    ]
    assert list(scoped(text)) == documents


@pytest.mark.parametrize("word", GRAMMAR_WORDS)
def test_every_word_of_the_grammar_has_a_scope_of_words(word: str) -> None:
    behind = {"q": " {", "p": "{"}.get(word, " (" * (word in BEFORE_BRACKETS))
    assert next(scoped(word + behind)) == (0, word, "word")
    for longer in (f"{word}z", f"{word}_1", f"z{word}"):
        assert all(kind != "word" for _, _, kind in scoped(longer + behind))


def scoped(text: str) -> Iterator[tuple[int, str, str]]:
    """What an editor makes of a text: line by line, the leftmost match of the first rule."""
    start = 0
    for line in text.split("\n"):
        at = 0
        while True:
            found = [
                (one, rule) for rule in RULES if (one := re.compile(rule["match"]).search(line, at))
            ]
            if not found:
                assert not line[at:].strip()
                break
            match, rule = min(found, key=lambda pair: pair[0].start())
            assert not line[at : match.start()].strip()
            yield start + match.start(), match[0], _class_of_scope(rule["name"])
            at = match.end()
        start += len(line) + 1


def _class_of_scope(scope: str) -> str:
    if scope.startswith(_WORD_SCOPES):
        return "word"
    classes = {"comment": "comment", "constant": "number", "variable": "name", "entity": "name"}
    return classes.get(scope.partition(".")[0], "sign")
