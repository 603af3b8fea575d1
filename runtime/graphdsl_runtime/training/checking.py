"""All that is wrong with the settings of a run, before anything is built or written."""

from __future__ import annotations

__all__ = ["refuse_wrong_settings"]

import math
from collections.abc import Iterator, Sequence

from graphdsl_files import TrainingSettings
from graphdsl_runtime import Objective, OutOfRange
from graphdsl_runtime.training.errors import WrongSettings
from graphdsl_runtime.training.loggers import refuse_wrong_loggers
from graphdsl_runtime.training.optimizers import refuse_wrong_players
from graphdsl_runtime.training.stopping import refuse_wrong_endings


def refuse_wrong_settings(
    objective: Objective, settings: TrainingSettings, terms: Sequence[str]
) -> None:
    """Refuse settings that mean nothing for this objective, whose loss has these terms.

    Raises `OutOfRange`, and `WrongSettings` with all that is wrong.
    """
    for one, value, _ in settings.problems():
        low = one.low if one.low is not None else math.ulp(0.0)
        high = math.inf if one.below is None else one.below
        raise OutOfRange(one.name.replace("_", " "), value, low=low, high=high)
    findings = [
        *refuse_wrong_endings(settings, terms),
        *refuse_wrong_players(objective, settings),
        *_wrong_devices(settings),
        *refuse_wrong_loggers(settings),
    ]
    if findings:
        raise WrongSettings(findings)


def _wrong_devices(settings: TrainingSettings) -> Iterator[tuple[str, str]]:
    processes = settings.devices * settings.nodes
    if settings.strategy == "fsdp":
        message = "`--strategy fsdp` is not supported: a shard has no gradient for one player alone"
        yield "RUN03", f"{message}; write --strategy ddp"
    if settings.batch_size < processes:
        message = (
            f"`--batch-size` is {settings.batch_size}, and {processes} processes share a batch"
        )
        yield "RUN01", f"{message}: write --batch-size {processes} or more"
