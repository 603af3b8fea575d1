"""What predicts from the samples of one network: decoders, and networks made for bounds."""

from __future__ import annotations

__all__ = ["needed", "networks_for_bounds", "run_auxiliaries", "run_models"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from graphdsl.bound.models import Auxiliary, Decoder
from graphdsl.bound.pieces import Piece
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Distribution, Via
from graphdsl.ir.symbols import Variable
from graphdsl.program.inputs import labels_of
from graphdsl.program.runs import run_slot
from graphdsl.program.state import ModelKey, Plan
from graphdsl.slots.grouping import some_of
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


def _needed_decoders(
    plan: Plan, decoders: Iterable[Slot], pieces: Iterable[Piece], frozen: bool = False
) -> list[Slot]:
    wanted = _decoded(plan, pieces, frozen)
    return [decoder for decoder in decoders if wanted & set(decoder.children)]


def needed(
    slots: Iterable[Slot], pieces: Iterable[Piece], adversary: bool | None = None
) -> list[Slot]:
    """The networks made for these pieces, or those of them that play against a term, or do not."""
    refs = [piece.ref for piece in pieces if isinstance(piece.ref, Auxiliary)]
    wanted = {(ref.node, ref.given) for ref in refs if adversary in (None, ref.adversary)}
    return [
        one
        for one in slots
        if any((c.children[0], tuple(c.parents)) in wanted for c in one.conditionals)
    ]


def networks_for_bounds(pieces: Iterable[Piece], model: Model) -> list[Conditional]:
    """Conditionals for the networks that only a bound needs, or a critic, or both: one for each."""
    refs: dict[tuple[Variable, tuple[Variable, ...]], bool] = {}
    for piece in pieces:
        if isinstance(piece.ref, Auxiliary):
            asked = piece.ref.node, piece.ref.given
            refs[asked] = refs.get(asked, False) or piece.under == "p"
    return [
        Conditional(
            network="r",
            children=(node,),
            parents=given,
            by="joint",
            via=Via(),
            lines=(0, len(given)),
            drawn=_own_scale(node, model) if under_p else None,
        )
        for (node, given), under_p in refs.items()
    ]


def _own_scale(node: Variable, model: Model) -> Distribution | None:
    """The law of what predicts p's samples of real data: how far it errs is its own to say."""
    family = model.family_of(node)
    if family.kind != "real" or family.role == "latent":
        return None
    return Distribution(family.distribution.law, "own")


def run_models(
    plan: Plan,
    decoders: Sequence[Slot],
    auxiliaries: Sequence[Slot],
    pieces: Sequence[Piece],
    played: Sequence[Slot],
) -> None:
    """Everything that predicts from the samples of one network."""
    decoded = _decoded(plan, pieces)
    for slot in _needed_decoders(plan, decoders, pieces):
        if slot.conditionals[0].plays:
            _run_model(plan, slot, frozen=True)
            _run_model(plan, slot, detached=True)
        else:
            _run_model(plan, slot, only=decoded)
    run_auxiliaries(plan, auxiliaries, pieces, played)
    for slot in _needed_decoders(plan, decoders, pieces, frozen=True):
        if ModelKey("p", slot.children[0], (), "frozen") not in plan.likelihood:
            _run_model(plan, slot, frozen=True)


def _decoded(plan: Plan, pieces: Iterable[Piece], frozen: bool = False) -> frozenset[Variable]:
    """The variables that pieces ask p's own networks for; of a label, what it labels."""
    asked = (piece.ref for piece in pieces)
    return frozenset(
        plan.model.labelled(term.node)
        for term in asked
        if isinstance(term, Decoder) and term.frozen == frozen
    )


def run_auxiliaries(
    plan: Plan, auxiliaries: Sequence[Slot], pieces: Sequence[Piece], played: Sequence[Slot]
) -> None:
    """Networks made for bounds; one that plays against a term runs for itself and, frozen, for all.

    Its critic trains it on the same samples by the same cross-entropy as any bound would, so that
    the bound's own term leaves its weights alone, and trains what they read. So do terms over other
    samples, of networks that are `played` somewhere.
    """
    own = needed(auxiliaries, pieces, adversary=True)
    for slot in needed(auxiliaries, pieces):
        if slot not in played:
            _run_model(plan, slot)
    for slot in (one for one in needed(auxiliaries, pieces) if one in played):
        _run_model(plan, slot, frozen=True)
        for child, conditional in _children_of(slot):
            key = ModelKey("r", child, conditional.parents)
            plan.likelihood[key] = plan.likelihood[key._replace(held="frozen")]
        if slot in own:
            _run_model(plan, slot, detached=True)


def _run_model(
    plan: Plan,
    slot: Slot,
    frozen: bool = False,
    detached: bool = False,
    only: frozenset[Variable] = frozenset(),
) -> None:
    """A decoder, or a network made for a bound, on the samples; `detached`, as a critic's own."""
    held: Literal["", "frozen", "detached"] = "detached" if detached else "frozen" if frozen else ""
    wish = f"{slot.result}{'~frozen' * frozen}{'!' * detached}{plan.tag}"
    network = slot.conditionals[0].network
    if ModelKey(network, slot.children[0]) in plan.likelihood and network == "p" and not frozen:
        return  # a prior that a posterior has asked for
    plan.program.add_network(network_slot(slot, plan.model))
    if _is_apart(plan, slot) or not _is_known(plan, slot):
        slot = some_of(slot, only)
    # A prior of data may be there, which another network's posterior has asked for.
    run = plan.forward.add(replace(run_slot(plan, slot, wish, frozen), detached=detached))
    for child, conditional in _children_of(slot):
        given = conditional.parents if network == "r" else ()
        plan.likelihood[ModelKey(network, child, given, held)] = (run.target, slot.children)
    for label in labels_of(plan.model, [slot]) if network == "p" else ():
        of_labels = tuple(labels_of(plan.model, [slot]))
        plan.likelihood[ModelKey(network, label, (), held)] = (run.target, of_labels)


def _is_apart(plan: Plan, slot: Slot) -> bool:
    """Whether some members can run alone: the parents of each lie side by side."""
    if slot.tied or plan.model.distribution_of(slot.conditionals[0]).scale == "learned":
        return False  # one tensor for all members
    own = [
        node
        for argument in slot.arguments
        if not argument.shared
        for nodes in argument.nodes
        for node in nodes
    ]
    return all(len(plan.values[node][1]) > 1 for node in own if node in plan.values)


def _is_known(plan: Plan, slot: Slot) -> bool:
    """Whether these samples hold the parents of all members: `infer r` may have only some."""
    nodes = (node for argument in slot.arguments for group in argument.nodes for node in group)
    return all(node in plan.values for node in nodes)


def _children_of(slot: Slot) -> Iterator[tuple[Variable, Conditional]]:
    for conditional in slot.conditionals:
        for child in conditional.children:
            yield child, conditional
