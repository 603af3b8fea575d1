"""Sums under a sign that is not linear, as text."""

from __future__ import annotations

__all__ = ["sign_text"]

from graphdsl.catalog.functions import FUNCTIONS
from graphdsl.ir.loss import Group
from graphdsl.ir.notation import plus, weight_text


def sign_text(group: Group, inner: str = "...") -> str:
    """The sign as people write it, with dots for the sum: `max(..., 2)`; or with what it sums."""
    if group.offset:
        inner += plus(group.offset, weight_text)
    if group.kind == "constraint":
        return f"subject to {inner} <= 0"
    function = FUNCTIONS[group.kind]
    head, end = function.ends(function.text, weight_text(group.bound))
    return f"{head}{inner}{end}"
