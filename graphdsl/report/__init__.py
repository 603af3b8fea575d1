"""Derivations for readers: audits in five dresses, and what every stage made of a spec."""

__all__ = [
    "audit_html",
    "audit_json",
    "audit_latex",
    "audit_markdown",
    "audit_schema",
    "audit_text",
    "comparison_html",
    "comparison_json",
    "comparison_markdown",
    "comparison_text",
    "show_collected",
    "show_graphs",
    "show_loss",
    "show_model",
    "show_program",
]

from graphdsl.report.comparison import (
    comparison_html,
    comparison_json,
    comparison_markdown,
    comparison_text,
)
from graphdsl.report.json import audit_json, audit_schema
from graphdsl.report.latex import audit_latex
from graphdsl.report.markdown import audit_markdown
from graphdsl.report.page import audit_html
from graphdsl.report.program import show_program
from graphdsl.report.stages import show_collected, show_graphs, show_loss, show_model
from graphdsl.report.text import audit_text
