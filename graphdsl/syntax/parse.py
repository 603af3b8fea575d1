"""Text to abstract syntax, with every syntax error that the text holds."""

from __future__ import annotations

__all__ = ["parse"]

from functools import cache

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from graphdsl.diagnostics import Diagnostic, Source, Span, nearest, one_of
from graphdsl.syntax import ast
from graphdsl.syntax.chunks import Chunk, blank, chunks, opened_bracket
from graphdsl.syntax.errors import (
    MissingValue,
    StrangeCharacter,
    StrayBracket,
    UnclosedBrace,
    UnclosedBracket,
    UnexpectedSign,
    UnknownStatement,
)
from graphdsl.syntax.slips import SLIPS
from graphdsl.syntax.tables import load_parser
from graphdsl.syntax.tree import to_spec

STATEMENTS = (
    "model", "const", "param", "observed", "latent", "q", "p", "network", "minimize", "maximize",
    "estimate", "assert",
)  # fmt: skip

_READABLE = {
    "NAME": "a name", "NUMBER": "a number", "ROLE": "`observed`", "AIM": "`minimize`",
    "SUM": "`sum`", "RELATION": "`==`", "_NEWLINE": "a new line", "$END": "the end",
    "COMMA": "`,`", "SEMICOLON": "`;`", "LBRACE": "`{`", "RBRACE": "`}`", "LPAR": "`(`",
    "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "PLUS": "`+`", "MINUS": "`-`", "STAR": "`*`",
    "SLASH": "`/`", "COLON": "`:`", "TILDE": "`~`", "EQUAL": "`=`", "VBAR": "`|`", "BAR": "`|`",
}  # fmt: skip

_LOOKALIKES = {
    "=": "compare with `==`; `=` gives a constant or a parameter its value",
    "≤": "write `<=`",
    "→": "write `->`",
    "‖": "write `||`",
    "×": "write `*`",
    "<": "draw edges from parent to child, `x -> z`; compare with `<=`",
    ">": "draw edges as `x -> z`; compare with `>=`",
    "^": "write products out, `a * a`",
    '"': "names stand without quotes",
    "'": "names stand without quotes",
}


def parse(source: Source) -> tuple[ast.Spec, tuple[Diagnostic, ...]]:
    """Read a spec; where a statement cannot be read, say so and read on with the next.

    Returns:
        The statements that could be read, and what is wrong with the others.
    """
    text = source.text
    found: list[Diagnostic] = []
    lost: set[str] = set()
    while True:
        try:
            spec = to_spec(_parser().parse(text))
        except UnexpectedInput as problem:
            diagnostic, chunk = _explain(problem, text)
            found.append(diagnostic)
            lost |= chunk.words(text)
            text = blank(text, chunk)
        else:
            return ast.Spec(spec.statements, bool(found), frozenset(lost)), tuple(found)


@cache
def _parser() -> Lark:
    return load_parser()


def _explain(problem: UnexpectedInput, text: str) -> tuple[Diagnostic, Chunk]:
    """The diagnostic of a syntax error, and the statement that is to be left out after it."""
    position = problem.pos_in_stream
    at = len(text) if position is None or position < 0 else position
    if isinstance(problem, UnexpectedToken) and problem.token.type == "$END":
        at = len(text)
    pieces = chunks(text)
    here = next((piece for piece in reversed(pieces) if piece.start <= at), pieces[0])
    unclosed = next((one for one in pieces if one.open_brace is not None and one.end <= at), None)
    if unclosed is not None and unclosed.open_brace is not None:
        before = f"`{here.word}`" if here is not unclosed else "the end of the file"
        span = _span_at(text, unclosed.open_brace, 1)
        return UnclosedBrace(span=span, before=before), unclosed
    if here.start == at and here is not pieces[0]:
        # The statement before stopped too early: it, not this one, is at fault.
        here = pieces[pieces.index(here) - 1]
    return _diagnose(problem, text, at, here), here


def _diagnose(problem: UnexpectedInput, text: str, at: int, chunk: Chunk) -> Diagnostic:
    if isinstance(problem, UnexpectedCharacters):
        sign = text[at]
        instead = _LOOKALIKES.get(sign, "delete it")
        return StrangeCharacter(span=_span_at(text, at, 1), found=sign, instead=instead)
    assert isinstance(problem, UnexpectedToken)  # LALR parsers raise these two alone
    token = problem.token
    span, found = _token(token, text, at)
    if at == chunk.start and str(token) not in STATEMENTS:
        return UnknownStatement(span=span, found=str(token), guess=_statement_like(str(token)))
    opened = opened_bracket(text, chunk.start, at)
    if opened is None and str(token) in (")", "]", "}"):
        return StrayBracket(span=span, found=str(token))
    if opened is not None and _ends_what_is_open(token, text, at):
        sign = text[opened]
        return UnclosedBracket(
            span=span, found=found, opened=sign, closing={"(": ")", "[": "]"}[sign],
            line=text.count("\n", 0, opened) + 1,
        )  # fmt: skip
    if "NUMBER" in problem.expected and _ends_what_is_open(token, text, at):
        return MissingValue(span=span, found=found)
    label = problem.match_examples(_parser().parse, SLIPS, use_accepts=False)
    if label is not None:
        return _slip(label, span, token)
    expected = sorted(
        {_READABLE.get(name, f"`{_spelled(name)}`") for name in problem.expected}
    )
    return UnexpectedSign(span=span, found=found, expected=" or ".join(expected[:6]))


def _slip(label: type[Diagnostic], span: Span, token: Token) -> Diagnostic:
    if "found" in label.__annotations__:
        return label(span=span, found=str(token))  # type: ignore[call-arg]  # it has the field
    return label(span=span)


def _ends_what_is_open(token: Token, text: str, at: int) -> bool:
    """Whether a sign can only come once every bracket is closed."""
    if token.type in ("$END", "RELATION", "WITH", "RBRACE", "LBRACE"):
        return True
    return any(piece.start == at for piece in chunks(text))


def _statement_like(word: str) -> str:
    guess = nearest(word, STATEMENTS)
    return f"did you mean `{guess}`?" if guess else f"begin with {one_of(STATEMENTS)}"


def _spelled(terminal: str) -> str:
    definition = next((one for one in _parser().terminals if one.name == terminal), None)
    return str(definition.pattern.value) if definition else terminal.lower()


def _token(token: Token, text: str, at: int) -> tuple[Span, str]:
    if token.type == "$END":
        return _span_at(text, len(text.rstrip()), 1), "the end of the file"
    if token.type == "_NEWLINE":
        return _span_at(text, at, 1), "the end of the line"
    return _span_at(text, at, len(token)), f"`{token}`"


def _span_at(text: str, offset: int, width: int) -> Span:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Span(line, column, line, column + width)
