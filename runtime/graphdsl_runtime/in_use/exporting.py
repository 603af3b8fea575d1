"""Trained networks for programs without graphdsl: `torch.export` of what infers and what generates.

What is exported reads any number of rows, and holds its own weights. `torch.export.save` writes it,
and `torch.export.load` reads it where torch alone is installed.
"""

from __future__ import annotations

__all__ = ["example_rows", "exported_decode", "exported_infer"]

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from graphdsl_runtime.in_use.codes import read_by_infer, refuse_no_codes
from graphdsl_runtime.module import Objective
from graphdsl_runtime.variables import Variable

_ROWS = 3  # of an example: one row would be taken for a constant


def exported_infer(objective: Objective) -> ExportedProgram:
    """Export the codes: from a mapping of data by name to the means of the latents by name.

    It takes the variables that the codes are inferred from, all of them, without missing rows.
    Raises `ObjectiveError` where nothing is inferred.

    >>> import graphdsl
    >>> vae = graphdsl.compile("vae", pixels=4).objective()
    >>> infer = exported_infer(vae).module()
    >>> infer({"x": torch.zeros(5, 4)})["u"].shape
    torch.Size([5, 16])
    """
    refuse_no_codes(objective)
    read = read_by_infer(objective)
    like = next(objective.parameters(), torch.empty(0))
    rows = {
        variable.name: _any_rows(variable, like)
        for variable in objective.variables
        if variable.name in read
    }
    return _exported(_Infer(objective).eval(), rows)


def exported_decode(objective: Objective) -> ExportedProgram:
    """Export the data: from a mapping of codes by name to the means of what p generates by name.

    It takes all that p conditions on: latents, of categories as vectors over the classes, and data
    as a batch has them.
    Raises `NotImplementedError` where nothing is generated.
    """
    like = next(objective.parameters(), torch.empty(0))
    with torch.random.fork_rng(), torch.no_grad():
        given = {
            variable.name: _any_rows(variable, like)
            for variable in objective.variables
            if variable.role != "latent"
        }
        values = objective.ancestral_sample(objective.draw_noise(like.new_empty(_ROWS)), given)
    return _exported(_Decode(objective).eval(), _read(objective, values))


def example_rows(program: ExportedProgram) -> dict[str, Tensor]:
    """Give the rows that a program was exported with, by name: what it may be called with.

    Shapes: ``(3, *tensor_shape)``; zeros for data, ones for what is positive, a sample of p for
    codes.
    """
    arguments, _ = program.example_inputs
    return dict(arguments[0])


class _Infer(nn.Module):
    """The mean of every posterior."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: one.mean for name, one in self.objective.infer(batch).items()}


class _Decode(nn.Module):
    """The mean of every likelihood."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, latents: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: one.mean for name, one in self.objective.decode(latents).items()}


class _Read(dict[str, Tensor]):
    """Values by name, which keep in mind which of them were read."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        super().__init__(values)
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> Tensor:
        self.names[name] = None
        return super().__getitem__(name)


def _read(objective: Objective, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the values that ``decode`` reads: an exported program has no others."""
    seen = _Read(values)
    with torch.no_grad():
        objective.decode(seen)
    return {name: one.clone() for name, one in values.items() if name in seen.names}


def _exported(module: nn.Module, rows: Mapping[str, Tensor]) -> ExportedProgram:
    shapes = {name: {0: Dim.DYNAMIC} for name in rows}
    argument = next(iter(module.forward.__annotations__))
    with torch.no_grad():
        return export(module, (dict(rows),), dynamic_shapes={argument: shapes})


def _any_rows(variable: Variable, like: Tensor) -> Tensor:
    kind = torch.int64 if variable.kind == "categorical" else like.dtype
    return torch.full(
        (_ROWS, *variable.tensor_shape), variable.filler, dtype=kind, device=like.device
    )
