"""Networks as an emitted module makes them, or takes them from who calls it."""

from __future__ import annotations

__all__ = ["network_lines", "network_names"]

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, product

from graphdsl.codegen import tree as py
from graphdsl.codegen.words import (
    call,
    chain,
    integers,
    listing,
    own,
    own_call,
    runtime,
    shape,
    texts,
)
from graphdsl.ir.loss import Builder, LearnedScale, NetworkSlot


def network_lines(slot: NetworkSlot) -> Iterator[py.Assign]:
    """A network, or those of a family, with the names that a caller may give others by."""
    builder = slot.builder
    stacked = builder.count is not None or slot.tied
    method = "tied" if slot.tied else "members" if builder.count is not None else "network"
    names = network_names(slot.names) if stacked else py.Literal(slot.names[0])
    builders = _of_the_caller(slot) if builder.module else (py.Lambda(_in_units(slot)),)
    shared = [one for _, one in builder.inputs] if slot.tied and builder.count is not None else []
    arguments = (names, *builders, *[py.Keyword("shared", integers(shared))] * bool(shared))
    function = own(f"own_{method}" if builder.module else method)
    yield py.Assign(own(slot.attribute), py.Call(function, arguments, tall=True))
    if slot.scale is not None:
        yield _learned_scale(slot, slot.scale)


def network_names(names: Sequence[str]) -> py.Expression:
    """The names of a family's conditionals: a comprehension where they differ in its indices.

    >>> from graphdsl.codegen.flat import printed
    >>> printed(network_names(["q(z|x[1])", "q(z|x[2])"]))
    '[f"q(z|x[{i}])" for i in range(1, 3)]'
    >>> printed(network_names(["q(z[1,1]|x)", "q(z[1,2]|x)", "q(z[2,1]|x)", "q(z[2,2]|x)"]))
    '[f"q(z[{i},{j}]|x)" for i in range(1, 3) for j in range(1, 3)]'
    """
    split = [_pieces(name) for name in names]
    columns = list(zip(*split, strict=True)) if len(set(map(len, split))) == 1 else []
    varying = list(dict.fromkeys(column for column in columns if len(set(column)) > 1))
    indices = [piece for column in varying for piece in column]
    if not 1 <= len(varying) <= 2 or not all(map(_is_index, indices)):
        return texts(names)
    values = [list(map(int, column)) for column in varying]
    ranges = [range(min(column), max(column) + 1) for column in values]
    if list(zip(*values, strict=True)) != list(product(*ranges)):
        return texts(names)
    letters = dict(zip(varying, (py.Name("i"), py.Name("j")), strict=False))
    template = py.Template(tuple(letters.get(column, column[0]) for column in columns))
    loops = (
        py.Loop(letters[column].name, one.start, one.stop)
        for column, one in zip(varying, ranges, strict=True)
    )
    return py.Comprehension(template, tuple(loops))


def _pieces(name: str) -> list[str]:
    """A name in digits and what is between them."""
    return ["".join(signs) for _, signs in groupby(name, str.isdecimal)]


def _is_index(piece: str) -> bool:
    """Whether a number reads back as it is written."""
    return piece.isdecimal() and str(int(piece)) == piece


def _of_the_caller(slot: NetworkSlot) -> tuple[py.Expression, ...]:
    """What a network of the caller's is called in the spec, what it reads, and its answer."""
    builder = slot.builder
    inputs = listing(_input(sizes, one and not slot.tied) for sizes, one in builder.inputs)
    return py.Literal(builder.module), inputs, _outputs(builder), py.Literal(builder.answer)


def _learned_scale(slot: NetworkSlot, scale: LearnedScale) -> py.Assign:
    """A learned scale, which starts at one, or at that of the data."""
    named: dict[str, py.Expression] = {"law": py.Literal(scale.law), **_pooled(slot)}
    if scale.classes:
        named["classes"] = py.Literal(scale.classes)
    data = _names(slot.builder.describes) if slot.builder.describes else py.NONE
    value = own_call("learned_scale", data, shape(scale.shape), **named)
    return py.Assign(own(scale.attribute), value)


def _in_units(slot: NetworkSlot) -> py.Expression:
    """A default network, in units of the data that it reads or answers with."""
    builder, network = slot.builder, _builder(slot)
    if not any(builder.reads) and not builder.describes:
        return network
    named: dict[str, py.Expression] = {}
    if any(builder.reads):
        named["inputs"] = listing(_names(read) if read else py.NONE for read in builder.reads)
    if builder.describes:
        named["answer"] = _names(builder.describes)
        if builder.units != "means":
            named["law"] = py.Literal(builder.units)
        if builder.without:
            named["without"] = py.Literal(builder.without)
    return own_call("scaled", network, **named, **_pooled(slot))


