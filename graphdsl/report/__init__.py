"""Derivations for readers: audits in five dresses, one or several, and what every stage made."""

__all__ = [
    "UnifiedRow",
    "advice_html",
    "advice_json",
    "advice_latex",
    "advice_markdown",
    "advice_text",
    "alike",
    "audit_html",
    "audit_json",
    "audit_latex",
    "audit_markdown",
    "audit_schema",
    "audit_text",
    "comparison_html",
    "comparison_json",
    "comparison_latex",
    "comparison_markdown",
    "comparison_text",
    "loss_latex",
    "projection_text",
    "show_collected",
    "show_graphs",
    "show_loss",
    "show_model",
    "show_program",
    "term_text",
    "unified_html",
    "unified_latex",
    "unified_markdown",
    "unified_row",
    "unified_text",
]

from graphdsl.report.alike import alike
from graphdsl.report.comparison import (
    comparison_html,
    comparison_json,
    comparison_latex,
    comparison_markdown,
    comparison_text,
)
from graphdsl.report.json import audit_json, audit_schema
from graphdsl.report.latex import audit_latex, loss_latex
from graphdsl.report.markdown import audit_markdown
from graphdsl.report.page import audit_html
from graphdsl.report.program import show_program
from graphdsl.report.stages import show_collected, show_graphs, show_loss, show_model
from graphdsl.report.suggestions import (
    advice_html,
    advice_json,
    advice_latex,
    advice_markdown,
    advice_text,
)
from graphdsl.report.text import audit_text, projection_text, term_text
from graphdsl.report.unified import (
    UnifiedRow,
    unified_html,
    unified_latex,
    unified_markdown,
    unified_row,
    unified_text,
)
