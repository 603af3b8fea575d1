"""Formulas as MathML and in Unicode, and the summands of a sum."""

from __future__ import annotations

__all__ = [
    "mathml",
    "summands",
    "unicode_text",
]

from collections.abc import Iterator
from html import escape
from typing import Literal, TypeAlias

from graphdsl.notation.formula import WORDS, Barred, Formula, Quotient, Row, Script, Sign, latex

_STRETCHED = {
    r"\mid": ' stretchy="false"',
    r"\|": ' stretchy="false"',
    "/": ' stretchy="false"',
    "|": ' stretchy="false" lspace="0" rspace="0"',  # around what is counted
}

Form: TypeAlias = Literal["", "prefix", "infix"]  #: of an operator, in MathML


def mathml(formula: Formula, *, further: bool = False) -> str:
    """A whole `math` element, with the LaTeX as its annotation for readers without MathML.

    Args:
        formula: The formula.
        further: Whether it is a further summand of a sum: its sign stands between two of them.
    """
    inner = _element(formula, "infix" if further else "")
    return (
        f"<math><semantics><mrow>{inner}</mrow><annotation "
        f'encoding="application/x-tex">{escape(latex(formula))}</annotation></semantics></math>'
    )


def summands(formula: Formula, longest: int = 10_000) -> tuple[Formula, ...]:
    r"""The summands of a sum, each but the first with its sign: what a line may be broken at.

    Args:
        formula: The sum.
        longest: Letters of a summand: a longer one is broken within its brackets too.

    >>> from graphdsl.notation.formula import parsed
    >>> [latex(one) for one in summands(parsed("a - (b + c) + d"))]
    ['a', '-(b+c)', '+d']
    >>> [latex(one) for one in summands(parsed("a - (b + c) + d"), 3)]
    ['a', '-(b', '+c)', '+d']
    """
    terms: list[Formula] = []
    for one in _cut(formula, 0):
        long = len(unicode_text(one)) > longest
        terms += _cut(one, 1) if long else (one,)
    return tuple(terms)


def _cut(formula: Formula, deepest: int) -> Iterator[Formula]:
    """The formula, cut in front of signs that at most so many brackets enclose."""
    parts = formula.parts if isinstance(formula, Row) else (formula,)
    depth, run = 0, list[Formula]()
    for part in parts:
        if isinstance(part, Sign):
            depth += (part.kind == "open") - (part.kind == "close")
            if depth <= deepest and part.written in ("+", "-") and run:
                yield Row(tuple(run))
                run = []
        run.append(part)
    yield Row(tuple(run))


def unicode_text(formula: Formula) -> str:
    r"""A formula in a line of text: `∑_{i=1}^{2} E_q KL(q̄(z) ‖ p(z))`.

    >>> from graphdsl.notation.formula import parsed
    >>> unicode_text(parsed(r"\mathrm{KL}(\bar{q}(x_{1} \mid z) \,\|\, p(x_{1}))"))
    'KL(q̄(x[1] | z) ‖ p(x[1]))'
    """
    return " ".join(filter(None, "".join(_plain(formula)).split(" ")))


# ---- MathML ------------------------------------------------------------------------------------


def _element(formula: Formula, first: Form = "") -> str:
    """An element; `first` is the form of a sign that it begins with."""
    match formula:
        case Sign():
            return _signed(formula, first) if first else _token(formula)
        case Row(parts):
            return f"<mrow>{''.join(_in_row(parts, first))}</mrow>"
        case Script():
            return _script(formula)
        case Quotient(top, bottom):
            return f"<mfrac>{_element(top)}{_element(bottom)}</mfrac>"
        case Barred(inner):
            return f'<mover accent="true">{_element(inner)}<mo stretchy="false">¯</mo></mover>'