def _pooled(slot: NetworkSlot) -> dict[str, py.Expression]:
    return {"pooled": py.Literal(True)} if slot.tied else {}


def _names(names: Sequence[str]) -> py.Expression:
    """A variable or a family by its name; several members as a list."""
    return py.Literal(names[0]) if len(names) == 1 else texts(names)


def _outputs(builder: Builder) -> py.Expression:
    """How many numbers a network answers with, or their shape."""
    if builder.law == "flow":
        return py.Literal(builder.context)
    if isinstance(builder.outputs, int):
        size: py.Expression = py.Literal(builder.outputs)
    elif builder.law == "full":
        *members, last = builder.outputs
        return chain(
            "*", (*map(py.Literal, members), runtime("FullGaussian.size", py.Literal(last)))
        )
    else:
        size = shape(builder.outputs)
    if builder.numbers == 1 or builder.name == "conv_decoder":  # which is given both
        return size
    return chain("*", (py.Literal(builder.numbers), size))


def _builder(slot: NetworkSlot) -> py.Expression:
    builder = replace(slot.builder, count=None) if slot.tied else slot.builder
    if builder.law == "flow" and not isinstance(builder.outputs, int):
        encoder = _builder(replace(slot, builder=replace(builder, law="", outputs=builder.context)))
        last, context = py.Literal(builder.outputs[-1]), py.Literal(builder.context)
        return runtime("conditional_flow", encoder, last, context=context)
    if builder.name in ("mixture_model", "pseudo_inputs"):
        return _of_prior(builder)
    size = _outputs(builder)
    if builder.name in ("conv_encoder", "conv_decoder"):
        return _each(builder, _convolutional(builder, size))
    if builder.name == "resnet":
        return _each(builder, _residual(builder, size))
    return _dense(builder, size)


def _dense(builder: Builder, size: py.Expression) -> py.Expression:
    """A perceptron, or those of a family; a critic; or parameters that read nothing."""
    if builder.name in ("critic", "separable_critic"):
        return runtime(builder.name, listing(shape(sizes) for sizes, _ in builder.inputs))
    count = () if builder.count is None else (py.Literal(builder.count),)
    if not builder.inputs:
        return runtime(builder.name, *count, size)
    inputs = listing(_input(sizes, one and bool(count)) for sizes, one in builder.inputs)
    if builder.name in ("linear", "linears"):
        return runtime(builder.name, *count, inputs, size)
    return runtime(builder.name, *count, inputs, shape(builder.hidden), size, **_options(builder))


def _row(builder: Builder) -> py.Expression:
    """The shape of a row of a variable."""
    return shape((builder.outputs,) if isinstance(builder.outputs, int) else builder.outputs)


def _of_prior(builder: Builder) -> py.Expression:
    """The components of a mixture, or pseudo-inputs."""
    kind = {"kind": py.Literal(builder.kind)} if builder.kind != "real" else {}
    return runtime(builder.name, py.Literal(builder.hidden[0]), _row(builder), **kind)


def _residual(builder: Builder, size: py.Expression) -> py.Expression:
    inputs = listing(shape(sizes) for sizes, _ in builder.inputs)
    width = py.Literal(builder.hidden[0])
    return runtime("resnet", inputs, width, size, **_options(builder))


def _each(builder: Builder, network: py.Expression) -> py.Expression:
    """A network, or one for each member that runs by itself."""
    if builder.count is None:
        return network
    networks = py.Comprehension(network, (py.Loop("_", 0, builder.count),))
    return runtime("Each", networks, shared=integers(one for _, one in builder.inputs))


def _options(builder: Builder) -> dict[str, py.Expression]:
    return {
        name: py.Literal(float(value) if isinstance(value, Fraction) else value)
        for name, value in builder.options
    }


def _convolutional(builder: Builder, size: py.Expression) -> py.Expression:
    first, *others = shapes = [shape(sizes) for sizes, _ in builder.inputs]
    if builder.name == "conv_encoder":
        return runtime("conv_encoder", first, size, *[listing(others)] * bool(others))
    numbers = {"numbers": py.Literal(builder.numbers)} if builder.numbers > 1 else {}
    return runtime("conv_decoder", listing(shapes), size, **numbers)


def _input(sizes: Sequence[int], shared: bool) -> py.Expression:
    return call(py.Word("Shared"), *map(py.Literal, sizes)) if shared else shape(sizes)
