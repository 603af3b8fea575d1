"""Networks as an emitted module makes them, or takes them from who calls it."""

from __future__ import annotations

__all__ = ["network_line"]

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.codegen.environment import fill
from graphdsl.codegen.expressions import network_names, shape
from graphdsl.codegen.layout import broken, call
from graphdsl.codegen.views import NetworkView
from graphdsl.ir.loss import Builder, NetworkSlot


def network_line(slot: NetworkSlot) -> str:
    """A network, or those of a family, with the names that a caller may give others by."""
    builder = slot.builder
    family = builder.count is not None
    several = family or slot.tied
    arguments = _own(slot) if builder.module else [f"lambda: {_in_units(slot)}"]
    if slot.tied and family:
        arguments.append(f"shared={[shared for _, shared in builder.inputs]}")
    method = "tied" if slot.tied else "members" if family else "network"
    return fill(
        NetworkView(
            attribute=slot.attribute,
            method=f"own_{method}" if builder.module else method,
            names=network_names(slot.names) if several else f'"{slot.names[0]}"',
            arguments=tuple(arguments),
            scale=() if slot.scale is None else (_learned(slot, *slot.scale),),
        )
    ).rstrip("\n")


def _own(slot: NetworkSlot) -> list[str]:
    """What a network of the caller's own is called in the spec, what it reads, and its answer."""
    builder = slot.builder
    inputs = ", ".join(_input(sizes, shared and not slot.tied) for sizes, shared in builder.inputs)
    return [f'"{builder.module}"', f"[{inputs}]", _outputs(builder), f'"{builder.answer}"']


def _learned(slot: NetworkSlot, name: str, sizes: Sequence[int], law: str) -> str:
    """A learned scale, which starts at one, or at that of the data."""
    arguments = [_names(slot.builder.describes), shape(sizes), f'law="{law}"']
    pooled = ["pooled=True"] * slot.tied
    head = f"self.{name} = "
    return head + broken(call("self.learned_scale", *arguments, *pooled), 8, len(head))


def _in_units(slot: NetworkSlot) -> str:
    """A default network, in units of the data that it reads or answers with."""
    builder, network = slot.builder, _builder(slot)
    if not any(builder.reads) and not builder.describes:
        return network
    arguments = [network]
    if any(builder.reads):
        read = ", ".join(_names(names) if names else "None" for names in builder.reads)
        arguments.append(f"inputs=[{read}]")
    if builder.describes:
        arguments.append(f"answer={_names(builder.describes)}")
        arguments += [f'law="{builder.units}"'] * (builder.units != "means")
    arguments += ["pooled=True"] * slot.tied
    return broken(call("self.scaled", *arguments), 12, len("lambda: ,"))


def _names(names: Sequence[str]) -> str:
    """A variable or a family by its name; several members as a list."""
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


def _outputs(builder: Builder) -> str:
    if builder.law == "flow":
        return str(builder.context)
    if builder.law == "full" and not isinstance(builder.outputs, int):
        *members, size = builder.outputs
        return "".join(f"{count} * " for count in members) + f"FullGaussian.size({size})"
    outputs = builder.outputs if isinstance(builder.outputs, int) else shape(builder.outputs)
    return f"{builder.numbers} * {outputs}" if builder.numbers > 1 else str(outputs)


def _builder(slot: NetworkSlot) -> str:
    builder = replace(slot.builder, count=None) if slot.tied else slot.builder
    if builder.law == "flow" and not isinstance(builder.outputs, int):
        encoder = _builder(replace(slot, builder=replace(builder, law="", outputs=builder.context)))
        return f"conditional_flow({encoder}, {builder.outputs[-1]}, context={builder.context})"
    size = _outputs(builder)
    if builder.name in ("conv_encoder", "conv_decoder"):
        return _convolutional(builder, size)
    if builder.name == "critic":
        return f"critic([{', '.join(shape(sizes) for sizes, _ in builder.inputs)}])"
    inputs = ", ".join(
        _input(sizes, shared and builder.count is not None) for sizes, shared in builder.inputs
    )
    count = f"{builder.count}, " if builder.count is not None else ""
    if not inputs:
        return f"{builder.name}({count}{size})"
    return f"{builder.name}({count}[{inputs}], {shape(builder.hidden)}, {size})"


def _convolutional(builder: Builder, size: str) -> str:
    shapes = [shape(sizes) for sizes, _ in builder.inputs]
    if builder.name == "conv_encoder":
        others = f", [{', '.join(shapes[1:])}]" if len(shapes) > 1 else ""
        call = f"conv_encoder({shapes[0]}, {size}{others})"
    else:
        call = f"conv_decoder([{', '.join(shapes)}], {size})"
    if builder.count is None:
        return call
    shared = [shared for _, shared in builder.inputs]
    return f"Each([{call} for _ in range({builder.count})], shared={shared})"


def _input(sizes: Sequence[int], shared: bool) -> str:
    return f"Shared({', '.join(map(str, sizes))})" if shared else shape(sizes)
