"""What can be wrong with a spec, where, and how it is shown.

Every mistake a user can make is a class with a stable code, a place, a sentence and a next step;
each stage keeps its own in an `errors.py`. This room knows the shape of them all, draws the carets,
and has half a page on every code. It imports the standard library only.
"""

__all__ = [
    "Checkup",
    "CompilerBug",
    "Diagnostic",
    "Explanation",
    "Source",
    "Span",
    "SpecError",
    "Warned",
    "as_github",
    "as_json",
    "as_sarif",
    "explained",
    "explanation",
    "nearest",
    "one_of",
    "render",
]

from graphdsl.diagnostics.diagnostic import CompilerBug, Diagnostic, SpecError, Warned
from graphdsl.diagnostics.explanation import Explanation, explained, explanation
from graphdsl.diagnostics.formats import Checkup, as_github, as_json, as_sarif
from graphdsl.diagnostics.render import render
from graphdsl.diagnostics.span import Source, Span
from graphdsl.diagnostics.suggest import nearest, one_of
