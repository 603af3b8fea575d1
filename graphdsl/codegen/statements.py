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
    commented,
    masks,
    members,
    number,
    reference,
    shape,
    shape_comment,
    stacked,
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
    Ref,
    Repeat,
    Run,
    Sample,
    Seen,
    Statement,
)

_DISTRIBUTION = {
    "gaussian": "Gaussian.split",
    "laplace": "Laplace.split",
    "unit": "Gaussian.unit",
    "unit_laplace": "Laplace.unit",
    "bernoulli": "Bernoulli",
    "categorical": "Categorical",
    "poisson": "Poisson",
    "full_gaussian": "FullGaussian.split",
    "flow": "",  # its network answers with the distribution itself
}


def forward_line(statement: Statement) -> str:
    """A statement of `forward`, `decode` or `ancestral_sample`."""
    match statement:
        case Observe() | OneHot() | DrawData() | Predict() | OrGiven():
            return commented(_data(statement), shape_comment(statement.shape))
        case Run(missing=missing):
            seen = f".or_prior({_told(statement)})" if missing else ""
            return commented(f"{statement.target} = {_run(statement)}{seen}", _about(statement))
        case Fuse():
            code = _fused(statement, [(one,) if one else () for one in statement.present])
            return commented(code, _about(statement)) if statement.formula else code
        case DrawSet() | Known() | Sample() | PriorSample() | Generated():
            times = statement.times if isinstance(statement, Sample | Known) else 1
            return commented(_drawn(statement), shape_comment(statement.shape, times))
        case Detach() | Repeat():
            return _held_in_common(statement)
        case DrawMask() | Every() | Chances():
            return _of_no_sample(statement)
        case Assemble(target=target, parts=parts, in_classes=behind):
            return stacked(list(map(reference, parts)), target, dim=2 if behind else 1)


def _told(statement: Run) -> str:
    """Which rows have what a network reads, and the prior of the others."""
    mask = _mask(statement.missing)
    if statement.on_sets:
        mask = f"({mask})[:, None]" if len(statement.missing) > 1 else f"{mask}[:, None]"
    return ", ".join(filter(None, (mask, statement.prior)))


def _of_no_sample(statement: DrawMask | Every | Chances) -> str:
    """The edges of a learned mask, all classes, or how likely each is."""
    if isinstance(statement, DrawMask):
        target = statement.target
        drawn = "mode()" if statement.likeliest else f'sample(noise["{target}"])'
        return f"{target} = self.mask_{target}.{drawn}"
    if isinstance(statement, Chances):
        parts = [f"{reference(one)}.log_prob({value})" for one, value in statement.parts]
        line = f"{statement.target} = chances({', '.join(parts)})"
        return commented(line, f"of every {statement.of}; {shape_comment((statement.count,))}")
    targets = statement.target if len(statement.variables) > 1 else f"({statement.target},)"
    names = ", ".join(f'"{one.name}"' for one in statement.variables)
    shapes = ", ".join(shape((1, statement.count, *one.shape)) for one in statement.variables)
    return commented(f"{targets} = self.every({names})", shapes)


def _held_in_common(statement: Detach | Repeat) -> str:
    """What another objective computes, or what all samples of a row have in common."""
    target, source, shape = statement.target, statement.source, statement.shape
    if isinstance(statement, Detach):
        code, times = f"{target} = detached({source})", 1
    else:
        code, times = f"{target} = repeated({source}, {statement.times})", statement.times
    return code if shape is None else commented(code, shape_comment(shape, times))


def _drawn(statement: DrawSet | Known | Sample | PriorSample | Generated) -> str:
    """What is drawn, from the noise that the caller may give; and what rows know instead."""
    match statement:
        case Known(target=target, source=source, seen=seen, value=value):
            return f"{target} = {source}.or_known({reference(seen)}, {reference(value)})"
        case DrawSet(target=target, name=name, like=like):
            return f'{target} = self.drawn(noise, "{name}", {like})'
        case Sample(discrete=True, target=target, distribution=distribution):
            noise = f"{_noise(statement)}, self.temperature, hard=True"
            return f"{target} = {distribution}.relaxed_sample({noise})"
        case Sample(target=target, distribution=distribution, density=density) if density:
            return f"{target}, {density} = {distribution}.sample_with_log_prob({_noise(statement)})"
        case Sample(target=target, distribution=distribution):
            return f"{target} = {distribution}.sample({_noise(statement)})"
        case PriorSample() | Generated():
            return _drawn_from_p(statement)


