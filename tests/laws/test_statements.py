"""A statement of the grammar is known wherever statements are told apart: none is read in vain."""

from __future__ import annotations

import ast as python
import re
from pathlib import Path
from typing import get_args

import graphdsl.declare
import graphdsl.resolve
from graphdsl.fmt.statements import BEGINNINGS
from graphdsl.syntax import ast
from graphdsl.syntax.chunks import STATEMENTS, chunks
from graphdsl_grammar import grammar_text

#: What may follow the first word of a statement.
FOLLOWED = "{} to {{ x }}"


def beginnings() -> dict[str, str]:
    """The terminal that each alternative of `statement` begins with, and its pattern."""
    rule = re.search(r"^\?statement:(.*?)\n\n", grammar_text(), re.MULTILINE | re.DOTALL)
    assert rule is not None
    firsts = {line.split()[0] for line in re.split(r"\n\s*\|", rule[1]) if line.strip()}
    patterns = dict(re.findall(r"^(\w+)(?:\.\d+)?: /(.*)/$", grammar_text(), re.MULTILINE))
    return {name: patterns[name] for name in firsts}


def test_the_formatter_knows_what_statements_begin_with() -> None:
    assert beginnings().keys() == BEGINNINGS.keys()


def test_recovery_knows_the_words_of_statements() -> None:
    patterns = beginnings()
    for word in STATEMENTS:
        assert any(re.match(one, FOLLOWED.format(word)) for one in patterns.values()), word
    for name, one in patterns.items():
        words = [word for word in STATEMENTS if re.match(one, FOLLOWED.format(word))]
        assert words, name
        for word in words:
            text = f"model m\n{FOLLOWED.format(word)}\n"
            assert [one.word for one in chunks(text)] == ["model", word]


def test_every_statement_is_read_where_names_are_resolved() -> None:
    """A statement that no function of `declare` or `resolve` asks for would compile to nothing."""
    read: set[str] = set()
    rooms = [Path(one).parent for one in (graphdsl.declare.__file__, graphdsl.resolve.__file__)]
    for path in (file for room in rooms for file in room.glob("*.py")):
        for node in python.walk(python.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, python.MatchClass):
                read |= _named(node.cls)
            elif isinstance(node, python.Call) and _named_function(node) == "isinstance":
                read |= {name for one in python.walk(node.args[1]) for name in _named(one)}
    assert {one.__name__ for one in get_args(ast.Statement)} <= read


def _named(node: python.AST) -> set[str]:
    """The name of a class of `ast`."""
    is_ast = isinstance(node, python.Attribute) and isinstance(node.value, python.Name)
    return {node.attr} if is_ast and node.value.id == "ast" else set()  # type: ignore[attr-defined]


def _named_function(node: python.Call) -> str:
    return node.func.id if isinstance(node.func, python.Name) else ""
