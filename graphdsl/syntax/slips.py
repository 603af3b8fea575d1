"""Syntax errors taught by example: the likeliest slips, and the diagnostics that they get."""

from __future__ import annotations

__all__ = ["SLIPS"]

from graphdsl.diagnostics import Diagnostic
from graphdsl.syntax.errors import EdgeWithoutTarget, LostComma, MissingColon

#: Wrong snippets. An error in the same state of the parser, at the same kind of sign, is the same.
SLIPS: dict[type[Diagnostic], tuple[str, ...]] = {
    LostComma: (
        "q { x y -> z }",
        "q { x[1] x[2] -> z }",
        "q { (x) y -> z }",
        "q { x -> z y }",
        "minimize I(x y; z)",
        "minimize I(x[1] y; z)",
        "minimize I(x; z | a b)",
    ),
    EdgeWithoutTarget: (
        "q { x -> }",
        "q { x, z -> ; y -> z }",
        "q { x -> -> z }",
        "q { x -> by poe }",
        "q { x -> for i in 1..2 }",
    ),
    MissingColon: (
        "latent z real",
        "latent z[1..2] real",
        "latent z [16]",
        "latent z ~ normal",
    ),
}