def _drawn_from_p(statement: PriorSample | Generated) -> str:
    """A root of p, or what its networks generate."""
    target = statement.target
    if isinstance(statement, PriorSample):
        own, word = _noise_of_root(statement), statement.word
        return f"{target} = {word}.sample({own})" if word else f"{target} = {own}"
    if not statement.drawn:
        return f"{target} = {statement.distribution}.mean"
    noise = _noise_of_p(statement)
    draw = f"sample({noise})"
    if statement.relaxed:
        draw = f"relaxed_sample({noise}, self.temperature, hard=True)"
    return f"{target} = {statement.distribution}.{draw}"


def _noise_of_p(statement: Generated) -> str:
    """The noise of what p draws: a latent's where nothing infers it, or its own."""
    if statement.noise is None:
        return f'self.prior_sample(noise, "{statement.name}", {statement.distribution}.mean)'
    noise = statement.noise
    flat = f".flatten(1, {statement.grid})" if statement.grid > 1 else ""
    return reference(Ref(f'noise["{noise.name}"]{flat}', noise.places, noise.one))


def _noise_of_root(statement: PriorSample) -> str:
    flat = f".flatten(1, {statement.grid})" if statement.grid > 1 else ""
    source = f'noise["{statement.latent}"]{flat}'
    if statement.like:
        source = f'self.prior_sample(noise, "{statement.latent}", {statement.like})'
    return reference(Ref(source, statement.places, statement.one))


def _data(statement: Observe | OneHot | DrawData | Predict | OrGiven) -> str:
    match statement:
        case OrGiven(target=target, variable=variable):
            return f'{target} = self.or_given(given, "{variable}", {target})'
        case Predict(target=target, variable=variable, distribution=distribution):
            return f'{target} = self.observe_or(latents, "{variable}", {distribution})'
        case Observe(target=target, variable=variable, some=True):
            return f'{target}, seen_{target} = self.observe_some(batch, "{variable}")'
        case Observe(target=target, variable=variable, source=source):
            return f'{target} = self.observe({source}, "{variable}")'
        case OneHot(target=target, value=value, classes=classes):
            return f"{target} = self.one_hot({value}, {classes})"
        case DrawData(target=target, distribution=distribution):
            return f"{target} = draw_data({distribution})"


def infer_line(statement: Statement) -> str:
    """A statement of `infer`, where views may be missing and noise may be left out."""
    match statement:
        case Observe(target=target, variable=variable):
            return f'{target}, seen_{target} = self.observe_some(batch, "{variable}")'
        case Run(target=target):
            if not statement.seen:
                return f"{target} = {_run(statement)}"
            told = ", ".join(filter(None, (_mask(statement.seen), statement.prior)))
            line = f"{target} = {_run(statement)}.or_prior({told})"
            if len(line) <= 80:
                return line
            return f"{target} = {_run(statement)}.or_prior(\n            {told}\n        )"
        case Fuse(target=target):
            return _fused(statement, [(one,) for one in statement.seen])
        case Sample(target=target, distribution=q, noise=noise, latent=latent):
            if noise.places is None and statement.grid < 2:
                return f'{target} = {q}.draw(noise, "{latent}")'
            return f"{target} = {q}.mean if noise is None else {q}.sample({_noise(statement)})"
        case _:
            return forward_line(statement)


def inferred_line(line: InferenceLine) -> str:
    """An entry of what `infer` returns."""
    return f'"{line.latent}": {_returned(line)}'


def decoded_line(line: Decoded) -> str:
    """An entry of what `decode` returns."""
    return f'"{line.variable}": {_returned(line)}'


def drawn_line(line: Drawn) -> str:
    """An entry of what `ancestral_sample` returns."""
    value = f'self.grid("{line.variable}", {line.value})' if line.grid else line.value
    return f'"{line.variable}": {value}'


def _run(statement: Run) -> str:
    detach = ".detach()" if statement.detached else ""
    arguments = ", ".join(f"{reference(one)}{detach}" for one in statement.arguments)
    network = f"frozen(self.{statement.slot})" if statement.frozen else f"self.{statement.slot}"
    if statement.holders:
        arguments += f", holders=self.{statement.holders}"
    if statement.picked:
        arguments += f", members={list(statement.picked)}"
    call = f"{network}({arguments})"
    if statement.on_sets:
        call = f"on_sets({network}, {arguments})"
    if len(statement.picked) == 1:
        call += "[:, :, 0]" if statement.on_sets else "[:, 0]"
    reshaped = "" if statement.reshape is None else f", {shape(statement.reshape)}"
    word = _DISTRIBUTION[statement.distribution]
    if statement.scale is not None:
        scale = statement.scale
        own = f"self.{scale}" if isinstance(scale, str) else number(scale)
        own += ".detach()" if statement.frozen and isinstance(scale, str) else ""
        return f"{word.partition('.')[0]}.of_scale({call}, {own})"
    return f"{word}({call}{reshaped})" if word else call


