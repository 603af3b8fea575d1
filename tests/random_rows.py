"""Random rows for an objective: values of the kind and the shape of each variable."""

from __future__ import annotations

__all__ = ["random_batch", "rows_of"]

import torch
from torch import Tensor

from graphdsl_runtime import Objective, Variable


def rows_of(objective: Objective, rows: int = 6) -> dict[str, Tensor]:
    """What an objective observes or is given, as torch's own generator draws it."""
    return {one.name: _values(one, rows) for one in objective.variables if one.role != "latent"}


def random_batch(objective: Objective, rows: int) -> dict[str, Tensor]:
    """Values of all that is observed; of labels that q fills in, every third row has one."""
    generator = torch.Generator().manual_seed(1)
    some = torch.arange(rows) % 3 == 0
    seen = {f"seen({one.name})": some for one in objective.variables if one.inferred}
    dtype = next(objective.parameters()).dtype
    return seen | {
        one.name: _values(one, rows, generator, dtype)
        for one in objective.variables
        if one.role != "latent"
    }


def _values(
    variable: Variable,
    rows: int,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    size = (rows, *variable.tensor_shape)
    dtype = dtype or torch.get_default_dtype()
    match variable.kind:
        case "categorical":
            return torch.randint(variable.classes or 3, size, generator=generator)
        case "count":
            return torch.randint(5, size, generator=generator).to(dtype)
        case "binary":
            return torch.randint(2, size, generator=generator).to(dtype)
        case "positive":
            return torch.randn(size, generator=generator, dtype=dtype).exp()
        case "unit":
            return torch.rand(size, generator=generator, dtype=dtype)
        case _:
            return torch.randn(size, generator=generator, dtype=dtype)
