"""Results as files: arrays in .npz, columns in .csv and .parquet."""

from __future__ import annotations

__all__ = ["columns_bytes", "columns_of", "names_of_classes", "table_bytes"]

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from graphdsl_runtime.errors import ObjectiveError
from graphdsl_runtime.variables import Variable

#: The numbers of a column, or its texts.
Column: TypeAlias = np.ndarray[Any, np.dtype[Any]] | list[str] | list[float] | list[int]


def table_bytes(
    suffix: str,
    results: Mapping[str, Tensor],
    variables: Sequence[Variable],
    classes: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """Write results, by ``variable.word``, as a file of that suffix.

    An .npz holds them as they are; a table has a column for each number: see `columns_of`. Samples
    of a variable whose ``classes`` have names are these names in a table.
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
            written,
            allow_pickle=False,
            **{name: result.numpy() for name, result in results.items()},
        )
        return written.getvalue()
    known = names_of_classes(variables, classes or {})
    columns: dict[str, Column] = {}
    for name, values in columns_of(results, variables):
        member, _, word = name.partition(".")
        names = known.get(member, ()) if word.partition("_")[0] == "sample" else ()
        columns[name] = [names[int(one)] for one in values.tolist()] if names else values.numpy()
    return columns_bytes(suffix, columns)


def columns_bytes(suffix: str, columns: Mapping[str, Column]) -> bytes:
    r"""Write columns as a .csv or a .parquet.

    Raises `ObjectiveError` where .parquet is asked for and pyarrow is not installed.

    >>> columns_bytes(".csv", {"name": ["a", "b"], "value": [1.0, 2.5]})
    b'name,value\na,1.0\nb,2.5\n'
    """
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


def names_of_classes(
    variables: Sequence[Variable], classes: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    """Give the names of classes for each member, where there is one for each class."""
    found: dict[str, Sequence[str]] = {}
    for variable in variables:
        count = 2 if variable.kind == "binary" else variable.classes
        for member in variable.member_names:
            names = classes.get(member) or classes.get(variable.name) or ()
            if len(names) == count:
                found[member] = names
    return found


def _csv(columns: Mapping[str, Column]) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    lists = [one if isinstance(one, list) else one.tolist() for one in columns.values()]
    writer.writerows(zip(*lists, strict=True))
    return written.getvalue().encode("utf-8")


def _parquet(columns: Mapping[str, Column]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ObjectiveError(
            "a .parquet needs pyarrow, which is not installed: pip install pyarrow, or write .npz "
            "or .csv"
        ) from None
    written = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(dict(columns)), written)
    content: bytes = written.getvalue().to_pybytes()
    return content
