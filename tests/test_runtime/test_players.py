"""Players: whose turn it is, what a step is computed from, and the price of a constraint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from graphdsl_runtime import (
    Batch,
    Losses,
    Multiplier,
    Noise,
    Objective,
    OutOfRange,
    UnknownName,
    alternate,
    due,
    play,
)


class Game(Objective):
    """The model lowers a b what the critic raises, and each loss speaks of both."""

    turns = {"critic": 3}  # noqa: RUF012  (no game changes it)
    critics = ("critic",)

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Linear(1, 1, bias=False)
        self.critic = nn.Linear(1, 1, bias=False)

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Give both losses."""
        a, b = self.model.weight.squeeze(), self.critic.weight.squeeze()
        level = batch["x"].mean()
        model, critic = a * b + (a - level) ** 2, -a * b + (b + level) ** 2
        return Losses(model, {}, {"model": model, "critic": critic})


def sgd(objective: Objective) -> dict[str, torch.optim.SGD]:
    groups = objective.parameter_groups().items()
    return {name: torch.optim.SGD(group, lr=0.1) for name, group in groups}


def batches(count: int) -> Iterator[dict[str, Tensor]]:
    return ({"x": torch.full((4,), float(number))} for number in range(count))


@pytest.mark.parametrize("turns", [{"critic": 5}, {"critic": 3, "model": 2}, {"model": 4}, {}])
def test_turns_are_in_the_ratio_that_was_asked_for(turns: dict[str, int]) -> None:
    length = max(turns.values(), default=1)
    rounds = [
        Counter(
            name for step in range(length) for name in due(["model", "critic"], turns, first + step)
        )
        for first in (0, length, 7 * length)
    ]
    assert rounds == 3 * [Counter({"model": 1, "critic": 1} | turns)]
    # All of them close the round together.
    assert due(["model", "critic"], turns, length - 1) == ["model", "critic"]


def test_every_player_steps_in_its_turn_on_the_loss_of_before() -> None:
    torch.manual_seed(0)
    objective = Game()
    a, b = objective.model.weight.item(), objective.critic.weight.item()
    found = alternate(objective, sgd(objective), batches(7))
    for level, losses in enumerate(found):
        assert losses.loss.item() == pytest.approx(a * b + (a - level) ** 2, rel=1e-5)
        of_a, of_b = b + 2 * (a - level), -a + 2 * (b + level)
        b -= 0.1 * of_b
        if level % 3 == 2:
            a -= 0.1 * of_a
        assert objective.model.weight.item() == pytest.approx(a, rel=1e-5)
        assert objective.critic.weight.item() == pytest.approx(b, rel=1e-5)


def test_a_run_goes_on_where_it_stopped() -> None:
    whole, parts = Game(), Game()
    parts.load_state_dict(whole.state_dict())
    for _ in alternate(whole, sgd(whole), batches(7)):
        pass
    given = list(batches(7))
    for first, last in ((0, 2), (2, 7)):
        for _ in alternate(parts, sgd(parts), given[first:last], start=first):
            pass
    assert_close(parts.state_dict(), whole.state_dict())


def test_a_step_leaves_no_gradient_behind() -> None:
    objective = Game()
    play(objective({"x": torch.ones(4)}), sgd(objective))
    assert all(one.grad is None for one in objective.parameters())


def test_players_that_are_not_there_are_refused() -> None:
    objective = Game()
    with pytest.raises(UnknownName, match="no player `critics` \\(did you mean `critic`"):
        next(alternate(objective, sgd(objective), batches(1), turns={"critics": 2}))
    optimizers = sgd(objective)
    del optimizers["critic"]
    with pytest.raises(UnknownName, match="no optimizer of the player `critic`"):
        next(alternate(objective, optimizers, batches(1)))
    with pytest.raises(OutOfRange, match="turns of critic = 0"):
        next(alternate(objective, sgd(objective), batches(1), turns={"critic": 0}))


def test_dual_ascent_finds_the_multiplier_of_a_constraint() -> None:
    """The minimum of x^2 where x >= 1: x = 1, and the price is the slope there, 2."""
    x, price = torch.zeros((), requires_grad=True), Multiplier()
    descent = torch.optim.SGD([x], lr=0.05)
    ascent = torch.optim.SGD(price.parameters(), lr=0.05)
    for _ in range(2000):
        violation = 1.0 - x
        losses = Losses(
            x, {}, {"x": x**2 + price.penalty(violation), "price": price.dual(violation)}
        )
        play(losses, {"x": descent, "price": ascent})
    assert x.item() == pytest.approx(1.0, abs=1e-3)
    assert price.value.item() == pytest.approx(2.0, abs=1e-3)


def test_no_player_of_a_constraint_reaches_the_other() -> None:
    violation, price = torch.tensor(0.5, requires_grad=True), Multiplier(3.0)
    assert torch.autograd.grad(price.penalty(violation), violation)[0].item() == pytest.approx(3.0)
    for loss, other in ((price.penalty(violation), price.raw), (price.dual(violation), violation)):
        assert torch.autograd.grad(loss, other, allow_unused=True)[0] is None


@pytest.mark.parametrize(("violation", "moves"), [(0.2, 0), (-0.2, 0), (0.4, 1), (-0.4, -1)])
def test_within_the_tolerance_the_price_stays(violation: float, moves: int) -> None:
    price = Multiplier(tolerance=0.3)
    (slope,) = torch.autograd.grad(price.dual(torch.tensor(violation)), price.raw)
    assert torch.sign(-slope) == moves


@pytest.mark.parametrize("initial", [1e-3, 1.0, 300.0])
def test_a_price_begins_where_it_is_told(initial: float) -> None:
    assert Multiplier(initial).value.item() == pytest.approx(initial, rel=1e-4)


def test_prices_and_tolerances_that_mean_nothing_are_refused() -> None:
    with pytest.raises(OutOfRange, match="initial = 0"):
        Multiplier(0.0)
    with pytest.raises(OutOfRange, match="tolerance = -1"):
        Multiplier(tolerance=-1.0)


def test_a_loss_of_no_parameter_moves_none() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    play(Losses(torch.tensor(2.0), {}), {"model": optimizer})
    assert torch.equal(weight, torch.ones(3))
