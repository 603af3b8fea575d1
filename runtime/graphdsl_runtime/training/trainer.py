"""Lightning's trainer, as the settings of a run ask for it."""

from __future__ import annotations

__all__ = ["interruptible", "make_trainer", "out_of_time", "silenced"]

import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.callbacks.timer import Interval
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy

from graphdsl_files import TrainingSettings
from graphdsl_runtime.training.errors import WrongSettings
from graphdsl_runtime.training.stopping import duration


class Copies(DDPStrategy):
    """A copy of the model in each process, whose players average their own gradients.

    DistributedDataParallel averages the gradients of one loss; here each player steps on its own,
    and `graphdsl_runtime.play` averages those.
    """

    def configure_ddp(self) -> None:
        """Leave the model as it is."""


def make_trainer(settings: TrainingSettings, epochs: int, loggers: Sequence[Logger]) -> Trainer:
    """Make a trainer for so many epochs.  Raises `WrongSettings` for devices that are not there."""
    processes = settings.devices * settings.nodes
    try:
        return Trainer(
            accelerator=settings.device,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy=Copies() if processes > 1 or settings.strategy == "ddp" else "auto",
            precision=settings.precision,
            max_epochs=epochs,
            callbacks=_timers(settings),
            use_distributed_sampler=False,  # each process takes its rows itself
            reload_dataloaders_every_n_epochs=1,  # every epoch has its own order
            num_sanity_val_steps=0,
            inference_mode=False,  # penalties on gradients are terms like any other
            logger=[*loggers],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:300]
        message = f"Lightning cannot train on these devices: {reason}"
        raise WrongSettings([("RUN03", message)]) from None


def out_of_time(trainer: Trainer) -> bool:
    """Say whether the time of a run has passed."""
    timers = [callback for callback in trainer.callbacks if isinstance(callback, Timer)]  # type: ignore[attr-defined]  # Lightning sets it unseen
    return any((timer.time_remaining() or 0.0) <= 0.0 for timer in timers)


def _timers(settings: TrainingSettings) -> list[Callback]:
    """The timer of a run that has so much time, which looks at the end of each epoch."""
    time = duration(settings.max_time or "")
    return [] if time is None else [Timer(time, interval=Interval.epoch, verbose=False)]


@contextmanager
def silenced() -> Iterator[None]:
    """Keep Lightning's own chatter down."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C work on afterwards: once it has stopped a run, Lightning ignores it for good."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
