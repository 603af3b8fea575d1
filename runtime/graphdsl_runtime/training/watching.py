"""What a run is warned of: numbers that no longer mean what they are read as."""

from __future__ import annotations

__all__ = ["WARNINGS", "Remark", "Watch"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphdsl_runtime import Objective
from graphdsl_runtime.critics import Critic
from graphdsl_runtime.training.metrics import Epoch

#: What each warning is about; docs/training.md says what it means and why it has its threshold.
WARNINGS = {
    "RUN21": "a rate has collapsed",
    "RUN22": "a critic has saturated",
    "RUN23": "an estimate of information is above what a batch can show",
}

_LEAST_RATE = 0.01  # nats of a row: I(x; z) is at most the rate
_SUREST = 5.0  # nats: the logistic gradient of such a score is less than 1 % of that at 0
_MARGIN = 0.1  # nats below log B
_EPOCHS = 3  # in a row: one epoch may be chance
_FIRST = 5  # a rate often starts near 0, and rises


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning: its code, the term or the critic, and what it means."""

    code: str
    place: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.code}  {self.place}: {self.meaning}"


class Watch:
    """Looks at the epochs of a run, and remarks on each term, and each critic, once.

    >>> collapsed = [Epoch(number=k, train={"rate_z": 1e-4}, held_out={}) for k in range(1, 8)]
    >>> watch = Watch(Objective(), batch_size=32)
    >>> [[one.code for one in watch.remarks(collapsed[:k])] for k in (4, 6, 7)]
    [[], [], ['RUN21']]
    """

    def __init__(self, objective: Objective, batch_size: int) -> None:
        self._ceiling = math.log(batch_size)
        self._scores = {
            name: _Scores(part)
            for name, part in objective.named_modules()
            if isinstance(part, Critic)
        }
        self._sure = dict.fromkeys(self._scores, 0)  # epochs in a row
        self._given: set[tuple[str, str]] = set()

    def release(self) -> None:
        """Leave the critics as they were."""
        for scores in self._scores.values():
            scores.hook.remove()

    def remarks(self, history: Sequence[Epoch]) -> list[Remark]:
        """Give what is new since the epoch before."""
        remarked = [*self._collapsed(history), *self._meaningless(history), *self._saturated()]
        new = [one for one in remarked if (one.code, one.place) not in self._given]
        self._given |= {(one.code, one.place) for one in new}
        return new

    def _collapsed(self, history: Sequence[Epoch]) -> list[Remark]:
        return [
            Remark(
                "RUN21",
                term,
                f"below {_LEAST_RATE:g} nats for {_EPOCHS} epochs: q tells almost nothing that p "
                "does not, so the latent carries no information (posterior collapse). Lower the "
                "weight of the rate, ramp it up, or weaken the decoder",
            )
            for term in _terms(history, "rate_", after=_FIRST - 1)
            if all(abs(epoch.train[term]) < _LEAST_RATE for epoch in history[-_EPOCHS:])
        ]

    def _meaningless(self, history: Sequence[Epoch]) -> list[Remark]:
        ceiling = self._ceiling
        return [
            Remark(
                "RUN23",
                term,
                f"above {ceiling - _MARGIN:.2f} nats for {_EPOCHS} epochs, where a batch can show "
                f"no more than its log, {ceiling:.2f}: a bound cannot rise further, and an "
                "estimate is ruled by its bias. Raise --batch-size, or read it as `large` alone",
            )
            for prefix in ("information_", "total_correlation_")
            for term in _terms(history, prefix)
            if all(epoch.train[term] > ceiling - _MARGIN for epoch in history[-_EPOCHS:])
        ]

    def _saturated(self) -> list[Remark]:
        remarked = []
        for name, scores in self._scores.items():
            spread = scores.spread()
            self._sure[name] = self._sure[name] + 1 if spread > _SUREST else 0
            if self._sure[name] >= _EPOCHS:
                remarked.append(
                    Remark(
                        "RUN22",
                        name,
                        f"its scores spread by more than {_SUREST:g} nats for {_EPOCHS} epochs: it "
                        "tells its two samples apart almost surely, the gradient through it "
                        "vanishes, and its ratio is no longer estimated. Lower its --player-rate, "
                        "or penalise its slope (`r1`)",
                    )
                )
        return remarked


class _Scores:
    """The spread of all scores that a critic gave in an epoch.

    A shift of all scores is no matter to a Donsker-Varadhan critic, so it is not the size that
    counts; a logistic critic that is sure of both its samples has scores far on either side of 0.
    """

    def __init__(self, critic: nn.Module) -> None:
        self._sums: Tensor | None = None
        self.hook = critic.register_forward_hook(self._look)

    def _look(self, critic: nn.Module, given: object, scores: Tensor) -> None:
        if critic.training and not torch.compiler.is_compiling():
            seen = scores.detach().double()
            sums = torch.stack((seen.new_tensor(seen.numel()), seen.sum(), seen.square().sum()))
            self._sums = sums if self._sums is None else self._sums + sums

    def spread(self) -> float:
        """Give the standard deviation since it was last asked for."""
        if self._sums is None:
            return 0.0
        count, total, squares = self._sums.tolist()
        self._sums = None
        return math.sqrt(max(squares / count - (total / count) ** 2, 0.0))


def _terms(history: Sequence[Epoch], prefix: str, after: int = 0) -> list[str]:
    """The terms of that kind, once there are enough epochs to speak of."""
    if len(history) < after + _EPOCHS:
        return []
    return [term for term in history[-1].train if term.startswith(prefix)]
