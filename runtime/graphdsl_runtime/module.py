"""The base of every emitted module: its variables, its networks, and what is done with both.

An emitted class names its `variables`, asks for its networks in ``__init__``, and writes out three
methods: ``forward`` (the loss), ``infer`` (the posteriors) and ``decode`` (the likelihoods).
Everything here is written on those.
"""

from __future__ import annotations

__all__ = [
    "Batch",
    "Latents",
    "Losses",
    "Networks",
    "Noise",
    "Objective",
]

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Protocol, Self, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime.classes import combinations
from graphdsl_runtime.distributions import Gaussian
from graphdsl_runtime.distributions.parameters import over
from graphdsl_runtime.errors import (
    MissingInput,
    MissingNetwork,
    NetworkNeeded,
    NotOneNetwork,
    OutOfRange,
    ShapeMismatch,
    UnknownName,
)
from graphdsl_runtime.masks import EdgeMask
from graphdsl_runtime.multipliers import Multiplier
from graphdsl_runtime.networks import Each, FamilyNetwork, Shape, Shared, Tied, try_network
from graphdsl_runtime.ranks import of_all_ranks
from graphdsl_runtime.sampling import Likelihood, Posterior, likeliest
from graphdsl_runtime.subsets import Subset
from graphdsl_runtime.variables import Variable, require_finite

#: Variable, member of a family, or `seen(variable)` -> values, rows first.
Batch: TypeAlias = Mapping[str, Tensor]
#: Latent -> standard normal noise of its shape, rows first; of a category, a number per class.
#: Drawn set -> which views it holds; where it is left out, a pass draws its own.
Noise: TypeAlias = Mapping[str, Tensor]
#: Latent -> values, rows first; and values of what is observed or given, where p reads them.
Latents: TypeAlias = Mapping[str, Tensor]
#: Conditional, as it is printed everywhere (`q(z|x[1])`) -> the caller's own network for it.
Networks: TypeAlias = Mapping[str, nn.Module]


class _Indexed(Protocol):
    """A tensor, or a distribution."""

    def __getitem__(self, index: tuple[slice, Tensor], /) -> Self: ...


_Whole = TypeVar("_Whole", bound=_Indexed)


