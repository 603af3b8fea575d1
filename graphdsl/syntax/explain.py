"""Where the parser stopped, and what to say of it."""

from __future__ import annotations

__all__ = ["Stop", "explain", "span_at"]

import re
from collections.abc import Set
from dataclasses import dataclass

from lark import Token, UnexpectedInput, UnexpectedToken
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_parser_state import ParserState

from graphdsl.diagnostics import Diagnostic, Span, nearest, one_of
from graphdsl.syntax.chunks import STATEMENTS, Chunk, innermost_open
from graphdsl.syntax.errors import (
    EdgeWithoutTarget,
    EmptyBrackets,
    KeywordAsName,
    LostComma,
    MissingName,
    MissingSign,
    MissingValue,
    NoFunctionOfNumbers,
    StrangeCharacter,
    StrayBracket,
    UnclosedBracket,
    UnexpectedSign,
    UnknownStatement,
)
from graphdsl.syntax.slips import SLIPS, Slip

_SIGNS = {
    "COMMA": ",", "SEMICOLON": ";", "LBRACE": "{", "RBRACE": "}", "LPAR": "(", "RPAR": ")",
    "LSQB": "[", "RSQB": "]", "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "COLON": ":",
    "TILDE": "~", "EQUAL": "=", "VBAR": "|", "ARROW": "->", "DOTS": "..", "BARS": "||",
    "RELATION": "==", "TOTAL": "sum", "_BY": "by", "_VIA": "via", "_IF": "if", "_FOR": "for",
    "_IN": "in", "_WITH": "with", "OPTIONAL": "optional",
}  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_CLOSING_KINDS = {"(": "RPAR", "[": "RSQB", "{": "RBRACE"}

