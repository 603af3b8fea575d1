"""Syntax errors taught by example: the likeliest slips, and the diagnostics that they get.

The parser knows what could have stood where it stopped. A slip is recognised by one such sign, by
what stands there instead, and where that is not enough by what stands before. The first that fits
is taken; each has examples, which the tests hold to their labels.
"""

from __future__ import annotations

__all__ = ["SLIPS", "Slip"]

from typing import NamedTuple

from graphdsl.diagnostics import Diagnostic
from graphdsl.syntax.errors import (
    BadName,
    ConstraintFor,
    EdgeWithoutTarget,
    LostComma,
    LostSign,
    MemberDeclared,
    MissingColon,
    MissingDefault,
    MissingSign,
    OtherArrow,
    SingleEquals,
)


class Slip(NamedTuple):
    """A kind of mistake, as the parser meets it; terminals are named as in the grammar."""

    label: type[Diagnostic]
    instead_of: str  #: a terminal that could have stood there
    found: frozenset[str]  #: the terminals that stand there; empty for any
    after: str  #: what the text before ends with, as a regular expression
    examples: tuple[str, ...]


SLIPS = (
    Slip(
        BadName,
        "",
        frozenset({"PLUS", "MINUS", "STAR", "SLASH"}),
        r"\b(?:model|const|param|observed|latent|given|network)\s+\w+",
        ("model my-model", "latent z-1 : real", "param beta/2 = 1"),
    ),
    Slip(
        EdgeWithoutTarget,
        "NAME",
        frozenset(),
        "->",
        ("q { x -> }", "q { x -> ; y -> z }", "q { x -> -> z }", "q { x -> by poe }"),
    ),
    Slip(
        MissingDefault,
        "EQUAL",
        frozenset(),
        r"\b(?:const|param)\s+\w+",
        ("param beta", "const n model a", "param beta 4"),
    ),
    Slip(
        MissingColon,
        "COLON",
        frozenset(),
        "",
        ("latent z real", "latent z[1..2] real", "latent z ~ normal", "latent z"),
    ),
    Slip(
        MemberDeclared,
        "DOTS",
        frozenset({"COLON"}),
        r"\b(?:observed|latent|given)\s+\w+\s*\[[^\]]*",
        ("observed x[1:2] : real",),
    ),
    Slip(
        OtherArrow,
        "ARROW",
        frozenset({"EQUAL", "MINUS", "RELATION"}),
        "",
        ("q { x => z }", "q { x[1] - z }", "q { (x) = z }", "q { x >= z }"),
    ),
    Slip(
        SingleEquals,
        "RELATION",
        frozenset({"EQUAL"}),
        "",
        ("assert I(x; z) = 1", "assert beta = 1", "assert 2 * H(x) = 1"),
    ),
    Slip(
        MissingSign,
        "_IN",
        frozenset({"NUMBER", "EQUAL", "COLON"}),
        "",
        ("q { x -> z for i 1..2 }", "minimize sum(i = 1..2) H(x)"),
    ),
    Slip(
        ConstraintFor,
        "",
        frozenset({"_FOR"}),
        r"\bsubject\s+to\b(?:(?!\b(?:minimize|maximize|turns|estimate|assert)\b)[^{}])+",
        ("subject to I(x; z) <= 1 for q",),
    ),
    Slip(
        LostComma,
        "COMMA",
        frozenset({"NAME", "NUMBER", "LPAR"}),
        "",
        (
            "q { x[1] x[2] -> z }",
            "q { x (y, z) -> z }",
            "network g(i j) { x -> z }",
            "latent z : real[1 28 28]",
            "minimize I(x y; z)",
            "minimize sum(i j in pairs(1..2)) KL(q || p)",
        ),
    ),
    Slip(
        LostSign,
        "PLUS",
        frozenset({"NAME", "NUMBER", "TOTAL", "LPAR"}),
        "",
        (
            "minimize 2 KL(q || p)",
            "minimize KL(q || p) H(x)",
            "minimize (beta sum(i in 1..2) H(x))",
        ),
    ),
)
