"""Posteriors of one inference network at the samples of another, which a rate compares with."""

from __future__ import annotations

__all__ = ["run_compared"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graphdsl.bound.models import Encoder
from graphdsl.bound.pieces import Piece
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import NetworkName
from graphdsl.ir.values import Value
from graphdsl.program.runs import gathered, run_slot
from graphdsl.program.state import ModelKey, Plan
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


def run_compared(
    plans: Mapping[NetworkName, Plan],
    encoders: Mapping[NetworkName, Sequence[Slot]],
    pieces: Iterable[Piece],
) -> None:
    """Run r(z | x, c) on the samples that q has of c, where KL(q(z | x, c) || r(z | x, c)) asks it.

    Rows that lack what r reads are not in the term: nothing stands in for it there.
    """
    for piece in pieces:
        ref = piece.ref
        if not isinstance(ref, Encoder) or piece.kind != "kl" or ref.network == piece.under:
            continue
        plan = plans[piece.under]
        asked = ref.network, piece.node
        if asked in plan.compared or not _reads_latents(ref.conditional, plan.model):
            continue
        slot = next(one for one in encoders[ref.network] if piece.node in one.children)
        plan.program.add_network(network_slot(slot, plan.model))
        plan.forward.extend(gathered(plan, slot))
        held = _run(plan, slot, ref.network), slot.children
        plan.compared.update({(ref.network, child): held for child in slot.children})


def _run(plan: Plan, slot: Slot, network: NetworkName) -> Value:
    """The posterior at these samples; of a network that plays, as the model has it."""
    family = plan.model.family_of(slot.children[0]).name
    wish = f"{network.base}.{family}{network.argument_text}~at{plan.tag or '@q'}"
    run = run_slot(plan, slot, wish)
    if not slot.conditionals[0].plays:
        return plan.forward.add(run).target
    critic = plan.forward.add(replace(run, detached=True)).target
    for child in slot.children:
        key = ModelKey(network, child, (), "detached")
        plan.likelihood[key] = (critic, slot.children)
    held = Value(f"{wish}~frozen", run.target.shape)
    return plan.forward.add(replace(run, target=held, frozen=True)).target


def _reads_latents(conditional: Conditional, model: Model) -> bool:
    """Whether a posterior depends on whose samples it is asked at."""
    return not model.observed().issuperset(conditional.parents)