_LOOKALIKES = {
    "≤": "write `<=`", "≥": "write `>=`", "→": "write `->`", "‖": "write `||`", "∥": "write `||`",
    "×": "write `*`", "·": "write `*`", "−": "write `-`, the sign of the keyboard",
    "–": "write `-`, the sign of the keyboard", "…": "write `..`, two full stops",
    "∞": "write `inf`", "\u00a0": "write a plain space: this one does not break",
    "\ufeff": "save the file without a byte order mark in its middle",
    "<": "draw edges from parent to child, `x -> z`; compare with `<=`",
    ">": "draw edges as `x -> z`; compare with `>=`", "!": "compare with `==`, `<=` or `>=`",
    "^": "write products out, `a * a`", '"': "names stand without quotes",
    "'": "names stand without quotes",
    ".": "a range has two, as in `1..2`; a number has a digit before and behind, as in `0.5`",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped, what it met there, and what it could have gone on with."""

    bare: str  #: the whole text, with spaces for its comments
    at: int
    token: Token | None  #: None for a character that begins no token
    could: Set[str]  #: the terminals that it would really have shifted

    @classmethod
    def of(cls, problem: UnexpectedInput, bare: str) -> Stop:
        """What a syntax error of Lark's says."""
        at = problem.pos_in_stream
        if not isinstance(problem, UnexpectedToken):
            return cls(bare, at or 0, None, frozenset())
        if problem.token.type == "$END" or at is None:
            at = len(bare)
        return cls(bare, at, problem.token, _accepted(problem))

    @property
    def kind(self) -> str:
        """The name of the terminal that stands there."""
        return self.token.type if self.token is not None else ""

    @property
    def end_before(self) -> int:
        """Just behind what stands before it."""
        return len(self.bare[: self.at].rstrip())

    @property
    def begins_line(self) -> bool:
        """Whether a new line begins there, or the text begins or ends."""
        between = self.bare[self.end_before : self.at]
        return self.end_before == 0 or self.kind == "$END" or "\n" in between

    @property
    def is_complete(self) -> bool:
        """Whether a statement could have ended there."""
        return "_MODEL" in self.could

    @property
    def span(self) -> Span:
        """Where it stopped."""
        if self.kind in ("$END", "_NEWLINE"):
            return self.gap
        return span_at(self.bare, self.at, len(self.token or " "))

    @property
    def gap(self) -> Span:
        """Where something is missing: before a new statement, just behind the old one."""
        ended = self.begins_line and str(self.token) in STATEMENTS
        if ended or self.kind in ("$END", "_NEWLINE"):
            return span_at(self.bare, self.end_before, 1)
        return self.span

    @property
    def found(self) -> str:
        """What stands there, in words."""
        ends = {"$END": "the end of the file", "_NEWLINE": "the end of the line"}
        return ends.get(self.kind, f"`{self.token}`")


def explain(stop: Stop, chunk: Chunk) -> Diagnostic:
    """The diagnostic of a syntax error in a statement."""
    if stop.token is None:
        return _strange(stop.bare, stop.at)
    if stop.kind == "NAME" and stop.is_complete and stop.begins_line:
        return UnknownStatement(span=stop.span, found=str(stop.token), guess=_statement_like(stop))
    opened = innermost_open(stop.bare, chunk.start, stop.at)
    if opened is None and stop.kind in _CLOSING_KINDS.values():
        return StrayBracket(span=stop.span, found=str(stop.token))
    slip = next((one for one in SLIPS if _fits(one, stop)), None)
    if slip is not None:
        return _slipped(slip, stop)
    if opened is not None and _ends_what_is_open(stop, stop.bare[opened]):
        return UnclosedBracket(
            span=stop.gap,
            found=stop.found,
            opened=stop.bare[opened],
            closing=_CLOSING[stop.bare[opened]],
            line=stop.bare.count("\n", 0, opened) + 1,
        )
    return _missing(stop)


def span_at(text: str, offset: int, width: int) -> Span:
    """So many characters of a line, from an offset on."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Span(line, column, line, column + width)


def _accepted(problem: UnexpectedToken) -> Set[str]:
    """The terminals that could have stood there: those that the parser would really shift."""
    state = problem.state
    if not isinstance(state, ParserState):
        return problem.expected
    states = state.parse_conf.states

    def is_shifted(terminal: str) -> bool:
        stack = list(state.state_stack)
        while terminal in states[stack[-1]]:
            action, rule = states[stack[-1]][terminal]
            if action is Shift:
                return True
            del stack[len(stack) - len(rule.expansion) :]
            stack.append(states[stack[-1]][rule.origin.name][1])
            if stack[-1] == state.parse_conf.end_state:
                return True
        return False

    return {name for name in states[state.position] if name.isupper() and is_shifted(name)}


def _strange(bare: str, at: int) -> Diagnostic:
    sign = bare[at]
    character = f"`{sign}`" if sign.isprintable() else f"character U+{ord(sign):04X}"
    instead = _LOOKALIKES.get(sign, "delete it")
    if sign.isalpha():
        instead = "names are made of the letters a to z, digits and `_`"
    return StrangeCharacter(span=span_at(bare, at, 1), found=character, instead=instead)


def _fits(slip: Slip, stop: Stop) -> bool:
    return (
        (not slip.instead_of or slip.instead_of in stop.could)
        and (not slip.found or stop.kind in slip.found)
        and re.search(f"(?:{slip.after})$", stop.bare[: stop.end_before]) is not None
    )


def _slipped(slip: Slip, stop: Stop) -> Diagnostic:
    """The slip's diagnostic, its sentences filled with what stands there."""
    before = re.search(r"[\w.]*(?:\[[^\[\]\n]*\]|\([^()\n]*\))?$", stop.bare[: stop.end_before])
    behind = re.match(r"[\w.]*(?:\[[^\[\]\n]*\]|\([^()\n]*\))?", stop.bare[stop.at :])
    holes = {
        "before": before[0] if before else "",
        "name": before[0] if before else "",
        "found": stop.found,
        "edge": "",
        "sign": _SIGNS.get(slip.instead_of, ""),
    }
    if "before" in slip.label.__annotations__ and behind is not None:
        holes["found"] = behind[0]
    if slip.label is LostComma and "ARROW" in stop.could:
        holes["edge"] = f", or draw an edge, `{holes['before']} -> {holes['found']}`"
    span = stop.span if slip.found else stop.gap
    if slip.label is EdgeWithoutTarget:
        span = span_at(stop.bare, stop.end_before - 2, 2)
    fields = {name: holes[name] for name in slip.label.__annotations__ if name in holes}
    return slip.label(span=span, **fields)


def _ends_what_is_open(stop: Stop, opened: str) -> bool:
    """Whether what stands there can only come once a bracket is closed."""
    return (
        (_CLOSING_KINDS[opened] in stop.could and opened != "{" and stop.kind != "VBAR")
        or (stop.kind in ("RELATION", "_WITH", "LBRACE") and opened != "{")
        or stop.kind == "$END"
        or (stop.kind in _CLOSING_KINDS.values() and stop.kind != _CLOSING_KINDS[opened])
        or (stop.begins_line and str(stop.token) in STATEMENTS)
    )


_EMPTY = (
    (
        r"via\s+(?:shared\s+)?\w+",
        "write the widths of its layers, `{word}(400, 400)`, or no brackets",
    ),
    (r"\bcategorical", "write how many classes there are, `categorical(10)`"),
    (r"~\s*\w+", "write its setting, `{word}(scale = 0.3)`, or no brackets"),
    (r"\bwith\s+\w+", "write its settings, such as `iwae(k = 16)`, or no brackets"),
)


def _missing(stop: Stop) -> Diagnostic:
    return _within_brackets(stop) or _missing_at(stop)


def _within_brackets(stop: Stop) -> Diagnostic | None:
    """Brackets behind a word that are empty, or hold a number where a variable is due."""
    before = re.search(r"(\w+)[ \t]*([(\[])$", stop.bare[: stop.end_before])
    if before is None:
        return None
    word, opened = before[1], before[2]
    span = span_at(stop.bare, before.start(1), len(word))
    if stop.kind == _CLOSING_KINDS[opened]:
        return EmptyBrackets(span=span, before=word, guess=_filled(stop.bare, before, opened))
    if stop.kind == "NUMBER" and "NAME" in stop.could and "NUMBER" not in stop.could:
        guess = "a weight is a number, a parameter, or their sums, products and quotients"
        if re.search(r"\bparam\s+\w+\s*=\s*$", stop.bare[: before.start()]):
            guess = "a parameter is a number, `param b = 0.5`, or `ramp(0, 1, steps = 1000)`"
        return NoFunctionOfNumbers(span=span, name=word, guess=guess)
    return None


def _filled(bare: str, before: re.Match[str], opened: str) -> str:
    """What to write between brackets that are empty."""
    if opened == "[":
        return f"write a shape or an index, `{before[1]}[16]`, or no brackets"
    for pattern, guess in _EMPTY:
        if re.search(f"{pattern}$", bare[: before.end(1)]):
            return guess.format(word=before[1])
    functional = {"I": "I(x; z)", "KL": "KL(q || p)", "D": "D(q || G(p))"}.get(before[1])
    return f"write what it is of, such as `{functional or before[1] + '(x)'}`"


def _missing_at(stop: Stop) -> Diagnostic:
    if "NUMBER" in stop.could:
        return MissingValue(span=stop.gap, found=stop.found)
    if "NAME" in stop.could and str(stop.token).isalpha() and _is_declared(stop):
        return KeywordAsName(span=stop.span, found=str(stop.token))
    if "NAME" in stop.could:
        return MissingName(span=stop.gap, found=stop.found)
    only = next(iter(stop.could)) if len(stop.could) == 1 else ""
    if stop.begins_line and "RELATION" in stop.could:
        only = "RELATION"
    if only in _SIGNS:
        return MissingSign(span=stop.gap, sign=_SIGNS[only], found=stop.found)
    return UnexpectedSign(span=stop.span, found=stop.found, expected=_readable(stop.could))


def _readable(could: Set[str]) -> str:
    """What could have stood there, in words and in a fixed order."""
    signs = [f"`{sign}`" for name, sign in _SIGNS.items() if name in could]
    words = ["the end of the line"] if "_NEWLINE" in could else []
    words += ["the next statement"] if "_MODEL" in could else []
    return " or ".join([*signs, *words])


def _is_declared(stop: Stop) -> bool:
    """Whether a name stands there to be declared."""
    declares = r"\b(?:model|const|param|observed|latent|given|mask|infer|network)[ \t]+$"
    return re.search(declares, stop.bare[: stop.at]) is not None


def _statement_like(stop: Stop) -> str:
    word = str(stop.token)
    guess = nearest(word, STATEMENTS)
    if guess:
        return f"did you mean `{guess}`?"
    if stop.bare[stop.at + len(word) :].lstrip().startswith("("):
        return "an objective begins with `minimize`"
    return f"begin with {one_of(STATEMENTS)}"
