"""The Lightning side of training: the one module that imports it, and is imported only to train."""

from __future__ import annotations

__all__ = ["Ending", "Listener", "Loop"]

import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from types import FrameType
from typing import Literal, NoReturn, Protocol, TypeAlias

import torch
import torch._functorch.config
from lightning.pytorch import LightningModule
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from graphdsl_files import TrainingSettings
from graphdsl_runtime import Batch, Losses, Meaningless, Noise, Objective, alone, cool, due, play
from graphdsl_runtime.meaning import refuse_meaningless
from graphdsl_runtime.ranks import of_all_ranks
from graphdsl_runtime.structures import moving
from graphdsl_runtime.training.batches import Batches, Share
from graphdsl_runtime.training.checkpoint import Checkpoint, OptimizerState
from graphdsl_runtime.training.data import FittedData
from graphdsl_runtime.training.errors import Diverged
from graphdsl_runtime.training.loggers import log_epoch
from graphdsl_runtime.training.metrics import Epoch, Mean
from graphdsl_runtime.training.noise import SharedNoise
from graphdsl_runtime.training.optimizers import make_optimizers, rate_at
from graphdsl_runtime.training.processes import leave_group
from graphdsl_runtime.training.seeds import seed_for
from graphdsl_runtime.training.trainer import interruptible, make_trainer, out_of_time, silenced

# What a stream of random numbers is for; the epoch follows, where it matters.
_TRAINING, _ORDER, _HELD_OUT = range(3)


#: Why a run ended.
Ending: TypeAlias = Literal["epochs", "early stop", "max time", "interrupted"]


class Listener(Protocol):
    """Who hears how a run gets on."""

    def batch_done(self) -> None:
        """Hear that a batch of training is done."""

    def epoch_done(self, checkpoint: Checkpoint) -> None:
        """Hear that an epoch is done, its held-out loss included."""


