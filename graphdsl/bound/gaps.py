"""Gaps between an entropy and what bounds it: as text, and in LaTeX."""

from __future__ import annotations

__all__ = ["Gap", "model_gap", "relaxation_gap"]

from collections.abc import Sequence
from typing import NamedTuple

from graphdsl.bound.models import BoundModel, model_ref
from graphdsl.ir.draws import latex_mean_over, mean_over
from graphdsl.ir.notation import factor_latex, factor_text
from graphdsl.ir.symbols import NetworkName, Variable, latex_names
from graphdsl.ir.weight import Weight


class Gap(NamedTuple):
    """A gap, weight included. In the text, `q*` is a conditional of the joint of q."""

    text: str
    latex: str


def model_gap(
    weight: Weight, node: Variable, given: Sequence[Variable], ref: BoundModel, under: NetworkName
) -> Gap:
    """E KL(q*(v | S) || r(v | T)): how far a model is from the conditional that it stands for."""
    base, index = under.base, f"_{under}" if len(under) == 1 else f"_{{{under}}}"
    mean = latex_mean_over((node, *given), under)
    bar = f"\\bar{{{base}}}({latex_names((node,))}{_latex_bar(given)})"
    model = model_ref(ref)
    divergence = f"\\mathbb{{E}}{index}\\,\\mathrm{{KL}}({bar} \\,\\|\\, {model.latex})"
    theirs = f"{model.network}({model.child}{_bar(model.parents)})"
    of_text = f"{base}*({node}{_bar(given)}) || {theirs}"
    return Gap(
        f"{factor_text(weight)}{mean_over((node, *given), under)}E_{under} KL({of_text})",
        f"{factor_latex(weight)}{mean}{divergence}",
    )


def relaxation_gap(
    weight: Weight,
    node: Variable,
    missing: Sequence[Variable],
    given: Sequence[Variable],
    under: NetworkName,
) -> Gap:
    """I(v; M | S): what an encoder's other parents tell of its variable."""
    mean = latex_mean_over((node, *given), under)
    latex = f"I({latex_names((node,))}; {latex_names(missing)}{_latex_bar(given)})"
    return Gap(
        f"{factor_text(weight)}{mean_over((node, *given), under)}"
        f"I({node}; {', '.join(missing)}{_bar(given)})",
        f"{factor_latex(weight)}{mean}{latex}",
    )


def _bar(given: Sequence[Variable]) -> str:
    return f" | {', '.join(given)}" if given else ""


def _latex_bar(given: Sequence[Variable]) -> str:
    return f" \\mid {latex_names(given)}" if given else ""
