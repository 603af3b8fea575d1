"""What an objective asks for that no bound gives, and what is suspicious in it."""

from __future__ import annotations

__all__ = ["all_warnings", "mistakes", "without_model"]

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphdsl.bound.directions import changing_signs
from graphdsl.bound.model_choice import idle_models, unsettled
from graphdsl.bound.models import Auxiliary, latent_experts
from graphdsl.bound.pieces import Piece
from graphdsl.bound.relaxations import can_relax
from graphdsl.bound.under_p import unmodelled_under_p
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Collected, LocalEntropy, entropy
from graphdsl.ir.model import Model
from graphdsl.ir.notation import weight_text
from graphdsl.ir.objective import DivergenceOfMarginals
from graphdsl.ir.symbols import NetworkName, Q, names
from graphdsl.lower.distances import unfit_distances
from graphdsl.lower.errors import (
    EstimatorIdle,
    MarginalOfModel,
    NoBound,
    NoModelOfSets,
    NoSuchPosterior,
    ProductElsewhere,
)
from graphdsl.lower.estimator_choice import Estimates
from graphdsl.lower.importance import unfit_importances
from graphdsl.lower.unfit_estimates import unfit_estimates


def all_warnings(collections: Sequence[Collected], models: Sequence[Model]) -> Iterator[Diagnostic]:
    """What is suspicious in some objective; an estimate is idle where it is so in all of them."""
    warnings_of_each = [
        list(_warnings(one, model)) for one, model in zip(collections, models, strict=True)
    ]
    for one in dict.fromkeys(each for warnings in warnings_of_each for each in warnings):
        if not isinstance(one, EstimatorIdle) or all(
            one in warnings for warnings in warnings_of_each
        ):
            yield one


def mistakes(
    collected: Collected,
    model: Model,
    estimates: Estimates,
    independences: Mapping[NetworkName, Independence],
) -> Iterator[Diagnostic]:
    """What an objective asks for and nothing computes or bounds."""
    line, column = (
        (model.objective[0].line, model.objective[0].column) if model.objective else (1, 1)
    )
    yield from _marginals(model)
    yield from unmodelled_under_p(collected, model)
    yield from unfit_distances(collected, model)
    yield from unfit_importances(collected, estimates.importances, model)
    yield from _unfit_models(collected, model, line, column)
    yield from unsettled(collected, model)
    stuck = [one for one in collected.intractable if not can_relax(one, independences[one.under])]
    for one in stuck[:3]:  # the others have the same reason
        yield NoBound(span=Span.at(line, column, 1), term=_text(one))
    yield from unfit_estimates(estimates.informations, model, independences[Q], line, column)


def _unfit_models(
    collected: Collected, model: Model, line: int, column: int
) -> Iterator[Diagnostic]:
    """Models that the objective names, and that nothing computes."""
    for one in collected.models:
        atom, conditional = one.atom, one.conditional
        span = Span.at(one.lines[0] if one.lines else line, column if not one.lines else 1, 1)
        if conditional is None or atom.network in ("p", "new") or atom.given is None:
            continue
        if conditional.by != "poe" and atom.given != set(conditional.parents):
            asked = f"{conditional.network}({atom.node} | {', '.join(names(atom.given))})"
            yield NoSuchPosterior(span=span, name=atom.node, asked=asked)
        latents = atom.given.intersection(latent_experts(conditional, model))
        if latents and atom.network != atom.under:
            name = f"{conditional.network}({atom.node} | {', '.join(names(atom.given))})"
            first = names(latents)[0]
            yield ProductElsewhere(span=span, name=name, latent=first, network=atom.network)


def without_model(pieces: Iterable[Piece], model: Model) -> Iterator[Diagnostic]:
    """Of q(z|x[S]), for a set S that is drawn, no network made for the bound can be a model."""
    for piece in pieces:
        if isinstance(piece.ref, Auxiliary) and any(one.block for one in piece.ref.given):
            family = model.family_of(piece.node)
            yield NoModelOfSets(
                span=Span.at(family.line, family.column, len(family.name)),
                term=str(entropy((piece.node,), piece.ref.given, piece.under)),
                name=piece.node,
            )
            return


def _marginals(model: Model) -> Iterator[Diagnostic]:
    """KL(q(A) || p(A)) needs p(A) as a product: the parents in p of all of A must be in A."""
    for term in model.asked():
        if not isinstance(term.functional, DivergenceOfMarginals):
            continue
        named = term.functional.variables
        for conditional in model.generation.conditionals if named and model.generation else ():
            children = [name for name in conditional.children if name in (named or ())]
            known = {*(named or ()), *term.functional.model_given}
            missing = [name for name in conditional.parents if name not in known]
            if children and missing:
                yield MarginalOfModel(
                    span=Span.at(term.line, term.column, 2),
                    names=", ".join(named or ()),
                    parent=missing[0],
                    child=children[0],
                )
                break


def _warnings(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    yield from changing_signs(collected, model)
    inside = {
        choice
        for group in collected.groups
        for weight, _, choice in group.collected.estimated
        if weight
    }
    for weight, atom, choice in collected.estimated:
        if choice is not None and not weight and choice not in inside:
            yield EstimatorIdle(span=Span.at(choice.line, choice.column, 8), target=str(atom))
    for idle in (*model.idle_choices, *idle_models(collected, model)):
        yield EstimatorIdle(span=Span.at(idle.line, idle.column, 8), target=idle.target)


def _text(one: LocalEntropy) -> str:
    return f"({weight_text(one.weight)}) * {entropy((one.node,), one.given, one.under)}"
