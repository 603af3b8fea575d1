"""Data of one's own: readers, the mapping of columns to variables, and the check of every field.

Every reader gives a `Table`, and `prepare` alone turns it into the rows of a spec's variables. The
one room that may import pandas, pyarrow, anndata, mudata, datasets and Pillow, and that only when
a file wants them. Nothing else in the runtime imports it.
"""

from graphdsl_runtime.data.errors import CODES, DataRefused, Finding, MissingLibrary, refused
from graphdsl_runtime.data.guess import Guess, Guesses, guess
from graphdsl_runtime.data.options import in_python
from graphdsl_runtime.data.prepare import Prepared, prepare
from graphdsl_runtime.data.read import SOURCES, open_table, runs_code
from graphdsl_runtime.data.recorded import ReadRows, read_batch
from graphdsl_runtime.data.split import Split
from graphdsl_runtime.data.table import Column, Table

__all__ = [
    "CODES",
    "SOURCES",
    "Column",
    "DataRefused",
    "Finding",
    "Guess",
    "Guesses",
    "MissingLibrary",
    "Prepared",
    "ReadRows",
    "Split",
    "Table",
    "guess",
    "in_python",
    "open_table",
    "prepare",
    "read_batch",
    "refused",
    "runs_code",
]
