"""An objective as a LightningModule, for who has a Trainer and data modules of their own."""

from __future__ import annotations

__all__ = ["LightningObjective"]


from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch.optim import Optimizer

from graphdsl_files import TrainingSettings
from graphdsl_runtime import Batch, Losses, Objective, cool, due, play
from graphdsl_runtime.structures import moving
from graphdsl_runtime.training.optimizers import make_optimizers, rate_at


class LightningObjective(LightningModule):
    """An objective that a Lightning Trainer fits: a step of each player whose turn it is.

    Batches are what the objective takes: a mapping from names of variables to tensors. It logs the
    loss and each term, as ``train/loss`` and ``held_out/loss``, in nats. Of the settings it takes
    those of the optimiser, its rates and its clipping; all others are the Trainer's. Call
    `Objective.standardise` and set `Objective.rows` first, as `graphdsl train` does.

    Lightning's own checkpoints are pickles: open none of a stranger's. `Objective.save` writes a
    saved model.

    >>> import torch
    >>> from lightning.pytorch import Trainer
    >>> from torch.utils.data import DataLoader
    >>> class Mean(Objective):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.level = torch.nn.Parameter(torch.zeros(()))
    ...
    ...     def forward(self, batch, noise=None):
    ...         return Losses((batch["x"] - self.level).square().mean(), {})
    >>> module = LightningObjective(Mean(), TrainingSettings(optimizer="sgd", learning_rate=0.25))
    >>> rows = DataLoader([{"x": torch.ones(())} for _ in range(4)], batch_size=4)
    >>> trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, barebones=True)
    >>> trainer.fit(module, rows)
    >>> module.objective.level.item()
    0.5
    """

    def __init__(
        self,
        objective: Objective,
        settings: TrainingSettings = TrainingSettings(),  # noqa: B008  # it is frozen
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # several players take their steps side by side
        self.objective = objective
        self.settings = settings
        self._rates: list[float] = []  # as they are without schedule
        self._step = 0

    def forward(self, batch: Batch) -> Losses:
        """Compute the objective on a batch."""
        losses: Losses = self.objective(batch)
        return losses

    def configure_optimizers(self) -> list[Optimizer]:
        """Give every player an optimiser."""
        optimizers = list(make_optimizers(self.objective, self.settings).values())
        self._rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
        return optimizers

    def training_step(self, batch: Batch, index: int) -> None:
        """Let every player whose turn it is take a step on its own loss."""
        batches = max(1, int(self.trainer.num_training_batches))
        progress = min(1.0, self._step / (batches * max(1, self.trainer.max_epochs or 1)))
        self.objective.advance(self._step)
        cool(self.objective, progress)
        factor = rate_at(self.settings, progress, (self._step + 1) / batches)
        players = dict(zip(self.objective.parameter_groups(), self._own_optimizers(), strict=True))
        for optimizer, rate in zip(players.values(), self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = factor * rate
        losses = self(batch)
        playing = moving(due(players, self.objective.turns, self._step), progress)
        play(losses, {player: players[player] for player in playing}, self.settings.clip)
        self._step += 1
        self._note("train", losses, batch)

    def validation_step(self, batch: Batch, index: int) -> None:
        """Measure the objective."""
        self._note("held_out", self(batch), batch)

    def on_save_checkpoint(self, checkpoint: dict[str, object]) -> None:
        """Keep the place of the step, which ramps and schedules follow."""
        checkpoint["graphdsl_step"] = self._step

    def on_load_checkpoint(self, checkpoint: dict[str, object]) -> None:
        """Go on from the place of the step."""
        step = checkpoint.get("graphdsl_step")
        self._step = step if isinstance(step, int) else 0

    def _own_optimizers(self) -> list[Optimizer]:
        """The optimisers, of which Lightning counts the steps."""
        each = self.optimizers()
        listed = each if isinstance(each, list) else [each]
        return [one.optimizer if isinstance(one, LightningOptimizer) else one for one in listed]

    def _note(self, part: str, losses: Losses, batch: Batch) -> None:
        rows = len(next(iter(batch.values())))
        means = {"loss": losses.loss, **losses.terms}
        named = {f"{part}/{term}": value.detach() for term, value in means.items()}
        self.log_dict(named, batch_size=rows, on_epoch=True, on_step=False, sync_dist=True)
