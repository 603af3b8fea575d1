"""Products and mixtures of experts: every expert once, then each posterior that a term asks for."""

from __future__ import annotations

__all__ = ["fused_posterior", "present_experts", "run_experts", "whole_conditional"]

from dataclasses import replace

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.statements import Fuse
from graphdsl.ir.symbols import NO_VARIABLE, NetworkName, Variable
from graphdsl.ir.values import NO_ATTRIBUTE, Attribute, Ref, Value
from graphdsl.notation.networks import children_text, joint_text, pattern
from graphdsl.program.drawn_sets import chosen
from graphdsl.program.masks import weights_of
from graphdsl.program.members import member_ref
from graphdsl.program.runs import (
    run_slot,
    slot_shape,
)
from graphdsl.program.state import Held, Mixture, Plan
from graphdsl.slots.grouping import expert_slots
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


def whole_conditional(model: Model, under: NetworkName, slot: Slot) -> Conditional:
    """The conditional that a slot's was split from, by family of children."""
    (part,) = slot.conditionals
    return next(
        conditional
        for conditional in model.inference_of(under).conditionals
        if set(part.children) <= set(conditional.children)
    )


def run_experts(plan: Plan, slot: Slot, label: str) -> Held:
    """Run every expert of a product once; the tensor that holds them, and their parents."""
    model = plan.model
    shape = slot_shape(slot, model.family_of(slot.children[0]))
    parts = expert_slots(slot, model)
    single = len(parts) == 1 and parts[0].stacked
    sources = []
    for part in parts:
        plan.program.add_network(network_slot(part, model))
        wish = f"experts:{label}" if single else f"expert:{part.result.label}"
        run = plan.forward.add(run_slot(plan, part, wish))
        plan.infer.add(run)
        indices = range(len(part.experts)) if part.stacked else (None,)
        sources += [Ref(run.target) if k is None else Ref(run.target, (k,), True) for k in indices]
    experts = sources[0].value
    if not single:
        joined = plan.forward.add(
            Fuse(
                target=Value(f"experts:{label}", shape),
                how="concatenate",
                experts=tuple(sources),
                formula="",
            )
        )
        plan.infer.add(joined)
        experts = joined.target
    return experts, tuple(parent for part in parts for parent in part.experts)


def fused_posterior(
    plan: Plan, slot: Slot, label: str, subsets: list[tuple[Variable, ...]]
) -> Value:
    """A product of experts: every expert once, then each posterior that a term asks for."""
    model = plan.model
    shape = slot_shape(slot, model.family_of(slot.children[0]))
    (conditional,) = slot.conditionals
    known = plan.program.experts.get((plan.base, slot.children))
    experts, every = run_experts(plan, slot, label) if known is None else known
    whole = whole_conditional(model, plan.under, slot)
    block = next((name for name in whole.parents if name.block is not None), NO_VARIABLE)
    order = tuple(parent for parent in every if parent in conditional.parents)
    places = None if order == every else tuple(every.index(parent) for parent in order)
    base, mixed = conditional.network, conditional.by == "mixture"
    of, given = children_text(model, slot), block or joint_text(model, order)
    formula = f"{base}({of} | {given}), eq. 13"
    target = Value(f"q.{label}" if plan.base == "q" else label, shape)
    product = Fuse(
        target=target,
        how="expert" if mixed else "drawn" if block else "product",
        experts=(Ref(experts, places),),
        formula=_of_one(conditional, of, given) if mixed else formula,
        there=Value(f"present:{label}"),
        selector=conditional.selector if mixed else "",
        present=present_experts(plan, order),
        chosen=chosen(plan, block, order) if block else None,
        weights=weights_of(plan, conditional, order),
    )
    if conditional.mixes and not conditional.one_expert:
        _mixture(plan, slot, product, f"{base}({of} | {given})", order, label)
    product = plan.forward.add(product)
    plan.infer.add(replace(product, present=_seen_experts(plan, order), chosen=None))
    for subset in [one for one in subsets if one[0].block is not None]:
        _drawn_posterior(plan, slot, label, (experts, every), subset[0])
    subsets = [one for one in subsets if one[0].block is None]
    if subsets:
        _subset_posteriors(plan, slot, label, Ref(experts, places), order, subsets)
    return product.target


def _of_one(conditional: Conditional, of: str, given: str) -> str:
    """The one expert of a mixture that a row draws, where there are several."""
    drawn = f", {conditional.selector}" if conditional.mixes else ""
    return f"{conditional.network}({of} | {given}{drawn})"


