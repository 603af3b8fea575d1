"""What is written as text and in LaTeX says the same: objectives, and gaps of their losses."""

from __future__ import annotations

import re

from graphdsl.ir.loss import LossModule
from graphdsl.notation.gaps import bound_latex, bound_text, gap_latex, gap_texts
from graphdsl.report.terms import latex_summands, text_summands
from tests.corpus import compiling, generated, shipped

#: LaTeX, and what is text instead; in this order.
_AS_TEXT = [
    (r"\\(?:mathrm|mathbb|text)\{([^{}]*)\}", r"\1"),
    (r"\\bar\{(\w+)\}", r"\1*"),
    (r"\\tfrac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2"),
    (r"\\(?:bigl|bigr|left|right|,|;| |quad)", " "),
    (r"\\\|", "||"),
    (r"\\mid", "|"),
    (r"\\to", "->"),
    (r"\\setminus", "not"),
    (r"\\([{}])", r"\1"),
    (r"\\(\w+)", r"\1"),
    (r"(?<=[A-Za-z'])_\{([^{}]*)\}", r"[\1]"),
]


def _plain(latex: str) -> str:
    """LaTeX as text, without spaces, products or brackets that only group."""
    for pattern, instead in _AS_TEXT:
        latex = re.sub(pattern, instead, latex)
    return _signs(latex)


def _signs(text: str) -> str:
    return re.sub(r"[\s*_\[\]{}]", "", text)


def _is_short(latex: str) -> bool:
    return not any(word in latex for word in (r"\dots", r"\frac", r"\left", r"\max", r"\min"))


def _pairs(module: LossModule) -> list[tuple[str, str]]:
    """Each gap, and the objective, in LaTeX and as text."""
    gaps = [(bound_latex(one), bound_text(one)) for term in module.terms for one in term.bounds]
    return [*gaps, *zip([module.objective], map(" ".join, module.objective_text), strict=False)]


def test_text_and_latex_fold_alike() -> None:
    """A sum has as many summands in the one as in the other, and the sums of it run alike."""
    folded = 0
    for case, module in compiling([*shipped(), *generated("text and latex", share=5)]):
        for term in module.compiled.module.terms:
            if term.code.kind == "importance":
                continue  # its gap holds means of samples, which are sums in LaTeX alone
            stands_for = text_summands(term.stands_for), latex_summands(term.stands_for)
            for texts, formulas in (stands_for, (gap_texts(term), gap_latex(term))):
                assert len(texts) == len(formulas), f"{case}\n{term.name}"
                sums = ["sum(" in one for one in texts]
                assert sums == [r"\sum_" in one for one in formulas], f"{case}\n{term.name}"
                folded += any(sums)
    assert folded > 30


def test_text_and_latex_are_the_same() -> None:
    compared = 0
    for _, module in compiling([*shipped(), *generated("text and latex", share=5)]):
        for latex, text in _pairs(module.compiled.module):
            if _is_short(latex) and not re.search(r"sum\(|\.\.", text):
                compared += 1
                assert _plain(latex) == _signs(text)
    assert compared > 30
