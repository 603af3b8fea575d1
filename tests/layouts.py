"""Specs in other layouts: the same words, with other spaces, newlines, separators and comments."""

from __future__ import annotations

__all__ = ["Woven", "scramble", "weave"]

import re
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from graphdsl.syntax.tokens import Token, read_tokens

#: A word, or a comment and whether it ends a line that words stand on.
Woven: TypeAlias = str | tuple[str, bool]

_SPACES = ("", "", " ", " ", "  ", "\t", " \t ")
_COMMENTS = ("#", "#a", "# minimize q {", "# \u00df \u2028", "# # ; ->")
_GO_ON = {"->", ",", "~", "|", "..", "+", "-", "*", "/", ")", "]", "}", "by", "via", "if", "for"}
#: Where a newline is the author's wish to have terms, constraints or rows below each other.
_WISHES = {"+", "-", "==", "<=", ">=", ",", ";"}
#: What may change its place with a comment: signs at which lines are broken, and separators.
_MOVABLE = {"+", "-", "==", "<=", ">=", ";"}


@dataclass
class _Place:
    """What stands between two words of a text, and what may stand there."""

    before: Token | None
    after: Token | None
    gap: str
    ends_line: bool  #: of a network
    in_braces: bool  #: where newlines count
    in_one_line: bool  #: in the body of a network that stands on one line

    @property
    def may_break(self) -> bool:
        """Whether a newline is only spacing here."""
        if self.before is None or self.after is None or not self.in_braces:
            return True
        return self.before.text in (",", "->", "{", "[", "(") or self.after.text in _GO_ON

    @property
    def keeps_breaks(self) -> bool:
        """Whether the golden form depends on a newline here."""
        near = {one.text for one in (self.before, self.after) if one is not None}
        return self.in_one_line or bool(near & _WISHES)

    @property
    def holds_together(self) -> bool:
        """Whether the words would be others if nothing stood between them."""
        ends = (self.before.text[-1], self.after.text[0]) if self.before and self.after else "  "
        return all(re.match(r"[\w']", end) for end in ends)


def scramble(text: str, random: Random, wild: bool = True) -> str:
    """A text that says the same in another layout.

    Args:
        text: Without mistakes.
        random: Where the layout comes from.
        wild: Whether comments and blank lines come in, and networks, sums and rows are broken
            where they were not; else the golden form of the text stays what it was.
    """
    made = ""
    for place in _places(text):
        made += _wild_gap(place, random) if wild else _tame_gap(place, random)
        if place.after is not None:
            made += re.sub(r"\s+", lambda _: random.choice((" ", "  ", "\n")), place.after.text)
    return made


def weave(text: str) -> list[Woven]:
    """The words and comments of a text in their order, without what comments may step over."""
    woven: list[Woven] = []
    for place in _places(text):
        for number, line in enumerate(place.gap.split("\n")):
            _, sign, comment = line.partition("#")
            if sign:
                is_behind = number == 0 and place.before is not None
                woven.append((f"#{comment}".rstrip(" \t\f\r"), is_behind))
        if place.after is not None and place.after.text not in _MOVABLE:
            woven.append(" ".join(place.after.text.split()))
    return woven


def _places(text: str) -> list[_Place]:
    found: list[_Place] = []
    before: Token | None = None
    brackets: list[Token] = []
    ends_line = False
    for token in read_tokens(text):
        if token.kind == "_NEWLINE" or (token.text == ";" and brackets[-1].text == "{"):
            ends_line = True
            continue
        gap = text[before.end if before else 0 : token.start]
        in_one_line = bool(brackets) and brackets[0].text == "{" and _on_one_line(text, brackets[0])
        ends_line = ends_line and token.text != "}"
        in_braces = any(one.text == "{" for one in brackets)
        found.append(_Place(before, token, gap, ends_line, in_braces, in_one_line))
        ends_line, before = False, token
        if token.text in ("(", "[", "{"):
            brackets.append(token)
        elif token.text in (")", "]", "}"):
            brackets.pop()
    rest = text[before.end if before else 0 :]
    return [*found, _Place(before, None, rest, False, False, False)]


def _on_one_line(text: str, brace: Token) -> bool:
    return "\n" not in text[brace.start : text.index("}", brace.start)]


def _wild_gap(place: _Place, random: Random) -> str:
    """Any gap: comments and blank lines among it; those that were there stay."""
    comments = re.findall(r"#[^\n]*", place.gap)
    breaks = place.may_break or place.ends_line
    together = place.before is not None and place.before.kind in ("FUNCTION", "_RAMP")
    if breaks and not together and random.random() < 0.1:
        comments.append(random.choice(_COMMENTS))
    if not comments and (not breaks or together or random.random() < 0.7):
        separator = random.choice((";", " ; ", ";;")) if place.ends_line else ""
        space = separator + random.choice(_SPACES)
        return " " if place.holds_together and not space else space
    gap = random.choice(_SPACES)
    if place.ends_line and (not comments or random.random() < 0.5):
        gap += random.choice(("", ";"))
    if random.random() < 0.5:
        gap += "\n" * random.choice((1, 1, 2, 4))
    for comment in comments:
        gap += random.choice(_SPACES) + comment + "\n" * random.choice((1, 1, 1, 2, 3))
    return gap + ("" if "\n" in gap else "\n") + random.choice(_SPACES)


def _tame_gap(place: _Place, random: Random) -> str:
    """A gap that leaves alone what the golden form depends on."""
    _, newline, _ = place.gap.partition("\n")
    if "#" in place.gap or place.gap.count("\n") > 1:
        lines = place.gap.split("\n")
        blank = "\n" * random.choice((1, 1, 2))
        inner = "".join(
            f"{_SPACES[-1] if line[0].isspace() else ''}{line.strip()}\n" if line.strip() else blank
            for line in lines[1:-1]
        )
        start = f"{random.choice(_SPACES)}{lines[0].strip()}\n"
        return start + inner + random.choice(_SPACES)
    if place.ends_line:
        return random.choice(("\n", ";\n", " \n ; ") if newline else (";", " ; ", ";;"))
    keeps = place.keeps_breaks or not place.may_break
    breaks = bool(newline) if keeps else random.random() < 0.2
    if breaks:
        return random.choice(_SPACES) + "\n" + random.choice(_SPACES)
    space = random.choice(_SPACES)
    return " " if place.holds_together and not space else space
