"""What goes in and out of an objective, by name."""

from __future__ import annotations

__all__ = ["Batch", "Latents", "Networks", "Noise", "seen_name"]

from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor, nn

#: Variable, member of a family, or `seen(variable)` -> values, rows first.
Batch: TypeAlias = Mapping[str, Tensor]
#: Latent -> standard normal noise of its shape, rows first; of a category, a number per class.
#: Drawn set -> which views it holds; where it is left out, a pass draws its own.
Noise: TypeAlias = Mapping[str, Tensor]
#: Latent -> values, rows first; and values of what is observed or given, where p reads them.
Latents: TypeAlias = Mapping[str, Tensor]
#: Conditional, as it is printed everywhere (`q(z|x[1])`) -> the caller's own network for it.
Networks: TypeAlias = Mapping[str, nn.Module]


def seen_name(name: str) -> str:
    """Name the entry of a batch that says which rows have a variable.

    >>> seen_name("x[1]")
    'seen(x[1])'
    """
    return f"seen({name})"
