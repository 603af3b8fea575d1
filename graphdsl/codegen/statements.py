"""Statements of the emitted methods, and the entries of what these return."""

from __future__ import annotations

__all__ = [
    "decoded_entry",
    "drawn_entry",
    "forward_line",
    "infer_line",
    "inferred_entry",
]

from collections.abc import Sequence

from graphdsl.catalog.laws import Scale, scale_of
from graphdsl.codegen import tree as py
from graphdsl.codegen.drawing import drawn, noise_of
from graphdsl.codegen.expressions import axis, gathered, reference, shape_comment, stacked
from graphdsl.codegen.fusing import fused
from graphdsl.codegen.words import (
    assign,
    call,
    chain,
    integers,
    local,
    method,
    number,
    own,
    own_call,
    runtime,
    shape,
)
from graphdsl.ir.statements import (
    Assemble,
    Chances,
    Decoded,
    Detach,
    DrawData,
    DrawMask,
    Drawn,
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
    Through,
)
from graphdsl.ir.values import Ref, Value


def forward_line(statement: Statement) -> tuple[py.Assign, ...]:
    """A statement of `forward`, `decode` or `ancestral_sample`."""
    match statement:
        case Observe() | OneHot() | DrawData() | Predict() | OrGiven():
            return (_data(statement),)
        case Run(target=target):
            return (assign(target, _run(statement), _about(statement)),)
        case Fuse():
            return fused(statement, _present(statement), _about(statement))
        case DrawSet() | Known() | Sample() | PriorSample() | Generated():
            return (drawn(statement),)
        case Detach() | Repeat():
            return (_in_common(statement),)
        case DrawMask() | Every() | Chances():
            return (_of_no_sample(statement),)
        case Assemble(target=target, parts=parts, in_classes=behind):
            values = list(map(reference, parts))
            return (assign(target, stacked(values, dim=2 if behind else 1)),)


def infer_line(statement: Statement) -> tuple[py.Assign, ...]:
    """A statement of `infer`, where views may be missing and noise may be left out."""
    match statement:
        case Observe(target=target, seen=seen, variable=variable):
            return (assign((target, seen), _observed_some(variable)),)
        case Run(target=target):
            return (assign(target, _run(statement)),)
        case Fuse():
            return fused(statement, _present(statement), "")
        case Sample(target=target, distribution=Value() as held, noise=noise, latent=latent):
            posterior = local(held)
            if noise.places is None and noise.grid < 2:
                draw = method(posterior, "draw", py.Name("noise"), py.Literal(latent))
                return (assign(target, draw),)
            without = py.Binary(py.Name("noise"), "is", py.NONE)
            sample = method(posterior, "sample", noise_of(statement))
            return (
                assign(target, py.Conditional(py.Attribute(posterior, "mean"), without, sample)),
            )
        case _:
            return forward_line(statement)


def inferred_entry(line: InferenceLine) -> py.Entry:
    """An entry of what `infer` returns."""
    return py.Entry(line.latent, _returned(line, line.latent))


def decoded_entry(line: Decoded) -> py.Entry:
    """An entry of what `decode` returns."""
    return py.Entry(line.variable, _returned(line, line.variable))


def drawn_entry(line: Drawn) -> py.Entry:
    """An entry of what `ancestral_sample` returns."""
    value = local(line.value)
    return py.Entry(line.variable, _in_grid(line.variable, value) if line.grid else value)


def _data(statement: Observe | OneHot | DrawData | Predict | OrGiven) -> py.Assign:
    """Data, and where they are taken from."""
    target, comment = statement.target, shape_comment(statement.target)
    match statement:
        case OrGiven(variable=variable, source=source):
            value = own_call("or_given", py.Name("given"), py.Literal(variable), local(source))
        case Predict(variable=variable, distribution=held):
            value = own_call("observe_or", py.Name("latents"), py.Literal(variable), local(held))
        case Observe(variable=variable, seen=seen, some=True):
            return assign((target, seen), _observed_some(variable), comment)
        case Observe(variable=variable, source=source):
            value = own_call("observe", py.Name(source), py.Literal(variable))
        case OneHot(value=held, classes=classes):
            value = own_call("one_hot", local(held), py.Literal(classes))
        case DrawData(distribution=held):
            value = runtime("draw_data", local(held))
    return assign(target, value, comment)


def _observed_some(variable: str) -> py.Expression:
    return own_call("observe_some", py.Name("batch"), py.Literal(variable))


def _in_common(statement: Detach | Repeat) -> py.Assign:
    """What another objective computes, or what all samples of a row have in common."""
    source, target = local(statement.source), statement.target
    if isinstance(statement, Detach):
        return assign(target, runtime("detached", source), shape_comment(target))
    word = "repeated_edges" if statement.edges else "repeated"
    repeated = runtime(word, source, py.Literal(statement.times))
    return assign(target, repeated, shape_comment(target, statement.times))


def _of_no_sample(statement: DrawMask | Every | Chances) -> py.Assign:
    """The edges of a learned mask, all classes, or how likely each is."""
    if isinstance(statement, DrawMask):
        mask = own(statement.attribute)
        drawn_ = method(mask, "sample", py.Index(py.Name("noise"), (py.Literal(statement.mask),)))
        return assign(statement.target, method(mask, "mode") if statement.likeliest else drawn_)
    if isinstance(statement, Chances):
        parts = (method(reference(one), "log_prob", local(value)) for one, value in statement.parts)
        comment = f"of every {statement.of}; {shape_comment(statement.target)}"
        return assign(statement.target, runtime("chances", *parts), comment)
    names = (py.Literal(variable.name) for variable in statement.variables)
    shapes = ", ".join(
        repr((1, statement.count, *(variable.target.shape or ())))
        for variable in statement.variables
    )
    targets = [variable.target for variable in statement.variables]
    return assign(targets, own_call("every", *names), shapes)


