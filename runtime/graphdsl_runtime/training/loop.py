"""The Lightning side of training: the one module that imports it, and is imported only to train."""

from __future__ import annotations

__all__ = ["Listener", "Loop"]

import signal
from typing import Protocol

import torch
from lightning.pytorch import LightningModule
from torch.optim import Adam

from graphdsl_files import TrainingSettings
from graphdsl_runtime import Batch, Losses, Meaningless, Objective, alone, cool, due, play
from graphdsl_runtime.meaning import refuse_meaningless
from graphdsl_runtime.ranks import of_all_ranks
from graphdsl_runtime.structures import EDGE_RATE, moving
from graphdsl_runtime.training.batches import Batches, Share
from graphdsl_runtime.training.checkpoint import Checkpoint, OptimizerState
from graphdsl_runtime.training.data import FittedData
from graphdsl_runtime.training.errors import Diverged
from graphdsl_runtime.training.metrics import Epoch, Mean
from graphdsl_runtime.training.processes import leave_group
from graphdsl_runtime.training.seeds import seed_for
from graphdsl_runtime.training.trainer import interruptible, make_trainer, silenced

# What a stream of random numbers is for; the epoch follows, where it matters.
_TRAINING, _ORDER, _HELD_OUT = range(3)


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
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # several players take their steps side by side
        self.objective = objective
        self.last = start  #: the last epoch that came to a good end
        self._data, self._settings = data, settings
        self._spec_hash = spec_hash
        self._batches = 0
        self._adams: dict[str, Adam] = {}
        self._train, self._held_out = Mean(), Mean()
        with silenced():
            self._planned = make_trainer(settings, settings.epochs - len(start.history))

    def run(self, listener: Listener) -> bool:
        """Train as planned, and say whether it came to the end or was interrupted (Ctrl-C).

        Raises `Diverged`, and `SystemExit` after SIGTERM; ``last`` is good in any case.
        """
        self._listener, trainer = listener, self._planned
        with torch.random.fork_rng(), silenced(), interruptible():
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
                leave_group()
        return True

    # What Lightning calls.

    def configure_optimizers(self) -> list[Adam]:
        """Give every player an optimiser, in the state in which the checkpoint left it."""
        rate = self._settings.learning_rate
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
        for one in self.objective.state_dict().values():
            of_all_ranks(one)

    def train_dataloader(self) -> Batches:
        """Shuffle the training rows for the coming epoch."""
        generator = torch.Generator().manual_seed(self._seed(_ORDER, self._epoch))
        order = torch.randperm(_count(self._data.train), generator=generator)
        share = Share(rank=self.global_rank, of=self.trainer.world_size)
        batches = Batches(self._data.train, order.to(self.device), self._settings.batch_size, share)
        self._batches = len(batches)
        return batches

    def val_dataloader(self) -> Batches:
        """Take the held-out rows in their own order."""
        order = torch.arange(_count(self._data.test), device=self.device)
        return Batches(self._data.test, order, self._settings.batch_size)

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's stream of random numbers."""
        rank = (self.global_rank,) if self.global_rank else ()
        torch.manual_seed(self._seed(_TRAINING, self._epoch, *rank))
        self._train = Mean()

    def training_step(self, batch: Batch, index: int) -> None:
        """Let every player whose turn it is take a step on its own loss."""
        step = (self._epoch - 1) * self._batches + index
        progress = step / (self._settings.epochs * self._batches)
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
        """Measure the objective on held-out rows: each process on all of them, to the same bits."""
        with alone():
            self._held_out.add(self._losses(batch), _count(batch))

    def on_train_epoch_end(self) -> None:
        """Keep what the epoch came to; Lightning has measured the held-out rows by now."""
        train, held_out = self._train.over_ranks().values(), self._held_out.values()
        epoch = Epoch(number=self._epoch, train=train, held_out=held_out)
        checkpoint = Checkpoint.take(
            self.objective,
            self._adams,
            (*self.last.history, epoch),
            self._spec_hash,
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
        return seed_for(self._settings.seed, *purpose)

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
                learning_rate=self._settings.learning_rate,
                because=problem.because if problem.variable else "",
            ) from None
        return losses


def _count(batch: Batch) -> int:
    return len(next(iter(batch.values())))
