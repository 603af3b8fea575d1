"""The order of work: observe, encode, sample, decode, so that one pass serves every term."""

from __future__ import annotations

__all__ = ["Plan", "make_plan"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.loss import (
    Assemble,
    Decoded,
    Fuse,
    InferenceLine,
    NetworkSlot,
    Observe,
    Ref,
    Run,
    Sample,
    Seen,
    Statement,
)
from graphdsl.ir.model import Conditional, Family, Model, Via
from graphdsl.lower.bounds import Piece
from graphdsl.lower.models import Auxiliary, Decoder, SubPosterior
from graphdsl.lower.slots import Argument, Slot, expert_slots, member_ref, network_slot, slots

Distribution = Literal["gaussian", "bernoulli", "unit"]
#: Where a variable is found: a local name, and the variables that it holds.
Held: TypeAlias = dict[str, tuple[str, tuple[str, ...]]]


@dataclass(slots=True)
class Plan:
    """Statements of the emitted methods, and where each variable's distribution is found."""

    model: Model
    networks: list[NetworkSlot] = field(default_factory=list)
    subsets: list[tuple[str, tuple[tuple[bool, ...], ...]]] = field(default_factory=list)
    forward: list[Statement] = field(default_factory=list)
    infer: list[Statement] = field(default_factory=list)
    decode: list[Statement] = field(default_factory=list)
    inferred: list[InferenceLine] = field(default_factory=list)
    decoded: list[Decoded] = field(default_factory=list)
    posterior: Held = field(default_factory=dict)
    likelihood: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    subset_of: dict[tuple[str, tuple[str, ...]], tuple[str, int]] = field(default_factory=dict)
    values: Held = field(default_factory=dict)

    def value(self, nodes: Sequence[str]) -> Ref:
        """The tensor that holds some variables of one family."""
        name, held = self.values[nodes[0]]
        return member_ref(name, nodes, held)


def make_plan(model: Model, pieces: Sequence[Piece]) -> Plan:
    """Plan the passes that the pieces of an objective need."""
    plan = Plan(model)
    encoders = list(slots(model.inference.conditionals, model))
    decoders = _needed_decoders(model, pieces)
    auxiliaries = list(slots(_auxiliaries(pieces), model))
    _observe(plan, encoders, decoders, auxiliaries, pieces)
    _encode(plan, encoders, _wanted_subsets(pieces))
    for slot in (*decoders, *auxiliaries):
        _run_model(plan, slot)
    _plan_decode(plan, list(_all_decoders(model)))
    return plan


def _needed_decoders(model: Model, pieces: Iterable[Piece]) -> list[Slot]:
    wanted = {piece.ref.conditional for piece in pieces if isinstance(piece.ref, Decoder)}
    return [one for one in _all_decoders(model) if wanted & set(one.conditionals)]


def _all_decoders(model: Model) -> Iterable[Slot]:
    return slots(model.generation.conditionals, model) if model.generation else ()


def _auxiliaries(pieces: Iterable[Piece]) -> list[Conditional]:
    """Conditionals for the networks that only a bound needs."""
    refs = dict.fromkeys(piece.ref for piece in pieces if isinstance(piece.ref, Auxiliary))
    return [
        Conditional(
            network="r",
            children=(ref.node,),
            parents=ref.given,
            by="joint",
            via=Via(),
            lines=(0, len(ref.given)),
        )
        for ref in refs
    ]


def _wanted_subsets(pieces: Iterable[Piece]) -> dict[Conditional, list[tuple[str, ...]]]:
    wanted: dict[Conditional, list[tuple[str, ...]]] = {}
    for piece in pieces:
        if isinstance(piece.ref, SubPosterior):
            subsets = wanted.setdefault(piece.ref.conditional, [])
            if piece.ref.experts not in subsets:
                subsets.append(piece.ref.experts)
    for subsets_of in wanted.values():
        subsets_of.sort(key=lambda one: (len(one), [_place(name) for name in one]))
    return wanted


def _observe(
    plan: Plan,
    encoders: Iterable[Slot],
    decoders: Iterable[Slot],
    auxiliaries: Iterable[Slot],
    pieces: Iterable[Piece],
) -> None:
    model = plan.model
    encoded = {n for s in encoders for c in s.conditionals for n in c.parents}
    others = {n for s in (*decoders, *auxiliaries) for c in s.conditionals for n in c.parents}
    modelled = {piece.node for piece in pieces if piece.kind == "reconstruction"}
    for family in model.families:
        if family.role != "observed":
            continue
        members = set(family.nodes)
        for node in family.nodes:
            plan.values[node] = (family.name, family.nodes)
        statement = Observe(target=family.name, variable=family.name, shape=_tensor_shape(family))
        if members & (encoded | others | modelled):
            plan.forward.append(statement)
        if members & encoded:
            plan.infer.append(statement)


def _encode(
    plan: Plan, encoders: list[Slot], wanted: dict[Conditional, list[tuple[str, ...]]]
) -> None:
    pieces_of: dict[str, list[Slot]] = {}
    for slot in encoders:
        pieces_of.setdefault(plan.model.family_of(slot.children[0]).name, []).append(slot)
    for slot in _in_order(plan.model, encoders):
        family = plan.model.family_of(slot.children[0])
        alone = len(pieces_of[family.name]) == 1
        name = family.name if alone else _local(family, slot)
        posterior = f"q_{name}"
        _posterior(plan, slot, posterior, wanted)
        for child in slot.children:
            plan.posterior[child] = (posterior, slot.children)
            plan.values[child] = (name, slot.children)
        noise = member_ref(family.name, slot.children, family.nodes)
        sample = Sample(
            target=name,
            distribution=posterior,
            noise=noise,
            latent=family.name,
            shape=_slot_shape(slot, family),
        )
        plan.forward.append(sample)
        plan.infer.append(sample)
    for family_name, parts in pieces_of.items():
        _assemble(plan, plan.model.family(family_name), parts)


def _assemble(plan: Plan, family: Family, parts: Sequence[Slot]) -> None:
    """Families whose members were sampled apart are put together again."""
    ordered = sorted(parts, key=lambda slot: _place(slot.children[0]))
    if len(ordered) == 1:
        whole = Ref(plan.posterior[ordered[0].children[0]][0])
        plan.inferred.append(InferenceLine(latent=family.name, parts=(whole,)))
        return
    posteriors = _members(plan.posterior, ordered)
    plan.forward.append(Assemble(target=family.name, parts=_members(plan.values, ordered)))
    held = tuple(child for slot in ordered for child in slot.children)
    for child in held:
        plan.values[child] = (family.name, held)
    plan.inferred.append(InferenceLine(latent=family.name, parts=posteriors))


def _members(held: Held, ordered: Iterable[Slot]) -> tuple[Ref, ...]:
    """The members of a family one by one, wherever each is held."""
    return tuple(
        member_ref(held[child][0], (child,), held[child][1])
        for slot in ordered
        for child in slot.children
    )


def _posterior(
    plan: Plan, slot: Slot, target: str, wanted: dict[Conditional, list[tuple[str, ...]]]
) -> None:
    if slot.conditionals[0].by == "poe":
        _fused(plan, slot, target, wanted.get(_whole(plan.model, slot), []))
        return
    plan.networks.append(network_slot(slot, plan.model))
    run = _run(plan, slot, target, "gaussian")
    plan.forward.append(run)
    plan.infer.append(run)


def _whole(model: Model, slot: Slot) -> Conditional:
    """The conditional that a slot's was split from, by family of children."""
    (part,) = slot.conditionals
    return next(
        one for one in model.inference.conditionals if set(part.children) <= set(one.children)
    )


def _fused(plan: Plan, slot: Slot, target: str, subsets: list[tuple[str, ...]]) -> None:
    """A product of experts: every expert once, then each posterior that a term asks for."""
    model = plan.model
    family = model.family_of(slot.children[0])
    shape = _slot_shape(slot, family)
    parts = expert_slots(slot, model)
    (conditional,) = slot.conditionals
    experts = f"experts_{target.removeprefix('q_')}"
    single = len(parts) == 1 and parts[0].stacked
    sources = []
    for part in parts:
        plan.networks.append(network_slot(part, model))
        name = experts if single else f"expert_{part.attribute.removeprefix('q_')}"
        run = _run(plan, part, name, "gaussian")
        plan.forward.append(run)
        plan.infer.append(run)
        several = range(len(part.experts)) if part.stacked else (None,)
        sources += [Ref(name) if k is None else Ref(name, (k,), True) for k in several]
    if not single:
        joined = Fuse(
            target=experts, how="concatenate", experts=tuple(sources), formula="", shape=shape
        )
        plan.forward.append(joined)
        plan.infer.append(joined)
    order = tuple(parent for part in parts for parent in part.experts)
    product = Fuse(
        target=target,
        how="product",
        experts=(Ref(experts),),
        formula=f"q({_children_text(model, slot)} | {_given_text(model, order)}), eq. 13",
        shape=shape,
        seen=_seen_experts(plan, order),
    )
    plan.forward.append(product)
    plan.infer.append(product)
    if subsets:
        _subset_posteriors(plan, slot, conditional, target, experts, order, subsets)


def _subset_posteriors(
    plan: Plan,
    slot: Slot,
    conditional: Conditional,
    target: str,
    experts: str,
    order: tuple[str, ...],
    subsets: list[tuple[str, ...]],
) -> None:
    family = plan.model.family_of(slot.children[0])
    each = [(parent,) for parent in order] == subsets
    name = f"{target}_each" if each else f"{target}_subsets"
    attribute = ""
    if not each:
        attribute = f"subsets_{target.removeprefix('q_')}"
        rows = tuple(tuple(parent in subset for parent in order) for subset in subsets)
        plan.subsets.append((attribute, rows))
    children = _children_text(plan.model, slot)
    given = _pattern(order) if each else "x_S".replace("x", order[0].partition("[")[0])
    plan.forward.append(
        Fuse(
            target=name,
            how="each" if each else "subsets",
            experts=(Ref(experts),),
            formula=f"q({children} | {given}), of the same experts",
            shape=(len(subsets), *_slot_shape(slot, family)),
            subsets=attribute,
        )
    )
    for child in slot.children:
        for place, subset in enumerate(subsets):
            plan.subset_of[child, subset] = (name, place)


def _run_model(plan: Plan, slot: Slot) -> None:
    """A decoder, or a network made for a bound, on the samples."""
    family = plan.model.family_of(slot.children[0])
    target = slot.attribute
    plan.networks.append(network_slot(slot, plan.model))
    plan.forward.append(_run(plan, slot, target, _likelihood(family)))
    for child in slot.children:
        plan.likelihood[slot.conditionals[0].network, child] = (target, slot.children)


def _plan_decode(plan: Plan, decoders: list[Slot]) -> None:
    """Run p on values of the latents alone."""
    model = plan.model
    parts: dict[str, list[Slot]] = {}
    known = {slot.attribute for slot in plan.networks}
    for slot in decoders:
        family = model.family_of(slot.children[0])
        parents = {name for one in slot.conditionals for name in one.parents}
        if parents & model.observed():
            continue  # it needs data: `decode` has latents alone
        if slot.attribute not in known:
            plan.networks.append(network_slot(slot, model))
        plan.decode.append(_run(plan, slot, slot.attribute, _likelihood(family)))
        parts.setdefault(family.name, []).append(slot)
    for name, group in parts.items():
        held = {child for slot in group for child in slot.children}
        if held == set(model.family(name).nodes):
            ordered = sorted(group, key=lambda slot: _place(slot.children[0]))
            tensors: tuple[Ref, ...] = (Ref(ordered[0].attribute),)
            if len(ordered) > 1:
                where = {c: (one.attribute, one.children) for one in ordered for c in one.children}
                tensors = _members(where, ordered)
            kind = _likelihood(model.family(name))
            plan.decoded.append(
                Decoded(
                    variable=name,
                    parts=tensors,
                    distribution="bernoulli" if kind == "bernoulli" else "unit",
                )
            )


def _run(plan: Plan, slot: Slot, target: str, distribution: Distribution) -> Run:
    model = plan.model
    family = model.family_of(slot.children[0])
    shape = _slot_shape(slot, family)
    if slot.experts:
        shape = (*((len(slot.experts),) if slot.stacked else ()), *shape)
    return Run(
        target=target,
        slot=slot.attribute,
        arguments=tuple(_argument(plan, one) for one in slot.arguments),
        distribution=distribution,
        reshape=_reshape(slot, family) if distribution == "gaussian" else None,
        formula=_formula(slot, model),
        shape=shape,
        seen=tuple(_seen(plan, slot)) if not slot.experts else (),
    )


def _reshape(slot: Slot, family: Family) -> tuple[int, ...] | None:
    """The shape of what a network's last axis holds, where that is not simply a vector."""
    per_network = 1 if slot.stacked and not slot.experts else len(slot.children)
    if per_network == 1 and len(family.shape) == 1:
        return None
    if per_network == 1:
        return family.shape
    return None if not family.shape else (per_network, *family.shape)


def _seen(plan: Plan, slot: Slot) -> Iterable[Seen]:
    """The masks of a slot's observed parents."""
    for argument in slot.arguments:
        nodes = [node for group in argument.nodes for node in group]
        family = plan.model.family_of(nodes[0])
        if family.role != "observed":
            continue
        mask = member_ref(f"seen_{family.name}", nodes, family.nodes)
        if slot.stacked and not argument.shared:
            yield Seen(Ref(mask.name, mask.places), "each")
        else:
            single = family.members is None or mask.one
            yield Seen(mask, "single" if single else "all")


def _argument(plan: Plan, argument: Argument) -> Ref:
    nodes = tuple(node for group in argument.nodes for node in group)
    holders = {plan.values[node][0] for node in nodes}
    if len(holders) != 1:
        raise CompilerBug(f"{', '.join(nodes)} are not in one tensor yet")
    ref = plan.value(nodes)
    per_member = len(argument.nodes) > 1
    return Ref(ref.name, ref.places, ref.one and not per_member)


def _in_order(model: Model, encoders: list[Slot]) -> list[Slot]:
    """Slots after those whose latents they condition on."""
    observed = model.observed()
    waiting, done, ordered = list(encoders), set(observed), []
    while waiting:
        ready = [s for s in waiting if all(done >= set(c.parents) for c in s.conditionals)]
        if not ready:
            raise CompilerBug("the inference network has no order")
        first = ready[0]
        waiting.remove(first)
        ordered.append(first)
        done |= set(first.children)
    return ordered


def _seen_experts(plan: Plan, experts: tuple[str, ...]) -> tuple[Ref, ...]:
    """Which experts there are where views may be missing; nothing if some expert is a latent."""
    if not plan.model.observed().issuperset(experts):
        return ()
    family = plan.model.family_of(experts[0])
    if experts == family.nodes and family.members is not None:
        return (Ref(f"seen_{family.name}"),)
    return tuple(
        member_ref(
            f"seen_{plan.model.family_of(one).name}", (one,), plan.model.family_of(one).nodes
        )
        for one in experts
    )


def _likelihood(family: Family) -> Distribution:
    if family.role == "latent":
        return "gaussian"
    return "bernoulli" if family.kind == "binary" else "unit"


def _local(family: Family, slot: Slot) -> str:
    return f"{family.name}_{'_'.join(str(_place(child)) for child in slot.children)}"


def _place(node: str) -> int:
    index = node.partition("[")[2]
    return int(index[:-1]) if index else 0


def _tensor_shape(family: Family) -> tuple[int, ...]:
    return family.shape if family.members is None else (len(family.members), *family.shape)


def _slot_shape(slot: Slot, family: Family) -> tuple[int, ...]:
    return (len(slot.children), *family.shape) if slot.is_family else family.shape


def _formula(slot: Slot, model: Model) -> str:
    """What a slot computes: `q(u[i] | x[i], z)`."""
    network = slot.conditionals[0].network
    if slot.experts:
        factor = f"{network}~({_children_text(model, slot)} | {_pattern(slot.experts)}), eq. 11"
        return factor
    given = []
    for argument in slot.arguments:
        nodes = [node for group in argument.nodes for node in group]
        per_member = slot.stacked and not argument.shared
        given.append(_pattern(nodes) if per_member else _given_text(model, nodes))
    children = _pattern(slot.children) if slot.stacked else _children_text(model, slot)
    bar = f" | {', '.join(given)}" if given else ""
    return f"{network}({children}{bar})"


def _pattern(nodes: Sequence[str]) -> str:
    """Members that an index runs over: `x[i]`."""
    head = nodes[0].partition("[")[0]
    return nodes[0] if len(nodes) == 1 else f"{head}[i]"


def _children_text(model: Model, slot: Slot) -> str:
    return _given_text(model, slot.children)


def _given_text(model: Model, nodes: Sequence[str]) -> str:
    """Variables side by side, whole families by bare name."""
    heads: dict[str, list[str]] = {}
    for node in nodes:
        heads.setdefault(node.partition("[")[0], []).append(node)
    written = []
    for head, members in heads.items():
        whole = set(members) == set(model.family(head).nodes) and len(members) > 1
        written.append(head if whole else ", ".join(members))
    return ", ".join(written)
