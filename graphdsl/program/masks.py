"""Learned masks in the emitted code: what networks read, and what experts weigh."""

from __future__ import annotations

__all__ = ["gated", "weights_of"]

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from graphdsl.ir.masks import Gate
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Entries, Ref
from graphdsl.program.state import Plan
from graphdsl.slots.slots import Argument


def gated(plan: Plan, ref: Ref, argument: Argument) -> Ref:
    """An argument of a network, zero where the edge from it is missing (paper, sec. 3.4)."""
    if not argument.gates:
        return ref
    along = len(argument.gates[0])
    apart = argument.shared or len(argument.nodes) > 1
    shape = (*(len(argument.gates),) * apart, *(along,) * (along > 1))
    gates = [gate for gates_of in argument.gates for gate in gates_of]
    return replace(ref, gate=_entries(plan, gates, shape), spread=argument.shared)


def weights_of(plan: Plan, conditional: Conditional, experts: Sequence[Variable]) -> Entries | None:
    """The exponents of a product of experts, for each expert and child (eq. 13)."""
    if not conditional.gates:
        return None
    of = {(gate.parent, gate.child): gate for gate in conditional.gates}
    children = conditional.children
    weights = [of[pair] for pair in product(experts, children)]
    family = plan.model.family_of(children[0])
    one = len(children) == 1 and family.members is None
    shape = (len(experts),) if one else (len(experts), len(children))
    return replace(_entries(plan, weights, shape), axes=len(family.shape))


def _entries(plan: Plan, gates: Sequence[Gate], shape: tuple[int, ...]) -> Entries:
    mask = next(one for one in plan.model.masks if one.name == gates[0].mask)
    return Entries(
        mask=plan.inputs.mask(mask.name),
        extents=mask.extents,
        entries=tuple(gate.entry for gate in gates),
        shape=shape,
    )
