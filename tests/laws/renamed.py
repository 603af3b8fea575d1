"""Specs under other names: which names a spec gives away, and the same spec with others."""

from __future__ import annotations

__all__ = ["declared_names", "legal_name", "renamed", "words"]

import random
import re
import string
from collections.abc import Mapping

from graphdsl.diagnostics import Source
from graphdsl.slots.reserved import What
from graphdsl.syntax import ast, parse

_WORD = re.compile(r"#[^\n]*|\bmodel +\w+|[A-Za-z_][A-Za-z0-9_]*")
_LETTERS = string.ascii_letters + string.digits + "_"


def declared_names(text: str) -> dict[str, What]:
    """The names that a spec gives, and to what: `variable`, `constant`, `network`, ..."""
    spec, _ = parse(Source("spec.mib", text))
    found: dict[str, What] = {}
    for one in spec.statements:
        match one:
            case ast.VariableDeclaration():
                found[one.name.text] = "variable"
            case ast.Constant():
                found[one.name.text] = "constant"
            case ast.Parameter():
                found[one.name.text] = "parameter"
            case ast.MaskDeclaration():
                found[one.name.text] = "mask"
            case ast.NetworkBlock(role="regularizer" | "further"):
                found[one.name.text] = "network"
            case _:
                pass
    return found


def renamed(text: str, names: Mapping[str, str], model: str = "") -> str:
    """The spec with every word of its code that has another name under that; comments stay."""

    def other(found: re.Match[str]) -> str:
        word = found[0]
        if model and word.startswith("model "):
            return f"model {model}"
        return names.get(word, word)

    return _WORD.sub(other, text)


def words(text: str) -> frozenset[str]:
    """The words of a spec's code."""
    return frozenset(word for word in _WORD.findall(text) if not word.startswith("#"))


def legal_name(chance: random.Random, most: int = 120) -> str:
    """A name of random length that no spec has by chance, and that is no word of the language."""
    while True:
        length = chance.choice([1, 2, 5, 10, 23, 40, 71, chance.randint(1, most)])
        first = chance.choice(string.ascii_letters)
        name = first + "".join(chance.choices(_LETTERS, k=length - 1))
        if not _is_word_of_the_language(name):
            return name


def _is_word_of_the_language(name: str) -> bool:
    """Whether a declaration of that name is no statement: `if`, `in`."""
    _, mistakes = parse(Source("name.mib", f"model m\nobserved {name} : real\n"))
    return bool(mistakes)
