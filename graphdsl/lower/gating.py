"""Learned masks in the emitted code: what networks read, and what experts weigh."""

from __future__ import annotations

__all__ = [
    "count_terms",
    "gated",
    "unfit_gradients",
    "weights_of",
    "with_masks",
    "with_structures",
    "written_mask",
]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, PenaltyAtom, Term
from graphdsl.ir.loss import Group, LossModule, LossTerm, MaskSlot, TermCode
from graphdsl.ir.masks import MOST_ENUMERATED, Gate
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
from graphdsl.lower.errors import EdgeGradientMisfit
from graphdsl.lower.names import Names
from graphdsl.lower.slots import Argument

#: Terms that look at several rows at once.
_BATCHWISE = ("total_correlation", "information", "distance", "penalty")


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
    drawn = tuple(
        DrawMask(target=name, mask=name, attribute=f"mask:{name}", likeliest=likeliest)
        for name in names
    )
    start = next(
        (k for k, one in enumerate(statements) if not isinstance(one, Observe | OneHot)), 0
    )
    return (*statements[:start], *drawn, *statements[start:])


def with_structures(module: LossModule, model: Model) -> LossModule:
    """The module with its masks, and with critics that see the edges.

    A critic that did not see the structure would learn the ratio of mixtures over structures.
    """
    read = {one.target for one in module.forward if isinstance(one, DrawMask)}
    drawn = [one for one in model.masks if one.name in read]
    edges = tuple(Ref(one.name) for one in drawn)
    more = tuple((one.extents, False) for one in drawn)
    critics = {term.code.critic for term in module.terms if term.code.critic}
    return replace(
        module,
        masks=_mask_slots(model, module.terms, module.groups),
        terms=tuple(
            replace(term, code=replace(term.code, edges=edges)) if term.code.critic else term
            for term in module.terms
        ),
        networks=tuple(
            replace(one, builder=replace(one.builder, inputs=(*one.builder.inputs, *more)))
            if one.attribute in critics
            else one
            for one in module.networks
        ),
    )


def unfit_gradients(model: Model) -> Iterator[Diagnostic]:
    """Unbiased gradients of edges, where they are not known."""
    ways = {one.gradient for one in model.masks}
    unbiased = [one for one in model.masks if one.gradient != "straight_through"]
    if not unbiased:
        return
    first = model.objective[0]
    span = Span(first.line, first.column, first.line, first.column + 1)
    if len(ways) > 1:
        yield EdgeGradientMisfit(
            span=span,
            problem="the masks are trained in several ways, and their structures are drawn as one",
            instead=f"write `{unbiased[0].gradient}` for every learned mask",
        )
    if model.players:
        yield EdgeGradientMisfit(
            span=span,
            problem=f"`{unbiased[0].gradient}` needs one objective, and each player has its own",
            instead="write `straight_through` for the masks of an objective by players",
        )
    edges = sum(prod(one.extents) for one in unbiased)
    if ways == {"enumeration"} and edges > MOST_ENUMERATED:
        yield EdgeGradientMisfit(
            span=span,
            problem=f"the masks have {edges} edges together, and {2**edges:,} structures",
            instead=f"write `disarm`; up to {MOST_ENUMERATED} edges can be enumerated",
        )


def count_terms(collected: Collected, names: Names) -> Iterator[LossTerm]:
    """The expected number of a mask's edges, in closed form."""
    for one in collected.sparsities:
        yield LossTerm(
            name=names.take(f"sparsity:{one.mask}"),
            weight=one.weight,
            code=TermCode(kind="sparsity", left=Ref(one.mask), right=None, mask=f"mask:{one.mask}"),
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


def _mask_slots(
    model: Model, terms: Iterable[LossTerm], groups: Iterable[Group]
) -> tuple[MaskSlot, ...]:
    """The masks as the class declares them: a draw for each row, where rows stand alone.

    The objective is the mean over structures of each one's own value. A term of several rows at
    once, or a convex function of a mean over rows, has to see one structure in all of them.
    """
    together = any(term.code.kind in _BATCHWISE or term.critic for term in terms)
    together = together or any(group.kind != "constraint" for group in groups)
    return tuple(
        MaskSlot(
            name=one.name,
            attribute=f"mask:{one.name}",
            extents=one.extents,
            start=float(one.start or 0),
            by_row=not together and one.gradient == "straight_through",
            gradient=one.gradient,
        )
        for one in model.masks
    )


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
