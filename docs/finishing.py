"""What the site's Markdown leaves undone in a page of HTML."""

from __future__ import annotations

__all__ = ["finished"]

import re

from docs.mathematics import with_formulas


def finished(page: str) -> str:
    r"""A page with its formulas set, its bars in tables, and code that a keyboard can scroll.

    A bar in a cell is written `\|`, also within code, where this Markdown would keep the backslash.

    >>> finished(r"<td><code>q \| p</code></td>")
    '<td><code>q | p</code></td>'
    >>> finished("<pre><span></span><code>x</code></pre>")
    '<pre><span></span><code tabindex="0">x</code></pre>'
    """
    page = re.sub(r"<td[^>]*>.*?</td>", lambda cell: cell[0].replace("\\|", "|"), page, flags=re.S)
    page = re.sub(r"(<pre>(?:<span></span>)?)<code>", r'\1<code tabindex="0">', page)
    return with_formulas(page)
