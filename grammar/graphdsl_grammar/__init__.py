"""The grammar of `.mib` specs, as data: `mib.lark`, and the parse tables made from it.

Beside it, for documents and editors: a lexer for Pygments and a TextMate grammar.
"""

__all__ = ["grammar_text", "tables_path", "textmate_path"]

from pathlib import Path

_HERE = Path(__file__).parent


def grammar_text() -> str:
    """The Lark grammar of the language, LALR(1) without conflicts.

    >>> grammar_text().splitlines()[0]
    '// The grammar of .mib specs. LALR(1), no conflicts: built with strict=True in the tests.'
    """
    return (_HERE / "mib.lark").read_text(encoding="utf-8")


def tables_path() -> Path:
    """Where the parse tables lie."""
    return _HERE / "mib.tables.json"


def textmate_path() -> Path:
    """Where the TextMate grammar lies, which editors colour specs by."""
    return _HERE / "mib.tmLanguage.json"
