"""A lowered module to Python text, formatted as it is written."""

from __future__ import annotations

__all__ = ["ALWAYS_IMPORTED", "WORDS", "render_module"]

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from graphdsl.codegen.breaking import broken
from graphdsl.codegen.environment import fill
from graphdsl.codegen.expressions import network_names, number, shape, weight
from graphdsl.codegen.statements import (
    ancestral_line,
    decoded_line,
    drawn_line,
    forward_line,
    infer_line,
    inferred_line,
    slope_code,
    term_code,
)
from graphdsl.codegen.views import HeaderView, ModuleView, NetworkView, TermView
from graphdsl.ir.draws import Draw
from graphdsl.ir.information import Atom, Entropy, Term
from graphdsl.ir.loss import (
    Builder,
    Group,
    LossModule,
    LossTerm,
    MaskSlot,
    NetworkSlot,
    ParameterSlot,
    VariableSlot,
)
from graphdsl.ir.notation import number_text, shortened, summed, weight_text
from graphdsl.ir.weight import ONE, Weight

_WIDTH = 88
ALWAYS_IMPORTED = ("Batch", "Gaussian", "Losses", "Networks", "Noise", "Objective", "Variable")
WORDS = (
    "Bernoulli", "Categorical", "Each", "EdgeMask", "Flow", "FullGaussian", "Labelled",
    "Laplace", "Latents", "Likelihood", "Multiplier", "Poisson", "Posterior", "Shared",
    "Subset", "adversarial_js", "adversarial_js_non_saturating", "adversarial_kl", "among",
    "averaged", "chances", "conditional_flow", "conv_decoder", "conv_encoder", "critic",
    "detached", "draw_data", "each_expert", "expect", "frozen", "gated", "gradient_penalty_r1",
    "has_all", "holders",
    "hsic", "importance_weighted", "information_critic", "information_mine", "irm_penalty",
    "marginal_model", "marginal_models", "mean_over_ranks", "mlp", "mlps", "mmd", "mmd_between",
    "on_sets", "one_expert", "product_of_experts", "repeated", "sliced_wasserstein",
    "standard_laplace", "standard_normal", "subset_posteriors", "total_correlation_critic",
    "total_correlation_loo", "total_correlation_mss", "total_correlation_mws",
    "uniform_bernoulli", "uniform_categorical", "weighted_product",
)  # fmt: skip


