"""The Lightning side of training: the one module that imports it, and is imported only to train."""

from __future__ import annotations

__all__ = ["Listener", "Loop", "Plan"]

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from lightning.pytorch import LightningModule, Trainer
from torch.optim import Adam

from graphdsl_runtime import Batch, Losses, Meaningless, Objective, cool, due, play
from graphdsl_runtime.meaning import refuse_meaningless
from graphdsl_runtime.structures import EDGE_RATE, moving
from graphdsl_runtime.training.batches import Batches
from graphdsl_runtime.training.checkpoint import Checkpoint, OptimizerState
from graphdsl_runtime.training.data import FittedData
from graphdsl_runtime.training.errors import Diverged
from graphdsl_runtime.training.metrics import Epoch, Mean
from graphdsl_runtime.training.seeds import seed_for

# What a stream of random numbers is for; the epoch follows, where it matters.
_TRAINING, _ORDER, _HELD_OUT = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to do."""

    epochs: int  #: in all, those of the checkpoint included
    batch_size: int
    learning_rate: float
    seed: int
    accelerator: str  #: in Lightning's words: "auto", "cpu", "gpu"
    spec_hash: str


class Listener(Protocol):
    """Who hears how a run gets on."""

    def batch_done(self) -> None:
        """Hear that a batch of training is done."""

    def epoch_done(self, checkpoint: Checkpoint) -> None:
        """Hear that an epoch is done, its held-out loss included."""


class Loop(LightningModule):
    """Train an objective, each player on its own loss, from a checkpoint on."""

    def __init__(
        self,
        objective: Objective,
        data: FittedData,
        plan: Plan,
        start: Checkpoint,
        listener: Listener,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # several players take their steps side by side
        self.objective = objective
        self.last = start  #: the last epoch that came to a good end
        self._data, self._plan, self._listener = data, plan, listener
        self._adams: dict[str, Adam] = {}
        self._train, self._held_out = Mean(), Mean()

    def run(self) -> bool:
        """Train as planned, and say whether it came to the end or was interrupted (Ctrl-C).

        Raises `Diverged`, and `SystemExit` after SIGTERM; ``last`` is good in any case.
        """
        with torch.random.fork_rng(), _silence(), _interrupts():
            trainer = Trainer(
                accelerator=self._plan.accelerator,
                devices=1,
                max_epochs=self._plan.epochs - len(self.last.history),
                reload_dataloaders_every_n_epochs=1,  # every epoch has its own order
                num_sanity_val_steps=0,
                inference_mode=False,  # penalties on gradients are terms like any other
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            try:
                trainer.fit(self)
            except (KeyboardInterrupt, SystemExit):
                # Lightning turns the first into the second, once it has cleaned up.
                if trainer.received_sigterm:
                    raise SystemExit(128 + signal.SIGTERM) from None
                if not trainer.interrupted:
                    raise
                return False
            finally:
                # Lightning takes the weights back to the CPU; what follows may want to be fast.
                self.objective.to(trainer.strategy.root_device)
        return True

    # What Lightning calls.

    def configure_optimizers(self) -> list[Adam]:
        """Give every player an optimiser, in the state in which the checkpoint left it."""
        rate = self._plan.learning_rate
        for player, parameters in self.objective.parameter_groups().items():
            trained = [parameter for parameter in parameters if parameter.requires_grad]
            own = rate * EDGE_RATE if player == "structure" else rate
            adam = Adam(trained, lr=own, fused=True)
            self._restore(adam, self.last.optimizers.get(player, {}))
            self._adams[player] = adam
        return list(self._adams.values())

    def on_fit_start(self) -> None:
        """Bring all rows to where the weights are: then no batch has to travel."""
        self._data = FittedData(
            train={name: rows.to(self.device) for name, rows in self._data.train.items()},
            test={name: rows.to(self.device) for name, rows in self._data.test.items()},
        )

    def train_dataloader(self) -> Batches:
        """Shuffle the training rows for the coming epoch."""
        generator = torch.Generator().manual_seed(self._seed(_ORDER, self._epoch))
        order = torch.randperm(_count(self._data.train), generator=generator)
        return Batches(self._data.train, order.to(self.device), self._plan.batch_size)

    def val_dataloader(self) -> Batches:
        """Take the held-out rows in their own order."""
        order = torch.arange(_count(self._data.test), device=self.device)
        return Batches(self._data.test, order, self._plan.batch_size)

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's stream of random numbers."""
        torch.manual_seed(self._seed(_TRAINING, self._epoch))
        self._train = Mean()

    def training_step(self, batch: Batch, index: int) -> None:
        """Let every player whose turn it is take a step on its own loss."""
        batches = -(-_count(self._data.train) // self._plan.batch_size)
        step = (self._epoch - 1) * batches + index
        progress = step / (self._plan.epochs * batches)
        self.objective.advance(step)
        cool(self.objective, progress)
        losses = self._losses(batch)
        self._train.add(losses, _count(batch))
        playing = moving(due(self._adams, self.objective.turns, step), progress)
        play(losses, {player: self._adams[player] for player in playing})
        self._listener.batch_done()

    def on_validation_epoch_start(self) -> None:
        """Begin the held-out stream: every epoch is measured with the same noise."""
        torch.manual_seed(self._seed(_HELD_OUT))
        self._held_out = Mean()

    def validation_step(self, batch: Batch, index: int) -> None:
        """Measure the objective on held-out rows."""
        self._held_out.add(self._losses(batch), _count(batch))

    def on_train_epoch_end(self) -> None:
        """Keep what the epoch came to; Lightning has measured the held-out rows by now."""
        train, held_out = self._train.values(), self._held_out.values()
        epoch = Epoch(number=self._epoch, train=train, held_out=held_out)
        checkpoint = Checkpoint.take(
            self.objective,
            self._adams,
            (*self.last.history, epoch),
            self._plan.spec_hash,
            self._best(epoch),
        )
        self._listener.epoch_done(checkpoint)
        self.last = checkpoint

    # What those are written in.

    @property
    def _epoch(self) -> int:
        return len(self.last.history) + 1

    def _best(self, epoch: Epoch) -> int | None:
        """The epoch of the lowest held-out loss, this one included.

        The losses of several epochs compare where one player minimises one loss: not in a game, and
        not before the weights that move have come to their end.
        """
        so_far = self.last.best
        if not self.objective.settled or not self._adams.keys() <= {"model", "structure"}:
            return so_far
        if so_far is None:
            return epoch.number
        lowest = self.last.history[so_far - 1].held_out["loss"]
        return epoch.number if epoch.held_out["loss"] < lowest else so_far

    def _restore(self, adam: Adam, state: OptimizerState) -> None:
        """Give an optimiser the state of a checkpoint that was found to fit."""
        names = {id(one): name for name, one in self.objective.named_parameters()}
        (group,) = adam.param_groups
        entries = {
            place: {entry: value.clone() for entry, value in state[names[id(one)]].items()}
            for place, one in enumerate(group["params"])
            if names[id(one)] in state
        }
        adam.load_state_dict({"state": entries, "param_groups": adam.state_dict()["param_groups"]})

    def _seed(self, *purpose: int) -> int:
        return seed_for(self._plan.seed, *purpose)

    def _losses(self, batch: Batch) -> Losses:
        try:
            losses: Losses = self.objective(batch)
            refuse_meaningless(self.objective, batch, losses)
        except Meaningless as problem:
            self.objective.check(batch)  # it names what is wrong with the data, if that is wrong
            raise Diverged(
                problem.term,
                problem.value,
                epoch=self._epoch,
                learning_rate=self._plan.learning_rate,
                because=problem.because if problem.variable else "",
            ) from None
        return losses


def _count(batch: Batch) -> int:
    return len(next(iter(batch.values())))


@contextmanager
def _silence() -> Iterator[None]:
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
def _interrupts() -> Iterator[None]:
    """Let Ctrl-C work on afterwards: once it has stopped a run, Lightning ignores it for good."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
