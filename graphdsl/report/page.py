"""An audit as one page of HTML: it fetches nothing, and runs no script but its own."""

from __future__ import annotations

__all__ = ["audit_html"]

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from math import prod

from markupsafe import Markup

from graphdsl.diagnostics import Source
from graphdsl.draw import drawable, projected, sheet_of, svg_inline
from graphdsl.ir.audit import Audit
from graphdsl.ir.evidence import Proof
from graphdsl.ir.information import (
    Atom,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network, Parameter
from graphdsl.ir.notation import number_text, weight_text
from graphdsl.ir.symbols import Variable
from graphdsl.ir.weight import Weight
from graphdsl.notation.folding import fold_lists
from graphdsl.notation.gaps import gap_latex, lasting_gaps, tight_conditions
from graphdsl.report.alike import Alike, alike, unlike
from graphdsl.report.collected import collected
from graphdsl.report.evidence import distribution_text, nats_text, side_text, uses_text
from graphdsl.report.formula import Formula, parsed
from graphdsl.report.header import read_header
from graphdsl.report.html import environment, policy, resource, visible_text
from graphdsl.report.loss_sum import loss_sums
from graphdsl.report.mathematics import mathml, summands
from graphdsl.report.terms import latex_factor, latex_summands, text_sum
from graphdsl.report.verification import verification_text
from graphdsl.report.wording import (
    RELATIONS,
    SYMBOLS,
    alike_text,
    balance_text,
    lines_text,
    notes_of,
    turns_text,
)

_MOST_FIGURES = 8  #: networks that are drawn
_LONGEST = 40  #: letters of a summand that is not broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A network."""

    name: str
    drawing: Markup
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermView:
    """A term of the loss."""

    name: str
    relation: str
    lines: str
    variables: str
    loss: Sequence[Markup]
    stands_for: Sequence[Markup]
    gaps: Sequence[Markup]
    tight: Sequence[str]
    lasting: Sequence[str]
    no_gap: str
    notes: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step of a derivation, and what it leads to."""

    rule: str
    because: str
    result: Sequence[Markup]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionView:
    """A projection, derived."""

    name: Markup
    result: Sequence[Markup]
    weight: str
    alike: str
    steps: Sequence[StepView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """An assertion and what became of it."""

    status: str
    text: str
    because: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView:
    """A parameter and the terms that it weighs."""

    name: str
    value: str
    range: str
    terms: str
    low: str  #: of the slider, which has ends where the range has none
    high: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightView:
    """The weight of a term, and those of its bounds, as polynomials in the parameters."""

    name: str
    weight: str
    bounds: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a listing, and the terms that it belongs to."""

    text: str
    terms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The guests of the template."""

    policy: str
    style: Markup
    script: Markup
    title: str
    sentence: str
    remarks: Sequence[tuple[str, str]]
    file: str
    sha256: str
    values: str
    sections: Sequence[tuple[str, str]]
    objective: Sequence[Markup]
    collected: Sequence[Markup]
    loss: Sequence[Markup]
    relation: str
    relation_sentence: str
    reason: str
    balance: str
    balance_check: str
    turns: str
    figures: Sequence[Figure]
    more_figures: str
    terms: Sequence[TermView]
    projections: Sequence[ProjectionView]
    constants: Sequence[Markup]
    assertions: Sequence[ProofView]
    parameters: Sequence[ParameterView]
    verdict: str
    weights: Sequence[WeightView]
    verified: Sequence[str]
    warnings: Sequence[str]
    symbols: Sequence[tuple[str, str]]
    spec: Sequence[Line]
    code: Sequence[Line]


def audit_html(audit: Audit, source: Source, code: str) -> str:
    """One file: networks, terms with bounds and gaps, derivations, proofs, spec and code.

    Args:
        audit: The audit.
        source: The spec that it is of.
        code: The emitted module.
    """
    view = _page(audit, source, code)
    guests = {one.name: getattr(view, one.name) for one in fields(view)}
    return environment().get_template("page.html.j2").render(guests) + "\n"


def _page(audit: Audit, source: Source, code: str) -> Page:
    model, module = audit.model, audit.module
    header = read_header("\n".join(map(visible_text, source.lines)))
    style, script = resource("page.css"), resource("page.js")
    balance, checked = balance_text(audit)
    groups = alike(audit.projections, model)
    networks = unlike(drawable(model), groups)
    page = Page(
        policy=policy(style, script),
        style=Markup(style),  # our own file
        script=Markup(script),  # our own file
        title=model.name,
        sentence=header.sentence or visible_text(model.title),
        remarks=[
            (label, text)
            for label, text in (
                ("In the paper", header.printed),
                ("Published", header.published),
                ("Here", header.here),
            )
            if text
        ],
        file=visible_text(model.source_name),
        sha256=model.sha256,
        values=", ".join(f"{name} = {number_text(value)}" for name, value in model.constants),
        sections=(),
        objective=_sum(module.objective),
        collected=_summands(collected(audit)),
        loss=_loss(module),
        relation=module.relation,
        relation_sentence=RELATIONS[module.relation].partition(":")[0],
        reason=module.reason,
        balance=balance,
        balance_check=checked,
        turns=turns_text(module),
        figures=[_figure(one, model) for one in networks[:_MOST_FIGURES]],
        more_figures=_more(networks),
        terms=[_term(one, model) for one in module.terms],
        projections=[_projection(one) for one in groups],
        constants=_summands(module.constants),
        assertions=[_proof(one, audit) for one in audit.proofs],
        parameters=[*_parameters(audit)],
        verdict=_verdict(audit),
        weights=[_weight(term, audit.model) for term in module.terms],
        verified=[one.strip() for one in verification_text(audit.verification)],
        warnings=[
            f"{one.code}, line {one.line}: {one.message}"
            for one in audit.findings
            if one.severity == "warning"
        ],
        symbols=SYMBOLS,
        spec=[*_spec_lines(source, module.terms)],
        code=[*_code_lines(code, [term.name for term in module.terms])],
    )
    return _with_sections(page)


def _with_sections(page: Page) -> Page:
    """The same with a way to each section that is there."""
    headings = {
        "objective": ("Objective", True),
        "networks": ("Networks", True),
        "terms": ("Terms", True),
        "projections": ("Projections", page.projections),
        "constants": ("Constants", page.constants),
        "assertions": ("Assertions", page.assertions),
        "parameters": ("Parameters", page.parameters),
        "verification": ("Verification", page.verified),
        "warnings": ("Warnings", page.warnings),
        "symbols": ("Symbols", True),
        "spec": ("Spec", True),
        "code": ("Code", True),
    }
    found = [(key, heading) for key, (heading, there) in headings.items() if there]
    values = {one.name: getattr(page, one.name) for one in fields(page)}
    return Page(**{**values, "sections": found})


# ---- formulas ------------------------------------------------------------------------------------


def _sum(latex: str) -> list[Markup]:
    """A formula in pieces that a line may be broken between."""
    return _pieces(summands(parsed(latex), _LONGEST))


def _summands(terms: Iterable[Term]) -> list[Markup]:
    return _pieces(map(parsed, latex_summands(terms)))


def _pieces(formulas: Iterable[Formula]) -> list[Markup]:
    written = (mathml(one, further=place > 0) for place, one in enumerate(formulas))
    return [Markup(one) for one in written]  # `mathml` escapes what it writes


def _loss(module: LossModule) -> list[Markup]:
    found: list[str] = []
    for one in loss_sums(module):
        found += (f"{one.name} =", *one.latex) if one.player else one.latex
    return _pieces(map(parsed, found))


# ---- networks ------------------------------------------------------------------------------------


def _figure(network: Network, model: Model) -> Figure:
    base = projected(network, model).name
    said = {
        "inference": "infers the latents from the data.",
        "further": "is a further inference network.",
        "generation": "generates the data from the latents.",
        "regularizer": f"is projected on: blue edges are new to {base}, dotted ones only there.",
    }
    return Figure(
        name=fold_lists(network.name), drawing=_drawing(network, model), said=said[network.role]
    )


def _drawing(network: Network, model: Model) -> Markup:
    """The drawing; or the edges in a list, where nothing lays them out."""
    try:
        return Markup(svg_inline(sheet_of([network], model), network.name))  # escaped there
    except ImportError:
        edges = [
            f"{', '.join(network.nodes[start])} -> {', '.join(network.nodes[end])}"
            for start, end in network.edges
        ]
        items = Markup("").join(Markup("<li>{}</li>").format(fold_lists(one)) for one in edges)
        return Markup("<ul>{}</ul>").format(items)


def _more(networks: Sequence[Network]) -> str:
    rest = networks[_MOST_FIGURES:]
    if not rest:
        return ""
    names = ", ".join(fold_lists(one.name) for one in rest[:12])
    dots = " and others" if len(rest) > 12 else ""
    return f"Not drawn here: {names}{dots}. `graphdsl draw --network NAME` draws each."


# ---- terms ---------------------------------------------------------------------------------------


def _term(term: LossTerm, model: Model) -> TermView:
    return TermView(
        name=term.name,
        relation=term.relation,
        lines=lines_text(term.lines),
        variables="|".join(_variables(term, model)),
        loss=_sum(f"{latex_factor(term.weight)}{term.latex}"),
        stands_for=_summands(term.stands_for),
        gaps=_pieces(parsed("+" * (place > 0) + gap) for place, gap in enumerate(gap_latex(term))),
        tight=tight_conditions(term) if term.bounds else (),
        lasting=lasting_gaps(term),
        no_gap="none: the term is what it stands for" if term.relation == "equal" else "no bound",
        notes=[*notes_of(term)],
    )


def _variables(term: LossTerm, model: Model) -> tuple[Variable, ...]:
    """The variables that a term speaks of, those of drawn sets one by one."""
    found: dict[Variable, None] = {}
    for name in (name for one in term.stands_for for name in _named(one.atom, model)):
        block = name.original.block
        several = model.members(block.head) if block is not None else (name,)
        found |= dict.fromkeys(several)
    return tuple(found)


def _named(atom: Atom, model: Model) -> tuple[Variable, ...]:
    """The variables that an atom names; of a mask, those at the ends of its edges."""
    networks = [one for one in (model.inference, model.generation, *model.further) if one]
    gates = [gate for one in networks for each in one.conditionals for gate in each.gates]
    ends = {gate.mask: list[Variable]() for gate in gates}
    for gate in gates:
        ends[gate.mask] += (gate.parent, gate.child)
    return tuple(name for one in _names(atom) for name in ends.get(one, (one,)))


def _names(atom: Atom) -> tuple[Variable, ...]:
    match atom:
        case Entropy(of, given) | CrossEntropy(of, given):
            return (*of, *given)
        case Information(left, right, given):
            return (*left, *right, *given)
        case TotalCorrelation(parts, given):
            return (*(name for part in parts for name in part), *given)
        case DivergenceAtom(_, of):
            return of
        case PenaltyAtom(_, arguments):
            return arguments


def _projection(group: Alike) -> ProjectionView:
    one = group.shown
    return ProjectionView(
        name=Markup("<b>D({} ‖ {})</b> =").format(one.under, fold_lists(one.network.name)),
        result=_summands((*one.simplified, *one.constant)),
        weight=weight_text(one.weight) if one.weight else "",
        alike=alike_text(group.others),
        steps=[
            StepView(rule="Definition", because="(P1)", result=_summands(one.entropies)),
            StepView(
                rule="Multi-information form",
                because="(eq. 1)",
                result=_summands(one.multi_information),
            ),
            *(
                StepView(
                    rule=_capital(step.rule), because=step.because, result=_summands(step.after)
                )
                for step in one.steps
            ),
        ],
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- proofs and parameters -----------------------------------------------------------------------


def _proof(proof: Proof, audit: Audit) -> ProofView:
    ranges = {one.name: one.range for one in audit.model.parameters}
    evidence: list[str] = []
    if proof.certificate is not None:
        evidence = [f"{side_text(proof)} =", *uses_text(proof.certificate, ranges)]
    elif proof.remainder:
        evidence = [f"{side_text(proof)} = {text_sum(proof.nonnegative)}"]
    if proof.counterexample is not None:
        evidence += [f"which is {nats_text(proof.counterexample)} nats under"]
        evidence += distribution_text(proof.counterexample)
    return ProofView(
        status=proof.status,
        text=visible_text(proof.assertion.text),
        because=proof.because,
        evidence="\n".join(evidence),
    )


def _parameters(audit: Audit) -> Iterator[ParameterView]:
    for one in audit.model.parameters:
        weighed = [term.name for term in audit.module.terms if one.name in term.weight.parameters]
        low, _, high = str(one.range).partition("..")
        least, most = _ends(one)
        yield ParameterView(
            name=one.name,
            value=number_text(one.value),
            range=f"{low} to {high}",
            terms=", ".join(weighed) or "none",
            low=number_text(least),
            high=number_text(most),
            step=number_text((most - least) / 200),
        )


def _ends(parameter: Parameter) -> tuple[Fraction, Fraction]:
    """Where a slider begins and ends: at the ends of the range, or well beyond the value."""
    value, low, high = parameter.value, parameter.range.low, parameter.range.high
    reach = max(abs(value), Fraction(5))
    return value - reach if low is None else low, value + reach if high is None else high


def _weight(term: LossTerm, model: Model) -> WeightView:
    return WeightView(
        name=term.name,
        weight=json.dumps(_polynomial(term.weight)),
        bounds=json.dumps([_polynomial(bound.weight) for bound in term.bounds]),
        value=f"{float(_at_values(term.weight, model)):.4g}",
    )


def _polynomial(weight: Weight) -> list[tuple[list[str], float]]:
    return [(list(names), float(factor)) for names, factor in weight]


def _at_values(weight: Weight, model: Model) -> Fraction:
    """A weight where every parameter has the value of the spec."""
    values = {one.name: one.value for one in model.parameters}
    factors = (factor * prod(values[name] for name in names) for names, factor in weight)
    return sum(factors, Fraction(0))


def _verdict(audit: Audit) -> str:
    """Whether the bounds hold at the values of the spec; a slider tells it of others."""
    lost = [
        term.name
        for term in audit.module.terms
        if any(_at_values(bound.weight, audit.model) < 0 for bound in term.bounds)
    ]
    if lost:
        names = ", ".join(lost)
        return f"At these values the direction is lost: a bound in {names} has a negative weight."
    return "At these values every bound has a nonnegative weight."


# ---- listings ------------------------------------------------------------------------------------


def _spec_lines(source: Source, terms: Sequence[LossTerm]) -> Iterator[Line]:
    asked: dict[int, list[str]] = {}
    for term in terms:
        for number in term.lines:
            asked.setdefault(number, []).append(term.name)
    for number, text in enumerate(source.lines, start=1):
        yield Line(visible_text(text), " ".join(asked.get(number, ())))


def _code_lines(code: str, names: Sequence[str]) -> Iterator[Line]:
    """The emitted code, each line with the terms that it names; so is a comment above it."""
    lines = code.splitlines()
    words = [set(re.findall(r"\w+", line)) for line in lines]
    body = next((k for k, line in enumerate(lines) if line.startswith("    def forward")), 0)
    found: Mapping[int, list[str]] = {
        k: [name for name in names if name in words[k]] if k > body else []
        for k in range(len(lines))
    }
    for k, line in enumerate(lines):
        terms = found[k]
        if line.lstrip().startswith("#"):
            after = next(
                (n for n in range(k, len(lines)) if not lines[n].lstrip().startswith("#")), k
            )
            terms = found[after]
        yield Line(line, " ".join(terms))