class Loop(LightningModule):
    """Train an objective, each player on its own loss, from a checkpoint on.

    Raises `WrongSettings` for devices that are not there.
    """

    def __init__(
        self,
        objective: Objective,
        data: FittedData,
        settings: TrainingSettings,
        start: Checkpoint,
        spec_hash: str = "",
        loggers: Sequence[Logger] = (),
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # several players take their steps side by side
        self.objective = objective
        self.last = start  #: the last epoch that came to a good end
        self._data, self._settings = data, settings
        self._spec_hash, self._loggers = spec_hash, tuple(loggers)
        self._batches = 0
        self._terminated = False
        self._optimizers: dict[str, Optimizer] = {}
        self._rates: dict[str, float] = {}  # as they are without schedule
        # The noise is torch's own, as without compilation: `--compile` changes no draw of a run.
        module = (
            torch.compile(objective, options={"fallback_random": True})
            if settings.compile
            else objective
        )
        self._compute: Callable[[Batch, Noise | None], Losses] = partial(nn.Module.__call__, module)
        self._train, self._held_out = Mean(), Mean()
        self._noise: SharedNoise | None = None  #: of the epoch, where there are several processes
        with silenced():
            self._planned = make_trainer(settings, settings.epochs - len(start.history), loggers)

    def run(self, listener: Listener) -> Ending:
        """Train as planned, and say why it ended; Ctrl-C interrupts it.

        Raises `Diverged`, and `SystemExit` after SIGTERM; ``last`` is good in any case.
        """
        self._listener, trainer = listener, self._planned
        with torch.random.fork_rng(), silenced(), interruptible():
            try:
                trainer.fit(self)
            except (KeyboardInterrupt, SystemExit):
                # Lightning turns the first into the second, once it has cleaned up.
                if trainer.received_sigterm or self._terminated:
                    raise SystemExit(128 + signal.SIGTERM) from None
                if not trainer.interrupted:
                    raise
                return "interrupted"
            finally:
                # Lightning takes the weights back to the CPU; what follows may want to be fast.
                self.objective.to(trainer.strategy.root_device)
                leave_group()
        if len(self.last.history) == self._settings.epochs:
            return "epochs"
        return "max time" if out_of_time(trainer) else "early stop"

    # What Lightning calls.

    def configure_optimizers(self) -> list[Optimizer]:
        """Give every player an optimiser, in the state in which the checkpoint left it."""
        self._optimizers = make_optimizers(self.objective, self._settings)
        for player, optimizer in self._optimizers.items():
            self._rates[player] = optimizer.param_groups[0]["lr"]
            self._restore(optimizer, self.last.optimizers.get(player, {}))
        return list(self._optimizers.values())

    def on_fit_start(self) -> None:
        """Bring all rows to where the weights are, unless workers read them: no batch travels."""
        if not self._settings.workers:
            self._data = FittedData(
                train={name: rows.to(self.device) for name, rows in self._data.train.items()},
                test={name: rows.to(self.device) for name, rows in self._data.test.items()},
            )
        for one in self.objective.state_dict().values():
            of_all_ranks(one)

    def on_train_start(self) -> None:
        """Of several processes, let SIGTERM end each by itself."""
        if self.trainer.world_size > 1 and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: FrameType | None) -> NoReturn:
        """End this process, and those that it has started.

        Lightning's own handler waits for all others to have come to the same call, for ever where
        they did not get the signal.
        """
        self._terminated = True
        if self.trainer.strategy.launcher is not None:
            self.trainer.strategy.launcher.kill(signal.SIGKILL)
        raise SystemExit(128 + signal.SIGTERM)

    def train_dataloader(self) -> Iterable[Batch]:
        """Shuffle the training rows for the coming epoch."""
        generator = torch.Generator().manual_seed(self._seed(_ORDER, self._epoch))
        order = torch.randperm(_count(self._data.train), generator=generator)
        share = Share(rank=self.global_rank, of=self.trainer.world_size)
        batches = Batches(self._data.train, order, self._settings.batch_size, share)
        self._batches = len(batches)
        return self._loader(batches)

    def val_dataloader(self) -> Iterable[Batch]:
        """Take the held-out rows in their own order."""
        order = torch.arange(_count(self._data.test))
        return self._loader(Batches(self._data.test, order, self._settings.batch_size))

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's stream of random numbers."""
        seed, own = self._seed(_TRAINING, self._epoch), self.global_rank + 1
        distributed = self.trainer.world_size > 1
        torch.manual_seed(self._seed(_TRAINING, self._epoch, own) if distributed else seed)
        self._noise = SharedNoise(self.objective, seed, self.device) if distributed else None
        self._train = Mean()

    def training_step(self, batch: Batch, index: int) -> None:
        """Let every player whose turn it is take a step on its own loss."""
        step = (self._epoch - 1) * self._batches + index
        progress = step / (self._settings.epochs * self._batches)
        self.objective.advance(step)
        cool(self.objective, progress)
        factor = rate_at(self._settings, progress, (step + 1) / self._batches)
        for player, optimizer in self._optimizers.items():
            optimizer.param_groups[0]["lr"] = factor * self._rates[player]
        # A graph that torch compiles in here keeps its memory until every player has been through.
        keeping = torch._functorch.config.patch(donated_buffer=False)  # torch's own word for it
        with keeping if self._settings.compile else nullcontext():
            noise = None if self._noise is None else self._noise.of(_count(batch))
            losses = self._losses(batch, noise)
            self._train.add(losses, _count(batch))
            playing = moving(due(self._optimizers, self.objective.turns, step), progress)
            play(
                losses,
                {player: self._optimizers[player] for player in playing},
                self._settings.clip,
            )
        self._listener.batch_done()

    def on_validation_epoch_start(self) -> None:
        """Begin the held-out stream: every epoch is measured with the same noise."""
        torch.manual_seed(self._seed(_HELD_OUT))
        self._held_out = Mean()

    def validation_step(self, batch: Batch, index: int) -> None:
        """Measure the objective on held-out rows: each process on all of them, to the same bits."""
        with alone():
            self._held_out.add(self._losses(batch), _count(batch))

    def on_train_epoch_end(self) -> None:
        """Keep what the epoch came to; Lightning has measured the held-out rows by now."""
        train, held_out = self._train.over_ranks().values(), self._held_out.values()
        epoch = Epoch(number=self._epoch, train=train, held_out=held_out)
        checkpoint = Checkpoint.take(
            self.objective,
            self._optimizers,
            (*self.last.history, epoch),
            self._spec_hash,
            self._best(epoch),
        )
        self._listener.epoch_done(checkpoint)
        for logger in self._loggers:
            log_epoch(logger, epoch)
        self.last = checkpoint
        if self._settings.stalls([one.held_out for one in checkpoint.history]):
            self.trainer.should_stop = True

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
        if not self.objective.settled or not self._optimizers.keys() <= {"model", "structure"}:
            return so_far
        if so_far is None:
            return epoch.number
        lowest = self.last.history[so_far - 1].held_out["loss"]
        return epoch.number if epoch.held_out["loss"] < lowest else so_far

    def _loader(self, batches: Batches) -> Iterable[Batch]:
        """Let workers read batches ahead, where there are to be some; the batches are the same."""
        workers = self._settings.workers
        pinned = self.device.type == "cuda"
        if not workers:
            return batches.on(self.device)
        return DataLoader(batches, batch_size=None, num_workers=workers, pin_memory=pinned)

    def _restore(self, optimizer: Optimizer, state: OptimizerState) -> None:
        """Give an optimiser the state of a checkpoint that was found to fit."""
        names = {id(parameter): name for name, parameter in self.objective.named_parameters()}
        (group,) = optimizer.param_groups
        entries = {
            place: {entry: value.clone() for entry, value in state[names[id(one)]].items()}
            for place, one in enumerate(group["params"])
            if names[id(one)] in state
        }
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": entries, "param_groups": groups})

    def _seed(self, *purpose: int) -> int:
        return seed_for(self._settings.seed, *purpose)

    def _losses(self, batch: Batch, noise: Noise | None = None) -> Losses:
        try:
            losses = self._compute(batch, noise)
            refuse_meaningless(self.objective, batch, losses)
        except Meaningless as problem:
            self.objective.check(batch)  # it names what is wrong with the data, if that is wrong
            raise Diverged(
                problem.term,
                problem.value,
                epoch=self._epoch,
                learning_rate=self._settings.learning_rate,
                because=problem.because if problem.variable else "",
            ) from None
        return losses


def _count(batch: Batch) -> int:
    return len(next(iter(batch.values())))
