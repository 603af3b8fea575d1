"""An audit as one page of HTML: it fetches nothing, and runs no script but its own."""

from __future__ import annotations

__all__ = ["audit_html"]

from dataclasses import fields

from markupsafe import Markup

from graphdsl.diagnostics import Source
from graphdsl.draw import drawable
from graphdsl.ir.audit import Audit
from graphdsl.ir.notation import number_text
from graphdsl.report.alike import alike, unlike
from graphdsl.report.collected import collected
from graphdsl.report.header import read_header
from graphdsl.report.html import environment, policy, resource, visible_text
from graphdsl.report.page_figures import MOST_FIGURES, figure, more_figures
from graphdsl.report.page_formulas import loss_pieces, sum_pieces, summand_pieces
from graphdsl.report.page_listings import code_lines, spec_lines
from graphdsl.report.page_parameters import parameter_views, proof_view, verdict, weight_view
from graphdsl.report.page_terms import projection_view, term_view
from graphdsl.report.page_views import Page
from graphdsl.report.verification import verification_text
from graphdsl.report.wording import RELATIONS, SYMBOLS, balance_text, turns_text


def audit_html(audit: Audit, source: Source, code: str) -> str:
    """One file: networks, terms with bounds and gaps, derivations, proofs, spec and code.

    Args:
        audit: The audit.
        source: The spec that it is of.
        code: The emitted module.
    """
    view = _page(audit, source, code)
    guests = {field.name: getattr(view, field.name) for field in fields(view)}
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
        objective=sum_pieces(module.objective),
        collected=summand_pieces(collected(audit)),
        loss=loss_pieces(module),
        relation=module.relation,
        relation_sentence=RELATIONS[module.relation][0],
        reason=module.reason,
        balance=balance,
        balance_check=checked,
        turns=turns_text(module),
        figures=[figure(network, model) for network in networks[:MOST_FIGURES]],
        more_figures=more_figures(networks),
        terms=[term_view(one, model) for one in module.terms],
        projections=[projection_view(group) for group in groups],
        constants=summand_pieces(module.constants),
        assertions=[proof_view(proof, audit) for proof in audit.proofs],
        parameters=[*parameter_views(audit)],
        verdict=verdict(audit),
        weights=[weight_view(term, audit.model) for term in module.terms],
        verified=[one.strip() for one in verification_text(audit.verification)],
        warnings=[
            f"{finding.code}, line {finding.line}: {finding.message}"
            for finding in audit.findings
            if finding.severity == "warning"
        ],
        symbols=SYMBOLS,
        spec=[*spec_lines(source, module.terms)],
        code=[*code_lines(code, [term.name for term in module.terms])],
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
    headed = [(key, heading) for key, (heading, there) in headings.items() if there]
    values = {field.name: getattr(page, field.name) for field in fields(page)}
    return Page(**{**values, "sections": headed})
