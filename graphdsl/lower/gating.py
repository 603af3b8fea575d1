"""Learned masks in the emitted code: what networks read, and what experts weigh."""

from __future__ import annotations

__all__ = ["count_terms", "gated", "mask_slots", "weights_of", "with_masks", "written_mask"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from graphdsl.ir.information import Collected, PenaltyAtom, Term
from graphdsl.ir.loss import LossTerm, MaskSlot, TermCode
from graphdsl.ir.masks import Gate
from graphdsl.ir.model import Conditional, Model
from graphdsl.ir.notation import latex_name
from graphdsl.ir.statements import (
    Detach,
    DrawMask,
    Entries,
    Fuse,
    Observe,
    OneHot,
    Ref,
    Repeat,
    Run,
    Statement,
)
from graphdsl.lower.slots import Argument, Names

_BATCHWISE = ("total_correlation", "distance")  # terms of a distribution that all rows make up


def gated(model: Model, ref: Ref, argument: Argument) -> Ref:
    """An argument of a network, zero where the edge from it is missing (paper, sec. 3.4)."""
    if not argument.gates:
        return ref
    along = len(argument.gates[0])
    apart = argument.shared or len(argument.nodes) > 1
    shape = (*(len(argument.gates),) * apart, *(along,) * (along > 1))
    found = [gate for several in argument.gates for gate in several]
    return replace(ref, gate=_entries(model, found, shape), spread=argument.shared)


def weights_of(model: Model, conditional: Conditional, experts: Sequence[str]) -> Entries | None:
    """The exponents of a product of experts, for each expert and child (eq. 13)."""
    if not conditional.gates:
        return None
    of = {(one.parent, one.child): one for one in conditional.gates}
    children = conditional.children
    found = [of[pair] for pair in product(experts, children)]
    family = model.family_of(children[0])
    one = len(children) == 1 and family.members is None
    shape = (len(experts),) if one else (len(experts), len(children))
    return replace(_entries(model, found, shape), axes=len(family.shape))


def with_masks(statements: Sequence[Statement], likeliest: bool) -> tuple[Statement, ...]:
    """The statements, behind those that draw the masks which they read."""
    source = {one.target: one.source for one in statements if isinstance(one, Repeat | Detach)}
    names = dict.fromkeys(entries.mask for one in statements for entries in _read(one))
    while any(name in source for name in names):
        names = dict.fromkeys(source.get(name, name) for name in names)
    drawn = tuple(DrawMask(target=name, likeliest=likeliest) for name in names)
    start = next(
        (k for k, one in enumerate(statements) if not isinstance(one, Observe | OneHot)), 0
    )
    return (*statements[:start], *drawn, *statements[start:])


def mask_slots(model: Model, terms: Iterable[LossTerm]) -> tuple[MaskSlot, ...]:
    """The masks as the class declares them: a draw for each row, where rows stand alone."""
    by_row = not any(term.code.kind in _BATCHWISE for term in terms)
    return tuple(
        MaskSlot(name=one.name, extents=one.extents, start=float(one.start or 0), by_row=by_row)
        for one in model.masks
    )


def count_terms(collected: Collected, names: Names) -> Iterator[LossTerm]:
    """The expected number of a mask's edges, in closed form."""
    for one in collected.sparsities:
        yield LossTerm(
            name=names.take(f"sparsity_{one.mask}"),
            weight=one.weight,
            code=TermCode(kind="sparsity", left=Ref(one.mask), right=None),
            formula=f"E[number of edges in {one.mask}]",
            latex=f"\\mathbb{{E}}\\,|{latex_name(one.mask)}|",
            stands_for=(Term(one.weight, PenaltyAtom("sparsity", (one.mask,))),),
            relation="equal",
            bounds=(),
            estimator="",
            lines=one.lines,
        )


def written_mask(gates: Iterable[Gate], parents: Iterable[str], child: str) -> str:
    """The mask that stands over some parents of a child; nothing where there is none."""
    wanted = set(parents)
    return next((one.mask for one in gates if one.child == child and one.parent in wanted), "")


def _read(statement: Statement) -> list[Entries]:
    """The masks that a statement is computed with."""
    match statement:
        case Run(arguments=arguments):
            return [one.gate for one in arguments if one.gate is not None]
        case Fuse(weights=weights) if weights is not None:
            return [weights]
        case _:
            return []


def _entries(model: Model, gates: Sequence[Gate], shape: tuple[int, ...]) -> Entries:
    mask = next(one for one in model.masks if one.name == gates[0].mask)
    return Entries(
        mask=mask.name,
        extents=mask.extents,
        entries=tuple(gate.entry for gate in gates),
        shape=shape,
    )
