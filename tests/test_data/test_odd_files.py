"""Right, wrong and odd files: each is refused with a code, or read to the last number."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl_runtime import Batch, Variable
from graphdsl_runtime.data import CODES, DataRefused, Prepared, open_table, prepare
from tests.corpus import fuzz
from tests.test_data.tables import SUFFIXES, Cell, Sheet, is_empty, write_sheet

CASES = fuzz(60)  # of each format
_MOST = float(np.finfo(np.float32).max)


def observed(name: str, kind: str, *shape: int, **more: bool | int) -> Variable:
    return Variable(name, role="observed", kind=kind, shape=shape, **more)  # type: ignore[arg-type]


def spec(chance: random.Random) -> list[Variable]:
    def maybe() -> bool:
        return chance.random() < 0.5

    return [
        observed("row", "count"),
        observed("x", "real", 3, optional=maybe()),
        observed("y", "categorical", classes=3, optional=maybe()),
        observed("b", "binary", optional=maybe()),
        observed("größe", "count", optional=maybe()),
    ]


def right(chance: random.Random) -> dict[str, list[Cell]]:
    rows = chance.choice((3, 7, 20))
    texts: tuple[Cell, ...] = chance.choice(
        (("u", "v", "w"), (0, 1, 2), (4, 5, 9), (" u", "w ", "ü"))
    )
    bits: tuple[Cell, ...] = chance.choice(((0, 1), (False, True), ("no", "yes"), (0.0, 1.0)))
    return {
        "row": list(range(rows)),
        **{f"x_{place}": [chance.gauss(0, 3) for _ in range(rows)] for place in range(3)},
        "y": [chance.choice(texts) for _ in range(rows)],
        "b": [chance.choice(bits) for _ in range(rows)],
        "größe": [chance.randrange(50) for _ in range(rows)],
        "other, column": [f"r{row}" for row in range(rows)],
    }


def _changing(columns: dict[str, list[Cell]]) -> list[str]:
    """All but the numbers of the rows, which may be called `ROW` or `row ` by now."""
    return [name for name in columns if name.strip().lower() != "row"]


def one_cell(*values: Cell) -> Callable[[random.Random, dict[str, list[Cell]]], None]:
    def change(chance: random.Random, columns: dict[str, list[Cell]]) -> None:
        name = chance.choice([one for one in _changing(columns) if one != "other, column"])
        if columns[name]:
            columns[name][chance.randrange(len(columns[name]))] = chance.choice(values)

    return change


def _drop(chance: random.Random, columns: dict[str, list[Cell]]) -> None:
    del columns[chance.choice(list(columns))]


def _rename(chance: random.Random, columns: dict[str, list[Cell]]) -> None:
    name = chance.choice(list(columns))
    columns[chance.choice((name.upper(), f"{name} ", "x_7", "ключ", "x[0]"))] = columns.pop(name)


def _constant(chance: random.Random, columns: dict[str, list[Cell]]) -> None:
    name = chance.choice(_changing(columns))
    columns[name] = columns[name][:1] * len(columns[name])


def _shorten(chance: random.Random, columns: dict[str, list[Cell]]) -> None:
    rows = chance.choice((0, 1, 2))
    for name in columns:
        columns[name] = columns[name][:rows]


def _empty_column(chance: random.Random, columns: dict[str, list[Cell]]) -> None:
    name = chance.choice(_changing(columns))
    columns[name] = [None] * len(columns[name])


CHANGES = (
    one_cell(None),
    one_cell(math.nan),
    one_cell(math.inf, -math.inf),
    one_cell(1e39, -1e300, 10**30),
    one_cell(2**24 + 1, 1e15, 2**60),
    one_cell(-1, 0.5, 7, 2, 1e-50),
    one_cell("?", "NA", "twelve", "1,5", "0x1", ""),
    one_cell("a\nb", '"', "'", "\u202eabc", "=1+1", "日本"),
    _drop,
    _rename,
    _constant,
    _shorten,
    _empty_column,
)


def odd_sheet(chance: random.Random) -> Sheet:
    columns = right(chance)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        chance.choice(CHANGES)(chance, columns)
    pairs = [(name, tuple(cells)) for name, cells in columns.items()]
    chance.shuffle(pairs)
    if pairs and chance.random() < 0.1:
        pairs.append(pairs[0])
    return Sheet(tuple(pairs))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_refused_with_a_code_or_read_to_the_last_number(
    suffix: str, tmp_path: Path
) -> None:
    outcomes = {"read": 0, "refused": 0}
    for number in range(CASES):
        chance = random.Random(f"{suffix} {number}")
        sheet, variables = odd_sheet(chance), spec(chance)
        path = tmp_path / f"odd{number}{suffix}"
        try:
            write_sheet(sheet, path)
        except (TypeError, SyntaxError, OverflowError, ValueError):
            continue  # this format cannot hold it
        drop = chance.random() < 0.3
        found = _attempt(path, variables, drop)
        outcomes["read" if isinstance(found, Prepared) else "refused"] += 1
        said = found.shown if isinstance(found, Prepared) else str(found)
        assert all(len(line) <= 100 for line in said.splitlines()), said
        assert {one.code for one in found.findings} <= CODES.keys()
        if isinstance(found, Prepared):
            _check_numbers(found, sheet, variables, drop)
        else:
            assert any(one.fatal for one in found.findings)
    assert min(outcomes.values()) >= CASES // 10, outcomes


def _attempt(path: Path, variables: list[Variable], drop: bool) -> Prepared | DataRefused:
    try:
        return prepare(open_table(str(path)), variables, drop_incomplete=drop)
    except DataRefused as problem:
        return problem


def _check_numbers(
    prepared: Prepared, sheet: Sheet, variables: list[Variable], dropped: bool
) -> None:
    """Compare every number with the cell that was written."""
    columns = {name.replace("x[0]", "x_0"): cells for name, cells in sheet.named().items()}
    if not prepared.name.endswith("npz"):  # which cannot hold one twice
        assert len(columns) == len(sheet.columns), "a name twice is refused"
    places = [
        int(row)
        for part in (prepared.fitted.train, prepared.fitted.test)
        for row in part["row"].tolist()
    ]
    assert len(set(places)) == len(places)
    if not dropped:
        assert sorted(places) == list(range(len(columns["row"])))
    batch: Batch = {
        name: torch.cat([prepared.fitted.train[name], prepared.fitted.test[name]])
        for name in prepared.fitted.train
    }
    for variable in variables[1:]:
        names = [f"x_{place}" for place in range(3)] if variable.name == "x" else [variable.name]
        for name, got in zip(names, _columns(batch[variable.name]), strict=True):
            seen = batch.get(f"seen({variable.name})", torch.ones(len(places))).tolist()
            for place, value, there in zip(places, got, seen, strict=True):
                _check_cell(columns[name][place], value, bool(there), variable, prepared)


def _columns(values: torch.Tensor) -> list[list[float]]:
    return values.reshape(len(values), -1).double().T.tolist()


def _check_cell(
    cell: Cell, value: float, there: bool, variable: Variable, prepared: Prepared
) -> None:
    if isinstance(cell, str):
        cell = cell.strip()
    if is_empty(cell) or cell in ("NA", ""):
        assert variable.optional
        assert math.isnan(value) or not there
        return
    assert there
    names = prepared.record["classes"].get(variable.name)  # type: ignore[attr-defined]
    if names:
        assert names[int(value)] in _spellings(cell)
    else:
        if isinstance(cell, str) and cell.startswith("0x"):
            cell = int(cell, 16)  # which text of numbers may be
        assert not isinstance(cell, str)
        assert cell is not None
        assert abs(cell) <= _MOST
        assert value == float(np.float32(cell))


def _spellings(cell: Cell) -> set[str]:
    """How a cell may be spelled as the name of a class."""
    found = {str(cell), str(cell).lower()}
    if isinstance(cell, str) and cell.startswith("0x"):
        found.add(str(int(cell, 16)))
    elif isinstance(cell, float | int) and math.isfinite(cell) and cell == int(cell):
        found.add(str(int(cell)))
    return found


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".npy"])
@pytest.mark.parametrize(
    "content", [b"", b"\0" * 64, b"PK\3\4", b"\xff\xfe,\xff\n1,2\n", b"\x93NUMPY"]
)
def test_a_file_of_something_else_is_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"odd{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataRefused):
        prepare(open_table(str(path)), [observed("x", "real")])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_part_of_a_file_is_refused_or_has_fewer_rows(suffix: str, tmp_path: Path) -> None:
    chance = random.Random(suffix)
    whole = tmp_path / f"whole{suffix}"
    write_sheet(Sheet((("x", tuple(chance.gauss(0, 1) for _ in range(300))),)), whole)
    content = whole.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        part = tmp_path / f"part{suffix}"
        part.write_bytes(content[: int(share * len(content))])
        if suffix in (".csv", ".tsv"):
            rows = prepare(open_table(str(part)), [observed("x", "real")]).record["rows"]
            assert sum(rows.values()) < 300  # type: ignore[attr-defined]
        else:
            with pytest.raises(DataRefused, match="DATA01"):
                open_table(str(part))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_broken_file_is_refused_or_read_and_never_ends_the_process(
    suffix: str, tmp_path: Path
) -> None:
    """Bytes are changed or lost anywhere: an offset may point far beyond the file."""
    whole = tmp_path / f"whole{suffix}"
    texts = tuple("ab"[row % 2] for row in range(40))
    write_sheet(Sheet((("x", tuple(row / 7 for row in range(40))), ("s", texts))), whole)
    content = whole.read_bytes()
    variables = [observed("x", "real"), observed("s", "binary", optional=True)]
    refusals = 0
    for number in range(CASES):
        chance = random.Random(f"broken {suffix} {number}")
        broken = bytearray(content)
        for _ in range(chance.choice((1, 2, 20))):
            at = chance.randrange(len(broken))
            if chance.random() < 0.7:
                broken[at] = chance.randrange(256)
            else:
                del broken[at : at + chance.choice((1, 4))]
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(bytes(broken))
        refusals += isinstance(_attempt(path, variables, False), DataRefused)
    assert refusals >= CASES // 4
