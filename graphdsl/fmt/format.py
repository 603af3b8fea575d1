"""The layout of a spec, held against its meaning before anyone sees it."""

from __future__ import annotations

__all__ = ["format_spec"]

import re

from graphdsl.diagnostics import CompilerBug, Source, SpecError
from graphdsl.fmt.columns import set_in_columns
from graphdsl.fmt.meaning import same_meaning
from graphdsl.fmt.pieces import read_pieces
from graphdsl.fmt.statements import lay_out
from graphdsl.syntax import parse


def format_spec(source: Source) -> str:
    r"""The spec in its canonical layout; formatted once more, it stays as it is.

    Columns stand below each other where statements or lines follow each other without a blank
    line. Comments and single blank lines stay where they are.

    Raises:
        SpecError: If the text has mistakes of writing.
        CompilerBug: If the layout would say something else, or lose a comment.

    >>> print(format_spec(Source("a.mib", "latent z:real[16]~normal\nobserved x :binary # data")))
    latent   z : real[16] ~ normal
    observed x : binary               # data
    <BLANKLINE>
    """
    spec, mistakes = parse(source)
    if mistakes:
        raise SpecError(mistakes)
    text = set_in_columns(lay_out(read_pieces(source.text)))
    formatted, new_mistakes = parse(Source(source.name, text))
    if new_mistakes or not same_meaning(spec.statements, formatted.statements):
        raise CompilerBug(f"{source.name} would mean something else once it is formatted")
    if _comments(text) != _comments(source.text):
        raise CompilerBug(f"{source.name} would lose a comment once it is formatted")
    return text


def _comments(text: str) -> list[str]:
    return [match.rstrip(" \t\f\r") for match in re.findall("#[^\n]*", text)]
