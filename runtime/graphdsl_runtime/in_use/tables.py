"""Results as files: arrays in .npz, columns in .csv and .parquet."""

from __future__ import annotations

__all__ = ["columns_of", "table_bytes"]

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from torch import Tensor

from graphdsl_runtime.errors import ObjectiveError
from graphdsl_runtime.variables import Variable


def table_bytes(suffix: str, results: Mapping[str, Tensor], variables: Sequence[Variable]) -> bytes:
    """Write results, by ``variable.word``, as a file of that suffix.

    An .npz holds them as they are; a table has a column for each number: see `columns_of`.
    Raises `ObjectiveError` where .parquet is asked for and pyarrow is not installed.

    >>> import torch
    >>> z = Variable("z", role="latent", kind="real", shape=(2,))
    >>> print(table_bytes(".csv", {"z.mean": torch.tensor([[0.5, 1.0]])}, [z]).decode(), end="")
    z.mean_0,z.mean_1
    0.5,1.0
    """
    if suffix == ".npz":
        written = io.BytesIO()
        np.savez(
            written, allow_pickle=False, **{name: one.numpy() for name, one in results.items()}
        )
        return written.getvalue()
    columns = dict(columns_of(results, variables))
    return _csv(columns) if suffix == ".csv" else _parquet(columns)


def columns_of(
    results: Mapping[str, Tensor], variables: Sequence[Variable]
) -> Iterator[tuple[str, Tensor]]:
    """Give each number of a row as a column: members by their names, components counted from 0.

    >>> import torch
    >>> x = Variable("x", role="observed", kind="binary", members=2, shape=(2,))
    >>> [name for name, _ in columns_of({"x.mean": torch.zeros(5, 2, 2)}, [x])]
    ['x[1].mean_0', 'x[1].mean_1', 'x[2].mean_0', 'x[2].mean_1']
    """
    known = {one.name: one for one in variables}
    for key, values in results.items():
        name, dot, word = key.partition(".")
        variable = known.get(name)
        if variable is None or variable.members is None:
            yield from _components(key, values)
            continue
        for place, member in enumerate(variable.member_names):
            of_member = variable.side_by_side(values)[:, place]
            yield from _components(f"{member}{dot}{word}", of_member)


def _components(name: str, values: Tensor) -> Iterator[tuple[str, Tensor]]:
    shape = values.shape[1:]
    if not math.prod(shape) or not shape:
        yield name, values.reshape(len(values))
        return
    flat = values.reshape(len(values), -1)
    for column, place in enumerate(product(*map(range, shape))):
        yield "_".join((name, *map(str, place))), flat[:, column]


def _csv(columns: Mapping[str, Tensor]) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(one.tolist() for one in columns.values()), strict=True))
    return written.getvalue().encode("utf-8")


def _parquet(columns: Mapping[str, Tensor]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ObjectiveError(
            "a .parquet needs pyarrow, which is not installed: pip install pyarrow, or write .npz "
            "or .csv"
        ) from None
    written = pyarrow.BufferOutputStream()
    parquet.write_table(
        pyarrow.table({name: one.numpy() for name, one in columns.items()}), written
    )
    found: bytes = written.getvalue().to_pybytes()
    return found
