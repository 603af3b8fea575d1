"""The warnings of a run: each comes once, at its threshold, and not before."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from graphdsl_runtime import Objective
from graphdsl_runtime.critics import Critic
from graphdsl_runtime.training import DataSet, TrainingSettings, train
from graphdsl_runtime.training.metrics import Epoch
from graphdsl_runtime.training.watching import Watch


class Game(Objective):
    """A critic alone, of one weight: its score is that weight times its input."""

    critics = ("critic",)

    def __init__(self, slope: float, shift: float = 0.0) -> None:
        super().__init__()
        self.critic = Critic([(1,)], hidden=())
        with torch.no_grad():
            weight, bias = self.critic.parameters()
            weight.fill_(slope)
            bias.fill_(shift)


def epochs(term: str, values: list[float]) -> list[Epoch]:
    return [Epoch(number=k, train={term: value}, held_out={}) for k, value in enumerate(values, 1)]


def codes(watch: Watch, history: list[Epoch]) -> list[list[str]]:
    """The codes of the remarks after each epoch."""
    counts = range(1, len(history) + 1)
    return [[one.code for one in watch.remarks(history[:count])] for count in counts]


@pytest.mark.parametrize(
    ("term", "values", "first"),
    [
        ("rate_z", [1e-3] * 8, 7),
        ("rate_z", [0.011] * 8, None),
        ("rate_z", [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 7),
        ("rate_z", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.6], None),
        ("reconstruction_x", [0.0] * 8, None),
        ("information_z_u", [math.log(32) - 0.09] * 4, 3),
        ("information_z_u", [math.log(32) - 0.11] * 4, None),
        ("total_correlation_z", [0.0, 9.0, 9.0, 9.0], 4),
        ("divergence_x", [9.0] * 4, None),
    ],
)
def test_a_term_is_remarked_on_once_after_three_epochs_beyond_its_threshold(
    term: str, values: list[float], first: int | None
) -> None:
    remarked = codes(Watch(Objective(), batch_size=32), epochs(term, values))
    assert [count for count, some in enumerate(remarked, 1) if some] == ([first] if first else [])


@pytest.mark.parametrize(
    ("slope", "shift", "saturates"), [(6.0, 0.0, True), (4.0, 0.0, False), (4.0, 100.0, False)]
)
def test_a_critic_saturates_where_its_scores_lie_far_apart(
    slope: float, shift: float, saturates: bool
) -> None:
    game = Game(slope, shift)
    watch = Watch(game, batch_size=32)
    samples = torch.tensor([[-1.0], [1.0]])  # their scores spread by the slope
    remarked = []
    for _ in range(4):
        game.train()
        for sample in samples:
            game.critic(sample[None])
        game.eval()
        game.critic(1000.0 * samples)  # what validation does is not looked at
        remarked.append([one.code for one in watch.remarks(epochs("loss", [1.0]))])
    assert remarked == [[], [], ["RUN22"] if saturates else [], []]
    watch.release()
    assert not game.critic._forward_hooks


def test_a_run_whose_rate_collapses_says_so_once(
    make_objective: Callable[..., Objective],
    tiny_data: DataSet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = TrainingSettings(epochs=9, batch_size=5, learning_rate=0.1, device="cpu")
    train(make_objective(common=99.0), tiny_data, settings, out=tmp_path, quiet=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("warning: RUN21  rate_z: ")] == lines
    assert len(lines) == 1