def _mixture(
    plan: Plan, slot: Slot, one: Fuse, formula: str, experts: tuple[Variable, ...], label: str
) -> None:
    """The mixture itself, whose density a term has, beside the one expert that a row draws."""
    shape = (len(experts), *(one.target.shape or ()))
    fused = plan.forward.add(
        replace(
            one,
            target=Value(f"mixture:{label}", shape),
            how="mixture",
            formula=formula,
            there=Value(f"present:mixture:{label}"),
            selector="",
        )
    )
    mixture = Mixture(fused.target, slot.children, experts)
    plan.mixtures.update(dict.fromkeys(slot.children, mixture))


def _subset_posteriors(
    plan: Plan,
    slot: Slot,
    label: str,
    experts: Ref,
    order: tuple[Variable, ...],
    subsets: list[tuple[Variable, ...]],
) -> None:
    family, (conditional,) = plan.model.family_of(slot.children[0]), slot.conditionals
    each = [(parent,) for parent in order] == subsets
    attribute = NO_ATTRIBUTE
    if not each:
        attribute = Attribute(f"subsets:{label}")
        rows = tuple(tuple(parent in subset for parent in order) for subset in subsets)
        plan.program.subsets.append((attribute, rows))
    children = children_text(plan.model, slot)
    given = pattern(order) if each else f"{order[0].head}_S"
    behind = f"{label}~{'each' if each else 'subsets'}"
    fused = plan.forward.add(
        Fuse(
            target=Value(
                f"q.{behind}" if plan.base == "q" else behind,
                (len(subsets), *slot_shape(slot, family)),
            ),
            how="each" if each else "subsets",
            experts=(experts,),
            formula=f"{conditional.network}({children} | {given}), of the same experts",
            there=Value(f"present:{behind}"),
            subsets=attribute,
            present=present_experts(plan, order),
            weights=weights_of(plan, conditional, order),
        )
    )
    for child in slot.children:
        for place, subset in enumerate(subsets):
            plan.program.subset_of[plan.under, child, subset] = (fused.target, place)


def present_experts(plan: Plan, experts: tuple[Variable, ...]) -> tuple[Ref | None, ...]:
    """Which experts a row has in training; nothing if it has all of them."""
    known = [plan.inputs.masks([expert]) for expert in experts]
    if not any(known):
        return ()
    family = plan.model.family_of(experts[0])
    if experts == family.nodes and family.members is not None:
        return (Ref(plan.inputs.seen(family)),)
    return tuple(replace(mask[0], one=True) if mask else None for mask in known)


def _drawn_posterior(plan: Plan, slot: Slot, label: str, held: Held, block: Variable) -> None:
    """q(z | x[S]): the product of the same experts, under the mask of a set that is drawn."""
    model, (experts, every) = plan.model, held
    subset = block.block
    if subset is None:
        raise CompilerBug(f"{block} is no block of a drawn set")
    members = model.members(subset.head)
    order = tuple(parent for parent in every if parent in members)
    places = None if order == every else tuple(every.index(parent) for parent in order)
    children, of_block = children_text(model, slot), f"{label}|{block}"
    fused = plan.forward.add(
        Fuse(
            target=Value(
                f"q.{of_block}" if plan.base == "q" else of_block,
                slot_shape(slot, model.family_of(slot.children[0])),
            ),
            how="drawn",
            there=Value(f"present:{of_block}"),
            experts=(Ref(experts, places),),
            formula=f"{slot.conditionals[0].network}({children} | {block}), of the same experts",
            present=present_experts(plan, order),
            chosen=chosen(plan, block, order),
            weights=weights_of(plan, slot.conditionals[0], order),
        )
    )
    for child in slot.children:
        plan.program.drawn_posterior[plan.under, child, block] = (fused.target, slot.children)


def _seen_experts(plan: Plan, experts: tuple[Variable, ...]) -> tuple[Ref, ...]:
    """Which experts there are where views may be missing; nothing if some expert is a latent."""
    if not plan.model.observed().issuperset(experts):
        return ()
    family = plan.model.family_of(experts[0])
    if experts == family.nodes and family.members is not None:
        return (Ref(plan.inputs.seen(family)),)
    masks = []
    for expert in experts:
        family = plan.model.family_of(expert)
        mask = member_ref(plan.inputs.seen(family), (expert,), family.nodes)
        masks.append(Ref(mask.value, mask.places if mask.places else None, True))
        if mask.places is None and family.members is not None:
            masks[-1] = Ref(mask.value, (0,), True)  # the only member of its family
    return tuple(masks)
