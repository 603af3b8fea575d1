"""Draw each learned mask before the statements that read it, and show it to critics.

Law: every method draws each mask that it reads, once, before the first statement that reads it.
"""

from __future__ import annotations

__all__ = ["with_masks", "with_structures"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graphdsl.ir.loss import Group, LossModule, LossTerm, MaskSlot
from graphdsl.ir.model import Model
from graphdsl.ir.statements import Detach, DrawMask, Fuse, Observe, OneHot, Repeat, Run, Statement
from graphdsl.ir.values import Attribute, Entries, Ref, Value

#: Terms that look at several rows at once.
_BATCHWISE = ("total_correlation", "information", "distance", "penalty")


def with_masks(
    statements: Sequence[Statement], masks: Mapping[Value, str], likeliest: bool
) -> tuple[Statement, ...]:
    """The statements, behind those that draw the masks which they read.

    Args:
        statements: Of one method.
        masks: The name of each learned mask.
        likeliest: Whether edges are there that are likelier there than not, in place of a draw.
    """
    source = {one.target: one.source for one in statements if isinstance(one, Repeat | Detach)}
    read = dict.fromkeys(entries.mask for one in statements for entries in _read(one))
    while any(value in source for value in read):
        read = dict.fromkeys(source.get(value, value) for value in read)
    drawn = tuple(
        DrawMask(
            target=value,
            mask=masks[value],
            attribute=Attribute(f"mask:{masks[value]}"),
            likeliest=likeliest,
        )
        for value in read
    )
    start = next(
        (k for k, one in enumerate(statements) if not isinstance(one, Observe | OneHot)), 0
    )
    return (*statements[:start], *drawn, *statements[start:])


def with_structures(module: LossModule, model: Model) -> LossModule:
    """The module with its masks, and with critics that see the edges.

    A critic that did not see the structure would learn the ratio of mixtures over structures.
    """
    read = {one.mask: one.target for one in module.forward if isinstance(one, DrawMask)}
    drawn = [one for one in model.masks if one.name in read]
    edges = tuple(Ref(read[one.name]) for one in drawn)
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
            attribute=Attribute(f"mask:{one.name}"),
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
