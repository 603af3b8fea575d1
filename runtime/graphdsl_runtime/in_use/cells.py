"""Results as an AnnData, `.h5ad`: vectors in `obsm`, single values in `obs`."""

from __future__ import annotations

__all__ = ["cells_bytes"]

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from graphdsl_runtime.errors import ObjectiveError
from graphdsl_runtime.in_use.tables import names_of_classes
from graphdsl_runtime.variables import Variable


def cells_bytes(
    results: Mapping[str, Tensor],
    variables: Sequence[Variable],
    classes: Mapping[str, Sequence[str]] | None = None,
    rows: Sequence[str] = (),
) -> bytes:
    """Write results, by ``variable.word``, as an AnnData without a matrix.

    What has several values a row becomes an array of ``obsm``, flat, under its name: ``z.mean``.
    What has one value a row becomes a column of ``obs``; a sampled category is the name of its
    class, where there are names. ``rows`` are the names of the rows, by default their numbers.
    Shapes: ``(n, *)``.  Raises `ObjectiveError` where anndata is not installed.
    """
    try:
        import anndata
        import h5py
        import pandas as pd
    except ModuleNotFoundError as problem:
        raise ObjectiveError(
            f"an .h5ad needs {problem.name}, which is not installed: "
            'pip install "graphdsl[omics]", or write .npz, .csv or .parquet'
        ) from None
    known = names_of_classes(variables, classes or {})
    count = len(next(iter(results.values())))
    columns: dict[str, Any] = {}
    arrays = {}
    for name, values in results.items():
        member, _, word = name.partition(".")
        if values.ndim > 1:
            arrays[name] = values.reshape(count, -1).numpy()
        elif word == "sample" and (names := known.get(member)):
            columns[name] = pd.Categorical.from_codes(values.long().numpy(), names)
        else:
            columns[name] = values.numpy()
    index = list(rows) or [str(row) for row in range(count)]
    written = io.BytesIO()
    text = anndata.settings.override(allow_write_nullable_strings=True)  # as pandas 3 has it
    with text, warnings.catch_warnings(), h5py.File(written, "w") as file:
        warnings.simplefilter("ignore")  # of the library's own plans
        names_of_rows = pd.Index(np.array(index, dtype=object))
        data = anndata.AnnData(obs=pd.DataFrame(columns, index=names_of_rows), obsm=arrays)
        anndata.io.write_elem(file, "/", data)
    return written.getvalue()
