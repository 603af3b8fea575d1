"""How variables, weights and terms are written: as text, and in LaTeX."""

from __future__ import annotations

__all__ = [
    "GREEK",
    "Names",
    "copied",
    "factor_latex",
    "factor_text",
    "latex_name",
    "latex_names",
    "latex_weight",
    "leading_positive",
    "listed",
    "member_name",
    "names",
    "natural",
    "number_text",
    "original",
    "shortened",
    "weight_text",
]

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import TypeAlias

from graphdsl.ir.weight import ONE, Weight

_LONG = 3  #: members of a family; a longer run is written by its two ends
_MOST = 6  #: longer lists are written as first, dots, last
Names: TypeAlias = tuple[str, ...]  #: variables in their natural order
#: Letters by the names that people give to parameters.
GREEK: Mapping[str, str] = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
        "upsilon phi chi psi omega".split(),
        "αβγδεζηθικλμνξπρστυφχψω",
        strict=True,
    )
)


@cache
def natural(name: str) -> tuple[str, tuple[int, ...]]:
    """A sort key: `x` before `x[2]` before `x[10]`, `z[1,2]` before `z[2,1]`."""
    head, _, index = name.partition("[")
    if index and not index[0].isdigit():
        return name, ()  # a block, `x[not S]`, behind its family
    return (head, tuple(map(int, index[:-1].split(",")))) if index else (head, ())


def member_name(head: str, index: Sequence[int]) -> str:
    """A member of a family.

    >>> member_name("x", (1,)), member_name("z", (1, 2))
    ('x[1]', 'z[1,2]')
    """
    return f"{head}[{','.join(map(str, index))}]"


def listed(text: str) -> tuple[str, ...]:
    """The names in a list of them: a comma between brackets is part of a name.

    >>> listed("x[1],z[1,2]"), listed("")
    (('x[1]', 'z[1,2]'), ())
    """
    return tuple(re.findall(r"[^,\[]+(?:\[[^\]]*\])?", text))


def copied(name: str) -> str:
    """A copy of a variable: x' is x once more, as a node of its own (P15).

    >>> copied("x[1]")
    "x'[1]"
    """
    head, bracket, rest = name.partition("[")
    return f"{head}'{bracket}{rest}"


@cache
def original(name: str) -> str:
    """The variable that a name stands for, which may be that of a copy.

    >>> original("x'[1]"), original("z")
    ('x[1]', 'z')
    """
    return name.replace("'", "")


def names(variables: Iterable[str]) -> Names:
    """Variables in their natural order.

    >>> names({"z", "x[10]", "x[2]"})
    ('x[2]', 'x[10]', 'z')
    """
    return tuple(sorted(variables, key=natural))


def number_text(value: Fraction) -> str:
    """A number as people write it: `0.1`, `3`, `1/3`.

    >>> number_text(Fraction(1, 10)), number_text(Fraction(1, 3))
    ('0.1', '1/3')
    """
    if value.denominator == 1:
        return str(value.numerator)
    decimal = f"{float(value):.10g}"
    return decimal if Fraction(decimal) == value else f"{value.numerator}/{value.denominator}"


def weight_text(weight: Weight) -> str:
    """A weight as an expression: `1 + 2*cross`.

    >>> weight_text(Weight.parameter("beta") - Weight.number(1))
    'beta - 1'
    """
    return _sum_text(weight, "*", str)


def latex_weight(weight: Weight) -> str:
    r"""A weight in LaTeX: `1 + 2\,\mathrm{cross}`."""
    return _sum_text(weight, r"\,", _latex_parameter)


def factor_text(weight: Weight) -> str:
    """A weight in front of what it multiplies: `(1 + cross) `; nothing for one."""
    return _factor(weight_text(weight), weight, " ")


def factor_latex(weight: Weight) -> str:
    """The same in LaTeX."""
    return _factor(latex_weight(weight), weight, r"\,")


def latex_name(name: str) -> str:
    r"""A variable in LaTeX: `x_{1}`, `\mathrm{label}`; of a block, `x_{\setminus S}`."""
    head, _, index = name.replace("[not ", r"[\setminus ").partition("[")
    base = head if len(head) == 1 else _latex_parameter(head)
    return f"{base}_{{{index[:-1]}}}" if index else base


def latex_names(variables: Iterable[str], between: str = ", ") -> str:
    r"""A list of variables in LaTeX; a long run of one family by its two ends.

    >>> print(latex_names(["x", "z[1]", "z[2]", "z[3]", "z[4]"]))
    x, z_{1}, \dots, z_{4}
    """
    written: list[str] = []
    for run in _runs(tuple(variables)):
        latex = [latex_name(name) for name in run]
        written += [latex[0], r"\dots", latex[-1]] if len(run) > _LONG else latex
    return between.join(written)


def _factor(text: str, weight: Weight, times: str) -> str:
    if weight == ONE:
        return ""
    return f"{text}{times}" if len(weight.terms) == 1 else f"({text}){times}"


def _runs(variables: Names) -> list[list[str]]:
    """The list, cut where a variable is not the next member of its family."""
    runs: list[list[str]] = []
    for name in variables:
        head, index = natural(name)
        before = natural(runs[-1][-1]) if runs else ("", ())
        follows = bool(index) and before == (head, (*index[:-1], index[-1] - 1))
        if follows:
            runs[-1].append(name)
        else:
            runs.append([name])
    return runs


def shortened(items: Sequence[str], dots: str) -> tuple[str, ...]:
    """A long list by its two ends: what stands between follows from the index."""
    return tuple(items) if len(items) <= _MOST else (items[0], dots, items[-1])


def _sum_text(weight: Weight, times: str, parameter: Callable[[str], str]) -> str:
    written = ""
    for monomial, value in leading_positive(weight):
        sign = "-" if value < 0 else "+"
        factors = [] if abs(value) == 1 and monomial else [number_text(abs(value))]
        factors += [parameter(name) for name in monomial]
        body = times.join(factors)
        written = f"{written} {sign} {body}" if written else (f"-{body}" if value < 0 else body)
    return written or "0"


def leading_positive(weight: Weight) -> list[tuple[tuple[str, ...], Fraction]]:
    """Constant first, unless it is negative and a parameter is not: `beta - 1`, `1 + cross`."""
    terms = list(weight.terms)
    if terms and terms[0][1] < 0 and any(value > 0 for _, value in terms):
        first = next(k for k, (_, value) in enumerate(terms) if value > 0)
        terms.insert(0, terms.pop(first))
    return terms


def _latex_parameter(name: str) -> str:
    if name in GREEK:
        return f"\\{name}"
    if len(name) == 1:
        return name
    head, _, tail = name.partition("_")
    if head in GREEK and re.fullmatch(r"\w+", tail):
        return f"\\{head}_{{\\mathrm{{{tail}}}}}"
    escaped = name.replace("_", r"\_")
    return f"\\mathrm{{{escaped}}}"
