"""The lowered objective as a module: its terms, its methods, and what its class declares."""

from __future__ import annotations

__all__ = ["loss_module"]

from collections.abc import Iterator, Sequence

from graphdsl.bound.relations import combined, reason_of
from graphdsl.ir.information import Term
from graphdsl.ir.loss import LossModule, LossTerm, ParameterSlot, VariableSlot
from graphdsl.ir.model import Model
from graphdsl.ir.statements import Run
from graphdsl.ir.values import Attribute
from graphdsl.notation.objective import whole_latex, whole_text
from graphdsl.program.passes.draw_masks import with_masks
from graphdsl.program.passes.drop_unused import drop_unused, values_read
from graphdsl.program.state import Plan
from graphdsl.program.substitution import inputs, values_in


def loss_module(
    model: Model, plan: Plan, terms: tuple[LossTerm, ...], constants: tuple[Term, ...]
) -> LossModule:
    """The module of one program: what its methods compute, and how the whole is bounded."""
    relation = combined(term.relation for term in terms)
    program = plan.program
    read = {value for one in program.decode for value in inputs(one)}
    latents = [
        (plan.inputs.declared(family), family.name, len(family.extents))
        for family in model.families
        if family.role == "latent" and plan.inputs.declared(family) in read
    ]
    masks = {plan.inputs.mask(one.name): one.name for one in model.masks}
    return LossModule(
        model=model.name,
        class_name=_class_name(model.name),
        title=model.title,
        sha256=model.sha256,
        objective=whole_latex(model),
        objective_text=tuple(whole_text(model)),
        relation=relation,
        reason=reason_of(relation, terms, model) + _in_expectation(plan),
        variables=tuple(
            VariableSlot(
                name=one.name,
                role="observed" if one.labels else one.role,
                kind=one.kind,
                members=None if one.members is None else one.extents,
                shape=one.shape,
                classes=one.classes,
                optional=one.optional or bool(one.labels),
                inferred=bool(one.labels),
                interior=one.role == "observed" and one.distribution.law.interior,
            )
            for one in model.families
            if not one.label_of
        ),
        parameters=tuple(
            ParameterSlot(
                name=one.name,
                value=float(one.value),
                low=None if one.range.low is None else float(one.range.low),
                high=None if one.range.high is None else float(one.range.high),
                ramp=None if one.ramp is None else (float(one.ramp[0]), one.ramp[1]),
            )
            for one in model.parameters
        ),
        networks=tuple(program.networks.values()),
        subsets=tuple(program.subsets),
        holders=tuple(program.holders),
        forward=with_masks(drop_unused(plan.forward, values_read(terms)), masks, likeliest=False),
        terms=terms,
        infer=with_masks(
            drop_unused(plan.infer, values_in(tuple(plan.inferred))), masks, likeliest=True
        ),
        inferred=tuple(plan.inferred),
        decode=with_masks(tuple(program.decode), masks, likeliest=True),
        decoded=tuple(program.decoded),
        latents_decoded=tuple(latents),
        ancestral=with_masks(tuple(program.ancestral), masks, likeliest=True),
        drawn=tuple(program.drawn),
        constants=constants,
        critics=tuple(dict.fromkeys(_critics(terms, plan))),
        draws=program.draws,
    )


def _in_expectation(plan: Plan) -> str:
    """What the emitted loss draws, and the objective is a mean over."""
    drawn = [*(one.name for one in plan.program.draws), *(one.name for one in plan.model.masks)]
    return f", in expectation over {', '.join(drawn)}" if drawn else ""


def _critics(terms: Sequence[LossTerm], plan: Plan) -> Iterator[Attribute]:
    """The networks that some critic trains, and the model does not, with their learned scales."""
    networks = plan.program.networks.values()
    scales = {one.attribute: one.scale.attribute for one in networks if one.scale is not None}
    runs = {one.target: one.slot for one in plan.forward if isinstance(one, Run) and one.detached}
    for term in terms:
        model = term.critic_model
        trained = term.code.critic, None if model is None else runs.get(model)
        for attribute in filter(None, trained):
            yield attribute
            yield from (scales[attribute],) if attribute in scales else ()


def _class_name(name: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return camel
