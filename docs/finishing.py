"""What the site's Markdown leaves undone in a page of HTML."""

from __future__ import annotations

__all__ = ["finished"]

import re

from docs.mathematics import with_formulas


def finished(page: str) -> str:
    r"""A page with its formulas set, and with all that scrolls in reach of a keyboard.

    A bar in a cell is written `\|`, also within code, where this Markdown would keep the backslash.

    >>> finished(r"<td><code>q \| p</code></td>")
    '<td><code>q | p</code></td>'
    >>> finished("<pre><code>x</code></pre>")
    '<pre tabindex="0"><code>x</code></pre>'
    """
    page = re.sub(r"<td[^>]*>.*?</td>", lambda cell: cell[0].replace("\\|", "|"), page, flags=re.S)
    page = page.replace("<pre>", '<pre tabindex="0">').replace("<table>", '<table tabindex="0">')
    return with_formulas(page)
