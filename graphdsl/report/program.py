"""The program of a module: what its methods compute, assignment by assignment."""

from __future__ import annotations

__all__ = ["show_program"]

from collections.abc import Iterable, Iterator

from graphdsl.ir.loss import LossModule
from graphdsl.ir.statements import (
    Assemble,
    Chances,
    Decoded,
    Detach,
    DrawData,
    DrawMask,
    DrawSet,
    Every,
    Fuse,
    Generated,
    InferenceLine,
    Known,
    Observe,
    OneHot,
    OrGiven,
    Predict,
    PriorSample,
    Repeat,
    Run,
    Sample,
    Seen,
    Statement,
)
from graphdsl.ir.values import Entries, Noise, Ref, Value


def show_program(module: LossModule) -> str:
    """The statements of each method and what it returns: one assignment a line, with shapes.

    A line reads `NAME (shape of a row) = OPERATION ARGUMENTS`.
    """
    lines = [*_method("forward", module.forward), f"  return {_losses(module)}"]
    lines += [*_method("infer", module.infer), *_returned(module.inferred)]
    lines += ["decode:"]
    lines += [f"  given {name} = {value}" for value, name, _ in module.latents_decoded]
    lines += [*_assigned(module.decode), *_returned(module.decoded)]
    if module.ancestral:
        lines += _method("ancestral_sample", module.ancestral)
        lines += [f"  return {one.variable} = {one.value}" for one in module.drawn]
    return "\n".join(lines) + "\n"


def _method(name: str, statements: Iterable[Statement]) -> Iterator[str]:
    yield f"{name}:"
    yield from _assigned(statements)


def _assigned(statements: Iterable[Statement]) -> Iterator[str]:
    yield from (f"  {_targets(statement)} = {_operation(statement)}" for statement in statements)


def _losses(module: LossModule) -> str:
    return ", ".join(term.name for term in module.terms)


def _returned(entries: Iterable[InferenceLine | Decoded]) -> Iterator[str]:
    for entry in entries:
        name = entry.latent if isinstance(entry, InferenceLine) else entry.variable
        yield f"  return {name} = {_listed(entry.parts)}"


def _targets(statement: Statement) -> str:
    """The values that a statement computes, with the shape of a row of each."""
    match statement:
        case Observe(target=target, seen=seen, some=True):
            values = [target, seen]
        case Sample(target=target, density=Value() as density):
            values = [target, density]
        case Every(variables=variables):
            values = [variable.target for variable in variables]
        case _:
            values = [statement.target]
    return ", ".join(f"{one}{_shape(one)}" for one in values)


def _shape(value: Value) -> str:
    return "" if value.shape is None else f" ({', '.join(map(str, value.shape))})"


def _operation(statement: Statement) -> str:
    """The operation, and what it is computed from."""
    match statement:
        case Run():
            return _run(statement)
        case Fuse():
            return _fuse(statement)
        case Observe() | OneHot() | Known() | OrGiven() | Predict():
            return _taken(statement)
        case Repeat() | Detach() | Assemble() | Every() | Chances():
            return _rearranged(statement)
        case Sample() | PriorSample() | Generated():
            return _sample(statement)
        case DrawSet() | DrawMask() | DrawData():
            return _drawn(statement)


def _drawn(statement: DrawSet | DrawMask | DrawData) -> str:
    """A set of members, the edges of a mask, or data that p conditions on."""
    match statement:
        case DrawSet(name=name):
            return f"draw set {name}"
        case DrawMask(mask=mask, likeliest=likeliest):
            return f"{'round' if likeliest else 'draw'} mask {mask}"
        case DrawData(distribution=held):
            return f"draw {held}"


