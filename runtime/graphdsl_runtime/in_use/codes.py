"""Codes of rows, and rows of codes: what an objective infers and generates, batch by batch."""

from __future__ import annotations

__all__ = [
    "Drawn",
    "encode",
    "infers_nothing",
    "read_by_infer",
    "read_part",
    "reconstruct",
    "sample",
    "translate",
]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphdsl_runtime.batch import Batch, seen_name
from graphdsl_runtime.distributions import Likelihood
from graphdsl_runtime.errors import ObjectiveError, OutOfRange
from graphdsl_runtime.in_use.blocks import BATCH, pieces, rows_in
from graphdsl_runtime.module import Objective


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a distribution is for some rows: its means, and one sample of each.

    Shapes: ``(n, *tensor_shape)``; of categories, the mean is the probabilities, with the classes
    last, and a sample the index of a class.
    """

    mean: Tensor
    sample: Tensor


@torch.no_grad()
def encode(
    objective: Objective, batch: Batch, *, batch_size: int = BATCH, seed: int = 0
) -> dict[str, Drawn]:
    """Give the codes of rows: of every latent, the posterior's mean, and a sample.

    Where a latent is inferred from another, its mean is that at the other's mean. Where one expert
    of a mixture is drawn for a row, the mean is that of the first expert which the row has.
    Raises `ObjectiveError` where nothing is inferred, and what `infer` raises.
    """
    refuse_no_codes(objective)
    return _joined(_encoded(objective, batch, batch_size, seed))


@torch.no_grad()
def reconstruct(
    objective: Objective, batch: Batch, *, batch_size: int = BATCH, seed: int = 0
) -> dict[str, Drawn]:
    """Give what p says of rows at their own codes' means, and a sample at a sample of the codes.

    Raises as `encode`.
    """
    refuse_no_codes(objective)
    return _joined(_reconstructed(objective, batch, batch_size, seed))


@torch.no_grad()
def sample(
    objective: Objective,
    rows: int,
    given: Batch | None = None,
    *,
    batch_size: int = BATCH,
    seed: int = 0,
) -> dict[str, Drawn]:
    """Draw rows from p: latents from the prior, and the mean and a sample of the data.

    What p conditions on and does not generate has to be ``given``, as many rows of it.
    Raises what `Objective.generate` does.
    """
    return _joined(_sampled(objective, rows, given or {}, batch_size, seed))


@torch.no_grad()
def translate(
    objective: Objective,
    batch: Batch,
    to: Sequence[str],
    *,
    batch_size: int = BATCH,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Predict variables, or members, from the others: the means that `Objective.translate` gives.

    Raises what it raises.
    """
    found = [
        objective.translate(piece.batch, to)
        for piece in pieces(objective, batch, rows_in(batch), batch_size=batch_size, seed=seed)
    ]
    return {name: torch.cat([one[name].cpu() for one in found]) for name in found[0]}


def read_by_infer(objective: Objective) -> tuple[str, ...]:
    """Name the variables that the codes are inferred from.

    >>> from graphdsl_runtime import Objective
    >>> read_by_infer(Objective())
    ()
    """
    read: dict[str, None] = {}

    class Listening(type(objective)):  # type: ignore[misc]  # of whichever class it is
        def observe_some(self, batch: Batch, name: str) -> tuple[Tensor, Tensor]:
            read[self._variable(name).name] = None
            observed: tuple[Tensor, Tensor] = super().observe_some(batch, name)
            return observed

        def observe(self, batch: Batch, name: str) -> Tensor:
            read[self._variable(name).name] = None
            observed: Tensor = super().observe(batch, name)
            return observed

    data = [variable for variable in objective.variables if variable.role != "latent"]
    if not data or infers_nothing(objective):
        return ()
    listening = object.__new__(Listening)
    listening.__dict__ = objective.__dict__
    with torch.random.fork_rng():
        listening.infer(_any_row(objective))
    return tuple(one.name for one in data if one.name in read)


def read_part(objective: Objective, batch: Batch) -> Batch:
    """Give the entries of a batch that the codes are inferred from, with what says they are seen.

    >>> from graphdsl_runtime import Objective
    >>> read_part(Objective(), {"x": torch.zeros(1)})
    {}
    """
    read = read_by_infer(objective)
    names = [
        name
        for variable in objective.variables
        if variable.name in read
        for name in (variable.name, *variable.member_names)
    ]
    keys = {*names, *map(seen_name, names)}
    return {key: one for key, one in batch.items() if key in keys}


