"""Statements of the emitted methods as lines of Python."""

from __future__ import annotations

__all__ = [
    "decoded_line",
    "drawn_line",
    "forward_line",
    "infer_line",
    "inferred_line",
]

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.codegen.entries import entries
from graphdsl.codegen.expressions import (
    chosen_mask,
    masks,
    members,
    number,
    reference,
    shape,
    shape_comment,
    stacked,
)
from graphdsl.codegen.layout import Assignment, Code, call, entry
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
    Ref,
    Repeat,
    Run,
    Sample,
    Seen,
    Statement,
)


def forward_line(statement: Statement) -> tuple[Assignment, ...]:
    """A statement of `forward`, `decode` or `ancestral_sample`."""
    match statement:
        case Observe() | OneHot() | DrawData() | Predict() | OrGiven():
            targets, value = _data(statement)
            return (Assignment(targets, value, shape_comment(statement.shape)),)
        case Run(target=target, missing=missing):
            run = _or_prior(statement, _known_rows(statement)) if missing else _run(statement)
            return (Assignment(target, run, _about(statement)),)
        case Fuse():
            return _fused(statement, [(one,) if one else () for one in statement.present])
        case DrawSet() | Known() | Sample() | PriorSample() | Generated():
            return (_drawn(statement),)
        case Detach() | Repeat():
            return (_held_in_common(statement),)
        case DrawMask() | Every() | Chances():
            return (_of_no_sample(statement),)
        case Assemble(target=target, parts=parts, in_classes=behind):
            values = list(map(reference, parts))
            return (Assignment(target, stacked(values, dim=2 if behind else 1)),)


def _or_prior(statement: Run, rows: str) -> Code:
    """What a network says in rows that have what it reads, and the prior in the others."""
    prior = (statement.prior,) if statement.prior else ()
    return call(f"{_run(statement)}.or_prior", rows, *prior)


def _known_rows(statement: Run) -> str:
    """Which rows have what a network reads."""
    mask = _mask(statement.missing)
    if statement.on_sets:
        return f"({mask})[:, None]" if len(statement.missing) > 1 else f"{mask}[:, None]"
    return mask


def _of_no_sample(statement: DrawMask | Every | Chances) -> Assignment:
    """The edges of a learned mask, all classes, or how likely each is."""
    if isinstance(statement, DrawMask):
        target = statement.target
        drawn = "mode()" if statement.likeliest else f'sample(noise["{statement.mask}"])'
        return Assignment(target, f"self.{statement.attribute}.{drawn}")
    if isinstance(statement, Chances):
        parts = [call(f"{reference(one)}.log_prob", value) for one, value in statement.parts]
        comment = f"of every {statement.of}; {shape_comment((statement.count,))}"
        return Assignment(statement.target, call("chances", *parts), comment)
    targets = statement.target if len(statement.variables) > 1 else f"({statement.target},)"
    names = [f'"{one.name}"' for one in statement.variables]
    shapes = ", ".join(shape((1, statement.count, *one.shape)) for one in statement.variables)
    return Assignment(targets, call("self.every", *names), shapes)


def _held_in_common(statement: Detach | Repeat) -> Assignment:
    """What another objective computes, or what all samples of a row have in common."""
    source, times = statement.source, statement.times if isinstance(statement, Repeat) else 1
    code = call("detached", source)
    if isinstance(statement, Repeat):
        code = call("repeated", source, str(times))
    comment = "" if statement.shape is None else shape_comment(statement.shape, times)
    return Assignment(statement.target, code, comment)


