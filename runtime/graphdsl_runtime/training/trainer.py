"""Lightning's trainer, as the settings of a run ask for it."""

from __future__ import annotations

__all__ = ["interruptible", "make_trainer", "silenced"]

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy

from graphdsl_files import TrainingSettings
from graphdsl_runtime.training.errors import WrongSettings


class Copies(DDPStrategy):
    """A copy of the model in each process, whose players average their own gradients.

    DistributedDataParallel averages the gradients of one loss; here each player steps on its own,
    and `graphdsl_runtime.play` averages those.
    """

    def configure_ddp(self) -> None:
        """Leave the model as it is."""


def make_trainer(settings: TrainingSettings, epochs: int) -> Trainer:
    """Make a trainer for so many epochs.  Raises `WrongSettings` for devices that are not there."""
    processes = settings.devices * settings.nodes
    _refuse_wrong_strategy(settings, processes)
    try:
        return Trainer(
            accelerator=settings.device,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy=Copies() if processes > 1 or settings.strategy == "ddp" else "auto",
            max_epochs=epochs,
            use_distributed_sampler=False,  # each process takes its rows itself
            reload_dataloaders_every_n_epochs=1,  # every epoch has its own order
            num_sanity_val_steps=0,
            inference_mode=False,  # penalties on gradients are terms like any other
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as problem:
        said = " ".join(str(problem).split())[:300]
        raise WrongSettings(f"Lightning cannot train on these devices: {said}") from None


def _refuse_wrong_strategy(settings: TrainingSettings, processes: int) -> None:
    if settings.strategy == "fsdp":
        there = "there is none" if not torch.cuda.is_available() else "this version has no support"
        raise WrongSettings(
            f"`--strategy fsdp` shards a model over CUDA GPUs, and {there}: write --strategy ddp"
        )
    if settings.batch_size < processes:
        raise WrongSettings(
            f"`--batch-size` is {settings.batch_size}, and {processes} processes share each batch: "
            f"write --batch-size {processes} or more"
        )


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
