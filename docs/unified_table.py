"""`docs/unified-table.md`: the paper's Table 2, derived from the specs that ship.

`make golden` writes it, and a test holds it against what the specs say. `graphdsl audit` of several
specs makes the same table of them.
"""

from __future__ import annotations

__all__ = ["unified_table"]

from collections.abc import Iterable
from pathlib import Path

from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source
from graphdsl.report import UnifiedRow, unified_markdown, unified_row
from graphdsl.report.header import as_markdown, read_header

_HEAD = """\
# The unified table

Table 2 of the paper, derived from the specs that ship: each objective as its spec states it, and
the loss that the compiler derives from it, in nats per row and up to constants of the data. The
relation says how the loss stands to the objective, and the last line when a bound has no slack.
"""

_PRINTED = """\
## As printed in the paper

What the paper prints of each model, for Table 2 as [weight, C] of distribution consistency and
[weight, G] of structural regularization, and what differs here, as the specs say it. The full table
is in an appendix that this project could not see.
"""


def unified_table(specs: Iterable[Path]) -> str:
    """The page, for some specs in their order."""
    paths = {path.stem: path for path in specs}
    table = unified_markdown(_row(name, path) for name, path in paths.items())
    rows = ["| model | as printed | what differs |", "| --- | --- | --- |"]
    for name, path in paths.items():
        header = read_header(path.read_text(encoding="utf-8"))
        cells = as_markdown(header.printed), as_markdown(header.here) or "nothing"
        rows.append(f"| [{name}](models/{name}.md) | {' | '.join(cells)} |")
    return "\n".join([_HEAD, table, _PRINTED, *rows]) + "\n"


def _row(name: str, path: Path) -> UnifiedRow:
    source = Source.read(path)
    compiled = derive(check_spec(source))
    return unified_row(name, compiled.checked.model, compiled.module, source.text)
