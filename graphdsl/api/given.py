"""Rows that come from Python, as batches: arrays, DataFrames, AnnData and MuData."""

from __future__ import annotations

__all__ = [
    "alone",
    "batch_by_name",
    "batch_of_rows",
    "batch_of_table",
    "is_by_name",
    "is_cells",
    "matrix_of",
]

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from graphdsl_runtime import Batch, Objective, Variable

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def is_by_name(given: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether data are arrays by name; a sparse array of one kind is a mapping, too."""
    return isinstance(given, Mapping) and not hasattr(given, "shape")


def is_cells(given: object) -> bool:
    """Whether data are an AnnData, whose matrix has cells as rows."""
    return _kind(given) == "anndata.AnnData"


def alone(emitted: type[Objective]) -> Variable | None:
    """Give the one variable that ``X`` is, where there is one: ``y`` comes by itself."""
    data = [variable for variable in emitted.variables if variable.role != "latent"]
    others = [one for one in data if one.name != "y"] if len(data) > 1 else data
    return others[0] if len(others) == 1 else None


def matrix_of(given: Any) -> Any:  # noqa: ANN401  # whatever scikit-learn takes
    """Give the rows of numbers that data are: of an AnnData its matrix, with the names of genes."""
    return given.to_df() if is_cells(given) else given


def batch_of_rows(variable: Variable, rows: Array) -> Batch:
    """Give rows of numbers as those of a variable; NaN is missing.

    Shapes: ``(n, k)``, or ``(n,)``, with k the number of values of the variable.

    >>> from graphdsl_runtime import Variable
    >>> y = Variable("y", role="observed", kind="categorical", classes=3, optional=True)
    >>> batch_of_rows(y, np.array([2.0, np.nan]))
    {'y': tensor([2, 0]), 'seen(y)': tensor([ True, False])}
    """
    import torch

    values = torch.from_numpy(np.ascontiguousarray(rows)).reshape(-1, *variable.tensor_shape)
    if variable.kind != "categorical" or not values.is_floating_point():
        return {variable.name: values}
    there = ~values.isnan()
    batch = {variable.name: values.nan_to_num().long()}
    if not there.all():
        seen = there.reshape(len(values), *variable.grid, -1).all(dim=-1)
        batch[f"seen({variable.name})"] = seen
    return batch


def batch_by_name(given: Mapping[Any, Any]) -> dict[str, Any]:
    """Give arrays by the names of variables as tensors."""
    import torch

    return {str(name): torch.as_tensor(np.ascontiguousarray(one)) for name, one in given.items()}


def batch_of_table(
    objective: Objective, given: object, maps: Mapping[str, str], *, fitting: bool
) -> Batch:
    """Read columns by their names, or as ``maps`` says, and classes as training numbered them.

    At fitting, the record of how the columns were read becomes the objective's.
    Raises `DataRefused` with all that is wrong, and ValueError for what has no named columns.
    """
    from graphdsl_runtime.data import Split, in_python, prepare, read_batch
    from graphdsl_runtime.data.own import table_of

    if not (is_by_name(given) or hasattr(given, "columns") or _kind(given) in _OMICS):
        names = ", ".join(
            variable.name for variable in objective.variables if variable.role != "latent"
        )
        raise ValueError(f"X is a {type(given).__name__}; expected a mapping or a table of {names}")
    with in_python():
        table = table_of("X", given)
        if fitting:
            split = Split(by="last", fraction=1e-9)  # all rows train; a split has to hold out one
            texts = [f"{name}={columns}" for name, columns in maps.items()]
            prepared = prepare(table, objective.variables, maps=texts, split=split)
            objective.data_record = prepared.record
        return read_batch(table, objective.variables, record=objective.data_record).batch


_OMICS = ("anndata.AnnData", "mudata.MuData")


def _kind(given: object) -> str:
    return f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
