r"""Formulas of the pages as MathML: `math` fences, and text such as $`I(x; z)`$ within a line.

The formulas are those that `graphdsl.report` writes, a small part of LaTeX. Browsers set MathML
themselves: the site needs no script, and fetches nothing.
"""

from __future__ import annotations

__all__ = ["math_fence", "with_formulas"]

import re
from html import unescape
from typing import Any

from graphdsl.notation.formula import parsed
from graphdsl.notation.mathematics import mathml

_BLOCK = '<math display="block"'


def math_fence(source: str, *_: Any, **__: Any) -> str:  # noqa: ANN401  # as superfences calls it
    """A fence of a formula, as the extension `superfences` wants it."""
    formula = mathml(parsed(" ".join(source.split())))
    return f'<p class="formula" tabindex="0">{formula.replace("<math", _BLOCK, 1)}</p>'


def with_formulas(page: str) -> str:
    """A page in HTML with its formulas set: those that stand as code between signs of a dollar."""
    return re.sub(r"\$<code>(.+?)</code>\$", lambda found: mathml(parsed(unescape(found[1]))), page)
