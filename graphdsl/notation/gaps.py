"""The gaps of a term of the loss, families folded: what they are, and when they close."""

from __future__ import annotations

__all__ = [
    "BAR",
    "bound_latex",
    "bound_text",
    "folded_gaps",
    "gap_latex",
    "gap_texts",
    "lasting_gaps",
    "tight_conditions",
]

from collections.abc import Iterable

from graphdsl.catalog.methods import ESTIMATORS
from graphdsl.ir.draws import mean_over
from graphdsl.ir.information import Information, ModelGap
from graphdsl.ir.loss import Bound, Gap, LossTerm
from graphdsl.ir.notation import Formula, factor_latex, factor_text
from graphdsl.ir.symbols import bar_text, latex_names
from graphdsl.ir.weight import Weight
from graphdsl.notation.atoms import latex_bar, latex_index, latex_mean_over, latex_model
from graphdsl.notation.folding import Folded, fold_sum, folded_each, latex_binder, text_binder
from graphdsl.notation.patterns import in_ranges

#: How text marks a conditional of a joint distribution: `q*(z | x)` in ASCII, else a bar on the q.
STAR, BAR = "*", "\u0304"


def gap_latex(term: LossTerm) -> tuple[str, ...]:
    """The summands of its distance from what it stands for, in LaTeX."""
    return tuple(f"{latex_binder(one)}{_latex(*one.pattern)}" for one in _folded(term.bounds))


def gap_texts(term: LossTerm, mark: str = STAR) -> tuple[str, ...]:
    """The same as text."""
    return folded_gaps(term.bounds, mark)


def folded_gaps(bounds: Iterable[Bound], mark: str = STAR) -> tuple[str, ...]:
    """The same of some bounds, of whatever terms."""
    return tuple(f"{text_binder(one)}{_text(*one.pattern, mark)}" for one in _folded(bounds))


def bound_text(bound: Bound) -> str:
    """The gap of one bound as text, weight included."""
    return _text(*in_ranges(bound.gap), STAR)


def bound_latex(bound: Bound) -> str:
    """The same in LaTeX."""
    return _latex(*bound.gap)


def lasting_gaps(term: LossTerm) -> tuple[str, ...]:
    """What of the gap no training closes, and how large it can be."""
    lasting = (bound.lasting for bound in term.bounds if bound.lasting is not None)
    return folded_each(dict.fromkeys(lasting))


def tight_conditions(term: LossTerm) -> tuple[str, ...]:
    """When the gap closes: all of these have to hold."""
    own = ESTIMATORS.get(term.code.word)
    closing = (own.closes,) if own is not None and own.closes else ()
    return (*folded_each(dict.fromkeys(bound.tight_when for bound in term.bounds)), *closing)


def _folded(bounds: Iterable[Bound]) -> tuple[Folded[tuple[Weight, Gap]], ...]:
    return fold_sum([in_ranges(bound.gap) for bound in bounds])


def _text(weight: Weight, gap: Gap, mark: str) -> str:
    match gap:
        case Formula(text):
            written = text
        case Information(left, right, given, under):
            at = "" if under == "q" else f"[{under}]"
            mean = mean_over((*left, *given), under)
            written = f"{mean}I{at}({', '.join(left)}; {', '.join(right)}{bar_text(given)})"
        case ModelGap(of, given, model, under):
            mean = mean_over((of, *given), under)
            theirs = f"{model.network}({', '.join(model.children)}{bar_text(model.parents)})"
            own = f"{under.base}{mark}({of}{bar_text(given)})"
            written = f"{mean}E_{under} KL({own} || {theirs})"
    return f"{factor_text(weight)}{written}"


def _latex(weight: Weight, gap: Gap) -> str:
    match gap:
        case Formula(_, latex):
            written = latex
        case Information(left, right, given, under):
            at = "" if under == "q" else latex_index(under)
            mean = latex_mean_over((*left, *given), under)
            written = f"{mean}I{at}({latex_names(left)}; {latex_names(right)}{latex_bar(given)})"
        case ModelGap(of, given, model, under):
            mean = latex_mean_over((of, *given), under)
            own = f"\\bar{{{under.base}}}({of.latex}{latex_bar(given)})"
            divergence = f"\\mathrm{{KL}}({own} \\,\\|\\, {latex_model(model)})"
            written = f"{mean}\\mathbb{{E}}{latex_index(under)}\\,{divergence}"
    return f"{factor_latex(weight)}{written}"
