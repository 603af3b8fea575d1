"""Names as labels: a base and an index, Greek letters by their names."""

from __future__ import annotations

__all__ = ["Name", "latex_label", "lines_of", "parsed", "plain"]

import re
from dataclasses import dataclass

from graphdsl.ir.notation import GREEK, latex_name

_LONGEST = 18  #: letters of a line of a block's label


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is set: its base, upright if it is a word, and its index."""

    base: str
    index: str
    upright: bool


def parsed(name: str) -> Name:
    """A name as it is set.

    >>> parsed("x[1]"), parsed("beta")
    (Name(base='x', index='1', upright=False), Name(base='β', index='', upright=False))
    """
    head, _, index = name.partition("[")
    primes = head[len(head.rstrip("'")) :]
    word = head.rstrip("'")
    base = GREEK.get(word, word)
    index = index.removesuffix("]").replace("not ", "∖").replace("..", "…")
    return Name(base + primes.replace("'", "′"), index, len(base) > 1)


def plain(name: str) -> str:
    """A name as plain text."""
    one = parsed(name)
    return f"{one.base}[{one.index}]" if one.index else one.base


def lines_of(label: str) -> tuple[tuple[str, ...], ...]:
    """The names of a label, in lines that are not too long.

    >>> lines_of("x[1], z")
    (('x[1]', 'z'),)
    """
    lines: list[list[str]] = [[]]
    for name in re.findall(r"[^,\[\s][^,\[]*(?:\[[^\]]*\])?", label):
        if lines[-1] and sum(len(one) + 2 for one in lines[-1]) + len(name) > _LONGEST:
            lines.append([])
        lines[-1].append(name)
    return tuple(map(tuple, lines))


def latex_label(name: str) -> str:
    r"""A name in LaTeX: `x_{1..8}` of a range.

    >>> print(latex_label("x[i]"), latex_label("z[1..8]"))
    x_{i} z_{1:8}
    """
    return latex_name(name).replace("..", ":")
