"""A trained objective at work on many rows: codes, samples, reconstructions and scores.

Rows go through in batches of any size, and each row has noise of its own: what a row gets depends
on the seed and on its place, and not on how the rows were cut. `exporting` is for `torch.export`,
which takes long to import.
"""

from graphdsl_runtime.in_use.codes import (
    Drawn,
    encode,
    infers_nothing,
    read_by_infer,
    read_part,
    reconstruct,
    sample,
    translate,
)
from graphdsl_runtime.in_use.scores import RowTerms, mean_terms, row_terms

__all__ = [
    "Drawn",
    "RowTerms",
    "encode",
    "infers_nothing",
    "mean_terms",
    "read_by_infer",
    "read_part",
    "reconstruct",
    "row_terms",
    "sample",
    "translate",
]