def _taken(statement: Observe | OneHot | Known | OrGiven | Predict) -> str:
    """Data, and what is there in their place."""
    match statement:
        case Observe(variable=variable, source=source):
            return f"observe {source}[{variable}]"
        case OneHot(value=category, classes=classes):
            return f"one_hot {category} of {classes} classes"
        case Known(source=source, seen=seen, value=value):
            return f"select {_ref(value)} where {_ref(seen)}, else {source}"
        case OrGiven(variable=variable, source=source):
            return f"select given[{variable}] where given, else {source}"
        case Predict(variable=variable, distribution=held):
            return f"select latents[{variable}] where given, else the mode of {held}"


def _rearranged(statement: Repeat | Detach | Assemble | Every | Chances) -> str:
    """Values in another shape, or without a gradient; and all values of a category."""
    match statement:
        case Repeat(source=source, times=times):
            return f"repeat {source} {times} times"
        case Detach(source=source):
            return f"detach {source}"
        case Assemble(parts=parts):
            return f"stack {_listed(parts)}"
        case Every(variables=variables, count=count):
            return f"enumerate {', '.join(variable.name for variable in variables)}: {count} values"
        case Chances(parts=several):
            return f"probability {', '.join(f'{_ref(one)} at {at}' for one, at in several)}"


def _run(one: Run) -> str:
    flags = [word for word, on in (("frozen", one.frozen), ("inputs held", one.detached)) if on]
    flags += [f"members {', '.join(map(str, one.picked))}"] if one.picked else []
    flags += ["of every set or class"] if one.on_sets else []
    held = f", else {one.prior or 'the prior'}" if one.missing else ""
    where = f" where {' & '.join(map(_seen, one.missing))}{held}" if one.missing else ""
    shared = f" times shares of {_listed((one.exposure,))}" if one.exposure is not None else ""
    group = f", scaled by {_listed((one.group,))}" if one.group is not None else ""
    return f"run {one.slot}({_listed(one.arguments)}){group}{shared}{where}{_flags(flags)}"


def _fuse(one: Fuse) -> str:
    flags = [f"subsets {one.subsets}"] if one.subsets else []
    flags += [f"selector {one.selector}"] if one.selector else []
    if one.chosen is not None:
        flags.append(f"members {'outside ' * one.chosen.outside}{_ref(one.chosen.mask)}")
    flags += [f"exponents {_entries(one.weights)}"] if one.weights is not None else []
    there = ["always" if part is None else _ref(part) for part in one.present]
    where = f" where {', '.join(there)}" if there else ""
    return f"fuse {one.how} {_listed(one.experts)}{where}{_flags(flags)}"


def _sample(one: Sample | PriorSample | Generated) -> str:
    match one:
        case Sample(distribution=held, word=word, times=times, each=each):
            flags = [f"{times} for each row"] * (times > 0) + ["of each expert"] * (each > 0)
            return f"sample {held or word} with {_noise(one.noise)}{_flags(flags)}"
        case PriorSample(word=word):
            return f"sample {word or 'standard_normal'} with {_noise(one.noise)}"
        case Generated(distribution=held, drawn=False):
            return f"mean {held}"
        case Generated(distribution=held, noise=noise, name=name):
            own = f"noise[prior({name})]" if noise is None else _noise(noise)
            return f"sample {held} with {own}"


def _flags(flags: list[str]) -> str:
    return f" [{'; '.join(flags)}]" if flags else ""


def _listed(refs: Iterable[Ref]) -> str:
    return ", ".join(map(_ref, refs))


def _ref(ref: Ref) -> str:
    places = "" if ref.places is None else f"[{', '.join(map(str, ref.places))}]"
    gate = "" if ref.gate is None else f" gated by {_entries(ref.gate)}"
    return f"{ref.value}{places}{gate}"


def _seen(one: Seen) -> str:
    return _ref(one.mask)


def _noise(noise: Noise) -> str:
    places = "" if noise.places is None else f"[{', '.join(map(str, noise.places))}]"
    return f"noise[{noise.name}]{places}"


def _entries(entries: Entries) -> str:
    return f"{entries.mask}{list(map(list, entries.entries))}"
