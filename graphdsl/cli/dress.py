"""An audit at a terminal: mathematics in Unicode, and colours where the terminal has them."""

from __future__ import annotations

__all__ = ["at_terminal", "columns", "in_unicode"]

import re
import shutil
import sys

_WIDEST, _NARROWEST = 100, 60
_SIGNS = (
    (re.compile(r"\bsum\((\w+) in (\{[^{}]*\}|[^{}()]*)\)"), r"∑(\1 ∈ \2)"),
    (re.compile(r"\bsum_(\w)\b"), r"∑_\1"),
    (re.compile(r" \|\| "), " ‖ "),
    (re.compile(r"\bE(_\w+)?(?= KL\()"), r"𝔼\1"),
    (re.compile(r"\bE(_\w+|\[\w+\])?\[-log "), r"𝔼\1[−log "),
    (re.compile(r" _\|\|_ "), " ⫫ "),
    (re.compile(r"(?<=\S) -> "), " → "),
    (re.compile(r"(?<= )-(?= )"), "−"),
)
_STYLES = {
    "bold": re.compile(r"^[A-Z]{3}[A-Z ]*(?=,|$)"),
    "green": re.compile(r"(?<=^    relation    )equal|(?<=^  )proved"),
    "blue": re.compile(r"(?<=^    relation    )(?:upper|lower)"),
    "yellow": re.compile(r"(?<=^    relation    )(?:estimate|saddle)|(?<=^  )unknown"),
    "red": re.compile(r"(?<=^    relation    )surrogate|(?<=^  )refuted|^    stays open"),
    "dim": re.compile(r"^    (?:relation|stands for|gap|tight when|estimator|rows|gradient)\b"),
}


def columns() -> int:
    """How wide an audit is written: as wide as the terminal, within limits."""
    if not sys.stdout.isatty():
        return _WIDEST
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def in_unicode(text: str) -> str:
    """The same with the signs of mathematics: no line is longer.

    >>> in_unicode("  gap  sum(i in 1..8) E_q KL(q(z | x[i]) || p(z)) - H(z)")
    '  gap  ∑(i ∈ 1..8) 𝔼_q KL(q(z | x[i]) ‖ p(z)) − H(z)'
    """
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return text


def at_terminal(text: str) -> None:
    """Print an audit for someone who looks at it; a pipe gets plain text instead."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in text.splitlines():
        shown = Text(line)
        for style, pattern in _STYLES.items():
            shown.highlight_regex(pattern, style)
        console.print(shown)
