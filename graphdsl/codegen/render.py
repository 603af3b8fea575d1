"""A lowered module to Python text, formatted as it is written."""

from __future__ import annotations

__all__ = ["render_module"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from graphdsl.codegen.checking import check_emitted, names_read
from graphdsl.codegen.environment import fill
from graphdsl.codegen.expressions import number, shape
from graphdsl.codegen.header import header, summary
from graphdsl.codegen.layout import WIDTH, Assignment, broken, call, commented, laid_out
from graphdsl.codegen.losses import loss_lines, player_lines, sum_lines
from graphdsl.codegen.networks import network_line
from graphdsl.codegen.statements import (
    decoded_line,
    drawn_line,
    forward_line,
    infer_line,
    inferred_line,
)
from graphdsl.codegen.terms import slope_code, term_code
from graphdsl.codegen.views import ModuleView, TermView
from graphdsl.ir.draws import Draw
from graphdsl.ir.loss import LossModule, LossTerm, MaskSlot, ParameterSlot, VariableSlot
from graphdsl.ir.statements import Observe, Sample
from graphdsl.ir.words import ALWAYS_IMPORTED, WORDS


def render_module(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    """The whole file: the formula, then the code that is that formula."""
    body = _view(module, constants)
    used = names_read(fill(replace(body, imports=ALWAYS_IMPORTED))).intersection(WORDS)
    imports = tuple(sorted((*ALWAYS_IMPORTED, *used), key=_import_order))
    text = fill(replace(body, imports=imports)).rstrip() + "\n"
    check_emitted(text)
    return text


def _view(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> ModuleView:
    """All but what it imports."""
    return ModuleView(
        header=header(module, constants).rstrip(),
        imports=(),
        class_name=module.class_name,
        summary=summary(module),
        variables=tuple(map(_variable, module.variables)),
        draws=(*_draws(module.draws), *_strata(module)),
        samples=_samples(module),
        trained=(*_trained(module), *_turns(module), *_critics(module)),
        signature=tuple(f"{one.name}: float = {number(one.value)}" for one in module.parameters),
        parameters=tuple(map(_parameter, module.parameters)),
        networks=(
            *map(network_line, module.networks),
            *map(_mask, module.masks),
            *_multipliers(module),
        ),
        buffers=(
            *(_buffer(name, rows) for name, rows in module.subsets),
            *(f"self.{name} = holders(self.{subsets})" for name, subsets in module.holders),
        ),
        forward=_forward(module),
        terms=tuple(map(_term, module.terms)),
        loss=(*sum_lines(module), *loss_lines(module)),
        whole=module.players[0].loss if module.players else "loss",
        players=player_lines(module),
        term_names=tuple(term.name for term in module.terms),
        infer=_lines(map(infer_line, module.infer)),
        inferred=tuple(map(inferred_line, module.inferred)),
        decode=_decode(module),
        decoded=tuple(map(decoded_line, module.decoded)),
        likelihoods=_named(
            "Bernoulli | Gaussian", "Likelihood", [one.distribution for one in module.decoded]
        ),
        posteriors=_named("Gaussian", "Posterior", [one.distribution for one in module.inferred]),
        ancestral=_lines(map(forward_line, module.ancestral)),
        drawn=tuple(map(drawn_line, module.drawn)),
    )


def _named(usual: str, alias: str, words: Iterable[str]) -> str:
    """The type of a method's answers."""
    return usual if set(words) <= set(usual.split(" | ")) else alias


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
    return broken(call("Variable", *parts), indent=8, before=1)


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
    if len(line) + 4 <= WIDTH:
        return (line,) if entries else ()
    return ("turns = {", *(f"    {entry}," for entry in entries), "}")


def _critics(module: LossModule) -> tuple[str, ...]:
    """The networks that a critic trains, as a class attribute."""
    names = [f'"{name}"' for name in module.critics]
    line = f"critics = ({', '.join(names)}{',' * (len(names) == 1)})"
    if len(line) + 4 <= WIDTH:
        return (line,) if names else ()
    return ("critics = (", *(f"    {name}," for name in names), ")")


def _strata(module: LossModule) -> tuple[str, ...]:
    """The latents that are sampled from each expert of a mixture, and how many these are."""
    found: dict[str, int] = {}
    for one in module.forward:
        if isinstance(one, Sample) and one.each and not one.times:
            found[one.latent] = max(one.each, found.get(one.latent, 0))
    entries = ", ".join(f'"{name}": {count}' for name, count in found.items())
    return (f"strata = {{{entries}}}",) if found else ()


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
            yield f"self.{group.multiplier} = Multiplier()"


def _mask(one: MaskSlot) -> str:
    """A learned mask, drawn once for a batch where terms are of all its rows together."""
    settings = "" if one.by_row or one.gradient != "straight_through" else ", by_row=False"
    if one.gradient != "straight_through":
        settings = f', gradient="{one.gradient}"'
    arguments = f'"{one.name}", {shape(one.extents)}, {number(one.start)}{settings}'
    return f"self.{one.attribute} = EdgeMask({arguments})"


def _buffer(name: str, rows: Iterable[Iterable[bool]]) -> str:
    """A table of subsets, listed row by row where it does not fit on a line."""
    table = [str([int(flag) for flag in row]) for row in rows]
    arguments = f'"{name}"', f"torch.tensor([{', '.join(table)}]) > 0"
    head, space = f"self.{name} = self.constant(", " " * 8
    if len(f"{head}{', '.join(arguments)}") + 9 <= WIDTH:
        return f"{head}{', '.join(arguments)})"
    if len(", ".join(arguments)) + 12 <= WIDTH:
        return f"{head}\n{space}    {', '.join(arguments)}\n{space})"
    listed = "".join(f"{space}    {row},\n" for row in table)
    return f'{name} = [\n{listed}{space}]\n{space}{head}"{name}", torch.tensor({name}) > 0)'


def _lines(statements: Iterable[Iterable[Assignment]]) -> tuple[str, ...]:
    return tuple(laid_out(line) for lines in statements for line in lines)


def _forward(module: LossModule) -> tuple[str, ...]:
    """The statements of `forward`, with the noise once there are data to draw it like."""
    statements = module.forward
    data = [place for place, one in enumerate(statements) if isinstance(one, Observe)]
    like = statements[data[0]].target if data else "batch"
    drawn = call("self.noise_for", like, "noise")
    place = data[0] if data else 0
    while place < len(statements) and isinstance(statements[place], Observe):
        place += 1
    before, behind = statements[:place], statements[place:]
    noise = (Assignment("noise", drawn),)
    return _lines((*map(forward_line, before), noise, *map(forward_line, behind)))


def _term(term: LossTerm) -> str:
    where = "line" if len(term.lines) == 1 else "lines"
    place = f"{where} {', '.join(map(str, term.lines))}" if term.lines else ""
    comment = f"{term.formula}; spec {place}" if place else term.formula
    critic = term.critic if term.critic_code is None else ""
    targets = f"{term.name}, {critic}" if critic else term.name
    return fill(
        TermView(
            comment=commented(comment),
            code=laid_out(Assignment(targets, term_code(term.code))),
            then=_critic_line(term),
            slope=_slope_lines(term),
        )
    ).rstrip("\n")


def _critic_line(term: LossTerm) -> str:
    """The loss of a network that plays against its term, where that is a line of its own."""
    if term.critic_code is None:
        return ""
    return laid_out(Assignment(term.critic, term_code(term.critic_code)))


def _slope_lines(term: LossTerm) -> tuple[str, ...]:
    """What a critic pays for its slope, as it is called."""
    if term.slope is None:
        return ()
    code = laid_out(Assignment(term.slope.name, slope_code(term.code, term.slope)))
    return (*commented(f"{term.slope.formula}, which the critic pays: R1"), code)


def _decode(module: LossModule) -> tuple[str, ...]:
    reads = [
        Assignment(local, f"{call('self.value_of', 'latents', quoted)}{_flat(indices)}")
        for local, name, indices in module.latents_decoded
        for quoted in [f'"{name}"']
    ]
    return (*map(laid_out, reads), *_lines(map(forward_line, module.decode)))


def _flat(indices: int) -> str:
    return f".flatten(1, {indices})" * (indices > 1)


def _import_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order in which formatters sort imports."""
    kind = 0 if name.isupper() else (1 if name[:1].isupper() else 2)
    return kind, name
