"""Large files: read some rows at a time, into room outside the memory, to the same numbers."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import torch

from graphdsl_runtime import Batch, Variable
from graphdsl_runtime.data import (
    DataRefused,
    Split,
    csv_blocks,
    omics,
    open_table,
    prepare,
    read_batch,
    spool,
    streamed,
)
from graphdsl_runtime.training.batches import Batches

ROWS, WIDTH = 8_000, 64
LINES, FEW = 32_000, 16
CELLS, GENES = 2_000, 512  # every cell has a name, which is small beside many genes
SITE = Variable("site", role="observed", kind="categorical", classes=3, optional=True)


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take files of some kilobytes for large ones."""
    monkeypatch.setattr(spool, "_LEAST", 1 << 16)
    monkeypatch.setattr(spool, "AT_ONCE", 1 << 13)
    monkeypatch.setattr(streamed, "LEAST", 1 << 16)
    monkeypatch.setattr(csv_blocks, "_BLOCK", 1 << 14)
    monkeypatch.setattr(omics, "_LARGE", 1 << 16)


def values(dtype: type = np.float32, rows: int = ROWS, width: int = WIDTH) -> Any:  # noqa: ANN401  # numbers of any type
    return np.random.default_rng(0).normal(size=(rows, width)).astype(dtype)


# Each writes a file, and says how many bytes its numbers have, there or in memory.


