"""Where a run begins: anew, from a checkpoint of its own, or with the weights of another run."""

from __future__ import annotations

__all__ = ["start_of", "terms_of", "warm_start", "weights_digest"]

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from graphdsl_files import TrainingSettings, present, visible
from graphdsl_runtime import Losses, Objective
from graphdsl_runtime.model_file import checkpoint_in
from graphdsl_runtime.saving import read_saved
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.data import FittedData
from graphdsl_runtime.training.errors import CannotResume, WrongSettings
from graphdsl_runtime.training.fitting import restore
from graphdsl_runtime.training.folder import complete_table, find_checkpoint
from graphdsl_runtime.training.older import load_older
from graphdsl_runtime.training.optimizers import rule_of
from graphdsl_runtime.training.seeds import seeded

_FEW = 8  # rows that every estimator can make do with
_SHOWN = 6  # differences that a message lists


def start_of(
    objective: Objective,
    terms: Sequence[str],
    settings: TrainingSettings,
    resume: Path | None,
    spec_hash: str,
) -> Checkpoint:
    """Give the state that a run begins in, which the objective is in then.

    Raises `CannotResume` for a checkpoint that is not of this objective, or has nothing left to do.
    """
    if resume is None:
        return Checkpoint.take(objective, {}, (), spec_hash)
    place = find_checkpoint(resume)
    checkpoint = load_older(place, objective) if place.is_file() else Checkpoint.load(place)
    done = len(checkpoint.history)
    if done >= settings.epochs:
        complete_table(place, checkpoint)
        asked = f"ask for more, such as --epochs {2 * done}"
        raise CannotResume(place, f"{done} epochs of {settings.epochs} are done: {asked}")
    there = list(checkpoint.history[-1].train)
    if there != list(terms):
        reason = f"its epochs have the terms {', '.join(there)}; expected {', '.join(terms)}"
        raise CannotResume(place, reason)
    if settings.stalls([epoch.held_out for epoch in checkpoint.history]):
        reason = f"`--early-stop {settings.early_stop}` ended it after epoch {done}"
        raise CannotResume(place, f"{reason}: ask for more --patience, or leave --early-stop out")
    restore(objective, checkpoint, spec_hash, place, rule_of(settings))
    return checkpoint


def terms_of(objective: Objective, data: FittedData) -> list[str]:
    """Name what every epoch has a mean of: the loss and its terms."""
    with seeded(0):
        losses: Losses = objective({name: rows[:_FEW] for name, rows in data.test.items()})
    return ["loss", *losses.terms]


@torch.no_grad()
def warm_start(objective: Objective, run: Path) -> None:
    """Give the networks of an objective the weights of a run, of its best epoch if it has one.

    Names and shapes have to be the same; parameters of the spec, such as a weight, and statistics
    of the data are the new run's own. Networks that only the other run has are left out.
    Raises `CannotLoad`, and `WrongSettings` with the weights that differ.
    """
    saved = read_saved(_saved_model(run))
    differences = []
    parameters = dict(objective.named_parameters(remove_duplicate=False))
    for name, parameter in parameters.items():
        there = saved.weights.get(name)
        if there is None:
            differences.append(f"it has no `{name}`")
        elif there.shape != parameter.shape:
            shapes = f"{tuple(there.shape)}; expected {tuple(parameter.shape)}"
            differences.append(f"`{name}` has the shape {shapes}")
        elif not there.isfinite().all():
            differences.append(f"`{name}` is not finite")
    if differences:
        more = len(differences) - _SHOWN
        listed = differences[:_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        name = visible(str(run), keep="")
        reason = f"`--init {name}` is of other networks:\n        " + "\n        ".join(listed)
        raise WrongSettings([("RUN02", reason)])
    for name, parameter in parameters.items():
        parameter.copy_(saved.weights[name])


def weights_digest(run: Path) -> str:
    """Give the SHA-256 of the weights that `warm_start` takes.  Raises `CannotLoad`."""
    place = _saved_model(run)
    read_saved(place)  # it says what is wrong, if anything is
    return hashlib.sha256((present(place) / "weights.safetensors").read_bytes()).hexdigest()


def _saved_model(run: Path) -> Path:
    """Find the saved model that a folder is or holds."""
    return checkpoint_in(run) or run
