"""The table of all fields, in lines of at most a hundred signs, for people to read."""

from __future__ import annotations

__all__ = ["shown"]

import math
from collections.abc import Iterable, Sequence

import numpy as np

from graphdsl_files import visible
from graphdsl_runtime.data.fields import Field
from graphdsl_runtime.data.lost import lost_values
from graphdsl_runtime.data.table import Array, Table

_WIDTH = 100
_HEAD = ("variable", "from", "declared", "rows", "missing", "lost", "values")
_WIDEST = (13, 17, 17, 8, 7, 16)  # `from` may take what others leave, and values have the rest
_LOST = 5  # a column that is left out where no cell is empty
_FROM, _VALUES = 1, 30
_UNUSED = 8  # names of columns that are listed


def shown(
    table: Table, fields: Sequence[Field], lines: Iterable[str] = (), kept: Array | None = None
) -> str:
    """Give a line for every field, what is not used, and further lines.

    Where some cells are empty, and ``kept`` says which rows are read, a column says what is lost.

    >>> import numpy as np
    >>> from graphdsl_runtime import Variable
    >>> from graphdsl_runtime.data.fields import read_field
    >>> from graphdsl_runtime.data.resolve import resolve
    >>> from graphdsl_runtime.data.table import Column
    >>> table = Table("a.csv", (Column("x", np.arange(3.0)), Column("id", np.arange(3))))
    >>> x = Variable("x", role="observed", kind="real")
    >>> fields = [read_field(one) for one in resolve(table, [x], {})]
    >>> print(shown(table, fields))
    a.csv
    variable  from  declared  rows  missing  values
    x         x     real      3     0 %      0 to 2 (1 ± 0.816)
    not used: id
    """
    body = [tuple(visible(cell, keep="") for cell in _row(field, kept)) for field in fields]
    rows, widest = [_HEAD, *body], list(_WIDEST)
    if kept is None or all(field.facts and field.facts.complete for field in fields):
        rows = [row[:_LOST] + row[_LOST + 1 :] for row in rows]
        del widest[_LOST:]
    widths = [min(most, max(len(row[at]) for row in rows)) for at, most in enumerate(widest)]
    slack = _WIDTH - sum(widths) - _VALUES - 2 * len(widths)
    widths[_FROM] = min(widths[_FROM] + max(0, slack), max(len(row[_FROM]) for row in rows))
    widths.append(_WIDTH - sum(widths) - 2 * len(widths))
    cells = [[_cut(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    used = {piece.column.name for field in fields for piece in field.owner.pieces}
    return "\n".join([visible(table.name, keep=""), *text, *_rest(table, used), *lines])


def _rest(table: Table, used: set[str]) -> list[str]:
    others = [visible(name, keep="") for name in table.names if name not in used]
    if not others:
        return []
    more = len(others) - _UNUSED
    listed = ", ".join(others[:_UNUSED]) + (f" and {more} more" if more > 0 else "")
    return [_cut(f"not used: {listed}", _WIDTH)]


def _row(field: Field, kept: Array | None) -> tuple[str, ...]:
    owner = field.owner
    variable = owner.variable
    kind = variable.kind if variable.classes is None else f"{variable.kind}({variable.classes})"
    shape = f"[{', '.join(map(str, owner.shape))}]" if owner.shape else ""
    return (
        owner.name,
        _source(field),
        f"{kind}{shape}",
        str(field.rows) if field.values is not None else "-",
        _missing(field),
        "" if kept is None else str(lost_values(field, kept)),
        _values(field),
    )


def _source(field: Field) -> str:
    names = [visible(piece.name, keep="") for piece in field.owner.pieces]
    if not names:
        return "(none)"
    return names[0] if len(names) == 1 else f"{len(names)}: {names[0]}..{names[-1]}"


def _missing(field: Field) -> str:
    if field.values is None or not field.rows:
        return "-"
    if field.facts is not None and field.facts.complete:
        return "0 %"
    share = 100 * float(field.values.by_row(lambda there: (~there).mean(axis=1)).mean())
    return f"{share:.0f} %" if share in (0, 100) else f"{share:.1f} %"


def _values(field: Field) -> str:
    facts = field.facts
    if facts is None or not facts.count.any():
        return "-"
    if field.names:
        if field.owner.variable.kind == "binary":
            return f"0 = {field.names[0]}, 1 = {field.names[1]}"
        return ", ".join(field.names)
    there = facts.count > 0
    low, high = facts.low[there].min(), facts.high[there].max()
    mean = float(np.average(facts.mean[there], weights=facts.count[there]))
    with np.errstate(invalid="ignore", over="ignore"):
        squares = np.square(facts.spread[there]) + np.square(facts.mean[there] - mean)
        spread = math.sqrt(abs(float(np.average(squares, weights=facts.count[there]))))
    return f"{low:.3g} to {high:.3g} ({mean:.3g} ± {spread:.3g})"


def _cut(text: str, width: int) -> str:
    text = visible(text, keep="")
    return text if len(text) <= width else f"{text[: width - 3]}..."
