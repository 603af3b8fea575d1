"""Sets that are drawn, in the emitted code: the mask of a set, and what it is a mask of."""

from __future__ import annotations

__all__ = ["chosen", "plan_draws", "written_out"]

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.bound.draws import draws_used
from graphdsl.bound.pieces import Piece
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.draws import Draw
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.statements import Chosen, DrawSet, Observe
from graphdsl.ir.symbols import Variable
from graphdsl.program.members import member_ref
from graphdsl.program.state import Plan


def chosen(plan: Plan, block: Variable, nodes: Sequence[Variable]) -> Chosen:
    """Which of some members are in a block: columns of the mask of its set."""
    subset = block.block
    if subset is None:
        raise CompilerBug(f"{block} is no block of a drawn set")
    members = plan.model.members(subset.head)
    mask = member_ref(plan.inputs.drawn_set(subset.draw, len(members)), nodes, members)
    return Chosen(mask, subset.outside)


def plan_draws(plan: Plan, pieces: Sequence[Piece]) -> tuple[Draw, ...]:
    """Plan the draws of one pass, once the data are there: as many rows as these have."""
    used = draws_used(pieces)
    like = next(
        (statement.target for statement in plan.forward if isinstance(statement, Observe)), None
    )
    drawn = tuple(draw for draw in plan.model.draws if draw.name in used)
    for one in drawn:
        target = plan.inputs.drawn_set(one.name, one.count)
        plan.forward.add(DrawSet(target=target, name=one.name, like=like))
    return drawn


def written_out(conditional: Conditional, model: Model) -> Conditional:
    """`x[S] -> z by poe` as experts on all of x, of which the mask of S takes some."""
    parents: list[Variable] = []
    for name in conditional.parents:
        block = name.block
        parents += (name,) if block is None else model.members(block.head)
    return replace(conditional, parents=tuple(parents))
