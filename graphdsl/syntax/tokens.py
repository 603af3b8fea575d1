"""The words and signs of a spec as the parser takes them: what formatting starts from."""

from __future__ import annotations

__all__ = ["Token", "read_tokens"]

from dataclasses import dataclass

from graphdsl.syntax.tables import load_parser


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a sign, by the terminal of the grammar that it was read as."""

    kind: str
    text: str
    start: int
    end: int


def read_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a text without mistakes; a newline is one only where it ends a line.

    >>> [token.kind for token in read_tokens("q { x -> q }")]
    ['_Q', 'LBRACE', 'NAME', 'ARROW', 'NAME', 'RBRACE']
    """
    return tuple(
        Token(one.type, str(one), one.start_pos or 0, one.end_pos or 0)
        for one in load_parser().parse_interactive(text).iter_parse()
    )
