"""The constructor of an emitted class: its weights, networks, masks and tables."""

from __future__ import annotations

__all__ = ["constructor"]

from collections.abc import Iterator, Sequence

from graphdsl.codegen import tree as py
from graphdsl.codegen.networks import network_lines
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


def constructor(module: LossModule) -> py.Function:
    """`__init__`, which takes the values of parameters and the networks of the caller."""
    values = (
        py.Parameter(parameter.name, py.Name("float"), number(parameter.value))
        for parameter in module.parameters
    )
    networks = py.Parameter("networks", py.Binary(py.Word("Networks"), "|", py.NONE), py.NONE)
    return py.Function(
        "__init__",
        (py.Parameter("self"),),
        by_name=(*values, networks),
        returns=py.NONE,
        body=tuple(_body(module)),
    )


def _body(module: LossModule) -> Iterator[py.Statement]:
    yield py.Do(method(call(py.Name("super")), "__init__", py.Name("networks")))
    yield from map(_parameter, module.parameters)
    for slot in module.networks:
        yield from network_lines(slot)
    yield from map(_mask, module.masks)
    for group in module.groups:
        if group.kind == "constraint":
            yield py.Assign(own(group.multiplier), runtime("Multiplier"))
    for name, rows in module.subsets:
        yield _table(name, rows)
    for name, subsets in module.holders:
        yield py.Assign(own(name), runtime("holders", own(subsets)))
    yield py.Do(own_call("refuse_unused_networks"))


def _parameter(one: ParameterSlot) -> py.Assign:
    name, value = py.Literal(one.name), py.Name(one.name)
    bounds = {
        side: number(bound)
        for side, bound in (("low", one.low), ("high", one.high))
        if bound is not None
    }
    if one.schedule is None:
        return py.Assign(own(one.name), own_call("weight", name, value, **bounds))
    schedule = one.schedule
    counts = {"steps": schedule.steps, "first": schedule.first, "cycles": schedule.cycles}
    given = {word: py.Literal(count) for word, count in counts.items() if count}
    kind, start = "cycle" if schedule.cycles else "ramp", number(float(schedule.start))
    return py.Assign(own(one.name), own_call(kind, name, start, value, **given, **bounds))


def _mask(one: MaskSlot) -> py.Assign:
    """A learned mask, drawn once for a batch where terms are of all its rows together."""
    named: dict[str, py.Expression] = {}
    if one.gradient != "straight_through":
        named["gradient"] = py.Literal(one.gradient)
    elif not one.by_row:
        named["by_row"] = py.Literal(False)
    start = number(one.start)
    mask = runtime("EdgeMask", py.Literal(one.name), shape(one.extents), start, **named)
    return py.Assign(own(one.attribute), mask)


def _table(name: str, rows: Sequence[Sequence[bool]]) -> py.Assign:
    """A table of subsets, a row for each."""
    table = listing(integers(map(int, row)) for row in rows)
    held = torch("tensor", table, dtype=py.Attribute(py.Name("torch"), "bool"))
    return py.Assign(own(name), own_call("constant", py.Literal(name), held))