def _drawn(statement: DrawSet | Known | Sample | PriorSample | Generated) -> Assignment:
    """What is drawn, from the noise that the caller may give; and what rows know instead."""
    times = statement.times if isinstance(statement, Sample | Known) else 1
    about = shape_comment(statement.shape, times)
    match statement:
        case Known(target=target, source=source, seen=seen, value=value):
            return Assignment(
                target, call(f"{source}.or_known", reference(seen), reference(value)), about
            )
        case DrawSet(target=target, name=name, like=like):
            return Assignment(target, call("self.drawn", "noise", f'"{name}"', like), about)
        case Sample(discrete=True, target=target, distribution=distribution):
            noise = _noise(statement), "self.temperature", "hard=True"
            return Assignment(target, call(f"{distribution}.relaxed_sample", *noise), about)
        case Sample(target=target, distribution=distribution, density=density) if density:
            sample = call(f"{distribution}.sample_with_log_prob", _noise(statement))
            return Assignment(f"{target}, {density}", sample, about)
        case Sample(target=target, distribution=distribution, each=experts) if experts:
            several = (str(statement.times // experts),) if statement.times else ()
            word = "sample_several" if several else "sample_each"
            return Assignment(
                target, call(f"{distribution}.{word}", _noise(statement), *several), about
            )
        case Sample(target=target, distribution=distribution):
            source = statement.word or distribution
            return Assignment(target, call(f"{source}.sample", _noise(statement)), about)
        case PriorSample() | Generated():
            return Assignment(statement.target, _drawn_from_p(statement), about)


def _drawn_from_p(statement: PriorSample | Generated) -> Code:
    """A root of p, or what its networks generate."""
    if isinstance(statement, PriorSample):
        own, word = _noise_of_root(statement), statement.word
        return call(f"{word}.sample", own) if word else own
    if not statement.drawn:
        return f"{statement.distribution}.mean"
    noise = _noise_of_p(statement)
    if statement.relaxed:
        settings = "self.temperature", "hard=True"
        return call(f"{statement.distribution}.relaxed_sample", noise, *settings)
    return call(f"{statement.distribution}.sample", noise)


def _noise_of_p(statement: Generated) -> Code:
    """The noise of what p draws: a latent's where nothing infers it, or its own."""
    if statement.noise is None:
        mean = f"{statement.distribution}.mean"
        return call("self.prior_sample", "noise", f'"{statement.name}"', mean)
    noise = statement.noise
    flat = f".flatten(1, {statement.grid})" if statement.grid > 1 else ""
    return reference(Ref(f'noise["{noise.name}"]{flat}', noise.places, noise.one))


def _noise_of_root(statement: PriorSample) -> Code:
    flat = f".flatten(1, {statement.grid})" if statement.grid > 1 else ""
    whole: Code = f'noise["{statement.latent}"]{flat}'
    if statement.like:
        like = f"{statement.like}{'.mean' * statement.of_mean}{'[:, 0]' * statement.of_classes}"
        whole = call("self.prior_sample", "noise", f'"{statement.latent}"', like)
    if statement.places is None:
        return whole
    return reference(Ref(str(whole), statement.places, statement.one))


def _data(statement: Observe | OneHot | DrawData | Predict | OrGiven) -> tuple[str, Code]:
    """What data are assigned to, and where they are taken from."""
    target = statement.target
    match statement:
        case OrGiven(variable=variable, source=source):
            return target, call("self.or_given", "given", f'"{variable}"', source)
        case Predict(variable=variable, distribution=distribution):
            return target, call("self.observe_or", "latents", f'"{variable}"', distribution)
        case Observe(variable=variable, seen=seen, some=True):
            return f"{target}, {seen}", call("self.observe_some", "batch", f'"{variable}"')
        case Observe(variable=variable, source=source):
            return target, call("self.observe", source, f'"{variable}"')
        case OneHot(value=value, classes=classes):
            return target, call("self.one_hot", value, str(classes))
        case DrawData(distribution=distribution):
            return target, call("draw_data", distribution)


def infer_line(statement: Statement) -> tuple[Assignment, ...]:
    """A statement of `infer`, where views may be missing and noise may be left out."""
    match statement:
        case Observe(target=target, seen=seen, variable=variable):
            code = call("self.observe_some", "batch", f'"{variable}"')
            return (Assignment(f"{target}, {seen}", code),)
        case Run(target=target, seen=seen):
            run = _or_prior(statement, _mask(seen)) if seen else _run(statement)
            return (Assignment(target, run),)
        case Fuse():
            return _fused(statement, [(one,) for one in statement.seen], forward=False)
        case Sample(target=target, distribution=q, noise=noise, latent=latent):
            if noise.places is None and statement.grid < 2:
                return (Assignment(target, call(f"{q}.draw", "noise", f'"{latent}"')),)
            sample = call(f"{q}.mean if noise is None else {q}.sample", _noise(statement))
            return (Assignment(target, sample),)
        case _:
            return forward_line(statement)


def inferred_line(line: InferenceLine) -> str:
    """An entry of what `infer` returns."""
    return entry(line.latent, _returned(line))


def decoded_line(line: Decoded) -> str:
    """An entry of what `decode` returns."""
    return entry(line.variable, _returned(line))


def drawn_line(line: Drawn) -> str:
    """An entry of what `ancestral_sample` returns."""
    grid = call("self.grid", f'"{line.variable}"', line.value)
    return entry(line.variable, grid if line.grid else line.value)


def _run(statement: Run) -> Code:
    detach = ".detach()" if statement.detached else ""
    arguments = [f"{reference(one)}{detach}" for one in statement.arguments]
    network = f"frozen(self.{statement.slot})" if statement.frozen else f"self.{statement.slot}"
    if statement.holders:
        arguments.append(f"holders=self.{statement.holders}")
    if statement.picked:
        arguments.append(f"members={list(statement.picked)}")
    output: Code = call(network, *arguments)
    if statement.on_sets:
        output = call("on_sets", network, *arguments)
    if len(statement.picked) == 1:
        output = f"{output}{'[:, :, 0]' if statement.on_sets else '[:, 0]'}"
    reshaped = () if statement.reshape is None else (shape(statement.reshape),)
    word = statement.output.constructor
    if statement.scale is not None:
        own = _scale_of(statement, statement.scale)
        return call(f"{word.partition('.')[0]}.of_scale", output, own)
    return call(word, output, *reshaped) if word else output


def _scale_of(statement: Run, scale: float | str) -> str:
    """A fixed log-scale, or a learned one: of the members that run, where each has its entry."""
    if isinstance(scale, float):
        return number(scale)
    picked = statement.picked if statement.scale_by_member else ()
    index = f"[{picked[0] if len(picked) == 1 else list(picked)}]" if picked else ""
    learned = f"detached(self.{scale})" if statement.frozen else f"self.{scale}"
    return f"{learned}{index}"


def _fused(
    statement: Fuse, seen: Sequence[Sequence[Ref]], forward: bool = True
) -> tuple[Assignment, ...]:
    """A fusion of the experts that there are; of a set that is drawn, of those that it holds.

    Only `forward` draws sets: elsewhere, as in `infer`, a set holds every view.
    """
    target, comment = statement.target, _about(statement) if forward and statement.formula else ""
    held = chosen_mask(statement.chosen) if forward and statement.chosen else ""
    if not any(seen):
        return (Assignment(target, _fuse(statement, held), comment),)
    known = seen[0][0] if len(seen) == 1 and not seen[0][0].one else _members_of_one(seen)
    name = statement.there if known is None else reference(known)
    mask = " & ".join(filter(None, (name, held)))
    fused = Assignment(target, _fuse(statement, mask), comment)
    return (fused,) if known is not None else (Assignment(name, stacked(masks(seen))), fused)


def _members_of_one(seen: Sequence[Sequence[Ref]]) -> Ref | None:
    """Masks of members of one family, as so many members of one tensor."""
    alone = [refs[0] for refs in seen if len(refs) == 1 and refs[0].one and refs[0].places]
    if len(alone) < len(seen) or len({ref.name for ref in alone}) > 1:
        return None
    return Ref(alone[0].name, tuple(place for ref in alone for place in ref.places or ()))


def _fuse(statement: Fuse, mask: str = "") -> Code:
    if statement.how == "concatenate":
        return call("Gaussian.stack", members(statement.experts))
    experts, present = reference(statement.experts[0]), (mask,) if mask else ()
    by_name = tuple(f"present={one}" for one in present)
    if statement.how == "mixture":
        return call("mixture_of_experts", experts, *present)
    if statement.how == "expert":
        selector = call("self.selector", "noise", f'"{statement.selector}"', experts, *present)
        return call("one_expert", experts, selector, *present)
    # Exponents: no weight is negative, and the prior's precision is the least that there is.
    weights = () if statement.weights is None else (entries(statement.weights),)
    least = ("least=1.0",) if weights else ()
    match statement.how:
        case "product" | "drawn":
            word = "weighted_product" if weights else "product_of_experts"
            return call(word, experts, *weights, *present, *least)
        case "each":
            return call("each_expert", experts, *weights, *by_name)
        case "subsets":
            subsets = f"self.{statement.subsets}"
            return call("subset_posteriors", experts, subsets, *weights, *by_name, *least)


def _about(statement: Run | Fuse) -> str:
    return f"{statement.formula}; {shape_comment(statement.shape, statement.times)}"


def _noise(statement: Sample) -> str:
    noise = statement.noise
    source = f'noise["{noise.name}"]'
    if statement.times:
        source = f'self.samples_of(noise, "{noise.name}", {statement.times}, {statement.like})'
    elif statement.each:
        source = f'self.noise_of_each(noise, "{noise.name}", {statement.each}, {statement.like})'
    axis, behind = 1, statement.each > 0 and not statement.times
    if behind:
        axis, noise = 2, replace(noise, behind=noise.places is not None)
    flat = f".flatten({axis}, {axis + statement.grid - 1})" if statement.grid > 1 else ""
    return reference(replace(noise, name=f"{source}{flat}"))


def _mask(seen: Sequence[Seen]) -> str:
    """Where every observed parent of a conditional was seen."""
    per_member = any(one.how == "each" for one in seen)
    masks = []
    for one in seen:
        mask = reference(one.mask) + (".all(1)" if one.how == "all" else "")
        masks.append(f"{mask}[:, None]" if per_member and one.how != "each" else mask)
    return " & ".join(masks)


def _returned(line: InferenceLine | Decoded) -> Code:
    """A distribution over a whole family, its members side by side."""
    whole = len(line.parts) == 1 and not line.parts[0].one
    together: Code = reference(line.parts[0])
    if not whole:
        together = call(f"{line.distribution}.stack", members(line.parts))
    name = line.latent if isinstance(line, InferenceLine) else line.variable
    return call("self.grid", f'"{name}"', together) if line.grid else together