def columns(path: Path) -> int:
    table = {f"x_{place}": one for place, one in enumerate(values().T)}
    table["__index_level_0__"] = np.arange(ROWS)
    table["site"] = pa.array(["A", "B", None, "C"] * (ROWS // 4))
    pa.parquet.write_table(pa.table(table), path, row_group_size=250)
    return 4 * ROWS * WIDTH


def text(path: Path) -> int:
    numbers = values(np.float64, rows=LINES, width=FEW)
    table = pa.table({f"x_{place}": one for place, one in enumerate(numbers.T)})
    pa.csv.write_csv(table, path)
    return path.stat().st_size  # of which a whole reading holds a copy as text


def batches(**options: Any) -> Callable[[Path], int]:  # noqa: ANN401
    """An Arrow file, or a stream, of record batches."""

    def write(path: Path) -> int:
        table = {f"x_{place}": one for place, one in enumerate(values(np.float64).T)}
        whole = pa.table({**table, "site": pa.array(["A", "B", None, "C"] * (ROWS // 4))})
        opened = pa.ipc.new_stream if options.pop("stream", False) else pa.ipc.new_file
        size = options.pop("size", None)
        with opened(str(path), whole.schema, options=pa.ipc.IpcWriteOptions(**options)) as file:
            file.write_table(whole, max_chunksize=size)
        return 8 * ROWS * WIDTH

    return write


def lists(path: Path) -> int:
    x = pa.FixedSizeListArray.from_arrays(values(np.float64).ravel(), WIDTH)
    site = pa.array(["A", "B", None, "C"] * (ROWS // 4))
    pa.parquet.write_table(pa.table({"x": x, "site": site}), path, row_group_size=250)
    return 8 * ROWS * WIDTH


def arrays(path: Path) -> int:
    np.save(path, values(np.float64))
    return 8 * ROWS * WIDTH


def cells(sparse: str) -> Callable[[Path], int]:
    def write(path: Path) -> int:
        anndata = pytest.importorskip("anndata", reason="anndata is not installed")
        from scipy import sparse as matrices

        x = values(rows=CELLS, width=GENES)
        x *= x > 2
        data = anndata.AnnData(getattr(matrices, sparse)(x) if sparse else x)
        with anndata.settings.override(allow_write_nullable_strings=True):
            data.write_h5ad(path)
        return 4 * CELLS * GENES

    return write


WRITERS = {
    "columns.parquet": columns,
    "lists.parquet": lists,
    "text.csv": text,
    "one_batch.arrow": batches(),
    "stream.arrow": batches(stream=True, size=500),
    "packed.feather": batches(compression="lz4", size=500),
    "x.npy": arrays,
    "dense.h5ad": cells(""),
    "rows.h5ad": cells("csr_matrix"),
    "genes.h5ad": cells("csc_matrix"),
}


def variables(name: str) -> tuple[Variable, ...]:
    width = {".h5ad": GENES, ".csv": FEW}.get(Path(name).suffix, WIDTH)
    x = Variable("x", role="observed", kind="real", shape=(width,))
    return (x,) if name.endswith(("npy", "csv", "h5ad")) else (x, SITE)


def read(name: str) -> tuple[Batch, ...]:
    """The rows to train on, those held out by chance, and all of them in their order."""
    maps = ("x=X",) if name.endswith("h5ad") else ()
    found = prepare(open_table(name), variables(name), maps=maps, split=Split(seed=1))
    table = open_table(name)
    assert "__index_level_0__" not in table.names
    whole = read_batch(table, variables(name), record=found.record)
    return found.fitted.train, found.fitted.test, whole.batch


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_large_file_gives_the_numbers_of_a_small_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """And takes a small part of the memory that they would fill."""
    monkeypatch.chdir(tmp_path)
    size = WRITERS[name](Path(name))
    expected = read(name)
    request.getfixturevalue("small_memory")
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        found = read(name)
        peak = tracemalloc.get_traced_memory()[1] + (pool.max_memory() or 0)
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert peak < size / 2, f"{peak / size:.2f} of the file's numbers were in memory"
    for part, same in zip(found, expected, strict=True):
        assert part.keys() == same.keys()
        for key, rows in part.items():
            assert torch.equal(rows, same[key]), key


#: Cells of the first rows, and of the last ones, which decide otherwise what a column is.
CELLS_OF_TEXT = {
    "late_float": ("3", "2.5"),
    "late_text": ("3", "many"),
    "late_hole": ("3", ""),
    "early_hole": ("", "4"),
    "hex": ("0x1F", "7"),
    "spaces": (" 5", "6 "),
    "wide_space": ("5", "\u20036"),
    "bits": ("0", "true"),
    "words": ("yes", "NA"),
    "days": ("2024-01-02", "2024-01-03"),
    "large": ("1", "9223372036854775808"),
    "exponents": ("1e3", "nan"),
    "infinite": ("inf", "-1"),
    "lines": ('"a\nb"', '"c,d"'),
    "quoted": ('"1"', '"2"'),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("name", "sign"), [("odd.csv", ","), ("odd.tsv", "\t")])
def test_lines_give_the_columns_that_a_whole_reading_gives(
    name: str,
    sign: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Of the same types, although a block of lines alone looks like others."""
    path = tmp_path / name
    first, last = (sign.join(one[place] for one in CELLS_OF_TEXT.values()) for place in (0, 1))
    lines = [sign.join(CELLS_OF_TEXT), *[first] * 2000, *[last] * 10]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    expected = open_table(str(path))
    request.getfixturevalue("small_memory")
    monkeypatch.setattr(csv_blocks, "read_whole_csv", None)
    found = open_table(str(path))
    assert found.names == expected.names
    for column, same in zip(found.columns, expected.columns, strict=True):
        assert column.values.dtype == same.values.dtype, same.name
        np.testing.assert_array_equal(column.values, same.values, err_msg=same.name)
        assert (column.categories, column.unusable) == (same.categories, same.unusable)
        gone, lacks = (
            np.zeros(one.values.shape, bool) if one.missing is None else one.missing
            for one in (column, same)
        )
        np.testing.assert_array_equal(gone, lacks, err_msg=same.name)


@pytest.mark.usefixtures("small_memory")
def test_workers_read_batches_of_what_lies_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    columns(Path("columns.parquet"))
    train, _, _ = read("columns.parquet")
    batches = Batches(train, torch.arange(len(train["x"])), 1000)
    loader = torch.utils.data.DataLoader(batches, batch_size=None, num_workers=1)
    for read_ahead, own in zip(loader, batches, strict=True):
        assert torch.equal(read_ahead["x"], own["x"])


@pytest.mark.usefixtures("small_memory")
def test_missing_cells_of_a_large_table_are_missing(tmp_path: Path) -> None:
    """Of integers, of floats, and of lists."""
    draws = np.random.default_rng(0)
    gone = draws.random((ROWS, 3)) < 0.2
    whole = draws.integers(0, 9, size=ROWS)
    table = {
        "n": pa.array(whole, mask=gone[:, 0]),
        "r": pa.array(whole / 2, mask=gone[:, 1]),
        "v": pa.array([None if gone[row, 2] else [whole[row] / 3, 1.0] for row in range(ROWS)]),
    }
    path = tmp_path / "holes.parquet"
    pa.parquet.write_table(pa.table(table), path, row_group_size=500)
    some = [
        Variable("n", role="observed", kind="count", optional=True),
        Variable("r", role="observed", kind="real", optional=True),
        Variable("v", role="observed", kind="real", shape=(2,), optional=True),
    ]
    batch = read_batch(open_table(str(path)), some).batch
    for place, name in enumerate("nrv"):
        missing = batch[name].reshape(ROWS, -1).isnan().all(dim=1).numpy()
        assert np.array_equal(missing, gone[:, place]), name
    there = ~gone[:, 0]
    assert np.array_equal(batch["n"].numpy()[there], whole[there])


@pytest.mark.usefixtures("small_memory")
def test_lists_of_two_lengths_and_a_full_disk_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "odd.parquet"
    cells_of = [[1.0] * (3 if row < ROWS // 2 else 2) for row in range(ROWS)]
    pa.parquet.write_table(pa.table({"x": cells_of}), path, row_group_size=500)
    with pytest.raises(DataRefused, match="differ in length"):
        read_batch(open_table(str(path)), [Variable("x", role="observed", kind="real", shape=(3,))])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataRefused, match=r"has no room for 0.00419 GB of values \(no space"):
        spool.room((1 << 20,), np.float32)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = pa.cpu_count()
    pa.set_cpu_count(1)
    yield
    pa.set_cpu_count(threads)
