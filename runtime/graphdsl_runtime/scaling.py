"""Networks in units of the data: what they read is standardised, what they answer is put back."""

from __future__ import annotations

__all__ = ["Part", "Scaled", "Scaling"]

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import torch
from torch import Tensor, nn

from graphdsl_runtime.batch import Batch
from graphdsl_runtime.distributions import LAWS
from graphdsl_runtime.distributions.units import Unit, beginning, in_units
from graphdsl_runtime.entries import require_mapping
from graphdsl_runtime.errors import NotABatch
from graphdsl_runtime.family_networks import FamilyNetwork
from graphdsl_runtime.reading import Reading
from graphdsl_runtime.statistics import Moments, Statistics

#: A variable, a family, a member of one, or several members side by side.
Names: TypeAlias = str | Sequence[str]


@dataclass(frozen=True)
class Part:
    """A variable, or some members of a family, that a network reads or answers with."""

    statistics: Statistics
    name: str  #: of the variable, or of the family
    places: tuple[int, ...] | None = None  #: of the members; all where None
    pooled: bool = False  #: whether one network is for all members: then they have one scale
    alone: bool = False  #: whether it is one member by itself, and has no axis of members

    @property
    def is_count(self) -> bool:
        """Whether it is a count, which networks read as log(1 + count)."""
        return self.statistics.variables[self.name].kind == "count"

    def moments(self, members: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """Give its mean and its spread, of some members where a network runs those alone."""
        mean, spread = self.statistics.mean(self.name), self.statistics.spread(self.name)
        if self.statistics.variables[self.name].members is None:
            return mean, spread
        if self.pooled:
            middle = mean.mean(dim=0)
            return middle, (spread.square() + (mean - middle).square()).mean(dim=0).sqrt()
        if self.places is not None:
            chosen = list(self.places)
            mean, spread = mean[chosen], spread[chosen]
        if self.alone:
            return mean[0], spread[0]
        return (mean, spread) if members is None else (mean[list(members)], spread[list(members)])

    def standardised(self, value: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Give values as networks read them."""
        if self.is_count:
            return torch.log1p(value)
        mean, spread = self.moments(members)
        return (value - mean) / spread


class Scaled(FamilyNetwork):
    r"""A default network whose inputs are standardised, and whose answer is in units of the data.

    .. math:: x \mapsto \frac{x - m}{s}, \quad n \mapsto \log(1 + n); \qquad
              \mu \mapsto m + s \mu, \quad \log \sigma^2 \mapsto \log \sigma^2 + 2 \log s, \quad
              \log \lambda \mapsto \log \lambda + \log m

    with m and s the mean and the spread of the data, 0 and 1 (of a count, m = 1) as long as
    `Objective.standardise` was not called.  So a network whose answers are about 0 and 1 starts at
    the data's own mean and spread, and the likelihood sees the data as they are.

    Shapes: as of the network.  ``law`` says what it answers with: ``means``, or all numbers of a
    law, such as ``normal`` (means, then log-variances); `LAWS` lists their classes.  ``without``
    says that the last of them, such as a dispersion, is no network's.
    """

    def __init__(
        self,
        network: nn.Module,
        inputs: Sequence[Part | None] = (),
        answer: Part | None = None,
        law: str = "means",
        without: str = "",
    ) -> None:
        super().__init__()
        self.network = network
        self.inputs = tuple(inputs)
        self.answer = answer
        self.law = law
        # Dynamo refuses a mapping that cannot be changed once it guards the dictionary below it.
        units: tuple[Unit, ...] = ("mean",) if law == "means" else LAWS[law].units
        self._units = units[:-1] if without else units
        self.shared = getattr(network, "shared", ())

    def forward(
        self, *parents: Tensor, members: Sequence[int] | None = None, apart: bool = False
    ) -> Tensor:
        """Run the network on what it reads, and put its answer back."""
        read = [self._read(place, parent, members, apart) for place, parent in enumerate(parents)]
        which = {} if members is None else {"members": members}
        answer: Tensor = self.network(*read, **which, **({"apart": True} if apart else {}))
        return answer if self.answer is None else self._put_back(answer, self.answer, members)

    def extra_repr(self) -> str:
        """Print which data it reads, and answers with."""
        read = [one.name for one in self.inputs if one is not None]
        lines = [f"reads {', '.join(read)}"] if read else []
        if self.answer is not None:
            lines.append(f"answers in units of {self.answer.name}")
        return "; ".join(lines)

    def _read(
        self, place: int, parent: Tensor, members: Sequence[int] | None, apart: bool
    ) -> Tensor:
        part = self.inputs[place] if self.inputs else None
        if part is None:
            return parent
        if members is not None and not apart and self._has_members(place, parent, part):
            return part.standardised(parent, members)
        return part.standardised(parent)

    def _has_members(self, place: int, parent: Tensor, part: Part) -> bool:
        """Whether the members that run have an entry each of what is read."""
        shared = bool(self.shared) and self.shared[place]
        return not shared and not part.pooled and parent.ndim == 1 + part.moments()[0].ndim

    def _put_back(self, answer: Tensor, part: Part, members: Sequence[int] | None) -> Tensor:
        mean, spread = part.moments(members if self._is_stacked() else None)
        if len(self._units) == 1:
            return in_units(answer, self._units[0], mean, spread)
        numbers = zip(answer.chunk(len(self._units), dim=-1), self._units, strict=True)
        return torch.cat([in_units(one, unit, mean, spread) for one, unit in numbers], dim=-1)

    def _is_stacked(self) -> bool:
        """Whether each member has a network."""
        return isinstance(self.network, FamilyNetwork)


class Scaling(Reading):
    """The part of an objective that knows the scale of its data."""

    statistics: Statistics

    def __init__(self) -> None:
        super().__init__()
        statistics = Statistics(self.variables)
        if statistics.variables:
            self.statistics = statistics
        else:  # nothing to keep, and nothing to print
            self.__dict__["statistics"] = statistics
        self._learned_scales: list[tuple[nn.Parameter, Part, Unit, tuple[int, ...]]] = []

    @torch.no_grad()
    def standardise(self, data: Batch | Iterable[Batch]) -> Self:
        """Take the mean and the spread of the data: a batch of all training rows, or a loader.

        From then on the default networks read real variables as (x - mean) / spread, and answer in
        these units; the likelihood sees the data as they are, and so does everything that `infer`,
        `generate` and `translate` return.  Counts are read as log(1 + n) without this, and their
        rates begin at the mean with it.  Networks of the caller's own read the data as they are.
        A learned scale that was not trained yet begins at the spread.  The statistics are buffers.

        Raises: as `observe_some`, and `NotABatch` if there is no batch.
        """
        moments = self._moments([data] if isinstance(data, Mapping) else data)
        for name, of_variable in moments.items():
            if of_variable.count.any():
                self.statistics.set(name, of_variable)
        for scale, part, unit, shape in self._learned_scales:
            if not scale.any():  # as it began
                mean, spread = part.moments()
                spread = _pooled_like(spread.square(), shape).sqrt()
                scale.copy_(beginning(unit, _pooled_like(mean, shape), spread))
        return self

    def _moments(self, batches: Iterable[Batch]) -> dict[str, Moments]:
        """Find the moments of every variable that has a scale, over all rows that have it."""
        moments = {name: Moments() for name in self.statistics.variables}
        empty = True
        for batch in batches:
            empty = False
            require_mapping("batch", batch, self._known)
            self._admit(batch)
            for name, of_variable in moments.items():
                members = self._variable(name).member_names
                if name in batch or any(member in batch for member in members):
                    of_variable.add(*self.observe_some(batch, name))
        if empty:
            raise NotABatch("data set", batches, known=list(self._known))
        return moments

    def scaled(
        self,
        network: nn.Module,
        *,
        inputs: Sequence[Names | None] = (),
        answer: Names | None = None,
        law: str = "means",
        without: str = "",
        pooled: bool = False,
    ) -> Scaled:
        """Put a default network in units of the data: see `Scaled`.

        ``inputs`` says of each parent which data it is, or None; ``pooled`` that one network is for
        all members of a family, which then have one scale.
        """
        return Scaled(
            network,
            [None if names is None else self._part(names, pooled) for names in inputs],
            None if answer is None else self._part(answer, pooled),
            law,
            without,
        )

    def learned_scale(
        self,
        answer: Names | None,
        shape: Sequence[int],
        *,
        law: str,
        pooled: bool = False,
        classes: int = 0,
    ) -> nn.Parameter:
        """Make the logarithm of a scale that is learned: of a variance, where the law is normal.

        Of counts it is that of an inverse dispersion.  It is 0 at first, and `standardise` sets it
        to the data's own unless ``answer`` is None.  With ``classes`` it has entries for each class
        of a category, ``(classes, *shape)``, which begin alike: see `of_class`.
        """
        scale = nn.Parameter(torch.zeros((*[classes] * bool(classes), *shape)))
        unit = LAWS[law].units[-1]
        if answer is not None:
            part = self._part(answer, pooled)
            self._learned_scales.append((scale, part, unit, tuple(shape)))
        return scale

    def _part(self, names: Names, pooled: bool) -> Part:
        """Find what some names are of a variable."""
        listed = [names] if isinstance(names, str) else list(names)
        variable = self._variable(listed[0])
        if variable.members is None or listed == [variable.name]:
            return Part(self.statistics, variable.name, pooled=pooled)
        places = tuple(map(variable.member_names.index, listed))
        return Part(self.statistics, variable.name, places, pooled, isinstance(names, str))


def _pooled_like(values: Tensor, shape: Sequence[int]) -> Tensor:
    """Average over what a scale has in common: all, all of each member, or nothing."""
    count = math.prod(shape)
    if count == values.numel():
        return values.reshape(shape)
    if count == 1:
        return values.mean().reshape(shape)
    return values.reshape(shape[0], math.prod(values.shape[1:])).mean(dim=1).reshape(shape)
