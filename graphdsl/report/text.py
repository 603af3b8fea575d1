"""An audit as text: what a researcher reads before training."""

from __future__ import annotations

__all__ = ["audit_text"]

from collections.abc import Iterable, Iterator

from graphdsl.ir.audit import Audit
from graphdsl.ir.information import ProjectionDerivation, Term
from graphdsl.ir.loss import EXACT, LossModule, LossTerm
from graphdsl.ir.notation import weight_text
from graphdsl.ir.weight import ONE, Weight
from graphdsl.report.evidence import distribution_text, nats_text, side_text, uses_text
from graphdsl.report.networks import networks_text
from graphdsl.report.terms import text_sum, text_summands
from graphdsl.report.verification import verification_text

_MOST = 4  #: projections shown in full; the JSON audit has them all
_MOST_TERMS = 12  #: of a sum
_WIDTH = 100


def audit_text(audit: Audit) -> str:
    """The networks, each D(q||G) step by step, the loss with its gaps, and the assertions."""
    model, module = audit.model, audit.module
    warnings = [*_warnings(audit)]
    verified = [*verification_text(audit.verification)]
    relations = {
        "equal": "equal to the objective, up to constants of the data",
        "upper": "an upper bound of the objective, up to constants of the data",
        "estimate": "an estimate of the objective, up to constants of the data",
        "surrogate": "a surrogate: it need not bound the objective",
    }
    sections = [
        [f"{model.name}: {model.title}" if model.title else model.name],
        ["NETWORKS", *networks_text(audit)],
        *([["PROJECTIONS", *_projections(audit.projections)]] if audit.projections else []),
        [
            f"LOSS, {relations.get(module.relation, module.relation)}",
            f"  ({module.reason})",
            *_turns(module),
            *(line for term in module.terms for line in _term(term)),
        ],
        *([["CONSTANTS, dropped", *_constants(module.constants)]] if module.constants else []),
        *([["ASSERTIONS", *_proofs(audit)]] if audit.proofs else []),
        *([["VERIFICATION", *verified]] if verified else []),
        *([["WARNINGS", *warnings]] if warnings else []),
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _turns(module: LossModule) -> Iterator[str]:
    """How many steps the players take in a round, where the spec says it."""
    written = ", ".join(f"{count} of {player}" for player, count in module.turns)
    if written:
        yield f"  (steps in a round: {written})"


def _projections(projections: tuple[ProjectionDerivation, ...]) -> Iterator[str]:
    for one in projections[:_MOST]:
        yield from _projection(one)
    if len(projections) > _MOST:
        yield f"  ... and {len(projections) - _MOST} more: `--format json` has them all"


def _projection(one: ProjectionDerivation) -> Iterator[str]:
    weight = f", weight {weight_text(one.weight)}" if one.weight else ""
    yield f"  D({one.under} || {one.network.name}){weight}"
    yield f"    = {text_sum((*one.simplified, *one.constant))}"
    yield f"    = {text_sum(one.entropies)}   (definition, P1)"
    yield f"    = {text_sum(one.multi_information)}   (multi-information, eq. 1)"
    for step in one.steps:
        yield f"    {step.rule}: {step.because}"
        yield f"      {text_sum(step.before)}"
        yield f"      = {text_sum(step.after)}"


def _term(term: LossTerm) -> Iterator[str]:
    yield ""
    under = f", under {term.within}" if term.within else ""
    yield f"  {_times(term.weight)}{term.name} = {term.formula}{under}"
    whose = f", for {term.player.replace(',', ', ')}" if term.player else ""
    yield f"    relation    {term.relation}{_asked_for(term)}{whose}"
    yield from _summed("stands for", text_summands(term.stands_for))
    if term.gradient != EXACT:
        yield f"    gradient    {term.gradient}"
    if term.estimator:
        yield f"    estimator   {term.estimator}"
    if term.rows:
        yield f"    rows        {term.rows}"
    if term.bounds:
        yield from _summed("gap", (term.gaps[0], *(f"+ {gap}" for gap in term.gaps[1:])))
        yield from _summed("tight when", _joined(term.conditions))
    for gap in term.lasting:
        yield f"    stays open  {gap}"


def _times(weight: Weight) -> str:
    """A term's factor: `cross times`, `(1 + cross) times`; nothing for one."""
    if weight == ONE:
        return ""
    written = weight_text(weight)
    return f"({written}) times " if len(weight.terms) > 1 else f"{written} times "


def _asked_for(term: LossTerm) -> str:
    """The lines of the spec that ask for a term; nothing where no line names it."""
    if not term.lines:
        return ""
    return f", asked for in line{'s' * (len(term.lines) > 1)} {', '.join(map(str, term.lines))}"


def _joined(conditions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{one};" for one in conditions[:-1]) + conditions[-1:]


def _summed(label: str, summands: tuple[str, ...]) -> Iterator[str]:
    """A sum behind its label, whole: as many summands a line as fit, and at least one."""
    line, start = f"    {label:12}", True
    for summand in summands:
        if not start and len(line) + 1 + len(summand) > _WIDTH:
            yield line
            line, start = " " * 16, True
        line = f"{line}{'' if start else ' '}{summand}"
        start = False
    yield line


def _few(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return terms[:_MOST_TERMS]


def _constants(terms: Iterable[Term]) -> Iterator[str]:
    for one in text_summands(terms):
        yield f"  {one}"


def _proofs(audit: Audit) -> Iterator[str]:
    ranges = {one.name: one.range for one in audit.model.parameters}
    for proof in audit.proofs:
        yield f"  {proof.status}  {proof.assertion.text}"
        yield f"    {proof.because}"
        if proof.remainder and proof.certificate is None:
            dots = " + ..." if len(proof.nonnegative) > _MOST_TERMS else ""
            yield f"    {side_text(proof)} = {text_sum(_few(proof.nonnegative))}{dots}"
        if proof.certificate is not None:
            yield f"    {side_text(proof)} ="
            yield from (f"      {line}" for line in uses_text(proof.certificate, ranges))
        if proof.counterexample is not None:
            yield f"    which is {nats_text(proof.counterexample)} nats under"
            yield from (f"      {line}" for line in distribution_text(proof.counterexample))


def _warnings(audit: Audit) -> Iterator[str]:
    for one in audit.findings:
        if one.severity == "warning":  # what is refuted is told where it is asserted
            yield f"  {one.code} line {one.line}: {one.message}"