def infers_nothing(objective: Objective) -> bool:
    """Whether an objective has no inference network, as a GAN has none."""
    return type(objective).infer is Objective.infer


@torch.no_grad()
def generated(objective: Objective) -> tuple[str, ...]:
    """Name the variables that p generates: a GAN's data, and not what a model conditions on."""
    if type(objective).decode is Objective.decode:
        raise ObjectiveError(f"{type(objective).__name__} generates nothing")
    like = next(objective.parameters(), torch.empty(0))
    with torch.random.fork_rng():
        values = objective.ancestral_sample(
            objective.draw_noise(like.new_empty(1)), _any_row(objective)
        )
        return tuple(objective.decode(values))


def _any_row(objective: Objective) -> Batch:
    """A row of data, to ask what an objective reads and generates."""
    like = next(objective.parameters(), torch.empty(0))
    return {
        variable.name: torch.full(
            (1, *variable.tensor_shape),
            variable.filler,
            dtype=torch.int64 if variable.kind == "categorical" else like.dtype,
            device=like.device,
        )
        for variable in objective.variables
        if variable.role != "latent"
    }


def refuse_no_codes(objective: Objective) -> None:
    """Raise `ObjectiveError` where an objective infers nothing."""
    if not read_by_infer(objective):
        raise ObjectiveError(
            f"{type(objective).__name__} infers no latent from data: it has no codes. "
            "`sample` draws from it"
        )


def _encoded(
    objective: Objective, batch: Batch, batch_size: int, seed: int
) -> Iterator[Mapping[str, Drawn]]:
    for piece in pieces(objective, batch, rows_in(batch), batch_size=batch_size, seed=seed):
        means, drawn = objective.infer(piece.batch), objective.infer(piece.batch, piece.noise)
        yield {
            name: Drawn(q.mean, _as_data(objective, name, drawn[name].draw(piece.noise, name)))
            for name, q in means.items()
        }


def _reconstructed(
    objective: Objective, batch: Batch, batch_size: int, seed: int
) -> Iterator[Mapping[str, Drawn]]:
    for piece in pieces(objective, batch, rows_in(batch), batch_size=batch_size, seed=seed):
        at_means = _decoded(objective, piece.batch, None)
        at_samples = _decoded(objective, piece.batch, piece.noise)
        yield {
            name: Drawn(p.mean, piece.drawn(at_samples[name], seed)) for name, p in at_means.items()
        }


def _sampled(
    objective: Objective, rows: int, given: Batch, batch_size: int, seed: int
) -> Iterator[Mapping[str, Drawn]]:
    if rows < 1:
        raise OutOfRange("the number of rows", rows, low=1, high=float("inf"))
    objective._given(rows, given)
    for piece in pieces(objective, given, rows, batch_size=batch_size, seed=seed):
        values = objective.ancestral_sample(piece.noise, piece.batch)
        decoded = objective.decode(values)
        latents = {
            variable.name: _as_data(objective, variable.name, values[variable.name])
            for variable in objective.variables
            if variable.role == "latent" and variable.name in values
        }
        yield {
            **{name: Drawn(latent, latent) for name, latent in latents.items()},
            **{name: Drawn(p.mean, piece.drawn(p, seed)) for name, p in decoded.items()},
        }


def _decoded(
    objective: Objective, batch: Batch, noise: Mapping[str, Tensor] | None
) -> Mapping[str, Likelihood]:
    posterior = objective.infer(batch, noise)
    latents = {name: q.draw(noise, name) for name, q in posterior.items()}
    return objective.decode({**batch, **latents})


def _as_data(objective: Objective, name: str, value: Tensor) -> Tensor:
    """Give a sample as a batch holds it: of a category, its index."""
    classes = objective._variable(name).classes
    return value if classes is None else value.argmax(dim=-1)


def _joined(blocks: Iterator[Mapping[str, Drawn]]) -> dict[str, Drawn]:
    parts = list(blocks)
    return {
        name: Drawn(
            torch.cat([one[name].mean.cpu() for one in parts]),
            torch.cat([one[name].sample.cpu() for one in parts]),
        )
        for name in parts[0]
    }
