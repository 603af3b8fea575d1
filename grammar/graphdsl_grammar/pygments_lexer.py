"""The colours of a spec in documents: a lexer that Pygments finds by its entry point.

A test holds its words against `mib.lark`. Nothing of the compiler imports it.
"""

from __future__ import annotations

__all__ = ["MibLexer"]

from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, Whitespace

_DECLARATIONS = (
    "model", "const", "param", "observed", "latent", "given", "mask", "infer", "network",
)  # fmt: skip
_STATEMENTS = ("minimize", "maximize", "turns", "estimate", "assert")
_JOINING = ("with", "by", "via", "if", "for", "in", "not")
_MODIFIERS = ("optional", "learned", "fixed", "shared")
_RUNNING = ("sum", "mean", "expect", "pairs", "subsets", "bipartitions")


class MibLexer(RegexLexer):  # type: ignore[misc]  # Pygments ships no types
    """Specs in the language of graphdsl.

    >>> from pygments.token import Keyword
    >>> [text for kind, text in MibLexer().get_tokens("q { x -> z  by poe }") if kind in Keyword]
    ['q', 'by']
    """

    name = "graphdsl"
    aliases: ClassVar = ["mib", "graphdsl"]
    filenames: ClassVar = ["*.mib"]
    mimetypes: ClassVar = ["text/x-mib"]
    url = ""

    tokens: ClassVar = {
        "root": [
            (r"#[^\n]*", Comment.Single),
            (r"\s+", Whitespace),
            (r"[A-Za-z_][A-Za-z0-9_]*'", Name.Variable),  # a copy, whatever its name
            (words(_DECLARATIONS, suffix=r"\b"), Keyword.Declaration),
            (r"[qp](?=(?:\s|#[^\n]*\n)*\{)", Keyword.Declaration),
            (words((*_STATEMENTS, *_JOINING), suffix=r"\b"), Keyword),
            (r"subject\s+to\b", Keyword),
            (words(_MODIFIERS, suffix=r"\b"), Keyword.Pseudo),
            (words(_RUNNING, suffix=r"\b"), Keyword.Reserved),
            (r"(?:abs|square|max|min|ramp|cycle)(?=\s*\()", Keyword.Reserved),
            (r"[A-Za-z_][A-Za-z0-9_]*(?=\s*\()", Name.Function),
            (r"[A-Za-z_][A-Za-z0-9_]*", Name),
            (r"[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+", Number.Float),
            (r"[0-9]+", Number.Integer),
            (r"->|\|\||\.\.|[=<>]=|[-+*/=~|:]", Operator),
            (r"[,;()\[\]{}]", Punctuation),
        ]
    }
