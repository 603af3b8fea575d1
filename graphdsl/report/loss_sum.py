"""The loss as a sum: what is inside a function stays there, and every player has its own."""

from __future__ import annotations

__all__ = ["LossSum", "loss_sums"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.notation import latex_weight, plus, weight_text
from graphdsl.ir.weight import ONE, Weight
from graphdsl.report.terms import latex_factor


@dataclass(frozen=True, slots=True)
class LossSum:
    """A loss by its summands, each but the first with its sign."""

    player: str  #: whose it is, where there are several
    text: tuple[str, ...]
    latex: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called in a formula."""
        return rf"\mathrm{{loss}}_{{{self.player}}}" if self.player else r"\mathrm{loss}"


def loss_sums(module: LossModule) -> tuple[LossSum, ...]:
    """The loss, or that of each player, in the order of its terms."""
    if not module.players:
        return (_sum_of("", module, module.terms, module.groups),)
    return tuple(
        _sum_of(
            player.name,
            module,
            [term for term in module.terms if term.name in player.terms],
            [group for group in module.groups if group.name in player.groups],
        )
        for player in module.players
    )


def _sum_of(
    player: str, module: LossModule, terms: Sequence[LossTerm], groups: Sequence[Group]
) -> LossSum:
    plain = [(term.weight, term.formula, term.latex) for term in terms if not term.within]
    signs = [(group.weight, *_under_sign(group, module)) for group in groups]
    return LossSum(
        player.replace(",", ", "),
        tuple(_typed((weight, text) for weight, text, _ in (*plain, *signs))),
        tuple(
            f"{latex_factor(weight, first=place == 0)}{latex}"
            for place, (weight, _, latex) in enumerate((*plain, *signs))
        ),
    )


def _under_sign(group: Group, module: LossModule) -> tuple[str, str]:
    """A function with the sum inside it, as text and in LaTeX."""
    terms = [term for term in module.terms if term.name in group.terms]
    text = " ".join(_typed((term.weight, term.formula) for term in terms))
    latex = " ".join(
        f"{latex_factor(term.weight, first=place == 0)}{term.latex}"
        for place, term in enumerate(terms)
    )
    if group.offset:
        text += plus(group.offset, weight_text)
        latex += plus(group.offset, latex_weight)
    if group.kind == "constraint":
        return f"lambda ({text})", rf"\lambda\,\bigl({latex}\bigr)"
    function = FUNCTIONS[group.kind]
    head, end = function.ends(function.text, weight_text(group.bound))
    before, behind = function.ends(function.latex, latex_weight(group.bound))
    return f"{head}{text}{end}", f"{before}{latex}{behind}"


def _typed(pairs: Iterator[tuple[Weight, str]]) -> Iterator[str]:
    for place, (weight, formula) in enumerate(pairs):
        factor = "" if weight == ONE else weight_text(weight)
        factor = f"({factor}) " if len(weight.terms) > 1 else (f"{factor} " if factor else "")
        yield f"{'+ ' if place else ''}{factor}{formula}"
