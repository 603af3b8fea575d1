"""An audit as text: what a researcher reads before training."""

from __future__ import annotations

__all__ = ["audit_text", "projection_text", "term_text"]

from collections.abc import Iterable, Iterator
from textwrap import dedent

from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Term
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.notation import weight_text
from graphdsl.ir.weight import ONE, Weight
from graphdsl.notation.gaps import BAR, gap_texts, lasting_gaps, tight_conditions
from graphdsl.notation.networks import network_title
from graphdsl.report.alike import Alike, alike
from graphdsl.report.collected import collected
from graphdsl.report.evidence import distribution_text, nats_text, side_text, uses_text
from graphdsl.report.lines import WIDEST, filled, laid
from graphdsl.report.networks import networks_text
from graphdsl.report.terms import text_summands
from graphdsl.report.verification import verification_text
from graphdsl.report.wording import (
    alike_text,
    balance_text,
    relation_text,
    turns_text,
    used_symbols,
)

_MOST = 4  #: projections that are shown, unless all are asked for
_MOST_SUMMANDS = 32  #: of a sum of a derivation
_MOST_TERMS = 12  #: of the sum that an assertion came to


def audit_text(audit: Audit, *, width: int = WIDEST, full: bool = False) -> str:
    """The networks, each D(q||G) step by step, the loss with its gaps, and the assertions.

    Args:
        audit: The audit.
        width: Columns that no line exceeds, unless a single name does.
        full: Whether everything is written out: all projections, also those that are alike.
    """
    return _Writer(width, full).text(audit)


def projection_text(group: Alike, *, width: int = WIDEST) -> str:
    """One derivation of D(q || G), as the audit has it."""
    return dedent("\n".join(_Writer(width, False).projection(group)))


def term_text(term: LossTerm, *, width: int = WIDEST) -> str:
    """One term of the loss with its bound and its gap, as the audit has it."""
    return dedent("\n".join(_Writer(width, False).term(term))).strip()


