"""What an editor shows of the word under the cursor, in Markdown.

Text of the spec stands between fences only, without its comments: no word of it is markup.
"""

from __future__ import annotations

__all__ = ["hover"]

import re
from collections.abc import Iterator

from graphdsl.catalog.laws import LAWS, Law
from graphdsl.catalog.methods import METHODS, Method
from graphdsl.diagnostics import Diagnostic, Span, explained, explanation
from graphdsl.ir.objective import Projection, Weighted, Wrapped
from graphdsl.lsp.analysis import Analysis, Derived
from graphdsl.lsp.declared import described
from graphdsl.lsp.meanings import meaning
from graphdsl.lsp.names import GLOBAL, occurrence_at
from graphdsl.lsp.written import covers, functional_at, statement_at, word_at
from graphdsl.report import alike, projection_text, term_text
from graphdsl.syntax import ast

_WIDTH = 88  #: columns of a derivation
_MOST = 6  #: terms, or derivations, of one functional


def hover(analysis: Analysis, derived: Derived | None, line: int, column: int) -> str:
    """All that is known of a place; empty where that is nothing.

    Args:
        analysis: The text.
        derived: Its derivation; None while there is none.
        line: From one.
        column: From one.
    """
    if "#" in analysis.source.line(line)[: column - 1]:
        return ""
    diagnostics = derived.diagnostics if derived else analysis.diagnostics
    blocks = (
        *(_page(diagnostic) for diagnostic in diagnostics if covers(diagnostic.span, line, column)),
        *_names(analysis, line, column),
        *_words(analysis, line, column),
        *(_derivation(derived, analysis, line, column) if derived else ()),
    )
    return "\n\n---\n\n".join(blocks)


def fenced(text: str, language: str = "text") -> str:
    """Text between fences that it does not close."""
    longest = max((len(match) for match in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _page(one: Diagnostic) -> str:
    """What a code means, and a spec without the mistake."""
    if one.code not in explained():
        return f"**{one.code}: {one.title}**"
    page = explanation(one.code)
    right = f"\n\nWithout the mistake:\n\n```mib\n{page.right}\n```" if page.right else ""
    return f"**{page.code}: {page.title}**\n\n{page.meaning}{right}"


def _names(analysis: Analysis, line: int, column: int) -> Iterator[str]:
    here = occurrence_at(analysis.occurrences, line, column)
    if here is None:
        return
    if here.scope != GLOBAL:
        if isinstance(here.scope, Span):
            yield f"`{here.name}` is an index, bound in line {here.scope.line}."
        return
    lines = described(analysis, here.name)
    if lines:
        declaration, *more = lines
        yield "\n\n".join(
            (fenced(declaration, "mib"), *([fenced("\n".join(more))] if more else []))
        )


def _words(analysis: Analysis, line: int, column: int) -> Iterator[str]:
    """A distribution, or an estimator, that is named there."""
    if occurrence_at(analysis.occurrences, line, column) is not None:
        return
    word = word_at(analysis.source, line, column)
    if word in METHODS:
        yield _method(METHODS[word])
    for law in LAWS:
        if word == law.word:
            yield _law(law)


def _method(method: Method) -> str:
    estimators = dict.fromkeys(
        one
        for one in (
            method.factors,
            method.parts,
            method.joint,
            *(estimator for _, estimator in method.distances),
        )
        if one is not None
    )
    relations = ", ".join(dict.fromkeys(one.relation for one in estimators)) or "equal"
    return (
        f"**{method.word}** is for {method.fits}. In brackets it takes {method.brackets}.\n\n"
        f"Relation to the term: {relations}."
    )


def _law(law: Law) -> str:
    gradient = {
        "pathwise": "reparameterised samples",
        "relaxed": "relaxed samples",
        "none": "samples without a gradient",
    }[law.gradient]
    return (
        f"**{law.written}**: a distribution over {law.support}, for `{law.kind}` variables, with "
        f"{gradient}.\n\nLinks: {law.link}. {law.reference}."
    )


def _derivation(derived: Derived, analysis: Analysis, line: int, column: int) -> Iterator[str]:
    statement = statement_at(analysis.spec, line, column)
    if isinstance(statement, ast.Assertion):
        yield from _proof(derived, statement)
    functional = functional_at(analysis.spec, line, column)
    if functional is not None and not isinstance(statement, ast.Estimate):
        yield from _functional(derived, functional.span)
    elif (
        isinstance(statement, ast.Goal) and word_at(analysis.source, line, column) == statement.aim
    ):
        yield from _loss(derived)


def _proof(derived: Derived, statement: ast.Assertion) -> Iterator[str]:
    for proof in derived.compiled.proofs if derived.compiled else ():
        if (proof.assertion.line, proof.assertion.column) == _start(statement.span):
            yield f"**{proof.status}**\n\n{fenced(proof.because)}"


def _functional(derived: Derived, span: Span) -> Iterator[str]:
    """What it means, each D in its forms, then the terms that bound what the line asks for."""
    compiled, audit = derived.compiled, derived.audit
    if compiled is None or audit is None:
        return
    here = [one for one in _asked(derived) if (one.line, one.column) == _start(span)]
    yield from dict.fromkeys(meaning(one.functional) for one in here)
    wanted = {
        (one.functional.network.name, one.functional.under)
        for one in here
        if isinstance(one.functional, Projection)
    }
    shown = [
        projection
        for projection in audit.projections
        if (projection.network.name, projection.under) in wanted
    ]
    groups = alike(shown, audit.model)
    yield from (fenced(projection_text(group, width=_WIDTH)) for group in groups[:_MOST])
    yield from _rest(len(groups) - _MOST, "derivations")
    if any(one.line == span.line for one in _objective(derived)):
        terms = [term for term in compiled.module.terms if span.line in term.lines]
        if terms:
            yield f"The loss has for line {span.line}:"
        yield from (fenced(term_text(term, width=_WIDTH)) for term in terms[:_MOST])
        yield from _rest(len(terms) - _MOST, "terms")


def _loss(derived: Derived) -> Iterator[str]:
    if derived.compiled is None:
        return
    module = derived.compiled.module
    yield f"The loss is of the relation **{module.relation}**: {module.reason}."
    yield from (fenced(term_text(term, width=_WIDTH)) for term in module.terms[:_MOST])
    yield from _rest(len(module.terms) - _MOST, "terms")


def _rest(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"There are {count} more {what}: `graphdsl audit` shows them."


def _objective(derived: Derived) -> Iterator[Weighted]:
    if derived.compiled is not None:
        model = derived.compiled.checked.model
        players = (term for player in model.players for term in player.objective)
        for one in (*model.objective, *players):
            if isinstance(one.functional, Wrapped):
                yield from one.functional.inner
            else:
                yield one


def _asked(derived: Derived) -> Iterator[Weighted]:
    """Every functional of the objective and of the assertions, with its place."""
    yield from _objective(derived)
    if derived.compiled is not None:
        for assertion in derived.compiled.checked.model.assertions:
            yield from assertion.difference


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column