@dataclass(frozen=True, eq=False)
class Losses:
    """What a step of training needs: one scalar per player, and the terms it came from.

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


class Objective(nn.Module):
    """A training objective: what every emitted module derives from.

    A family is one tensor ``(B, N, *shape)`` in a batch, or its members one by one, ``(B, *shape)``
    under the names ``x[1]`` to ``x[N]``. Categories are class indices. A latent's noise is standard
    normal, of its shape; that of a category has a number for each class.
    """

    #: The spec's variables, in its order.
    variables: ClassVar[tuple[Variable, ...]] = ()

    #: The attributes whose networks a critic trains; all others are the model's.
    critics: ClassVar[tuple[str, ...]] = ()
    #: Where there are several objectives, what each player trains: its networks, and their scales.
    players: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    #: The sets of views that every pass draws anew, in the spec's order.
    draws: ClassVar[tuple[Subset, ...]] = ()

    #: How many samples of each latent a row has in a bound of several; 0 where there is none.
    samples: ClassVar[int] = 0
    #: How many steps a player takes in a round of `alternate`, as the spec says in `turns`; who is
    #: not named takes one.
    turns: Mapping[str, int] = MappingProxyType({})

    #: How many rows the training set has; the trainer sets it. Where it is None, estimators of the
    #: aggregate posterior (total correlation) take the batch for the whole data set.
    rows: int | None = None

    #: Of discrete latents: how soft the vector is that the gradient goes through (Jang, Gu and
    #: Poole 2017). The sample itself is one-hot, so that the loss is right at any temperature: a
    #: low one makes its gradient less biased, and noisier.
    temperature: float = 1.0

    def __init__(self, networks: Networks | None = None) -> None:
        super().__init__()
        self._own_networks = dict(networks or {})
        self._network_names: list[str] = []
        self._weight_names: list[str] = []
        self._ramps: dict[str, tuple[float, float, int]] = {}

    # What an emitted module writes out.

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Compute the objective on a batch; the same noise gives the same loss.

        Unit: nats per row.  Raises `ShapeMismatch` or `MissingInput` where the batch does not fit.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def infer(self, batch: Batch, noise: Noise | None = None) -> Mapping[str, Posterior]:
        """Give the posterior of every latent, from the views that the batch holds.

        A latent that others are inferred from is sampled with its noise, or taken at its mean.
        """
        raise NotImplementedError(f"{type(self).__name__} has no inference network")

    def decode(self, latents: Latents) -> Mapping[str, Likelihood]:
        """Give the likelihood of every observed variable, from values of what it depends on."""
        raise NotImplementedError(f"{type(self).__name__} has no generation network")

    def ancestral_sample(self, noise: Noise, given: Batch) -> Mapping[str, Tensor]:
        """Draw everything that p conditions on, parents first, for `decode` to read.

        A module writes it out where there is more to it than this: latents with N(0, I) as prior.
        """
        return {**given, **noise}

    # What it can do then.

    @torch.no_grad()
    def generate(self, n: int, given: Batch | None = None) -> dict[str, Tensor]:
        """Draw ``n`` rows of latents from p and give the means of what they generate.

        What p conditions on and does not generate has to be ``given``, ``n`` rows of it.

        Shapes: ``(n, *tensor_shape)`` for every observed variable, and of categories the
        probabilities, ``(n, *tensor_shape, classes)``.
        Seeded by `torch.manual_seed`.
        Raises `MissingInput` without what has to be given, and `ShapeMismatch` for other rows.
        """
        given = given or {}
        for name, value in given.items():
            if value.ndim == 0 or value.shape[0] != n:
                raise ShapeMismatch(name, expected=(n, *value.shape[1:]), got=value.shape)
        like = next(self.parameters(), torch.empty(0)).new_empty(n)
        values = self.ancestral_sample(self.draw_noise(like), given)
        return {name: p.mean for name, p in self.decode(values).items()}

    @torch.no_grad()
    def translate(
        self, batch: Batch, to: Sequence[str], noise: Noise | None = None
    ) -> dict[str, Tensor]:
        """Predict views from the others: the means of p(x | z) at the posterior's mean or sample.

        ``to`` names variables, families or members. What is asked for by the name of a member, or
        of a variable that is no family, is not read, so that a prediction cannot see its answer; a
        family's name fills in what the batch lacks of it and reconstructs the rest. Of labels that
        q fills in, it is what q says. What p(x | z, a) conditions on besides the latents is taken
        from the batch.

        Shapes: ``(B, *shape)`` for a member, ``(B, *tensor_shape)`` for a family; of categories the
        probabilities, with the classes last.
        Raises `UnknownName` for a name that is no observed variable's, and `MissingInput` without
        what p conditions on.
        """
        places = self._places()
        for name in to:
            if name not in places:
                raise UnknownName("observed variable", name, known=list(places))
        left = self._without(batch, to)
        posterior = self.infer(left, noise)
        latents = {name: q.draw(noise, name) for name, q in posterior.items()}
        likelihood = self.decode({**left, **latents})
        means = {}
        for name in to:
            variable, member = places[name]
            said: Likelihood | Posterior = (
                posterior[variable] if variable in posterior else likelihood[variable]
            )
            mean = said.mean
            if member is not None:
                mean = self._variable(variable).side_by_side(mean)[:, member]
            means[name] = mean
        return means

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Give each player's parameters: the model's, and those of others where there are some.

        Where there are several objectives, their players stand in the place of the model.
        """
        critics = [one for name in self.critics for one in getattr(self, name).parameters()]
        duals = [
            one
            for part in self.modules()
            if isinstance(part, Multiplier)
            for one in part.parameters()
        ]
        edges = [mask.logits for mask in self.edge_masks()]
        theirs = set(map(id, [*critics, *duals, *edges]))
        groups = {
            player: [one for name in names for one in self._parameters_of(name)]
            for player, names in self.players.items()
        }
        if not groups:
            groups = {"model": [one for one in self.parameters() if id(one) not in theirs]}
        groups |= {"critic": critics} if critics else {}
        groups |= {"structure": edges} if edges else {}
        return groups | ({"multiplier": duals} if duals else {})

    def edge_masks(self) -> list[EdgeMask]:
        """Give the masks whose edges are learned, in the spec's order."""
        return [part for part in self.children() if isinstance(part, EdgeMask)]

    def structure(self) -> dict[str, Tensor]:
        """Give the edges that are likelier there than not, of every learned mask.

        Shapes: bool, ``(*mask)``.
        """
        return {mask.name: mask.mode()[0] > 0 for mask in self.edge_masks()}

    # What its __init__ is written in.

    def network(self, name: str, default: Callable[[], nn.Module]) -> nn.Module:
        """Take the caller's network of that name, or build the default."""
        self._network_names.append(name)
        return self._own_networks[name] if name in self._own_networks else default()

    def members(self, names: Sequence[str], default: Callable[[], FamilyNetwork]) -> FamilyNetwork:
        """Take the caller's networks for a family, or build the default that runs them all.

        Raises `MissingNetwork` if the caller has networks for some members and not for others.
        """
        self._network_names.extend(names)
        given = [name for name in names if name in self._own_networks]
        if not given:
            return default()
        if missing := [name for name in names if name not in self._own_networks]:
            raise MissingNetwork(given=given, missing=missing)
        # The default alone knows which parents are shared; on `meta` it costs neither memory nor
        # random numbers.
        with torch.device("meta"):
            shared = default().shared
        return Each([self._own_networks[name] for name in names], shared)

    def tied(
        self,
        names: Sequence[str],
        default: Callable[[], nn.Module],
        shared: Sequence[bool] | None = None,
    ) -> nn.Module:
        """Take the caller's one network for all these conditionals, or build the default.

        It may be given under any of the names.  With ``shared``, which says of every parent
        whether all have it in common, all of them run at once: see `Tied`.
        Raises `NotOneNetwork` if the caller has several.
        """
        self._network_names.extend(names)
        given = {name: self._own_networks[name] for name in names if name in self._own_networks}
        if len(set(map(id, given.values()))) > 1:
            raise NotOneNetwork(list(given))
        network = next(iter(given.values())) if given else default()
        return network if shared is None else Tied(network, shared)

    def own_network(
        self, name: str, module: str, inputs: Sequence[Shape], outputs: int | Shape, answer: str
    ) -> nn.Module:
        """Take the network that the spec leaves to the caller, ``via module``, and try it.

        Shapes: the network is called with one ``(B, *shape)`` per entry of ``inputs``, and answers
        with ``(B, outputs)`` or ``(B, *outputs)``, which ``answer`` describes.
        Raises `NetworkNeeded` if the caller has none, and `ShapeMismatch` if two rows of zeros
        come out in another shape.
        """

        def needed() -> nn.Module:
            raise NetworkNeeded(name, module, inputs, outputs, answer, of=type(self).__name__)

        network = self.network(name, needed)
        try_network(network, name, inputs, outputs)
        return network

    def own_members(
        self,
        names: Sequence[str],
        module: str,
        inputs: Sequence[Shape],
        outputs: int | Shape,
        answer: str,
    ) -> FamilyNetwork:
        """Take the networks of a family that the spec leaves to the caller, one for each member.

        Raises: as `own_network`, of each.
        """
        shared = [isinstance(one, Shared) for one in inputs]
        return Each(
            [self.own_network(name, module, inputs, outputs, answer) for name in names], shared
        )

    def own_tied(
        self,
        names: Sequence[str],
        module: str,
        inputs: Sequence[Shape],
        outputs: int | Shape,
        answer: str,
        shared: Sequence[bool] | None = None,
    ) -> nn.Module:
        """Take the one network for all these conditionals that the spec leaves to the caller.

        Raises: as `tied`, and as `own_network`.
        """

        def needed() -> nn.Module:
            raise NetworkNeeded(names[0], module, inputs, outputs, answer, of=type(self).__name__)

        network = self.tied(names, needed)
        try_network(network, names[0], inputs, outputs)
        return network if shared is None else Tied(network, shared)

    def refuse_unused_networks(self) -> None:
        """Raise `UnknownName` if the caller named a network that the model does not have."""
        for name in self._own_networks:
            if name not in self._network_names:
                raise UnknownName("network", name, known=self._network_names)

    def constant(self, name: str, value: Tensor) -> Tensor:
        """Keep a tensor that goes where the module goes, and is no part of its state."""
        self.register_buffer(name, value, persistent=False)
        return self.get_buffer(name)

    def weight(
        self, name: str, value: float, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """Take a parameter of the objective.

        Raises `OutOfRange` outside ``low..high``: there the derivation may not hold.
        """
        if not low <= value <= high:
            raise OutOfRange(name, value, low=low, high=high)
        self._weight_names.append(name)
        return float(value)

    def ramp(
        self,
        name: str,
        start: float,
        end: float,
        steps: int,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> Tensor:
        """Take a parameter of the objective that moves from one value to another, in equal steps.

        It is a tensor that `advance` writes into, so that a compiled objective stays compiled.
        Raises `OutOfRange` where either end is outside ``low..high``.
        """
        self.weight(name, start, low, high)
        self._ramps[name] = (start, self.weight(name, end, low, high), steps)
        self.register_buffer(name, torch.tensor(float(start)), persistent=False)
        return self.get_buffer(name)

    def advance(self, step: int) -> None:
        """Set the parameters that move to where they are at a step of training, from 0 on."""
        for name, (start, end, steps) in self._ramps.items():
            self.get_buffer(name).fill_(start + (end - start) * min(step / steps, 1.0))

    # What its forward, infer and decode are written in.

    def observe(self, batch: Batch, name: str) -> Tensor:
        """Take a variable from the batch, whole or member by member.

        Shapes: ``-> (B, *shape)``, of a family ``(B, N, *shape)``, whatever its indices; whole
        numbers and booleans become the model's floats, and categories int64.
        Raises `MissingInput` if it, or any member of it, is missing, `ShapeMismatch`, and, on the
        CPU, `NotFinite` for NaN and infinities.
        """
        variable = self._variable(name)
        if name in batch:
            return _typed(name, self._take(batch, name, variable), variable)
        if name != variable.name:
            return self.observe(batch, variable.name)[:, variable.member_names.index(name)]
        members = variable.member_names
        if not all(member in batch for member in members):
            raise self._missing(variable, batch)
        values = [self._take(batch, member, variable) for member in members]
        return _typed(name, _stack(name, values), variable)

    def observe_some(self, batch: Batch, name: str) -> tuple[Tensor, Tensor]:
        """Take what the batch has of a variable, and say which of it that is.

        A view is unseen in a row if the batch has neither it nor its family, or says so (a bool
        ``seen(x)`` of shape ``(B, N)``, or ``seen(x[1])`` of shape ``(B,)``, whichever way the
        values are given), or holds a NaN in it.  What is not seen is zero.

        Shapes: ``-> (B, *tensor_shape)`` and a bool ``(B, N)``, or ``(B,)`` if it is no family.
        Raises `ShapeMismatch`, `MissingInput` if the batch is empty, and, on the CPU, `NotFinite`
        for an infinity that is seen.
        """
        variable = self._variable(name)
        if name in batch or variable.members is None:
            value, one_seen = self._take_some(batch, name, variable)
            return _typed(name, value, variable), one_seen
        views = [self._take_some(batch, member, variable) for member in variable.member_names]
        values, seen = zip(*views, strict=True)
        return _typed(name, _stack(name, values), variable), torch.stack(seen, dim=1)

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

        >>> Objective().one_hot(torch.tensor([2, 0]), 3)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])
        """
        return F.one_hot(categories, classes).to(self._dtype())

    def every(self, *names: str) -> tuple[Tensor, ...]:
        """Give all values that categories and bits can have together, as networks read them.

        The last of the names changes fastest; a family is named whole, or by one member.

        Shapes: ``-> (1, K, *tensor_shape)`` of each, of categories ``(1, K, *tensor_shape,
        classes)``, the members of a family side by side; K is how many combinations there are.
        """
        device = next(self.parameters(), torch.empty(0)).device
        several = [(name, self._variable(name)) for name in names]
        shapes = [
            ((math.prod(one.grid),) if one.grid and name == one.name else ()) + one.shape
            for name, one in several
        ]
        sizes = [math.prod(shape) for shape in shapes]
        kinds = [2 if one.classes is None else one.classes for _, one in several]
        counts = [kind for kind, size in zip(kinds, sizes, strict=True) for _ in range(size)]
        columns = torch.split(combinations(counts, device), sizes, dim=1)
        found = []
        for (_, one), shape, column in zip(several, shapes, columns, strict=True):
            values = column.reshape(1, -1, *shape)
            if one.classes is None:
                found.append(values.to(self._dtype()))
            else:
                found.append(self.one_hot(values, one.classes))
        return tuple(found)

    def grid(self, name: str, members: _Whole) -> _Whole:
        """Give the members of a family with several indices an axis for each of them.

        Shapes: a tensor or a distribution of ``(B, N, *) -> (B, *grid, *)``.
        """
        grid = self._variable(name).grid
        return members[:, torch.arange(math.prod(grid)).reshape(grid)]

    def draw_noise(self, like: Tensor) -> dict[str, Tensor]:
        """Draw standard normal noise for all that is sampled: rows, precision, device as ``like``.

        Shapes: ``(B, *noise_shape)`` for each; for a set of views, a bool ``(B, N)``; for a learned
        mask ``(B, *mask)``, or ``(1, *mask)`` where all rows have one; where a bound takes k
        samples of each latent, ``(B, k, *noise_shape)`` for ``samples(z)`` as well.
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
        return noise | {one.name: one.draw(rows, device) for one in self.draws}

    def drawn(self, noise: Noise, name: str, like: Tensor) -> Tensor:
        """Take a set of views from the noise, or draw it: one for each row of ``like``.

        Shapes: in the noise bool ``(B, N)``, or ``(N,)`` for all rows ``-> (B, N)``.
        Raises `ShapeMismatch` if it fits neither.
        """
        one = next(each for each in self.draws if each.name == name)
        if name not in noise:
            return one.draw(like.shape[0], like.device)
        chosen, shape = noise[name].bool(), (like.shape[0], one.of)
        if tuple(chosen.shape) not in {shape, shape[1:]}:
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
        several = noise[key][:, :samples]
        expected = (like.shape[0], samples, *one.noise_shape)
        if tuple(several.shape) != expected:
            raise ShapeMismatch(key, expected=expected, got=noise[key].shape)
        return several.flatten(0, 1)

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

    def extra_repr(self) -> str:
        """Print the variables and the weights above the networks."""
        weights = [f"{name} = {getattr(self, name, '?')}" for name in self._weight_names]
        return "\n".join([*map(str, self.variables), *weights])

    def _parameters_of(self, name: str) -> list[nn.Parameter]:
        """Give the parameters of an attribute: a network, or a learned scale."""
        held = getattr(self, name)
        return [held] if isinstance(held, nn.Parameter) else list(held.parameters())

    def _variable(self, name: str) -> Variable:
        for variable in self.variables:
            if name == variable.name or name in variable.member_names:
                return variable
        raise UnknownName("variable", name, known=[variable.name for variable in self.variables])

    def _places(self) -> dict[str, tuple[str, int | None]]:
        """Say which variable, and which member of it, every name of something observed is."""
        places: dict[str, tuple[str, int | None]] = {}
        for variable in self.variables:
            if variable.role == "observed":
                places |= {one: (variable.name, i) for i, one in enumerate(variable.member_names)}
                places[variable.name] = (variable.name, None)
        return places

    def _without(self, batch: Batch, names: Sequence[str]) -> Batch:
        """Give the batch less the members, and the variables that are no family, of those names."""
        left = dict(batch)
        for variable in self.variables:
            if variable.members is not None and not set(names).isdisjoint(variable.member_names):
                _take_apart(left, variable.name, variable.member_names, variable)
            for name in set(names).intersection(variable.member_names):
                left.pop(name, None)
        return left

    def _take(self, batch: Batch, name: str, variable: Variable) -> Tensor:
        """Take a variable, or a member of it, that is in the batch."""
        value = batch[name]
        shape = variable.tensor_shape if name == variable.name else variable.shape
        if value.ndim == 0 or tuple(value.shape[1:]) != shape:
            raise ShapeMismatch(name, expected=("B", *shape), got=value.shape)
        if name == variable.name:
            value = variable.side_by_side(value)
        if value.is_floating_point() or variable.kind == "categorical":
            return value
        return value.to(self._dtype())

    def _take_some(self, batch: Batch, name: str, variable: Variable) -> tuple[Tensor, Tensor]:
        """Take a variable, or a member of it, with zeros for what is not seen."""
        if name not in batch:
            if not batch:
                raise self._missing(variable, batch)
            other = next(iter(batch.values()))
            size = (other.shape[0], *variable.shape)
            dtype = torch.int64 if variable.kind == "categorical" else self._dtype()
            absent = torch.zeros(size, dtype=dtype, device=other.device)
            return absent, absent.new_zeros(size[0], dtype=torch.bool)
        value = self._take(batch, name, variable)
        views = tuple(value.shape[1 : value.ndim - len(variable.shape)])
        # A maximum is NaN where anything in it is, and takes a fraction of asking every number.
        seen = ~torch.isnan(value.reshape(value.shape[0], *views, -1).amax(dim=-1))
        for said in self._said(batch, name, variable, tuple(seen.shape)):
            seen = seen & said.bool()
        over_value = seen.reshape(*seen.shape, *(1,) * len(variable.shape))
        return torch.where(over_value, value, torch.zeros_like(value)), seen

    def _said(
        self, batch: Batch, name: str, variable: Variable, shape: tuple[int, ...]
    ) -> Iterator[Tensor]:
        """Give what the batch says is seen of it: as a family, and member by member."""
        members = variable.member_names
        whole = name == variable.name
        own = range(len(members)) if whole else [members.index(name)]
        if variable.members is not None and (key := _seen_name(variable.name)) in batch:
            said = variable.side_by_side(batch[key])
            if tuple(said.shape) != (shape[0], len(members)):
                raise ShapeMismatch(key, expected=("B", *variable.grid), got=batch[key].shape)
            yield said.reshape(shape) if whole else said[:, own[0]]
        of_each = {place: batch.get(_seen_name(members[place])) for place in own}
        for place, one in of_each.items():
            if one is not None and tuple(one.shape) != shape[:1]:
                raise ShapeMismatch(_seen_name(members[place]), expected=("B",), got=one.shape)
        if known := [one for one in of_each.values() if one is not None]:
            always = torch.ones_like(known[0])
            each = [always if one is None else one for one in of_each.values()]
            yield torch.stack([one.bool() for one in each], dim=1).reshape(shape)

    def _missing(self, variable: Variable, batch: Batch) -> MissingInput:
        known = [name for other in self.variables for name in (other.name, *other.member_names)]
        return MissingInput(
            variable.name,
            expected=("B", *variable.tensor_shape),
            given=batch,
            known=known,
            members=() if variable.members is None else variable.member_names,
        )

    def _dtype(self) -> torch.dtype:
        return next(self.parameters(), torch.empty(0)).dtype


def _stack(name: str, members: Sequence[Tensor]) -> Tensor:
    for member in members:
        if member.shape != members[0].shape:
            raise ShapeMismatch(f"a member of {name}", expected=members[0].shape, got=member.shape)
    return torch.stack(list(members), dim=1)


def _typed(name: str, value: Tensor, variable: Variable) -> Tensor:
    """Give categories the type of indices, whatever they came in; refuse what is no number."""
    require_finite(name, value)
    return value.long() if variable.kind == "categorical" else value


def _take_apart(
    batch: dict[str, Tensor], name: str, members: Sequence[str], variable: Variable
) -> None:
    if name not in batch:
        return
    whole = variable.side_by_side(batch.pop(name))
    if tuple(whole.shape[1:2]) != (len(members),):
        raise ShapeMismatch(name, expected=("B", len(members), "..."), got=whole.shape)
    batch.update(zip(members, whole.unbind(1), strict=True))


def _seen_name(name: str) -> str:
    return f"seen({name})"