def _fused(statement: Fuse, seen: Sequence[Sequence[Ref]]) -> str:
    """A fusion, behind the mask of the experts that there are."""
    if not any(seen):
        return f"{statement.target} = {_fuse(statement)}"
    if len(seen) == 1 and not seen[0][0].one:
        return f"{statement.target} = {_fuse(statement, f', {reference(seen[0][0])}')}"
    members_of = _members_of_one(seen)
    if members_of is not None:
        return f"{statement.target} = {_fuse(statement, f', {reference(members_of)}')}"
    mask = f"present_{statement.target.removeprefix('q_')}"
    line = f"{statement.target} = {_fuse(statement, f', {mask}')}"
    return f"{stacked(masks(seen), mask)}\n        {line}"


def _members_of_one(seen: Sequence[Sequence[Ref]]) -> Ref | None:
    """Masks of members of one family, as so many members of one tensor."""
    alone = [refs[0] for refs in seen if len(refs) == 1 and refs[0].one and refs[0].places]
    if len(alone) < len(seen) or len({ref.name for ref in alone}) > 1:
        return None
    return Ref(alone[0].name, tuple(place for ref in alone for place in ref.places or ()))


def _fuse(statement: Fuse, mask: str = "") -> str:
    match statement.how:
        case "concatenate":
            return f"Gaussian.stack({members(statement.experts)})"
        case "product" | "drawn" | "each" | "subsets" if statement.weights is not None:
            return _weighed(statement, entries(statement.weights), mask)
        case "product":
            return f"product_of_experts({reference(statement.experts[0])}{mask})"
        case "mixture":
            experts = reference(statement.experts[0])
            selector = f'self.selector(noise, "{statement.subsets}", {experts}{mask})'
            return f"one_expert({experts}, {selector}{mask})"
        case "each":
            return f"each_expert({reference(statement.experts[0])})"
        case "drawn":
            mask = mask or f", {chosen_mask(statement.chosen)}"
            return f"product_of_experts({reference(statement.experts[0])}{mask})"
        case "subsets":
            experts = reference(statement.experts[0])
            present = mask.replace(", ", ", present=", 1)
            return f"subset_posteriors({experts}, self.{statement.subsets}{present})"


def _weighed(statement: Fuse, weights: str, mask: str) -> str:
    """A fusion of experts with exponents, none below nought: the prior's precision is least."""
    experts = reference(statement.experts[0])
    match statement.how:
        case "each":
            return f"each_expert({experts}, {weights})"
        case "subsets":
            subsets = f"self.{statement.subsets}"
            return f"subset_posteriors({experts}, {subsets}, {weights}, least=1.0)"
        case "drawn":
            mask = mask or f", {chosen_mask(statement.chosen)}"
    return f"weighted_product({experts}, {weights}{mask}, least=1.0)"


def _about(statement: Run | Fuse) -> str:
    return f"{statement.formula}; {shape_comment(statement.shape, statement.times)}"


def _noise(statement: Sample) -> str:
    noise = statement.noise
    source = f'noise["{noise.name}"]'
    if statement.times:
        source = f'self.samples_of(noise, "{noise.name}", {statement.times}, {statement.like})'
    flat = f".flatten(1, {statement.grid})" if statement.grid > 1 else ""
    return reference(replace(noise, name=f"{source}{flat}"))


def _mask(seen: Sequence[Seen]) -> str:
    """Where every observed parent of a conditional was seen."""
    per_member = any(one.how == "each" for one in seen)
    masks = []
    for one in seen:
        mask = reference(one.mask) + (".all(1)" if one.how == "all" else "")
        masks.append(f"{mask}[:, None]" if per_member and one.how != "each" else mask)
    return " & ".join(masks)


def _returned(line: InferenceLine | Decoded) -> str:
    """A distribution over a whole family, its members side by side."""
    whole = len(line.parts) == 1 and not line.parts[0].one
    together = (
        reference(line.parts[0]) if whole else f"{line.distribution}.stack({members(line.parts)})"
    )
    name = line.latent if isinstance(line, InferenceLine) else line.variable
    return f'self.grid("{name}", {together})' if line.grid else together
