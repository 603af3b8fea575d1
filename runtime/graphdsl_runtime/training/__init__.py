"""Training, for those who do not bring a loop of their own: data sets, epochs, tables, pictures.

The one room that may import Lightning, scikit-learn and matplotlib (the ``train`` extra), and that
only when they are needed. Nothing else in the runtime imports it.
"""

from graphdsl_files import TrainingSettings
from graphdsl_runtime.training.data import (
    DATA_NAMES,
    DataSet,
    FittedData,
    Layout,
    TrainingData,
    load_data,
)
from graphdsl_runtime.training.errors import (
    BadDataFile,
    CannotResume,
    CannotWrite,
    Diverged,
    MissingExtra,
    RunExists,
    SeesItsAnswer,
    TooFewLabels,
    TrainingError,
    UnknownData,
    WrongKind,
    WrongNumberOfValues,
    WrongNumberOfViews,
    WrongSettings,
)
from graphdsl_runtime.training.evaluate import (
    Translation,
    evaluate_translations,
    other_labels,
    translation_cost,
)
from graphdsl_runtime.training.folder import find_checkpoint, numbered, run_of
from graphdsl_runtime.training.metrics import Epoch
from graphdsl_runtime.training.pictures import draw_pictures
from graphdsl_runtime.training.processes import is_first_process
from graphdsl_runtime.training.starting import weights_digest
from graphdsl_runtime.training.summary import summarise
from graphdsl_runtime.training.train import Summary, train

__all__ = [
    "DATA_NAMES",
    "BadDataFile",
    "CannotResume",
    "CannotWrite",
    "DataSet",
    "Diverged",
    "Epoch",
    "FittedData",
    "Layout",
    "MissingExtra",
    "RunExists",
    "SeesItsAnswer",
    "Summary",
    "TooFewLabels",
    "TrainingData",
    "TrainingError",
    "TrainingSettings",
    "Translation",
    "UnknownData",
    "WrongKind",
    "WrongNumberOfValues",
    "WrongNumberOfViews",
    "WrongSettings",
    "draw_pictures",
    "evaluate_translations",
    "find_checkpoint",
    "is_first_process",
    "load_data",
    "numbered",
    "other_labels",
    "run_of",
    "summarise",
    "train",
    "translation_cost",
    "weights_digest",
]