def render_module(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    """The whole file: the formula, then the code that is that formula."""
    body = _view(module, constants, ())
    text = fill(body)
    code = re.sub(r'"[^"\n]*"|#.*', "", text.split('"""', 2)[2])
    used = [word for word in WORDS if re.search(rf"\b{word}\b", code)]
    imports = tuple(sorted((*ALWAYS_IMPORTED, *used), key=_import_order))
    return fill(_view(module, constants, imports)).rstrip() + "\n"


def _view(
    module: LossModule, constants: Sequence[tuple[str, Fraction]], imports: tuple[str, ...]
) -> ModuleView:
    return ModuleView(
        header=_header(module, constants).rstrip(),
        imports=imports,
        class_name=module.class_name,
        summary=_safe(module.title.split(": ")[0] or f"The objective of {module.model}").rstrip(".")
        + ".",
        variables=tuple(map(_variable, module.variables)),
        draws=_draws(module.draws),
        samples=_samples(module),
        trained=(*_trained(module), *_turns(module), *_critics(module)),
        signature=tuple(f"{one.name}: float = {number(one.value)}" for one in module.parameters),
        parameters=tuple(map(_parameter, module.parameters)),
        networks=(
            *map(_network, module.networks),
            *map(_mask, module.masks),
            *_multipliers(module),
        ),
        buffers=(
            *(_buffer(name, rows) for name, rows in module.subsets),
            *(f"self.{name} = holders(self.{subsets})" for name, subsets in module.holders),
        ),
        forward=_forward(module),
        terms=tuple(map(_term, module.terms)),
        loss=(*_sums(module), *_losses(module)),
        whole=module.players[0].loss if module.players else "loss",
        players=_players(module),
        term_names=tuple(term.name for term in module.terms),
        infer=tuple(map(infer_line, module.infer)),
        inferred=tuple(map(inferred_line, module.inferred)),
        decode=_decode(module),
        decoded=tuple(map(decoded_line, module.decoded)),
        likelihoods=_named(
            "Bernoulli | Gaussian", "Likelihood", [one.distribution for one in module.decoded]
        ),
        posteriors=_named("Gaussian", "Posterior", [one.distribution for one in module.inferred]),
        ancestral=tuple(map(ancestral_line, module.ancestral)),
        drawn=tuple(map(drawn_line, module.drawn)),
    )


def _named(usual: str, alias: str, words: Iterable[str]) -> str:
    """The type of a method's answers."""
    return usual if set(words) <= set(usual.split(" | ")) else alias


def _header(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    origin = f"Compiled by graphdsl from the spec `{module.model}`"
    values = ", ".join(f"{name} = {number_text(value)}" for name, value in constants)
    gaps = [
        line
        for term in module.terms
        for line in shortened(summed([one.gap for one in term.bounds], latex=True), r"\dots")
    ]
    dropped = summed([_constant(term) for term in module.constants], latex=False)
    return fill(
        HeaderView(
            title=_wrapped(_safe(module.title) or f"The objective of {module.model}."),
            origin=_wrapped(f"{origin} with {values}" if values else origin),
            sha256=module.sha256,
            objective=_lines(module.objective),
            loss=_all_lines(_formulas(module)),
            relation=_wrapped(f"Relation: {module.relation} ({module.reason}).", _WIDTH),
            gaps=_all_lines(gaps),
            whose=_whose(gaps),
            dropped=_all_lines(shortened(dropped, "...")),
        )
    )


def _whose(gaps: Sequence[str]) -> str:
    """Whose joint it is that a bar speaks of, where that is p's too."""
    barred = [name for name in ("q", "p") if any(f"\\bar{{{name}}}" in one for one in gaps)]
    if "p" not in barred:
        return r"\bar{q} is a conditional of q's joint"
    several = [rf"\bar{{{name}}} is a conditional of {name}'s joint" for name in barred]
    return ", ".join(several)


def _formulas(module: LossModule) -> Iterator[str]:
    """The loss, or that of every player, term by term; what stands under a sign behind it."""
    if not module.players:
        yield from _formulas_of(module, module.terms, module.groups)
    for one in module.players:
        own = [term for term in module.terms if term.player == one.name]
        groups = [group for group in module.groups if group.name in one.groups]
        for place, line in enumerate(_formulas_of(module, own, groups)):
            yield line if place else f"for {one.name}: {line}"


def _formulas_of(
    module: LossModule, own: Iterable[LossTerm], groups: Iterable[Group]
) -> Iterator[str]:
    main = [term for term in own if not term.within]
    yield from (_formula_line(term, place) for place, term in enumerate(main))
    terms = {term.name: term for term in module.terms}
    for place, group in enumerate(groups):
        under = [terms[name] for name in group.terms]
        inner = " ".join(_formula_line(term, k) for k, term in enumerate(under))
        factor = "" if group.weight == ONE else f"{weight_text(group.weight)} "
        joined = under[0].within.replace("...", inner) if under else ""
        yield f"{'+ ' if main or place else ''}{factor}{joined}"


def _formula_line(term: LossTerm, place: int) -> str:
    factor = "" if term.weight == ONE else weight_text(term.weight)
    factor = f"({factor}) " if len(term.weight.terms) > 1 else (f"{factor} " if factor else "")
    return f"{'+ ' if place else ''}{factor}{term.formula}"


def _constant(term: Term) -> str:
    factor = weight_text(term.weight)
    atom = _brief(term.atom)
    if factor in ("1", "-1"):
        return f"{factor[:-1]}{atom}"
    return f"({factor}) {atom}" if len(term.weight.terms) > 1 else f"{factor} {atom}"


def _brief(atom: Atom) -> Atom:
    """An entropy of many variables with the first and the last of them."""
    if not isinstance(atom, Entropy):
        return atom
    return Entropy(shortened(atom.of, "..."), shortened(atom.given, "..."), atom.under)


def _variable(one: VariableSlot) -> str:
    parts = [f'"{one.name}"', f'role="{one.role}"', f'kind="{one.kind}"']
    if one.classes is not None:
        parts.append(f"classes={one.classes}")
    if one.members is not None:
        count = one.members[0] if len(one.members) == 1 else one.members
        parts.append(f"members={count}")
    if one.shape:
        parts.append(f"shape={shape(one.shape)}")
    if one.optional:
        parts.append("optional=True")
    if one.inferred:
        parts.append("inferred=True")
    line = f"Variable({', '.join(parts)})"
    if len(line) + 9 <= _WIDTH:
        return line
    space = " " * 8
    if len(", ".join(parts)) + 12 > _WIDTH:
        listed = "".join(f"{space}    {part},\n" for part in parts)
        return f"Variable(\n{listed}{space})"
    return f"Variable(\n{space}    {', '.join(parts)}\n{space})"


def _draws(draws: Sequence[Draw]) -> tuple[str, ...]:
    """The sets that every pass draws anew, as one tuple."""
    written = [
        f'Subset("{one.name}", of={one.count}{", proper=True" * (one.kind == "bipartitions")})'
        for one in draws
    ]
    if len(written) == 1:
        return (f"draws = ({written[0]},)",)
    return ("draws = (", *(f"    {one}," for one in written), ")") if written else ()


def _trained(module: LossModule) -> tuple[str, ...]:
    """What the players train, where there are several objectives."""
    if not module.players:
        return ()
    lines = []
    for one in module.players:
        names = "".join(f'"{name}", ' for name in one.attributes)
        lines.append(
            f'    "{one.name}": ({names.removesuffix(" " if len(one.attributes) < 2 else ", ")}),'
        )
    return ("players = {", *lines, "}")


def _turns(module: LossModule) -> tuple[str, ...]:
    """How many steps the players take in a round, as a class attribute."""
    entries = [f'"{name}": {count}' for name, count in module.turns]
    line = f"turns = {{{', '.join(entries)}}}"
    if len(line) + 4 <= _WIDTH:
        return (line,) if entries else ()
    return ("turns = {", *(f"    {entry}," for entry in entries), "}")


def _critics(module: LossModule) -> tuple[str, ...]:
    """The networks that a critic trains, as a class attribute."""
    names = [f'"{name}"' for name in module.critics]
    line = f"critics = ({', '.join(names)}{',' * (len(names) == 1)})"
    if len(line) + 4 <= _WIDTH:
        return (line,) if names else ()
    return ("critics = (", *(f"    {name}," for name in names), ")")


def _samples(module: LossModule) -> int:
    """How many samples a row has in the bounds of several: those of the largest."""
    return max((term.code.times for term in module.terms), default=0)


def _parameter(one: ParameterSlot) -> str:
    bounds = "".join(
        f", {name}={number(value)}"
        for name, value in (("low", one.low), ("high", one.high))
        if value is not None
    )
    if one.ramp is not None:
        start, steps = one.ramp
        ramp = f'"{one.name}", {number(start)}, {one.name}, steps={steps}{bounds}'
        return f"self.{one.name} = self.ramp({ramp})"
    return f'self.{one.name} = self.weight("{one.name}", {one.name}{bounds})'


def _multipliers(module: LossModule) -> Iterator[str]:
    for group in module.groups:
        if group.kind == "constraint":
            yield f"self.{_multiplier(group)} = Multiplier()"


def _network(slot: NetworkSlot) -> str:
    builder = slot.builder
    family = builder.count is not None
    several = family or slot.tied
    arguments = _own(slot) if builder.module else [f"lambda: {_builder(slot)}"]
    if slot.tied and family:
        arguments.append(f"shared={[shared for _, shared in builder.inputs]}")
    method = "tied" if slot.tied else "members" if family else "network"
    return fill(
        NetworkView(
            attribute=slot.attribute,
            method=f"own_{method}" if builder.module else method,
            names=network_names(slot.names) if several else f'"{slot.names[0]}"',
            arguments=tuple(arguments),
            scale=() if slot.scale is None else (_learned(*slot.scale),),
        )
    ).rstrip("\n")


def _mask(one: MaskSlot) -> str:
    """A learned mask, drawn once for a batch where terms are of all its rows together."""
    together = "" if one.by_row else ", by_row=False"
    arguments = f'"{one.name}", {shape(one.extents)}, {number(one.start)}{together}'
    return f"self.mask_{one.name} = EdgeMask({arguments})"


def _own(slot: NetworkSlot) -> list[str]:
    """What a network of the caller's own is called in the spec, what it reads, and its answer."""
    builder = slot.builder
    inputs = ", ".join(_input(sizes, shared and not slot.tied) for sizes, shared in builder.inputs)
    return [f'"{builder.module}"', f"[{inputs}]", _outputs(builder), f'"{builder.answer}"']


def _learned(name: str, sizes: Sequence[int]) -> str:
    """A learned scale, which starts at one."""
    return f"self.{name} = torch.nn.Parameter(torch.zeros({shape(sizes)}))"


def _outputs(builder: Builder) -> str:
    if builder.law == "flow":
        return str(builder.context)
    if builder.law == "full" and not isinstance(builder.outputs, int):
        *members, size = builder.outputs
        return "".join(f"{count} * " for count in members) + f"FullGaussian.size({size})"
    outputs = builder.outputs if isinstance(builder.outputs, int) else shape(builder.outputs)
    return f"2 * {outputs}" if builder.halves else str(outputs)


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


def _buffer(name: str, rows: Iterable[Iterable[bool]]) -> str:
    """A table of subsets, listed row by row where it does not fit on a line."""
    table = [str([int(flag) for flag in row]) for row in rows]
    arguments = f'"{name}", torch.tensor([{", ".join(table)}]) > 0'
    head, space = f"self.{name} = self.constant(", " " * 8
    if len(head) + len(arguments) + 9 <= _WIDTH:
        return f"{head}{arguments})"
    if len(arguments) + 12 <= _WIDTH:
        return f"{head}\n{space}    {arguments}\n{space})"
    listed = "".join(f"{space}    {row},\n" for row in table)
    return f'{name} = [\n{listed}{space}]\n{space}{head}"{name}", torch.tensor({name}) > 0)'


def _forward(module: LossModule) -> tuple[str, ...]:
    lines = list(map(forward_line, module.forward))
    observed = next((k for k, line in enumerate(lines) if "self.observe" in line), None)
    like = "batch" if observed is None else lines[observed].split(" = ")[0].split(",")[0]
    place = 0 if observed is None else observed + 1
    while place < len(lines) and "self.observe" in lines[place]:
        place += 1
    lines.insert(place, f"noise = self.draw_noise({like}) if noise is None else noise")
    return tuple(lines)


def _term(term: LossTerm) -> str:
    where = "line" if len(term.lines) == 1 else "lines"
    place = f"{where} {', '.join(map(str, term.lines))}" if term.lines else ""
    comment = f"{term.formula}; spec {place}" if place else term.formula
    critic = term.critic if term.critic_code is None else ""
    targets = f"{term.name}, {critic}" if critic else term.name
    return fill(
        TermView(
            name=term.name,
            comment=tuple(textwrap.wrap(comment, _WIDTH - 10, break_long_words=False)),
            code=broken(term_code(term.code), 8, len(f"{targets} = ")),
            critic=critic,
            then=_critic_line(term),
            slope=_slope_lines(term),
        )
    ).rstrip("\n")


def _critic_line(term: LossTerm) -> str:
    """The loss of a network that plays against its term, where that is a line of its own."""
    return "" if term.critic_code is None else f"{term.critic} = {term_code(term.critic_code)}"


def _slope_lines(term: LossTerm) -> tuple[str, ...]:
    """What a critic pays for its slope, as it is called."""
    if term.slope is None:
        return ()
    code = slope_code(term.code, term.slope)
    return (
        f"# {term.slope.formula}, which the critic pays: R1",
        f"{term.slope.name} = {broken(code, 8, len(term.slope.name) + 3)}",
    )


def _sums(module: LossModule) -> Iterator[str]:
    """The sums that stand under a sign."""
    terms = {term.name: term for term in module.terms}
    for group in module.groups:
        written = [_summand(terms[name].name, terms[name].weight) for name in group.terms]
        if group.offset:
            written.append(weight(group.offset))
        yield from _sum(group.name, written)


def _losses(module: LossModule) -> tuple[str, ...]:
    """The loss, or that of every player who has one."""
    if not module.players:
        return _loss("loss", module.terms, module.groups)
    lines: list[str] = []
    for one in module.players:
        terms = [term for term in module.terms if term.name in one.terms]
        groups = [group for group in module.groups if group.name in one.groups]
        lines += _loss(one.loss, terms, groups)
    return tuple(lines)


def _loss(name: str, terms: Iterable[LossTerm], groups: Iterable[Group]) -> tuple[str, ...]:
    """The weighted sum, on one line where it fits."""
    written = [_summand(term.name, term.weight) for term in terms if not term.within]
    for group in groups:
        match group.kind:
            case "abs":
                body = f"torch.abs(mean_over_ranks({group.name}))"
            case "max":
                bound = weight(group.bound) or number(0.0)
                body = f"torch.clamp(mean_over_ranks({group.name}), min={bound})"
            case "constraint":
                body = f"self.{_multiplier(group)}.penalty({group.name})"
        written.append(_summand(body, group.weight))
    return _sum(name, written)


def _sum(name: str, written: Sequence[str]) -> tuple[str, ...]:
    total = " + ".join(written).replace("+ -", "- ")
    if len(f"{name} = {total}") + 8 <= _WIDTH:
        return (f"{name} = {total}",)
    if len(total) + 12 <= _WIDTH:
        return (f"{name} = (", f"    {total}", ")")
    rest = [f"    + {summand}".replace("+ -", "- ") for summand in written[1:]]
    return (f"{name} = (", f"    {written[0]}", *rest, ")")


def _summand(body: str, factor: Weight) -> str:
    written = weight(factor)
    if written in ("1", "-1"):
        return f"{written[:-1]}{body}"
    return f"{written} * {body}"


def _multiplier(group: Group) -> str:
    return group.name.replace("constraint", "multiplier")


def _players(module: LossModule) -> tuple[str, ...]:
    """Whose loss is what, where there is more than one player."""
    constraints = [group for group in module.groups if group.kind == "constraint"]
    others = {
        "critic": [part for term in module.terms if term.critic for part in _paid(term)],
        "structure": [one.loss for one in module.players if one.masks] or ["loss"],
        "multiplier": [f"self.{_multiplier(one)}.dual({one.name})" for one in constraints],
    }
    if not module.masks:
        del others["structure"]
    main = {one.name: [one.loss] for one in module.players} or {"model": ["loss"]}
    played = {name: losses for name, losses in others.items() if losses}
    if not module.players and not played:
        return ()
    return tuple(_player(name, losses) for name, losses in {**main, **played}.items())


def _paid(term: LossTerm) -> Iterator[str]:
    """The loss of the critic of a term, and what it pays for its slope."""
    yield term.critic
    if term.slope is not None:
        yield _summand(term.slope.name, term.slope.weight)


def _player(name: str, losses: Sequence[str]) -> str:
    """An entry of what the players minimise, a sum's terms on lines of their own if it is long."""
    line, space = f'"{name}": {" + ".join(losses)}', " " * 16
    return line if len(line) + 17 <= _WIDTH else f'"{name}": ' + f"\n{space}+ ".join(losses)


def _decode(module: LossModule) -> tuple[str, ...]:
    reads = [
        f'{local} = latents["{name}"]' + (f".flatten(1, {indices})" if indices > 1 else "")
        for local, name, indices in module.latents_decoded
    ]
    return (*reads, *map(forward_line, module.decode))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, _WIDTH - 4, break_long_words=False, break_on_hyphens=False))


def _all_lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for text in texts for line in _lines(text))


def _wrapped(text: str, width: int = _WIDTH - 4) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


def _safe(text: str) -> str:
    """A comment of the spec as part of a docstring: it cannot end it, nor escape from it."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "/").replace('"', "'")


def _import_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order in which formatters sort imports."""
    kind = 0 if name.isupper() else (1 if name[:1].isupper() else 2)
    return kind, name
