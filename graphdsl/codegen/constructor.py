"""The constructor of an emitted class: its weights, networks, masks and tables."""

from __future__ import annotations

__all__ = ["constructor"]

from collections.abc import Iterator, Sequence

from graphdsl.codegen.networks import network_lines
from graphdsl.codegen.tree import (
    NONE,
    Assign,
    Binary,
    Do,
    Expression,
    Function,
    Literal,
    Name,
    Parameter,
    Statement,
    Word,
)
from graphdsl.codegen.words import (
    call,
    integers,
    listing,
    method,
    number,
    own,
    own_call,
    runtime,
    shape,
    torch,
)
from graphdsl.ir.loss import LossModule, MaskSlot, ParameterSlot


def constructor(module: LossModule) -> Function:
    """`__init__`, which takes the values of parameters and the networks of the caller."""
    values = (Parameter(one.name, Name("float"), number(one.value)) for one in module.parameters)
    networks = Parameter("networks", Binary(Word("Networks"), "|", NONE), NONE)
    return Function(
        "__init__",
        (Parameter("self"),),
        by_name=(*values, networks),
        returns=NONE,
        body=tuple(_body(module)),
    )


def _body(module: LossModule) -> Iterator[Statement]:
    yield Do(method(call(Name("super")), "__init__", Name("networks")))
    yield from map(_parameter, module.parameters)
    for slot in module.networks:
        yield from network_lines(slot)
    yield from map(_mask, module.masks)
    for group in module.groups:
        if group.kind == "constraint":
            yield Assign(own(group.multiplier), runtime("Multiplier"))
    for name, rows in module.subsets:
        yield _table(name, rows)
    for name, subsets in module.holders:
        yield Assign(own(name), runtime("holders", own(subsets)))
    yield Do(own_call("refuse_unused_networks"))


def _parameter(one: ParameterSlot) -> Assign:
    name, value = Literal(one.name), Name(one.name)
    bounds = {
        side: number(bound)
        for side, bound in (("low", one.low), ("high", one.high))
        if bound is not None
    }
    if one.ramp is None:
        return Assign(own(one.name), own_call("weight", name, value, **bounds))
    start, steps = one.ramp
    ramp = own_call("ramp", name, number(start), value, steps=Literal(steps), **bounds)
    return Assign(own(one.name), ramp)


def _mask(one: MaskSlot) -> Assign:
    """A learned mask, drawn once for a batch where terms are of all its rows together."""
    named: dict[str, Expression] = {}
    if one.gradient != "straight_through":
        named["gradient"] = Literal(one.gradient)
    elif not one.by_row:
        named["by_row"] = Literal(False)
    start = number(one.start)
    mask = runtime("EdgeMask", Literal(one.name), shape(one.extents), start, **named)
    return Assign(own(one.attribute), mask)


def _table(name: str, rows: Sequence[Sequence[bool]]) -> Assign:
    """A table of subsets, a row for each."""
    table = torch("tensor", listing(integers(map(int, row)) for row in rows))
    filled = Binary(table, ">", Literal(0))
    return Assign(own(name), own_call("constant", Literal(name), filled))
