"""The lowered objective as a module: its terms, its methods, and what its class declares."""

from __future__ import annotations

__all__ = ["loss_module"]

from collections.abc import Iterator, Sequence

from graphdsl.bound.relations import combined, reason_of
from graphdsl.ir.information import Term
from graphdsl.ir.loss import LossModule, LossTerm, ParameterSlot, VariableSlot
from graphdsl.ir.model import Model
from graphdsl.ir.statements import Run
from graphdsl.ir.values import Attribute, Value
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
    masks = {plan.inputs.mask(mask.name): mask.name for mask in model.masks}
    return LossModule(
        model=model.name,
        class_name=_class_name(model.name),
        title=model.title,
        sha256=model.sha256,
        objective=whole_latex(model),
        objective_text=tuple(whole_text(model)),
        relation=relation,
        reason=reason_of(relation, terms, model) + _in_expectation(plan),
        variables=tuple(_variables(model)),
        parameters=tuple(_parameters(model)),
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
        latents_decoded=tuple(_latents_decoded(model, plan)),
        ancestral=with_masks(tuple(program.ancestral), masks, likeliest=True),
        drawn=tuple(program.drawn),
        constants=constants,
        critics=tuple(dict.fromkeys(_critics(terms, plan))),
        draws=program.draws,
    )


def _variables(model: Model) -> Iterator[VariableSlot]:
    """The variables that the module declares: all but the labels of others."""
    for family in model.families:
        if not family.label_of:
            yield VariableSlot(
                name=family.name,
                role="observed" if family.labels else family.role,
                kind=family.kind,
                members=None if family.members is None else family.extents,
                shape=family.shape,
                classes=family.classes,
                optional=family.optional or bool(family.labels),
                inferred=bool(family.labels),
                interior=family.role == "observed" and family.distribution.law.interior,
            )


def _parameters(model: Model) -> Iterator[ParameterSlot]:
    for parameter in model.parameters:
        low, high = parameter.range.low, parameter.range.high
        yield ParameterSlot(
            name=parameter.name,
            value=float(parameter.value),
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            schedule=parameter.schedule,
        )


def _latents_decoded(model: Model, plan: Plan) -> Iterator[tuple[Value, str, int]]:
    """The latents that `decode` reads, with their names and numbers of indices."""
    read = {value for statement in plan.program.decode for value in inputs(statement)}
    for family in model.families:
        declared = plan.inputs.declared(family)
        if family.role == "latent" and declared in read:
            yield declared, family.name, len(family.extents)


def _in_expectation(plan: Plan) -> str:
    """What the emitted loss draws, and the objective is a mean over."""
    drawn = [*(draw.name for draw in plan.program.draws), *(mask.name for mask in plan.model.masks)]
    return f", in expectation over {', '.join(drawn)}" if drawn else ""


def _critics(terms: Sequence[LossTerm], plan: Plan) -> Iterator[Attribute]:
    """The networks that some critic trains, and the model does not, with their learned scales."""
    networks = plan.program.networks.values()
    scales = {
        network.attribute: network.scale.attribute
        for network in networks
        if network.scale is not None
    }
    runs = {
        statement.target: statement.slot
        for statement in plan.forward
        if isinstance(statement, Run) and statement.detached
    }
    for term in terms:
        model = term.critic_model
        trained = term.code.critic, None if model is None else runs.get(model)
        for attribute in filter(None, trained):
            yield attribute
            yield from (scales[attribute],) if attribute in scales else ()


def _class_name(name: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    return camel
