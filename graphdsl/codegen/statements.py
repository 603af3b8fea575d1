"""Statements of the emitted methods as lines of Python."""

from __future__ import annotations

__all__ = [
    "ancestral_line",
    "decoded_line",
    "drawn_line",
    "forward_line",
    "infer_line",
    "inferred_line",
    "slope_code",
    "term_code",
]

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.codegen.entries import entries
from graphdsl.codegen.expressions import (
    commented,
    members,
    number,
    reference,
    shape,
    shape_comment,
    stacked,
)
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.loss import (
    Assemble,
    Chances,
    Chosen,
    Decoded,
    Density,
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
    SlopePenalty,
    Statement,
    TermCode,
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
    """A statement of `forward` or `decode`."""
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


def ancestral_line(statement: Statement) -> str:
    """A statement of `ancestral_sample`: what is drawn is drawn from p, and no gradient is kept."""
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


def term_code(code: TermCode) -> str:
    """The expression that computes a term, on average over the rows."""
    left = reference(code.left)
    right = code.prior if code.right is None else reference(code.right)
    seen = _in_bound(code)
    match code.kind:
        case "kl" | "entropy":
            return _of_posterior(code, left, right, seen)
        case "reconstruction" | "cross_entropy" | "cost":
            price = _price(code, left, f"{right}.detach()" if code.held else right)
            price = _averaged(code, price)
            inside = price if code.among is None else f"among({price}, {_chosen(code.among)})"
            return f"expect({inside}{seen})"
        case "sparsity":
            return f"self.mask_{left}.expected_edges()"
        case "total_correlation":
            return _correlation(code, left, right)
        case _:
            return _from_samples(code, left, right)


def _from_samples(code: TermCode, left: str, right: str) -> str:
    match code.kind:
        case "information":
            return _information(code, left, right)
        case "penalty":
            environment = reference(code.samples[0][0]) + ("" if code.whole else ".long()")
            return f"irm_penalty({left}.logits, {right}, {environment}, {code.classes})"
        case _:
            return _importance(code) if code.kind == "importance" else _distance(code)


def _importance(code: TermCode) -> str:
    """A bound by several samples, from the log-densities of each."""
    above, below = (", ".join(map(_density, several)) for several in (code.above, code.below))
    return f"expect(importance_weighted(p=[{above}], q=[{below}], samples={code.times}))"


def _density(one: Density) -> str:
    """A log-density, where rows have the value."""
    head = one.word if one.distribution is None else reference(one.distribution)
    nats = f"{head}.log_prob({reference(one.value)})" if head else reference(one.value)
    return nats if one.seen is None else f"among({nats}, {reference(one.seen)})"


def _price(code: TermCode, likelihood: str, value: str) -> str:
    """What a value costs under a likelihood: its surprise, or how far it is from the mean."""
    match code.word:
        case "":
            return f"{likelihood}.nll({value})"
        case "squared":
            return f"({likelihood}.mean - {value}).square()"
        case "absolute":
            return f"({likelihood}.mean - {value}).abs()"
        case _:
            both = f"{likelihood}.mean, {value}"
            if code.right is not None and code.right.in_sets:  # torch warns of other shapes
                both = f"*torch.broadcast_tensors({both})"
            return f'torch.nn.functional.huber_loss({both}, reduction="none")'


def _of_posterior(code: TermCode, left: str, right: str, seen: str) -> str:
    """A rate or an entropy; where there is no closed form, from the log-densities of a sample."""
    if code.value is not None:
        value = reference(code.value)
        own = code.density or f"{left}.log_prob({value})"
        if code.kind == "entropy":
            return f"-expect({own}{seen})"
        return f"expect({own}{seen}) - expect({right}.log_prob({value}){seen})"
    if code.kind == "entropy":
        return f"expect({_averaged(code, f'{left}.entropy()')})"
    if code.broadcast:
        return f"expect({left}[:, None].kl({right}{_of_children(code.left)}){seen})"
    return f"expect({_averaged(code, f'{left}.kl({right})')}{seen})"


def _averaged(code: TermCode, nats: str) -> str:
    """What every class costs, as often as it is likely."""
    return f"averaged({nats}, {code.chance})" if code.chance else nats


def _distance(code: TermCode) -> str:
    critic = f"self.{code.critic}, " if code.critic else ""
    here, there = (_sample(code, sample) for sample in code.samples)
    return f"{code.word}({critic}{here}, {there})"


def slope_code(code: TermCode, penalty: SlopePenalty) -> str:
    """Half the mean square of a critic's slope, at one of the two samples that it tells apart."""
    values = ", ".join(map(reference, code.samples[penalty.side]))
    return f"gradient_penalty_r1(self.{code.critic}, {values})"


def _correlation(code: TermCode, left: str, right: str) -> str:
    if code.critic:
        return f"{code.word}(self.{code.critic}, {left}{_permuted(code.left)})"
    rows = "" if code.word == "total_correlation_loo" else ", self.rows"
    if code.samples:
        values, posteriors = map(members, code.samples)
        left, right = f"torch.stack({values}, dim=1)", f"Gaussian.stack({posteriors})"
    return f"{code.word}({left}, {right}{rows})"


def _information(code: TermCode, left: str, right: str) -> str:
    """Of two parts, from samples of their joint."""
    if code.critic:
        keys = _permuted(code.right or code.left)
        return f"{code.word}(self.{code.critic}, {left}, {right}{keys})"
    groups = code.word == "mmd_between"
    return f"{code.word}({left}, {right} > 0.5)" if groups else f"{code.word}({left}, {right})"


def _permuted(ref: Ref) -> str:
    """The noise that permutes rows, where the caller gives it."""
    return f', noise.get("permuted({ref.name})")'


def _sample(code: TermCode, sample: Sequence[Ref]) -> str:
    """The variables of a sample: side by side for an estimator, apart for a critic."""
    if len(sample) == 1:
        return reference(sample[0])
    if code.critic:
        return f"({', '.join(map(reference, sample))})"
    flat = ", ".join(f"{reference(one)}.flatten(1)" for one in sample)
    return f"torch.cat([{flat}], dim=1)"


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
    return f"{stacked(_masks(seen), mask)}\n        {line}"


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
            return f"one_expert({experts}, {selector})"
        case "each":
            return f"each_expert({reference(statement.experts[0])})"
        case "drawn":
            mask = mask or f", {_chosen(statement.chosen)}"
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
            mask = mask or f", {_chosen(statement.chosen)}"
    return f"weighted_product({experts}, {weights}{mask}, least=1.0)"


def _chosen(chosen: Chosen | None) -> str:
    """The mask of a drawn set, or of its complement."""
    if chosen is None:
        raise CompilerBug("a drawn set without a mask")
    return f"{'~' * chosen.outside}{reference(chosen.mask)}"


def _about(statement: Run | Fuse) -> str:
    return f"{statement.formula}; {shape_comment(statement.shape, statement.times)}"


def _noise(statement: Sample) -> str:
    noise = statement.noise
    source = f'noise["{noise.name}"]'
    if statement.times:
        source = f'self.samples_of(noise, "{noise.name}", {statement.times}, {statement.like})'
    flat = f".flatten(1, {statement.grid})" if statement.grid > 1 else ""
    return reference(replace(noise, name=f"{source}{flat}"))


def _masks(several: Sequence[Sequence[Ref]]) -> list[str]:
    """The mask of each member; one that asks for nothing is always there."""
    first = next(reference(ref) for refs in several for ref in refs)
    return [" & ".join(map(reference, refs)) or f"torch.ones_like({first})" for refs in several]


def _in_bound(code: TermCode) -> str:
    """The mask of the rows and members that have a term, as a second argument."""
    if not code.seen:
        return ""
    if code.subsets:
        return f", has_all({reference(code.seen[0][0])}, self.{code.subsets})"
    if len(code.seen) == 1:
        return f", {' & '.join(map(reference, code.seen[0]))}"
    return f", torch.stack([{', '.join(_masks(code.seen))}], dim=1)"


def _mask(seen: Sequence[Seen]) -> str:
    """Where every observed parent of a conditional was seen."""
    per_member = any(one.how == "each" for one in seen)
    masks = []
    for one in seen:
        mask = reference(one.mask) + (".all(1)" if one.how == "all" else "")
        masks.append(f"{mask}[:, None]" if per_member and one.how != "each" else mask)
    return " & ".join(masks)


def _of_children(left: Ref) -> str:
    """The same members of the models as of the posterior: behind the axis of the subsets."""
    if left.places is None:
        return ""
    return f"[:, :, {left.places[0] if left.one else list(left.places)}]"


def _returned(line: InferenceLine | Decoded) -> str:
    """A distribution over a whole family, its members side by side."""
    whole = len(line.parts) == 1 and not line.parts[0].one
    together = (
        reference(line.parts[0]) if whole else f"{line.distribution}.stack({members(line.parts)})"
    )
    name = line.latent if isinstance(line, InferenceLine) else line.variable
    return f'self.grid("{name}", {together})' if line.grid else together
