"""What `--data` and its companions name: rows that fit a spec's variables."""

from __future__ import annotations

__all__ = [
    "IMAGES",
    "DataOptions",
    "read_rows",
    "refuse_other_data",
    "setting_of_drop_incomplete",
    "setting_of_maps",
]

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphdsl_files import TooLarge, read_at_most, setting

if TYPE_CHECKING:
    from graphdsl_runtime import Variable
    from graphdsl_runtime.data import Prepared
    from graphdsl_runtime.training import DataSet

#: What two records must agree on, for one run to go on where the other stopped.
_READ_AS = ("columns", "classes", "rows", "split")
_MOST = 2**24  # bytes of a record
_SHOWN = 200  # letters of it in a message

#: Sets of images that have pictures of their own, and whose views go to variables in order.
IMAGES = ("digits", "digits-halves", "mnist", "mnist-halves")


#: Settings that training has in common with what uses a trained model.
setting_of_maps = partial(
    setting,
    (),
    "Columns of a variable, such as x=gene_*,age or x=first..last.",
    option="map",
    metavar="NAME=COLUMNS",
)
setting_of_drop_incomplete = partial(
    setting, False, "Leave out rows that lack what every row needs."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """How a source is read."""

    maps: tuple[str, ...] = setting_of_maps()
    held_out: float | None = setting(None, "The fraction of rows, or groups. [0.2]")
    split: str | None = setting(None, "random, last, group:COLUMN or column:COLUMN.")
    split_seed: int = setting(0, "Seed of a random split.", low=0)
    drop_incomplete: bool = setting_of_drop_incomplete()
    validation: float = setting(
        0.0,
        "Choose best/ by this fraction of the training rows; held-out rows stay unseen.",
        low=0,
        below=1,
    )

    @property
    def plain(self) -> bool:
        """Whether nothing is asked for, but perhaps rows that validate."""
        return replace(self, validation=0.0) == DataOptions()


def read_rows(
    source: str, variables: Sequence[Variable], options: DataOptions
) -> DataSet | Prepared:
    """Read a source, check every field, and split its rows.  Raises `TrainingError`."""
    from graphdsl_runtime.data import Split, open_table, prepare
    from graphdsl_runtime.training import TrainingError, load_data

    kinds = {variable.kind for variable in variables if variable.role != "latent"}
    views: TrainingError | None = None
    if source.partition(":")[0] in IMAGES and kinds <= {"binary", "real"} and options.plain:
        try:
            images = load_data(source)
            images.fit_to(variables)
        except TrainingError as problem:
            views = problem
        else:
            return _validating(images, options.validation)
    chosen = options.held_out is not None or options.split_seed
    split = Split(
        by=options.split or ("random" if chosen else ""),
        fraction=0.2 if options.held_out is None else options.held_out,
        seed=options.split_seed,
        validation=options.validation,
    )
    try:
        return prepare(
            open_table(source),
            variables,
            maps=options.maps,
            split=split,
            drop_incomplete=options.drop_incomplete,
        )
    except TrainingError as problem:
        raise (views or problem) from None


def _validating(images: DataSet, fraction: float) -> DataSet:
    """Cut the rows that validate from those for training, if any are asked for."""
    from graphdsl_runtime.data import refused

    if not fraction:
        return images
    cut = images.validating(fraction)
    if not (len(cut.train) and len(cut.test)):
        said = f"{fraction:g} of each label leaves {len(cut.test)} rows, and {len(cut.train)}"
        raise refused("DATA12", "--validation", f"{said} to train on", "such as 0.2")
    return cut


def refuse_other_data(resume: Path, rows: DataSet | Prepared) -> None:
    """Refuse to go on with a run on data that are read in another way.  Raises `CannotResume`."""
    from graphdsl_runtime.training import CannotResume, DataSet, run_of

    run = run_of(resume)
    if run is None or not (run / "data.json").is_file():
        return
    try:
        known = json.loads(read_at_most(run / "data.json", _MOST))
        there = {key: known[key] for key in _READ_AS}
    except (OSError, TooLarge, ValueError, KeyError, TypeError, RecursionError):
        raise CannotResume(resume, "its `data.json` is no record of data") from None
    here = {} if isinstance(rows, DataSet) else json.loads(json.dumps(rows.record))
    for key in _READ_AS:
        if there[key] != here.get(key):
            said = [json.dumps(one)[:_SHOWN] for one in (there[key], here.get(key))]
            raise CannotResume(
                resume,
                f"its data were read in another way.\n  {key} in the run: {said[0]}\n"
                f"  {key} of these:   {said[1]}\n"
                "Take the data and the options of that run, or train anew without it",
            )
