"""The parser, from tables made once: reading them costs a tenth of building them.

`python -m graphdsl.syntax` makes them anew after a change of the grammar; a test holds that they
fit it. They are plain JSON beside the grammar, and used only under the version of Lark that
made them; under any other the parser is built from the grammar.
"""

from __future__ import annotations

__all__ = ["build_parser", "load_parser", "make_tables", "update_tables"]

import hashlib
import json
from functools import cache

from lark import Lark, __version__
from lark.grammar import Rule
from lark.lexer import TerminalDef

from graphdsl_grammar import grammar_text, tables_path


@cache
def load_parser() -> Lark:
    """The parser from its tables, or from the grammar where they do not fit."""
    stored = _stored()
    return build_parser() if stored is None else Lark.load(stored)


def build_parser(strict: bool = False) -> Lark:
    """The parser from the grammar; `strict` refuses what would only be resolved by luck."""
    return Lark(
        grammar_text(),
        parser="lalr",
        start="spec",
        propagate_positions=True,
        maybe_placeholders=True,
        strict=strict,
    )


def make_tables() -> str:
    """The tables of the grammar as it stands, as JSON."""
    data, memo = build_parser().memo_serialize([TerminalDef, Rule])
    content = {"made_for": _made_for(), "data": data, "memo": memo}
    return json.dumps(content, indent=None, separators=(",", ":")) + "\n"


def update_tables() -> None:
    """Make the tables anew if they do not fit; Lark numbers its states otherwise each time."""
    if _stored() is None:
        tables_path().write_text(make_tables(), encoding="utf-8")


def _stored() -> dict[str | int, object] | None:
    path = tables_path()
    if not path.is_file():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"), object_hook=_with_numbers)
    return stored if stored["made_for"] == _made_for() else None


def _made_for() -> dict[str, str]:
    digest = hashlib.sha256(grammar_text().encode()).hexdigest()
    return {"lark": __version__, "grammar": digest}


def _with_numbers(content: dict[str, object]) -> dict[str | int, object]:
    """JSON knows no numbers as keys; the parser's states and rules are numbered."""
    return {int(key) if key.isdigit() else key: value for key, value in content.items()}
