"""Lightning's loggers, for who looks at runs in a tool of their own."""

from __future__ import annotations

__all__ = ["LOGGERS", "log_epoch", "make_loggers", "refuse_wrong_loggers"]

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from graphdsl_files import TrainingSettings
from graphdsl_runtime.training.metrics import Epoch

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

#: By the names of `TrainingSettings.log`: the module each needs, and the package that has it.
LOGGERS = {
    "csv": None,  # `metrics.csv`, which every run has
    "tensorboard": ("tensorboard", "tensorboard"),
    "wandb": ("wandb", "wandb"),
    "mlflow": ("mlflow", "mlflow"),
}


def refuse_wrong_loggers(settings: TrainingSettings) -> Iterator[tuple[str, str]]:
    """Find loggers that are unknown, or whose library is not installed."""
    for name in dict.fromkeys(settings.log):
        if name not in LOGGERS:
            yield "RUN01", f"`--log {name}`: the loggers are {', '.join(LOGGERS)}"
            continue
        needed = LOGGERS[name]
        if needed is not None and find_spec(needed[0]) is None:
            yield (
                "RUN04",
                f"`--log {name}` needs a library that is not installed: pip install {needed[1]}",
            )


def make_loggers(settings: TrainingSettings, folder: Path) -> list[Logger]:
    """Make the loggers of a run, which write below its folder."""
    from lightning.pytorch import loggers

    chosen: list[Logger] = []
    for name in dict.fromkeys(settings.log):
        match name:
            case "tensorboard":
                chosen.append(loggers.TensorBoardLogger(folder, name="tensorboard"))
            case "wandb":
                chosen.append(
                    loggers.WandbLogger(name=folder.name, save_dir=folder, log_model=False)
                )
            case "mlflow":
                place = (folder / "mlflow").absolute().as_uri()
                chosen.append(loggers.MLFlowLogger(run_name=folder.name, tracking_uri=place))
    return chosen


def log_epoch(logger: Logger, epoch: Epoch) -> None:
    """Log an epoch's means, under the names of `metrics.csv`."""
    means = {f"train/{name}": value for name, value in epoch.train.items()}
    means |= {f"held_out/{name}": value for name, value in epoch.held_out.items()}
    logger.log_metrics(means, step=epoch.number)
    logger.save()
