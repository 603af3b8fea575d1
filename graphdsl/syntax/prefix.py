"""The beginning of a statement, and what the grammar lets follow it."""

from __future__ import annotations

__all__ = ["Prefix", "read_prefix"]

import re
from dataclasses import dataclass
from functools import cache

from lark import UnexpectedInput
from lark.lexer import TerminalDef

from graphdsl.syntax.chunks import chunks, without_comments
from graphdsl.syntax.tables import load_parser
from graphdsl.syntax.tokens import Token


@dataclass(frozen=True, slots=True)
class Prefix:
    """The words of an unfinished statement, and what may come next."""

    tokens: tuple[Token, ...]
    words: tuple[str, ...]  #: of the language, that may come next
    takes_name: bool  #: whether a name may come next


def read_prefix(text: str) -> Prefix | None:
    """What may follow a text; None if its last statement has a mistake already.

    >>> read_prefix("model a  latent z").words
    ()
    >>> read_prefix("q { x -> z ").words
    ('by', 'for', 'if', 'via')
    """
    bare = without_comments(text)
    start = chunks(bare)[-1].start if bare.strip() else 0
    parser = load_parser().parse_interactive(bare[start:])
    tokens = []
    try:
        for one in parser.iter_parse():
            first = one.start_pos or 0
            tokens.append(Token(one.type, str(one), start + first, start + (one.end_pos or 0)))
    except UnexpectedInput:
        return None
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]  # lark has no types here
    words = sorted(word for kind in accepted for word in _spelled().get(kind, ()))
    return Prefix(tuple(tokens), tuple(words), "NAME" in accepted)


@cache
def _spelled() -> dict[str, tuple[str, ...]]:
    """The words that terminals read: `ROLE` reads observed, latent and given."""
    spelled = {terminal.name: _words(terminal) for terminal in load_parser().terminals}
    return {name: words for name, words in spelled.items() if words}


def _words(terminal: TerminalDef) -> tuple[str, ...]:
    pattern = re.sub(r"\(\?=.*$", "", terminal.pattern.to_regexp())
    bare = pattern.replace(r"\b", "").replace(r"\s+", " ")
    choices = re.fullmatch(r"(?:\(\?:)?([a-z| ]+)\)?", bare)
    return tuple(choices[1].split("|")) if choices else ()