class _Writer:
    """What every section knows: how wide lines are, and whether anything is left out."""

    def __init__(self, width: int, full: bool) -> None:
        self.width, self.full = width, full

    def text(self, audit: Audit) -> str:
        model, module = audit.model, audit.module
        title = f"{model.name}: {model.title}" if model.title else model.name
        sections = {
            "": self._fill("", title, 0),
            "OBJECTIVE, to be minimised": self._objective(audit),
            "NETWORKS": networks_text(audit, width=self.width, full=self.full),
            "PROJECTIONS": self._projections(audit),
            f"LOSS, {relation_text(module)}": self._loss(audit),
            "CONSTANTS, dropped": self._sum("  ", module.constants, 4) if module.constants else (),
            "SYMBOLS": self._symbols(audit),
            "ASSERTIONS": self._proofs(audit),
            "VERIFICATION": self._filled(verification_text(audit.verification)),
            "WARNINGS": self._warnings(audit),
        }
        written = []
        for heading, lines in sections.items():
            paragraphs = [*lines]
            if paragraphs:
                written.append(
                    "\n".join([*self._fill("", heading, 2), *paragraphs] if heading else paragraphs)
                )
        return "\n\n".join(written) + "\n"

    # ---- lines -----------------------------------------------------------------------------------

    def _fill(self, first: str, text: str, hang: int) -> Iterator[str]:
        return filled(first, text, hang, self.width)

    def _filled(self, lines: Iterable[str], more: int = 2) -> Iterator[str]:
        """Lines as they are indented, the long ones filled."""
        for line in lines:
            indent = len(line) - len(line.lstrip())
            yield from self._fill(" " * indent, line.strip(), indent + more)

    def _sum(self, first: str, terms: Iterable[Term], hang: int, behind: str = "") -> Iterator[str]:
        summands = text_summands(terms) or ("0",)
        return laid(first, (*summands, *([behind] if behind else ())), hang, self.width)

    def _derived(
        self, first: str, terms: Iterable[Term], hang: int, behind: str = ""
    ) -> Iterator[str]:
        """A sum on the way to the loss: a very long one is cut, and says how to see the rest."""
        summands = text_summands(terms) or ("0",)
        rest = 0 if self.full else len(summands) - _MOST_SUMMANDS
        if rest > 0:
            more = f"+ ... ({rest} more summands: `--full` shows them)"
            summands = (*summands[:_MOST_SUMMANDS], more)
        return laid(first, (*summands, *([behind] if behind else ())), hang, self.width)

    # ---- sections --------------------------------------------------------------------------------

    def _objective(self, audit: Audit) -> Iterator[str]:
        for line in audit.module.objective_text:
            yield from laid("  ", line, 6, self.width)
        terms = collected(audit)
        if terms:
            yield from self._derived("  = ", terms, 4, "  (equal terms collected)")

    def _projections(self, audit: Audit) -> Iterator[str]:
        if self.full:
            groups = tuple(Alike(projection) for projection in audit.projections)
        else:
            groups = alike(audit.projections, audit.model)
        shown = groups if self.full else groups[:_MOST]
        for one in shown:
            yield from self.projection(one)
        if len(groups) > len(shown):
            yield f"  ... and {len(groups) - len(shown)} more: `--full` shows them"

    def projection(self, group: Alike) -> Iterator[str]:
        one = group.shown
        weight = f", weight {weight_text(one.weight)}" if one.weight else ""
        yield from self._fill("  ", f"D({one.under} || {network_title(one.network)}){weight}", 4)
        yield from self._derived("    = ", (*one.simplified, *one.constant), 6)
        yield from self._derived("    = ", one.entropies, 6, "  (definition, P1)")
        yield from self._derived("    = ", one.multi_information, 6, "  (multi-information, eq. 1)")
        before = one.entropies
        for step in one.steps:
            yield from self._fill("    ", f"{step.rule}: {step.because}", 6)
            if step.before != before:
                yield from self._derived("      ", step.before, 8)
            yield from self._derived("      = ", step.after, 8)
            before = step.after
        others = alike_text(group.others, "||")
        if others:
            yield from self._fill("    ", others, 6)

    def _loss(self, audit: Audit) -> Iterator[str]:
        module = audit.module
        yield from self._fill("  ", f"({module.reason})", 3)
        claim, checked = balance_text(audit, "-")
        if claim:
            yield from self._fill("  ", f"({claim}. {checked})", 3)
        yield from self._turns(module)
        for term in module.terms:
            yield from self.term(term)

    def _turns(self, module: LossModule) -> Iterator[str]:
        written = turns_text(module)
        if written:
            yield from self._fill("  ", f"(steps in a round: {written})", 3)

    def term(self, term: LossTerm) -> Iterator[str]:
        yield ""
        under = f", under {term.within}" if term.within else ""
        yield from self._fill("  ", f"{_times(term.weight)}{term.name} = {term.formula}{under}", 6)
        whose = f", for {term.player.replace(',', ', ')}" if term.player else ""
        yield from self._labelled("relation", f"{term.relation}{_asked_for(term)}{whose}")
        yield from self._sum("    stands for  ", term.stands_for, 16)
        if term.gradient:
            yield from self._labelled("gradient", "; ".join(term.gradient))
        if term.estimator:
            yield from self._labelled("estimator", term.estimator)
        if term.rows:
            yield from self._labelled("rows", term.rows)
        if term.bounds:
            gaps = gap_texts(term, BAR)
            summands = (gaps[0], *(f"+ {one}" for one in gaps[1:]))
            yield from laid("    gap         ", summands, 16, self.width)
            yield from self._labelled("tight when", "; ".join(tight_conditions(term)))
        for gap in lasting_gaps(term):
            yield from self._labelled("stays open", gap)

    def _labelled(self, label: str, text: str) -> Iterator[str]:
        return self._fill(f"    {label:12}", text, 16)

    def _symbols(self, audit: Audit) -> Iterator[str]:
        for symbol, meaning in used_symbols(audit):
            yield from self._fill("  ", f"{symbol}: {meaning}", 4)

    def _proofs(self, audit: Audit) -> Iterator[str]:
        ranges = {parameter.name: parameter.range for parameter in audit.model.parameters}
        for proof in audit.proofs:
            yield from self._fill("  ", f"{proof.status}  {proof.assertion.text}", 4)
            yield from self._fill("    ", proof.because, 6)
            if proof.remainder and proof.certificate is None:
                kept = proof.nonnegative if self.full else proof.nonnegative[:_MOST_TERMS]
                rest = len(proof.nonnegative) - len(kept)
                more = f"+ ... ({rest} more summands: `--full` shows them)" if rest else ""
                yield from self._sum(f"    {side_text(proof)} = ", kept, 6, more)
            if proof.certificate is not None:
                yield f"    {side_text(proof)} ="
                uses = uses_text(proof.certificate, ranges)
                yield from self._filled(f"      {line}" for line in uses)
            if proof.counterexample is not None:
                yield f"    which is {nats_text(proof.counterexample)} nats under"
                distribution = distribution_text(proof.counterexample)
                yield from self._filled(f"      {line}" for line in distribution)

    def _warnings(self, audit: Audit) -> Iterator[str]:
        for finding in audit.findings:
            if finding.severity == "warning":  # a refuted assertion is reported with the assertion
                yield from self._fill(
                    "  ", f"{finding.code} line {finding.line}: {finding.message}", 4
                )


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
