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
    source = {
        statement.target: statement.source
        for statement in statements
        if isinstance(statement, Repeat | Detach)
    }
    read = dict.fromkeys(entries.mask for statement in statements for entries in _read(statement))
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
        (
            k
            for k, statement in enumerate(statements)
            if not isinstance(statement, Observe | OneHot)
        ),
        0,
    )
    return (*statements[:start], *drawn, *statements[start:])


def with_structures(module: LossModule, model: Model) -> LossModule:
    """The module with its masks, and with critics that see the edges.

    A critic that did not see the structure would learn the ratio of mixtures over structures.
    """
    read = {
        statement.mask: statement.target
        for statement in module.forward
        if isinstance(statement, DrawMask)
    }
    drawn = [mask for mask in model.masks if mask.name in read]
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
            replace(
                network, builder=replace(network.builder, inputs=(*network.builder.inputs, *more))
            )
            if network.attribute in critics
            else network
            for network in module.networks
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
            name=mask.name,
            attribute=Attribute(f"mask:{mask.name}"),
            extents=mask.extents,
            start=float(mask.start or 0),
            by_row=not together and mask.gradient == "straight_through",
            gradient=mask.gradient,
        )
        for mask in model.masks
    )


def _read(statement: Statement) -> list[Entries]:
    """The masks that a statement is computed with."""
    match statement:
        case Run(arguments=arguments):
            return [argument.gate for argument in arguments if argument.gate is not None]
        case Fuse(weights=weights) if weights is not None:
            return [weights]
        case _:
            return []
