"""Functions of a sum of terms: what makes an objective more than a weighted sum.

A loss applies them to the mean of a batch. By Jensen's inequality, on average over batches, a
convex function is at least its value at the expectation, a concave one at most. A function that
keeps the order of its arguments keeps a bound of the sum as well; the others keep none.
"""

from __future__ import annotations

__all__ = ["FUNCTIONS", "Function", "FunctionWord"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

FunctionWord: TypeAlias = Literal["abs", "square", "max", "min"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What is known of a function of a sum."""

    word: FunctionWord
    usage: str
    bounded: bool  #: whether it takes a number or a parameter beside the sum
    increasing: bool  #: whether it keeps the order of its arguments
    jensen: Literal["upper", "lower"]  #: how a batch's stands to the true one, on average
    name: str  #: of the sum in the emitted module
    text: tuple[str, str, str]  #: before the sum, between it and the bound, behind
    latex: tuple[str, str, str]
    meaning: str

    @property
    def takes(self) -> str:
        """What it is written of."""
        return "one sum of terms and a bound" if self.bounded else "one sum of terms"

    def ends(self, form: tuple[str, str, str], bound: str) -> tuple[str, str]:
        """What stands before a sum and behind it, in either form.

        >>> FUNCTIONS["max"].ends(FUNCTIONS["max"].text, "2")
        ('max(', ', 2)')
        """
        head, between, end = form
        return head, f"{between}{bound}{end}" if self.bounded else end


FUNCTIONS: Mapping[str, Function] = {
    one.word: one
    for one in (
        Function(
            word="abs",
            usage="`abs(E)`",
            bounded=False,
            increasing=False,
            jensen="upper",
            name="absolute",
            text=("abs(", "", ")"),
            latex=(r"\left|", "", r"\right|"),
            meaning="Absolute value of an expectation",
        ),
        Function(
            word="square",
            usage="`square(E)`",
            bounded=False,
            increasing=False,
            jensen="upper",
            name="squared",
            text=("square(", "", ")"),
            latex=(r"\bigl(", "", r"\bigr)^{2}"),
            meaning="Square of an expectation",
        ),
        Function(
            word="max",
            usage="`max(E, c)`, c a number or a parameter",
            bounded=True,
            increasing=True,
            jensen="upper",
            name="floored",
            text=("max(", ", ", ")"),
            latex=(r"\max(", r",\ ", ")"),
            meaning="The larger of an expectation and a bound: below the bound it exerts no force",
        ),
        Function(
            word="min",
            usage="`min(E, c)`, c a number or a parameter",
            bounded=True,
            increasing=True,
            jensen="lower",
            name="capped",
            text=("min(", ", ", ")"),
            latex=(r"\min(", r",\ ", ")"),
            meaning="The smaller of an expectation and a bound: above the bound it exerts no force",
        ),
    )
}
