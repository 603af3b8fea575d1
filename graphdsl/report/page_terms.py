"""Terms and projections of the page."""

from __future__ import annotations

__all__ = ["projection_view", "term_view"]

from markupsafe import Markup

from graphdsl.ir.information import (
    Atom,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    TotalCorrelation,
)
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.notation import weight_text
from graphdsl.ir.symbols import Variable
from graphdsl.notation.formula import parsed
from graphdsl.notation.gaps import gap_latex, lasting_gaps, tight_conditions
from graphdsl.notation.networks import network_title
from graphdsl.report.alike import Alike
from graphdsl.report.page_formulas import pieces, sum_pieces, summand_pieces
from graphdsl.report.page_views import ProjectionView, StepView, TermView
from graphdsl.report.terms import latex_factor
from graphdsl.report.wording import alike_text, lines_text, notes_of


def term_view(term: LossTerm, model: Model) -> TermView:
    """A term with its formula, its bounds and its gaps."""
    return TermView(
        name=term.name,
        relation=term.relation,
        lines=lines_text(term.lines),
        variables="|".join(_variables(term, model)),
        loss=sum_pieces(f"{latex_factor(term.weight)}{term.latex}"),
        stands_for=summand_pieces(term.stands_for),
        gaps=pieces(parsed("+" * (place > 0) + gap) for place, gap in enumerate(gap_latex(term))),
        tight=tight_conditions(term) if term.bounds else (),
        lasting=lasting_gaps(term),
        no_gap="none: the term is what it stands for" if term.relation == "equal" else "no bound",
        notes=[*notes_of(term)],
    )


def _variables(term: LossTerm, model: Model) -> tuple[Variable, ...]:
    """The variables that a term speaks of, those of drawn sets one by one."""
    variables: dict[Variable, None] = {}
    for name in (name for one in term.stands_for for name in _named(one.atom, model)):
        block = name.original.block
        members = model.members(block.head) if block is not None else (name,)
        variables |= dict.fromkeys(members)
    return tuple(variables)


def _named(atom: Atom, model: Model) -> tuple[Variable, ...]:
    """The variables that an atom names; of a mask, those at the ends of its edges."""
    networks = [
        network for network in (model.inference, model.generation, *model.further) if network
    ]
    gates = [gate for network in networks for each in network.conditionals for gate in each.gates]
    ends = {gate.mask: list[Variable]() for gate in gates}
    for gate in gates:
        ends[gate.mask] += (gate.parent, gate.child)
    return tuple(name for one in _names(atom) for name in ends.get(one, (one,)))


def _names(atom: Atom) -> tuple[Variable, ...]:
    match atom:
        case Entropy(of, given) | CrossEntropy(of, given):
            return (*of, *given)
        case Information(left, right, given):
            return (*left, *right, *given)
        case TotalCorrelation(parts, given):
            return (*(name for part in parts for name in part), *given)
        case DivergenceAtom(_, of):
            return of
        case PenaltyAtom(_, of, given):
            return (of, *given)


def projection_view(group: Alike) -> ProjectionView:
    """A projection with the steps of its derivation; those alike are named."""
    one = group.shown
    return ProjectionView(
        name=Markup("<b>D({} ‖ {})</b> =").format(one.under, network_title(one.network)),
        result=summand_pieces((*one.simplified, *one.constant)),
        weight=weight_text(one.weight) if one.weight else "",
        alike=alike_text(group.others),
        steps=[
            StepView(rule="Definition", because="(P1)", result=summand_pieces(one.entropies)),
            StepView(
                rule="Multi-information form",
                because="(eq. 1)",
                result=summand_pieces(one.multi_information),
            ),
            *(
                StepView(
                    rule=_capital(step.rule),
                    because=step.because,
                    result=summand_pieces(step.after),
                )
                for step in one.steps
            ),
        ],
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
