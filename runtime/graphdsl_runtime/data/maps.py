"""`--map NAME=COLUMNS`: names, globs and ranges of columns."""

from __future__ import annotations

__all__ = ["mapped", "parse_maps"]

import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

from graphdsl_runtime import Variable
from graphdsl_runtime.data.errors import refused
from graphdsl_runtime.data.options import columns_of
from graphdsl_runtime.data.pieces import Piece, all_pieces, close_to, find, listed
from graphdsl_runtime.data.table import Table

_PARTS = re.compile(r'"[^"]*"|[^,"]+|"')  # of what a map names: quoted, or up to a comma


def parse_maps(texts: Sequence[str], variables: Sequence[Variable]) -> dict[str, str]:
    """Read ``x=gene_*,age`` for each variable.  Raises `DataRefused`.

    >>> x = Variable("x", role="observed", kind="real", shape=(3,))
    >>> parse_maps(["x=gene_*,age"], [x])
    {'x': 'gene_*,age'}
    """
    known = [
        name
        for variable in variables
        if variable.role != "latent"
        for name in (variable.name, *variable.member_names)
    ]
    maps: dict[str, str] = {}
    for text in texts:
        name, sign, columns = text.partition("=")
        name = name.strip()
        asked = columns_of(name, columns.strip())
        if not sign:
            raise refused("DATA04", f"--map {text}", "has no `=`", f"write {columns_of()}")
        if name not in known:
            hint = close_to(name, known) or f"the names are {', '.join(dict.fromkeys(known))}"
            raise refused("DATA04", asked, f"the spec has no data named `{name}`", hint)
        if name in maps:
            raise refused("DATA04", asked, f"`{name}` is mapped twice", "write it once")
        maps[name] = columns.strip()
    return maps


def mapped(table: Table, text: str, name: str) -> list[Piece]:
    """The columns that a map names: names, globs, and ranges in the order of the file."""
    if table.column(text) is not None:
        return find(table, text)
    pieces: list[Piece] = []
    for part in (match.strip() for match in _PARTS.findall(text)):
        if part:
            pieces += _of_part(table, part, name)
    ((most, times),) = Counter(piece.name for piece in pieces).most_common(1) or [("", 0)]
    if times > 1:
        raise refused("DATA04", name, f"takes the column `{most}` twice", "name it once")
    whole = {piece.column.name for piece in pieces if piece.entry is None}
    if both := [
        piece for piece in pieces if piece.entry is not None and piece.column.name in whole
    ]:
        said = f"takes `{both[0].name}` twice: `{both[0].column.name}` has it too"
        raise refused("DATA04", name, said, "name it once")
    return pieces


def _of_part(table: Table, part: str, name: str) -> list[Piece]:
    every = list(all_pieces(table))
    if part.startswith('"') and part.endswith('"') and len(part) > 1:
        part = part[1:-1]
        column = find(table, part)
    elif column := find(table, part):
        return column
    elif ".." in part:
        return _range(every, part, name)
    else:
        column = [piece for piece in every if fnmatchcase(piece.name, part.replace("[", "[[]"))]
    if not column:
        names = [piece.name for piece in every]
        raise refused(
            "DATA04",
            name,
            f"`{part}` names no column of {table.name}",
            close_to(part, names) or listed(table),
        )
    return column


def _range(every: Sequence[Piece], part: str, name: str) -> list[Piece]:
    first, _, last = (one.strip() for one in part.partition(".."))
    names = [piece.name for piece in every]
    for end in (first, last):
        if end not in names:
            hint = close_to(end, names) or "a range is FIRST..LAST, in the order of the file"
            raise refused("DATA04", name, f"`{part}`: there is no column `{end}`", hint)
    start, stop = names.index(first), names.index(last)
    if start > stop:
        raise refused(
            "DATA04", name, f"`{part}`: `{last}` comes before `{first}`", f"write {last}..{first}"
        )
    return list(every[start : stop + 1])