def _in_row(parts: tuple[Formula, ...], first: Form) -> Iterator[str]:
    """Side by side: a minus behind a bracket or a sign is the one of a number."""
    before: Formula | None = None
    for part in parts:
        starts = isinstance(before, Sign) and before.kind in ("open", "operator")
        if isinstance(part, Sign) and (starts or before is None):
            yield _signed(part, "prefix" if starts else first or "prefix")
        else:
            yield _element(part, first if before is None else "")
        before = part


def _signed(sign: Sign, form: Form) -> str:
    """A plus or a minus, of a number or between summands; another sign as it is."""
    return f'<mo form="{form}">{sign.text}</mo>' if sign.written in ("+", "-") else _token(sign)


def _token(sign: Sign) -> str:
    text = escape(sign.text)
    if sign.written in WORDS:
        return f'<mi>{text}</mi><mspace width="0.17em"></mspace>'
    match sign.kind:
        case "letter":
            return f"<mi>{text}</mi>"
        case "word":
            upright = ' mathvariant="normal"' if len(sign.text) == 1 else ""
            return f"<mi{upright}>{text}</mi>"
        case "number":
            return f"<mn>{text}</mn>"
        case "space":
            return f'<mspace width="{"1em" if len(sign.text) > 1 else "0.17em"}"></mspace>'
        case "operator":
            return f"<mo{_STRETCHED.get(sign.written, '')}>{text}</mo>"
        case "open" | "close":
            return f'<mo stretchy="false">{text}</mo>'


def _script(formula: Script) -> str:
    base, low, high = formula.base, formula.low, formula.high
    limits = isinstance(base, Sign) and base.text in ("∑", "min", "max")
    names = ("munderover", "munder", "mover") if limits else ("msubsup", "msub", "msup")
    name = names[1] if high is None else names[2] if low is None else names[0]
    inner = "".join(_element(one) for one in (base, low, high) if one is not None)
    return f"<{name}>{inner}</{name}>"


# ---- text --------------------------------------------------------------------------------------


def _plain(formula: Formula) -> Iterator[str]:
    match formula:
        case Sign():
            yield _spelled(formula)
        case Row(parts):
            for part in parts:
                yield from _plain(part)
        case Barred(inner):
            yield f"{unicode_text(inner)}\u0304"
        case Quotient(top, bottom):
            yield f"{unicode_text(top)}/{unicode_text(bottom)} "
        case Script():
            yield _scripted_text(formula)


def _spelled(sign: Sign) -> str:
    around = ("+", "−", "=", "|", "‖", "→", "∈", "∉", "≠", "⊆", "≥", "≤", "≈", "∖")
    if sign.kind == "operator" and sign.text in around and sign.written != "|":
        return f" {sign.text} "
    if sign.text in (",", ";"):
        return f"{sign.text} "
    if sign.kind == "word" and sign.text in ("log", "min", "max"):
        return f"{sign.text} "
    return sign.text


def _scripted_text(formula: Script) -> str:
    base = unicode_text(formula.base)
    low = "" if formula.low is None else unicode_text(formula.low)
    high = "" if formula.high is None else unicode_text(formula.high)
    if base == "∑":
        span = f"{low}..{high}" if high else low
        return f"∑_{{{span.replace(' = ', '=')}}} " if span else "∑ "
    if isinstance(formula.base, Sign) and formula.base.text == "𝔼":
        return f"𝔼_{low} " if low else "𝔼"
    if isinstance(formula.low, Row) and _is_word(formula.low):  # a parameter: `beta_cross`
        return f"{base}_{low}" + (f"^{high}" if high else "")
    of_a_member = base not in ("H", "I", "TC", "min", "max")
    index = f"[{low.replace(' ', '')}]" if of_a_member else f"_{low}"
    return f"{base}{index if low else ''}" + (f"^{high}" if high else "")


def _is_word(formula: Row) -> bool:
    """Whether it is one word, set upright."""
    return len(formula.parts) == 1 and latex(formula.parts[0]).startswith(r"\mathrm")
