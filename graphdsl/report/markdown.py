"""An audit in Markdown, for a README: formulas in the fences that code hosts typeset."""

from __future__ import annotations

__all__ = ["audit_markdown", "code_text", "markdown_text"]

import re
from collections.abc import Iterable, Iterator

from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Term
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.notation import number_text, weight_text
from graphdsl.notation.gaps import gap_latex, lasting_gaps, tight_conditions
from graphdsl.notation.networks import network_title
from graphdsl.report.alike import Alike, alike
from graphdsl.report.collected import collected
from graphdsl.report.loss_sum import loss_sums
from graphdsl.report.networks import networks_text
from graphdsl.report.terms import latex_factor, latex_summands
from graphdsl.report.wording import alike_text, balance_text, lines_text, relation_text, turns_text

_MARKUP = re.compile(
    r"([\\`*_\[\]|~$@])"  # anywhere
    r"|(?<=http)(:)|(?<=https)(:)|(?<=www)(\.)"  # of an address
    r"|(?<=^)([#+\-=:])|(?<=^\d)([.)])"  # of a list, a heading or a rule
)
_WIDE = 10_000  #: columns: Markdown breaks lines itself


def audit_markdown(audit: Audit) -> str:
    """The objective, the networks, the terms with their gaps, the projections and the proofs."""
    sections = (
        _header(audit),
        _objective(audit),
        _networks(audit),
        _terms(audit),
        _projections(audit),
        _constants(audit),
        _proofs(audit),
        _warnings(audit),
    )
    return "\n\n".join(block for section in sections for block in section) + "\n"


def markdown_text(text: str) -> str:
    r"""Text as it stands: no sign of it is markup, and no control is left.

    >>> print(markdown_text("E[-log p(x)] <b>"))
    E\[-log p(x)\] &lt;b&gt;
    """
    shown = "".join(one if one.isprintable() else "\ufffd" for one in text).strip()
    escaped = _MARKUP.sub(lambda match: f"\\{match[0]}", shown.replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def code_text(text: str) -> str:
    """Text between backticks, more of them than it has in a row."""
    shown = "".join(one if one.isprintable() else "\ufffd" for one in text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    ticks = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _block(pieces: Iterable[str]) -> str:
    inner = " ".join(pieces) or "0"
    return f"```math\n{inner}\n```"


def _inline(pieces: Iterable[str]) -> str:
    return f"$`{' '.join(pieces) or '0'}`$"


def _sum(terms: Iterable[Term]) -> tuple[str, ...]:
    return latex_summands(terms)


def _header(audit: Audit) -> Iterator[str]:
    model = audit.model
    yield f"# Audit of {code_text(model.name)}"
    if model.title:
        yield markdown_text(model.title)
    values = "".join(
        f", with {code_text(f'{name} = {number_text(of)}')}" for name, of in model.constants
    )
    yield f"Compiled from {code_text(model.source_name)}{values}. All quantities are in nats."


def _objective(audit: Audit) -> Iterator[str]:
    module = audit.module
    yield "## Objective and loss"
    yield "The objective, to be minimised:"
    yield _block((module.objective,))
    terms = collected(audit)
    if terms:
        yield "In entropies, equal terms collected:"
        yield _block(_sum(terms))
    yield "The loss:"
    for loss_sum in loss_sums(module):
        yield _block((f"{loss_sum.name} =", *loss_sum.latex) if loss_sum.player else loss_sum.latex)
    yield markdown_text(f"It is {relation_text(module)}: {module.reason}.")
    claim, checked = balance_text(audit)
    if claim:
        yield f"**{markdown_text(claim)}.** {markdown_text(checked)}"
    turns = turns_text(module)
    if turns:
        yield markdown_text(f"Steps in a round: {turns}.")


def _networks(audit: Audit) -> Iterator[str]:
    yield "## Networks"
    lines = "\n".join(networks_text(audit, width=_WIDE, indent=""))
    yield f"```text\n{lines}\n```"


def _terms(audit: Audit) -> Iterator[str]:
    yield "## Terms"
    for term in audit.module.terms:
        yield "\n".join(_term(term))


def _term(term: LossTerm) -> Iterator[str]:
    asked = lines_text(term.lines)
    formula = _inline((f"{latex_factor(term.weight)}{term.latex}",))
    said = f"{term.relation}, {asked}" if asked else term.relation
    yield f"- **{code_text(term.name)}** ({said}): {formula}"
    yield f"    - stands for {_inline(_sum(term.stands_for))}"
    if term.bounds:
        gaps = ["+" * (place > 0) + gap for place, gap in enumerate(gap_latex(term))]
        yield f"    - gap {_inline(gaps)}"
        yield f"    - zero when {markdown_text('; '.join(tight_conditions(term)))}"
    notes = (
        *(("stays open", gap) for gap in lasting_gaps(term)),
        ("within", term.within),
        ("minimised by", term.player.replace(",", ", ")),
        ("estimator", term.estimator),
        ("rows", term.rows),
        ("gradient", "; ".join(term.gradient)),
    )
    yield from (f"    - {label}: {markdown_text(text)}" for label, text in notes if text)


def _projections(audit: Audit) -> Iterator[str]:
    groups = alike(audit.projections, audit.model)
    if groups:
        yield "## Projections"
    for group in groups:
        yield "\n".join(_projection(group))


def _projection(group: Alike) -> Iterator[str]:
    one = group.shown
    weight = f", weight {code_text(weight_text(one.weight))}" if one.weight else ""
    name = f"D({one.under} || {network_title(one.network)})"
    yield f"- {code_text(name)}{weight}: {_inline(_sum((*one.simplified, *one.constant)))}"
    yield f"    - definition (P1): {_inline(_sum(one.entropies))}"
    yield f"    - multi-information (eq. 1): {_inline(_sum(one.multi_information))}"
    for step in one.steps:
        said = markdown_text(f"{step.rule} ({step.because})")
        yield f"    - {said}: {_inline(_sum(step.after))}"
    others = alike_text(group.others)
    if others:
        yield f"    - {markdown_text(others)}"


def _constants(audit: Audit) -> Iterator[str]:
    if audit.module.constants:
        yield "## Constants of the data"
        yield _block(_sum(audit.module.constants))


def _proofs(audit: Audit) -> Iterator[str]:
    if audit.proofs:
        yield "## Assertions"
        yield "\n".join(
            f"- **{proof.status}** {code_text(proof.assertion.text)}: "
            f"{markdown_text(proof.because)}"
            for proof in audit.proofs
        )


def _warnings(audit: Audit) -> Iterator[str]:
    warnings = [finding for finding in audit.findings if finding.severity == "warning"]
    if warnings:
        yield "## Warnings"
        yield "\n".join(
            f"- {one.code}, line {one.line}: {markdown_text(one.message)}" for one in warnings
        )
