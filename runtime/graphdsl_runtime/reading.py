"""What `forward`, `infer` and `decode` read a batch with."""

from __future__ import annotations

__all__ = ["Reading"]

import math
from collections.abc import Iterator, Sequence
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.batch import Batch, seen_name
from graphdsl_runtime.classes import combinations
from graphdsl_runtime.distributions import Likelihood
from graphdsl_runtime.distributions.parameters import over
from graphdsl_runtime.entries import require_mapping
from graphdsl_runtime.errors import NotSeen, ShapeMismatch
from graphdsl_runtime.looking import Looking
from graphdsl_runtime.sampling import likeliest
from graphdsl_runtime.support import NO_CLASS, is_cheap
from graphdsl_runtime.variables import Variable


class _Indexed(Protocol):
    """A tensor, or a distribution."""

    def __getitem__(self, index: tuple[slice, Tensor], /) -> Self: ...


_Whole = TypeVar("_Whole", bound=_Indexed)


class Reading(Looking):
    """The part of an objective that reads batches, and refuses what is no data of its variables."""

    def check(self, batch: Batch) -> None:
        """Look at all of a batch, wherever it lies, and refuse what the objective cannot read.

        `forward` and `infer` look at what they read; on an accelerator, where every look waits for
        the device, at their first batch alone. This is for a loss that is NaN there.
        Raises: as `observe`, of each variable that the batch has.
        """
        self._looked_at.clear()
        require_mapping("batch", batch, self._known)
        self._admit(batch)
        for variable in self.variables:
            names = (variable.name, *variable.member_names)
            if variable.role == "latent" or not any(name in batch for name in names):
                continue
            if variable.optional:
                self.observe_some(batch, variable.name)
            else:
                self.observe(batch, variable.name)

    def observe(self, batch: Batch, name: str) -> Tensor:
        """Take a variable from the batch, whole or member by member.

        Shapes: ``-> (B, *shape)``, of a family ``(B, N, *shape)``, whatever its indices; in the
        model's precision, and categories int64.
        Raises `MissingInput` if it, or any member of it, is missing, `UnknownName` for an entry
        that is no variable, `ShapeMismatch` for another shape or number of rows, `NotATensor`,
        `WrongDevice` and, on the CPU, `NotFinite` for NaN and infinities, `OutsideSupport` for
        values that its kind has not, and `NotSeen` where rows are said to lack it.
        """
        require_mapping("batch", batch, self._known)
        variable = self._variable(name)
        if name != variable.name and name not in batch:
            return self.observe(batch, variable.name)[:, variable.member_names.index(name)]
        members = variable.member_names
        if name not in batch and not all(member in batch for member in members):
            raise self._missing(variable, batch)
        self._admit(batch)
        if name in batch:
            value = self._take(batch, name, variable)
        else:
            value = _stack([self._take(batch, member, variable) for member in members])
        value = self._looked(value, name)
        views = value.shape[1 : value.ndim - len(variable.shape)]
        for seen in self._said(batch, name, variable, (value.shape[0], *views)):
            if self._looks(seen, seen_name(name)):
                _refuse_unseen(name, seen)
            missing = NO_CLASS if variable.kind == "categorical" else math.nan
            value = torch.where(over(seen, value), value, missing)
        return _typed(value, variable)

    def observe_some(self, batch: Batch, name: str) -> tuple[Tensor, Tensor]:
        """Take what the batch has of a variable, and say which of it that is.

        A view is unseen in a row if the batch has neither it nor its family, or says so (a bool
        ``seen(x)`` of shape ``(B, N)``, or ``seen(x[1])`` of shape ``(B,)``, whichever way the
        values are given), or holds a NaN in it.  What is not seen is zero, or 1 if it is positive.

        Shapes: ``-> (B, *tensor_shape)`` and a bool ``(B, N)``, or ``(B,)`` if it is no family.
        Raises `MissingInput` if the batch is empty, and of what is seen all that `observe` does.
        """
        require_mapping("batch", batch, self._known)
        if not batch:
            raise self._missing(self._variable(name), batch)
        self._admit(batch)
        value, seen = self._values_seen(batch, name)
        return _typed(self._looked(value, name), self._variable(name)), seen

    def value_of(self, latents: Batch, name: str) -> Tensor:
        """Take the values of a variable that a decoder reads.

        Shapes: ``-> (B, *tensor_shape)``, of categories vectors over the classes.
        Raises `NotABatch` for what is no mapping, and `MissingInput` if it is missing.
        """
        require_mapping("mapping of latents", latents, self._known)
        if name not in latents:
            raise self._missing(self._variable(name), latents)
        return latents[name]

    def observe_or(self, batch: Batch, name: str, likelihood: Likelihood) -> Tensor:
        """Take a variable from the batch, or the likeliest value of what is not in it.

        Shapes: as of `observe`, which raises what it raises.
        """
        members = self._variable(name).member_names
        if name in batch or all(member in batch for member in members):
            return self.observe(batch, name)
        return likeliest(likelihood)

    def or_given(self, given: Batch, name: str, sample: Tensor) -> Tensor:
        """Take what rows are given of a variable that p draws; what they lack is sampled.

        Shapes: a sample ``(B, *tensor_shape) -> (B, *tensor_shape)``, of categories vectors over
        the classes, ``(B, *tensor_shape, classes)``, as networks read them.
        Raises: as `observe_some`.
        """
        variable = self._variable(name)
        if not any(one in given for one in (name, *variable.member_names)):
            return sample
        value, seen = self.observe_some(given, name)
        if variable.classes is not None:
            value = self.one_hot(value, variable.classes)
        return torch.where(over(seen, sample), value.to(sample.dtype), sample)

    def one_hot(self, categories: Tensor, classes: int) -> Tensor:
        """Write class indices as vectors, in the model's precision: as networks read them.

        Shapes: int64 ``(B, *) -> (B, *, classes)``.

        >>> from graphdsl_runtime import Objective
        >>> Objective().one_hot(torch.tensor([2, 0]), 3)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
        """
        if is_cheap(categories):  # then each is one of the classes
            return F.one_hot(categories, classes).to(self._dtype())
        vectors = F.one_hot(categories.clamp(min=0), classes).to(self._dtype())
        return torch.where((categories == NO_CLASS)[..., None], math.nan, vectors)

    def every(self, *names: str) -> tuple[Tensor, ...]:
        """Give all values that categories and bits can have together, as networks read them.

        The last of the names changes fastest; a family is named whole, or by one member.

        Shapes: ``-> (1, K, *tensor_shape)`` of each, of categories ``(1, K, *tensor_shape,
        classes)``, the members of a family side by side; K is how many combinations there are.
        """
        variables = [(name, self._variable(name)) for name in names]
        shapes = [
            ((math.prod(one.grid),) if one.grid and name == one.name else ()) + one.shape
            for name, one in variables
        ]
        sizes = [math.prod(shape) for shape in shapes]
        kinds = [2 if one.classes is None else one.classes for _, one in variables]
        counts = [kind for kind, size in zip(kinds, sizes, strict=True) for _ in range(size)]
        columns = torch.split(combinations(counts, self._device()), sizes, dim=1)
        vectors = []
        for (_, one), shape, column in zip(variables, shapes, columns, strict=True):
            values = column.reshape(1, -1, *shape)
            if one.classes is None:
                vectors.append(values.to(self._dtype()))
            else:
                vectors.append(self.one_hot(values, one.classes))
        return tuple(vectors)

    def grid(self, name: str, members: _Whole) -> _Whole:
        """Give the members of a family with several indices an axis for each of them.

        Shapes: a tensor or a distribution of ``(B, N, *) -> (B, *grid, *)``.
        """
        grid = self._variable(name).grid
        return members[:, torch.arange(math.prod(grid)).reshape(grid)]

    def _values_seen(self, batch: Batch, name: str) -> tuple[Tensor, Tensor]:
        """Take what the batch has of a variable; zeros, and False, for what it lacks."""
        variable = self._variable(name)
        if name in batch or variable.members is None:
            return self._take_some(batch, name, variable)
        views = [self._take_some(batch, member, variable) for member in variable.member_names]
        values, seen = zip(*views, strict=True)
        return _stack(values), torch.stack(seen, dim=1)

    def _take_some(self, batch: Batch, name: str, variable: Variable) -> tuple[Tensor, Tensor]:
        """Take a variable, or a member of it, with zeros for what is not seen."""
        if name not in batch:
            other, entry = next(iter(batch.items()))
            like = self._entry({other: entry}, other)
            size = (like.shape[0], *variable.shape)
            dtype = torch.int64 if variable.kind == "categorical" else self._dtype()
            absent = torch.full(size, variable.filler, dtype=dtype, device=like.device)
            return absent, absent.new_zeros(size[0], dtype=torch.bool)
        value = self._take(batch, name, variable)
        views = tuple(value.shape[1 : value.ndim - len(variable.shape)])
        if value.is_floating_point():
            # A maximum is NaN where anything in it is, and takes a fraction of asking every number.
            seen = ~torch.isnan(value.reshape(value.shape[0], *views, -1).amax(dim=-1))
        else:
            seen = value.new_ones((value.shape[0], *views), dtype=torch.bool)
        for said in self._said(batch, name, variable, tuple(seen.shape)):
            seen = seen & said
        over_value = seen.reshape(*seen.shape, *(1,) * len(variable.shape))
        return torch.where(over_value, value, torch.full_like(value, variable.filler)), seen

    def _said(
        self, batch: Batch, name: str, variable: Variable, shape: tuple[int, ...]
    ) -> Iterator[Tensor]:
        """Give what the batch says is seen of it: as a family, and member by member."""
        members = variable.member_names
        whole = name == variable.name
        own = range(len(members)) if whole else [members.index(name)]
        if variable.members is not None and (key := seen_name(variable.name)) in batch:
            flags = self._flags(batch, key)
            said = variable.side_by_side(flags)
            if tuple(said.shape) != (shape[0], len(members)):
                raise ShapeMismatch(key, expected=("B", *variable.grid), got=flags.shape)
            yield said.reshape(shape) if whole else said[:, own[0]]
        keys = {place: seen_name(members[place]) for place in own}
        of_each = {
            place: self._flags(batch, key) if key in batch else None for place, key in keys.items()
        }
        for place, one in of_each.items():
            if one is not None and tuple(one.shape) != shape[:1]:
                raise ShapeMismatch(keys[place], expected=("B",), got=one.shape)
        if known := [one for one in of_each.values() if one is not None]:
            always = torch.ones_like(known[0])
            each = [always if one is None else one for one in of_each.values()]
            yield torch.stack(each, dim=1).reshape(shape)


def _stack(members: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(members), dim=1)


def _typed(value: Tensor, variable: Variable) -> Tensor:
    """Give categories the type of indices, whatever they came in."""
    return value.long() if variable.kind == "categorical" else value


def _refuse_unseen(name: str, seen: Tensor) -> None:
    """Raise `NotSeen` for rows that are said to lack what none may lack."""
    if not seen.all():
        lacking = ~seen.reshape(seen.shape[0], -1).all(dim=1)
        raise NotSeen(name, lacking.nonzero().flatten().tolist())
