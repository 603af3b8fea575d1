"""A lowered module to Python text, formatted as it is written."""

from __future__ import annotations

__all__ = ["ALWAYS_IMPORTED", "WORDS", "render_module"]

import re
import textwrap
from collections.abc import Iterable, Sequence
from fractions import Fraction

from graphdsl.codegen.environment import fill
from graphdsl.codegen.expressions import network_names, number, shape, weight
from graphdsl.codegen.statements import (
    ancestral_line,
    decoded_line,
    drawn_line,
    forward_line,
    infer_line,
    inferred_line,
    term_code,
)
from graphdsl.codegen.views import HeaderView, ModuleView, NetworkView, TermView
from graphdsl.ir.draws import Draw
from graphdsl.ir.information import Atom, Entropy, Term
from graphdsl.ir.loss import (
    Builder,
    LossModule,
    LossTerm,
    NetworkSlot,
    ParameterSlot,
    VariableSlot,
)
from graphdsl.ir.notation import number_text, shortened, summed, weight_text
from graphdsl.ir.weight import ONE

_WIDTH = 88
ALWAYS_IMPORTED = ("Batch", "Gaussian", "Losses", "Networks", "Noise", "Objective", "Variable")
WORDS = (
    "Bernoulli", "Categorical", "Each", "Laplace", "Latents", "Likelihood", "Poisson", "Posterior",
    "Shared", "Subset", "among", "conv_decoder",
    "conv_encoder", "draw_data", "each_expert", "expect", "frozen", "mlp", "mlps",
    "product_of_experts", "standard_laplace", "standard_normal", "subset_posteriors",
    "total_correlation_mss", "uniform_categorical",
)  # fmt: skip


def render_module(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    """The whole file: the formula, then the code that is that formula."""
    body = _view(module, constants, ())
    text = fill(body)
    code = text.split('"""', 2)[2]
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
        signature=tuple(f"{one.name}: float = {number(one.value)}" for one in module.parameters),
        parameters=tuple(map(_parameter, module.parameters)),
        networks=tuple(map(_network, module.networks)),
        buffers=tuple(_buffer(name, rows) for name, rows in module.subsets),
        forward=_forward(module),
        terms=tuple(map(_term, module.terms)),
        loss=_loss(module.terms),
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
            model=module.model,
            sha256=module.sha256,
            constants_used=f" with {values}" if values else "",
            objective=_lines(module.objective),
            loss=_all_lines(_formula_line(term, k) for k, term in enumerate(module.terms)),
            relation=_wrapped(f"{module.relation} ({module.reason})"),
            gaps=_all_lines(gaps),
            dropped=_all_lines(shortened(dropped, "...")),
        )
    )


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
    line = f"Variable({', '.join(parts)})"
    if len(line) + 9 <= _WIDTH:
        return line
    space = " " * 8
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


def _parameter(one: ParameterSlot) -> str:
    bounds = "".join(
        f", {name}={number(value)}"
        for name, value in (("low", one.low), ("high", one.high))
        if value is not None
    )
    return f'self.{one.name} = self.weight("{one.name}", {one.name}{bounds})'


def _network(slot: NetworkSlot) -> str:
    family = slot.builder.count is not None
    return fill(
        NetworkView(
            attribute=slot.attribute,
            method="members" if family else "network",
            names=network_names(slot.names) if family else f'"{slot.names[0]}"',
            builder=_builder(slot.builder),
            scale=() if slot.scale is None else (_learned(*slot.scale),),
        )
    ).rstrip("\n")


def _learned(name: str, sizes: Sequence[int]) -> str:
    """A learned scale, which starts at one."""
    return f"self.{name} = torch.nn.Parameter(torch.zeros({shape(sizes)}))"


def _builder(builder: Builder) -> str:
    outputs = builder.outputs if isinstance(builder.outputs, int) else shape(builder.outputs)
    size = f"2 * {outputs}" if builder.halves else str(outputs)
    if builder.name in ("conv_encoder", "conv_decoder"):
        return _convolutional(builder, size)
    inputs = ", ".join(_input(sizes, shared) for sizes, shared in builder.inputs)
    count = f"{builder.count}, " if builder.count is not None else ""
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
    table = ", ".join(str([int(flag) for flag in row]) for row in rows)
    return f'self.register_buffer("{name}", torch.tensor([{table}]) > 0, persistent=False)'


def _forward(module: LossModule) -> tuple[str, ...]:
    lines = list(map(forward_line, module.forward))
    observed = next((k for k, line in enumerate(lines) if "self.observe(" in line), None)
    like = "batch" if observed is None else lines[observed].split(" = ")[0]
    place = 0 if observed is None else observed + 1
    while place < len(lines) and "self.observe(" in lines[place]:
        place += 1
    lines.insert(place, f"noise = self.draw_noise({like}) if noise is None else noise")
    return tuple(lines)


def _term(term: LossTerm) -> str:
    where = "line" if len(term.lines) == 1 else "lines"
    place = f"{where} {', '.join(map(str, term.lines))}" if term.lines else ""
    comment = f"{term.formula}; spec {place}" if place else term.formula
    return fill(
        TermView(
            name=term.name,
            comment=tuple(textwrap.wrap(comment, _WIDTH - 10, break_long_words=False)),
            code=term_code(term.code),
        )
    ).rstrip("\n")


def _loss(terms: Sequence[LossTerm]) -> tuple[str, ...]:
    """The weighted sum, on one line where it fits."""
    written = []
    for term in terms:
        factor = weight(term.weight)
        summand = term.name if factor == "1" else f"{factor} * {term.name}"
        written.append(summand)
    one_line = f"loss = {' + '.join(written)}".replace("+ -", "- ")
    if len(one_line) + 8 <= _WIDTH:
        return (one_line,)
    rest = [f"    + {summand}".replace("+ -", "- ") for summand in written[1:]]
    return ("loss = (", f"    {written[0]}", *rest, ")")


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


def _wrapped(text: str) -> str:
    return "\n".join(
        textwrap.wrap(text, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    )


def _safe(text: str) -> str:
    """A comment of the spec as part of a docstring: it cannot end it, nor escape from it."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "/").replace('"', "'")


def _import_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order in which formatters sort imports."""
    kind = 0 if name.isupper() else (1 if name[:1].isupper() else 2)
    return kind, name
