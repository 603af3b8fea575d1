"""Posteriors of one inference network at the samples of another, which a rate compares with."""

from __future__ import annotations

__all__ = ["run_compared"]

from collections.abc import Iterable, Mapping, Sequence

from graphdsl.ir.model import Conditional, Model
from graphdsl.lower.bounds import Piece
from graphdsl.lower.models import Encoder
from graphdsl.lower.runs import Plan, gathered, run_slot
from graphdsl.lower.slots import Slot, network_slot


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
        own = plans[ref.network].posterior[piece.node][0]
        target = f"{own}_at{plan.tag or '_q'}"
        plan.add_network(network_slot(slot, plan.model))
        plan.forward += [*gathered(plan, slot), run_slot(plan, slot, target)]
        plan.compared.update(
            {(ref.network, child): (target, slot.children) for child in slot.children}
        )


def _reads_latents(conditional: Conditional, model: Model) -> bool:
    """Whether a posterior depends on whose samples it is asked at."""
    return not model.observed().issuperset(conditional.parents)
