"""The noise of an objective: everything that a pass draws, where the caller does not bring it."""

from __future__ import annotations

__all__ = ["Drawing"]

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from graphdsl_runtime.batch import Noise
from graphdsl_runtime.distributions import Gaussian
from graphdsl_runtime.entries import as_tensor, require_mapping
from graphdsl_runtime.errors import MissingInput, ShapeMismatch, UnknownName
from graphdsl_runtime.masks import EdgeMask
from graphdsl_runtime.ranks import of_all_ranks
from graphdsl_runtime.reading import Reading
from graphdsl_runtime.subsets import Subset

_WORDS = ("samples", "experts", "prior")  #: of a variable: `samples(z)`
_INNER = ("selector_", "permuted(")  #: noise that a term names as it names its samples


class Drawing(Reading):
    """The part of an objective that draws noise, and hands it on."""

    #: The sets of views that every pass draws anew, in the spec's order.
    draws: ClassVar[tuple[Subset, ...]] = ()

    #: How many samples of each latent a row has in a bound of several; 0 where there is none.
    samples: ClassVar[int] = 0

    #: How many experts a mixture has, by the latent that is sampled from each of them.
    strata: ClassVar[Mapping[str, int]] = MappingProxyType({})

    def edge_masks(self) -> list[EdgeMask]:
        """Give the masks whose edges are learned, in the spec's order."""
        return [part for part in self.children() if isinstance(part, EdgeMask)]

    def noise_for(self, like: Tensor, noise: Noise | None) -> Noise:
        """Give the caller's noise, or draw it where there is none, with as many rows as ``like``.

        Raises `NotABatch` for what is no mapping, `UnknownName` for an entry that nothing reads,
        `MissingInput` where a latent's or a mask's noise is missing, and `ShapeMismatch`.
        """
        if noise is None:
            return self.draw_noise(like)
        if not torch.compiler.is_compiling():
            return self._checked(noise, like)
        return noise

    def _checked(self, noise: Noise, like: Tensor) -> Noise:
        """Give the entries of a noise as tensors like those that would be drawn."""
        known = self._noise_names()
        require_mapping("noise", noise, known)
        for name in noise:
            if name not in known and not str(name).startswith(_INNER):
                raise UnknownName("noise", str(name), known=known)
        given = {name: self._precise(name, value, like) for name, value in noise.items()}
        edges = {mask.name for mask in self.edge_masks()}  # structures may be given as such
        for name, expected in self._needed_noise(like.shape[0]).items():
            if name not in given and f"samples({name})" not in given:
                raise MissingInput(name, expected=expected, given=given, known=known)
            if name in given and name not in edges and tuple(given[name].shape) != expected:
                raise ShapeMismatch(name, expected=expected, got=given[name].shape)
        return given

    def _precise(self, name: str, value: object, like: Tensor) -> Tensor:
        """Give an entry as a tensor, numbers in the precision of what `draw_noise` would draw."""
        tensor = as_tensor(name, value, like.device)
        dtype = like.dtype if like.is_floating_point() else self._dtype()
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    def _needed_noise(self, rows: int) -> dict[str, tuple[int, ...]]:
        """Give the shapes of the noise that a pass does not draw by itself.

        Where every expert of a mixture has a sample of its own, that of the latent is not read.
        """
        return {
            variable.name: (rows, *variable.noise_shape)
            for variable in self.variables
            if variable.sampled and variable.name not in self.strata
        } | {mask.name: tuple(mask.noise_shape(rows)) for mask in self.edge_masks()}

    def _noise_names(self) -> list[str]:
        """Give the names of all noise that a pass may read."""
        families = [variable.name for variable in self.variables]
        members = [name for variable in self.variables for name in variable.member_names]
        names = list(dict.fromkeys((*families, *members)))
        return [
            *(mask.name for mask in self.edge_masks()),
            *(draw.name for draw in self.draws),
            *names,
            *(f"{word}({name})" for word in _WORDS for name in names),
        ]

    def draw_noise(self, like: Tensor) -> dict[str, Tensor]:
        """Draw standard normal noise for all that is sampled: rows, precision, device as ``like``.

        Shapes: ``(B, *noise_shape)`` for each; for a set of views, a bool ``(B, N)``; for a learned
        mask ``(B, *mask)``, or ``(1, *mask)`` where all rows have one; where a bound takes k
        samples of each latent, ``(B, k, *noise_shape)`` for ``samples(z)`` as well; where a latent
        is sampled from each of M experts, ``(B, M, *noise_shape)`` for ``experts(z)``.
        Seeded by `torch.manual_seed`.
        """
        rows, device = like.shape[0], like.device
        dtype = like.dtype if like.is_floating_point() else self._dtype()
        noise = {
            latent.name: torch.randn(rows, *latent.noise_shape, dtype=dtype, device=device)
            for latent in self.variables
            if latent.sampled
        }
        for mask in self.edge_masks():
            edges = torch.randn(mask.noise_shape(rows), dtype=dtype, device=device)
            noise[mask.name] = edges if mask.by_row else of_all_ranks(edges)
        for latent in self.variables if self.samples else ():
            if latent.sampled:
                size = (rows, self.samples, *latent.noise_shape)
                noise[f"samples({latent.name})"] = torch.randn(size, dtype=dtype, device=device)
        for name, count in self.strata.items():
            size = (rows, count, *self._variable(name).noise_shape)
            noise[f"experts({name})"] = torch.randn(size, dtype=dtype, device=device)
        return noise | {draw.name: draw.draw(rows, device) for draw in self.draws}

    def drawn(self, noise: Noise, name: str, like: Tensor) -> Tensor:
        """Take a set of views from the noise, or draw it: one for each row of ``like``.

        Shapes: in the noise bool ``(B, N)``, or ``(N,)`` for all rows ``-> (B, N)``.
        Raises `ShapeMismatch` if it fits neither.
        """
        one = next(each for each in self.draws if each.name == name)
        if name not in noise:
            return one.draw(like.shape[0], like.device)
        chosen, shape = noise[name].bool(), (like.shape[0], one.of)
        if tuple(chosen.shape) not in (shape, shape[1:]):
            raise ShapeMismatch(name, expected=("B", one.of), got=chosen.shape)
        return chosen.expand(shape)

    def prior_sample(self, noise: Noise, name: str, like: Tensor) -> Tensor:
        """Draw from N(0, I), for p's own sample of a variable: of a latent, or of what p generates.

        The caller's own is taken from the noise's entry ``prior(z)``.  Shapes: that of ``like``.
        """
        key = f"prior({name})"
        return noise[key] if key in noise else torch.randn_like(like)

    def samples_of(self, noise: Noise, name: str, samples: int, like: Tensor) -> Tensor:
        """Take the noise of several samples of a latent in every row, one after another.

        It is the first ``samples`` of the noise's entry ``samples(z)``, or drawn where there is
        none, with as many rows as ``like``.  Shapes: ``-> (B samples, *noise_shape)``.
        Raises `ShapeMismatch` where the entry has too few samples.
        """
        key, one = f"samples({name})", self._variable(name)
        if key not in noise:
            size = (like.shape[0] * samples, *one.noise_shape)
            return torch.randn(size, dtype=self._dtype(), device=like.device)
        draws = noise[key][:, :samples]
        expected = (like.shape[0], samples, *one.noise_shape)
        if tuple(draws.shape) != expected:
            raise ShapeMismatch(key, expected=expected, got=noise[key].shape)
        return draws.flatten(0, 1)

    def noise_of_each(self, noise: Noise, name: str, experts: int, like: Tensor) -> Tensor:
        """Take the noise of one sample of a latent from each expert of a mixture, in every row.

        It is the first of the noise's entry ``experts(z)``, or drawn where there is none, with as
        many rows as ``like``.  Shapes: ``-> (B, M, *noise_shape)``.
        Raises `ShapeMismatch` where the entry has too few experts.
        """
        key, expected = f"experts({name})", (experts, *self._variable(name).noise_shape)
        if key not in noise:
            size = (like.shape[0], *expected)
            return torch.randn(size, dtype=self._dtype(), device=like.device)
        draws = noise[key][:, :experts]
        if tuple(draws.shape) != (like.shape[0], *expected):
            raise ShapeMismatch(key, expected=(like.shape[0], *expected), got=noise[key].shape)
        return draws

    def selector(
        self, noise: Noise | None, name: str, experts: Gaussian, seen: Tensor | None = None
    ) -> Tensor:
        """Choose a component of a mixture for every row, evenly among those that are there.

        ``noise[name]`` holds numbers in [0, 1), ``(B,)``, where the caller gives them; without any
        noise at all, the first component that is there is taken.  In a row that has none it names
        any.  Shapes: ``-> (B,)``, whole.
        """
        mean, (rows, count) = experts.mean, experts.mean.shape[:2]
        there = mean.new_ones(rows, count, dtype=torch.bool) if seen is None else seen
        if noise is None:
            return there.int().argmax(dim=1)
        drawn = noise[name] if name in noise else torch.rand(rows, device=there.device)
        upto = there.cumsum(dim=1)
        # A number that half precision has rounded to 1 is of the last that is there.
        wanted = torch.minimum((drawn * upto[:, -1]).floor() + 1.0, upto[:, -1])
        return (upto < wanted[:, None]).sum(dim=1).clamp(max=count - 1)
