"""Posteriors of one inference network at the samples of another, which a rate compares with."""

from __future__ import annotations

__all__ = ["run_compared"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.bound.bounds import Piece
from graphdsl.bound.models import Encoder
from graphdsl.ir.model import Conditional, Model
from graphdsl.ir.slots import Slot
from graphdsl.ir.statements import Run
from graphdsl.program.runs import ModelKey, Plan, gathered, run_slot
from graphdsl.program.slots import network_slot


def run_compared(
    plans: Mapping[str, Plan], encoders: Mapping[str, Sequence[Slot]], pieces: Iterable[Piece]
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
        own = plans[ref.network].posterior[piece.node][0].removesuffix("~frozen")
        target = f"{own}~at{plan.tag or '@q'}"
        plan.add_network(network_slot(slot, plan.model))
        plan.forward += [*gathered(plan, slot), *_runs(plan, slot, target, ref.network)]
        name = plan.forward[-1].target
        plan.compared.update(
            {(ref.network, child): (name, slot.children) for child in slot.children}
        )


def _runs(plan: Plan, slot: Slot, target: str, network: str) -> Iterator[Run]:
    """The posterior, last; before it that of a network which plays, as its critic has it."""
    run = run_slot(plan, slot, target)
    if not slot.conditionals[0].plays:
        yield run
        return
    yield replace(run, detached=True)
    yield replace(run, target=f"{target}~frozen", frozen=True)
    for child in slot.children:
        key = ModelKey(network, child, (), "detached")
        plan.likelihood[key] = (target, slot.children)


def _reads_latents(conditional: Conditional, model: Model) -> bool:
    """Whether a posterior depends on whose samples it is asked at."""
    return not model.observed().issuperset(conditional.parents)
