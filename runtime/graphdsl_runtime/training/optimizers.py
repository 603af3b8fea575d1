"""The optimisers of a run: the rules there are, what each keeps, and the course of its rate."""

from __future__ import annotations

__all__ = ["RULES", "Rule", "make_optimizers", "rate_at", "refuse_wrong_players", "rule_of"]

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from graphdsl_files import TrainingSettings
from graphdsl_runtime import Objective
from graphdsl_runtime.structures import EDGE_RATE

#: Players whose parameters are no weights of networks: a decay would pull them from their answer.
_NOT_DECAYED = frozenset({"multiplier", "structure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of steps: how its optimiser is made, and what it keeps of each parameter."""

    make: Callable[..., Optimizer]
    kept: tuple[str, ...]  #: entries of the shape of the parameter
    squares: tuple[str, ...] = ()  #: those of them that are never negative
    counts: bool = True  #: whether it keeps the number of its steps


def _adam(rule: type[Adam] | type[AdamW]) -> Callable[..., Optimizer]:
    def make(parameters: Iterable[nn.Parameter], momentum: float | None, **known: Any) -> Optimizer:  # noqa: ANN401
        betas = (0.9 if momentum is None else momentum, 0.999)
        return rule(parameters, betas=betas, fused=True, **known)

    return make


def _sgd(parameters: Iterable[nn.Parameter], momentum: float | None, **known: Any) -> Optimizer:  # noqa: ANN401
    return SGD(parameters, momentum=momentum or 0.0, **known)


def _rmsprop(parameters: Iterable[nn.Parameter], momentum: float | None, **known: Any) -> Optimizer:  # noqa: ANN401
    return RMSprop(parameters, momentum=momentum or 0.0, **known)


#: By the name in `TrainingSettings.optimizer`.
RULES: Mapping[str, Rule] = {
    "adam": Rule(make=_adam(Adam), kept=("exp_avg", "exp_avg_sq"), squares=("exp_avg_sq",)),
    "adamw": Rule(make=_adam(AdamW), kept=("exp_avg", "exp_avg_sq"), squares=("exp_avg_sq",)),
    "sgd": Rule(make=_sgd, kept=(), counts=False),
    "rmsprop": Rule(make=_rmsprop, kept=("square_avg",), squares=("square_avg",)),
}


def rule_of(settings: TrainingSettings) -> Rule:
    """Give the rule of a run, with what it keeps under these settings.

    >>> rule_of(TrainingSettings(optimizer="sgd", momentum=0.9)).kept
    ('momentum_buffer',)
    """
    rule = RULES[settings.optimizer]
    if settings.momentum and settings.optimizer in ("sgd", "rmsprop"):
        return Rule(
            make=rule.make,
            kept=(*rule.kept, "momentum_buffer"),
            squares=rule.squares,
            counts=rule.counts,
        )
    return rule


def make_optimizers(objective: Objective, settings: TrainingSettings) -> dict[str, Optimizer]:
    """Give every player an optimiser over its parameters that are trained."""
    rule, rates = rule_of(settings), _own_rates(settings)
    optimizers = {}
    for player, parameters in objective.parameter_groups().items():
        usual = settings.learning_rate * (EDGE_RATE if player == "structure" else 1.0)
        optimizers[player] = rule.make(
            [parameter for parameter in parameters if parameter.requires_grad],
            settings.momentum,
            lr=rates.get(player, usual),
            weight_decay=0.0 if player in _NOT_DECAYED else settings.weight_decay,
        )
    return optimizers


def rate_at(settings: TrainingSettings, progress: float, epochs_done: float) -> float:
    """Give the factor of all learning rates at a point of a run: a number from 0 to 1.

    It depends on nothing but the place of the step, so that a run goes on where it stopped.

    >>> half = TrainingSettings(schedule="cosine")
    >>> [round(rate_at(half, progress, 0.0), 3) for progress in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.0]
    """
    match settings.schedule:
        case "constant":
            factor = 1.0
        case "linear":
            factor = 1.0 - progress
        case "cosine":
            factor = 0.5 * (1.0 + math.cos(math.pi * progress))
    rising = min(1.0, epochs_done / settings.warmup) if settings.warmup else 1.0
    return factor * rising


def refuse_wrong_players(
    objective: Objective, settings: TrainingSettings
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with the rates of players."""
    players = list(objective.parameter_groups())
    for entry in settings.player_rate:
        player, equals, value = entry.partition("=")
        rate = _number(value) if equals else None
        if rate is None or not 0 < rate < math.inf:
            yield "RUN01", f"`--player-rate {entry}` is no PLAYER=RATE with a rate above 0"
        elif player not in players:
            yield (
                "RUN02",
                f"`--player-rate {entry}`: the players of this spec are {', '.join(players)}",
            )
    names = [entry.partition("=")[0] for entry in settings.player_rate]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield "RUN01", f"`--player-rate` gives the rate of `{name}` {names.count(name)} times"


def _own_rates(settings: TrainingSettings) -> dict[str, float]:
    pairs = (entry.partition("=") for entry in settings.player_rate)
    return {player: float(value) for player, _, value in pairs}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
