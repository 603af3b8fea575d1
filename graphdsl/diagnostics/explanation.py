"""Half a page on each diagnostic: what it means, why, a wrong spec and a right one.

They are data: `explanations/MIB204.md`, read when one is asked for.
"""

from __future__ import annotations

__all__ = ["Explanation", "explained", "explanation"]

import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "explanations"

_TITLE = r"# (?P<code>MIB\d{3}): (?P<title>[^\n]+)\n\n"
_SPECS = (
    r"\n## Wrong\n\n```mib\n(?P<wrong>.*?)```\n\n"
    r"## Right\n\n```mib\n(?P<right>.*?)```\n(?P<remark>.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What there is to know of one code."""

    code: str
    title: str  #: as the diagnostic has it
    meaning: str  #: what it means and why the compiler insists, in Markdown
    wrong: str  #: a whole spec that gives this diagnostic and no other; empty if none can
    right: str  #: what was meant by it, as it compiles
    remark: str  #: what is left to say of the right one; mostly nothing
    text: str  #: the whole page, in Markdown


def explained() -> tuple[str, ...]:
    """The codes that have an explanation, in their order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("MIB*.md")))


def explanation(code: str) -> Explanation:
    """The explanation of a code.

    Raises:
        KeyError: If there is none.

    >>> explanation("MIB204").title
    'Index out of range'
    """
    if code not in explained():
        raise KeyError(code)
    text = (_FOLDER / f"{code}.md").read_text(encoding="utf-8")
    page = re.fullmatch(rf"{_TITLE}(?P<meaning>.+?\n)({_SPECS})?", text, re.DOTALL)
    if page is None:
        raise ValueError(f"{code}.md is not a title, a meaning, a wrong spec and a right one")
    parts = {name: part.strip("\n") for name, part in page.groupdict(default="").items()}
    return Explanation(**parts, text=text)
