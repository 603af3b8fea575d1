"""What `forward` answers with."""

from __future__ import annotations

__all__ = ["Losses"]

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Losses:
    """What a step of training needs: one scalar per player, and the terms it came from.

    >>> import torch
    >>> losses = Losses(torch.tensor(3.0), terms={"rate_z": torch.tensor(1.0)})
    >>> losses.players
    {'model': tensor(3.)}
    """

    loss: Tensor  #: the objective, up to the constants that the module's head names; in nats
    terms: Mapping[str, Tensor]  #: its terms, without their weights
    players: Mapping[str, Tensor] = field(default_factory=dict)  #: who minimises what

    def __post_init__(self) -> None:
        if not self.players:
            object.__setattr__(self, "players", {"model": self.loss})