def _read(statement: Run) -> py.Expression:
    """A network's output as a distribution, of counts as a share of their exposure."""
    read = _answered(statement)
    if statement.exposure is None:
        return read
    return method(read, "exposed", reference(statement.exposure), py.Literal(statement.axes))


def _answered(statement: Run) -> py.Expression:
    """A network's output as a distribution."""
    arguments = list(map(reference, statement.arguments))
    if statement.detached:
        arguments = [method(argument, "detach") for argument in arguments]
    network: py.Expression = own(statement.slot)
    if statement.frozen:
        network = runtime("frozen", network)
    named: dict[str, py.Expression] = {}
    if statement.holders:
        named["holders"] = own(statement.holders)
    if statement.picked:
        named["members"] = integers(statement.picked)
    output: py.Expression = call(network, *arguments, **named)
    if statement.on_sets:
        output = runtime("on_sets", network, *arguments, **named)
    if len(statement.picked) == 1:
        output = py.Index(output, (*[py.Slice()] * (2 if statement.on_sets else 1), py.Literal(0)))
    return _as_distribution(statement, output)


def _as_distribution(statement: Run, output: py.Expression) -> py.Expression:
    """What is read from an output: parameters, or inputs of an encoder."""
    word = statement.output.constructor
    if statement.through is not None:
        return runtime(word, _through(statement, statement.through, output))
    reshaped = () if statement.reshape is None else (shape(statement.reshape),)
    known = scale_of(statement.output)
    if statement.scale is not None and known is not None:
        return _with_scale(statement, known, (output, *reshaped), statement.scale)
    if statement.components:
        return runtime(word, output, py.Literal(statement.components), *reshaped)
    return runtime(word, output, *reshaped) if word else output


def _through(statement: Run, encoder: Through, inputs: py.Expression) -> py.Expression:
    """The posteriors of pseudo-inputs."""
    network: py.Expression = own(encoder.slot)
    if statement.frozen:
        network = runtime("frozen", network)
    reshaped = () if encoder.reshape is None else (shape(encoder.reshape),)
    return runtime(encoder.output.constructor, call(network, inputs), *reshaped)


def _with_scale(
    statement: Run, known: Scale, read: tuple[py.Expression, ...], scale: float | str
) -> py.Expression:
    """What is predicted, with a fixed scale or a learned one: of the members that run, of each."""
    constructor = statement.output.constructor
    word = constructor.partition(".")[0]
    if isinstance(scale, float):
        reader = constructor if statement.output.is_vector else word
        return runtime(reader, *read, **{known.word: number(scale)})
    learned: py.Expression = own(scale)
    if statement.frozen:
        learned = runtime("detached", learned)
    output, *reshaped = read
    learned = _of_members(statement, learned)
    if statement.group is not None:
        classes = reference(statement.group)
        if statement.detached:
            classes = method(classes, "detach")
        learned = runtime("of_class", learned, classes)
    return runtime(f"{word}.of_{known.word}", output, learned, *reshaped)


def _of_members(statement: Run, learned: py.Expression) -> py.Expression:
    """The entries of the members that run; behind the axis of classes, if there is one."""
    picked = statement.picked if statement.scale_by_member else ()
    if not picked and statement.group is not None and len(statement.picked) == 1:
        picked = (0,)  # all members have one entry, on an axis that the answer now lacks
    if not picked:
        return learned
    entries = py.Literal(picked[0]) if len(picked) == 1 else integers(picked)
    return py.Index(learned, (*[py.Slice()] * (statement.group is not None), entries))


def _run(statement: Run) -> py.Expression:
    """What a network says in rows that have what it reads, and the prior in the others."""
    if not statement.missing:
        return _read(statement)
    prior = () if statement.prior is None else (local(statement.prior),)
    return method(_read(statement), "or_prior", _known_rows(statement), *prior)


def _known_rows(statement: Run) -> py.Expression:
    """Which rows have what a network reads."""
    mask = _mask(statement.missing)
    return axis(mask) if statement.on_sets else mask


def _mask(seen: Sequence[Seen]) -> py.Expression:
    """Where every observed parent of a conditional was seen."""
    by_member = any(one.how == "each" for one in seen)
    masks = []
    for one in seen:
        mask = reference(one.mask)
        if one.how == "all":
            mask = method(mask, "all", py.Literal(1))
        masks.append(axis(mask) if by_member and one.how != "each" else mask)
    return chain("&", masks)


def _present(statement: Fuse) -> list[tuple[Ref, ...]]:
    """The masks of the experts in training; an expert without one is always there."""
    return [(one,) if one else () for one in statement.present]


def _about(statement: Run | Fuse) -> str:
    if not statement.formula:
        return ""
    rows = "1" if isinstance(statement, Run) and not statement.arguments else "B"
    return f"{statement.formula}; {shape_comment(statement.target, statement.times, rows)}"


def _returned(line: InferenceLine | Decoded, name: str) -> py.Expression:
    """A distribution over a whole family, its members side by side."""
    is_whole = len(line.parts) == 1 and not line.parts[0].one
    together = reference(line.parts[0])
    if not is_whole:
        together = runtime(f"{line.distribution}.stack", gathered(line.parts))
    return _in_grid(name, together) if line.grid else together


def _in_grid(name: str, value: py.Expression) -> py.Expression:
    return own_call("grid", py.Literal(name), value)
