"""The base of every emitted module: its variables, its networks, and what is done with both.

An emitted class names its `variables`, asks for its networks in ``__init__``, and writes out three
methods: ``forward`` (the loss), ``infer`` (the posteriors) and ``decode`` (the likelihoods).
Everything here is written on those. Its parts have modules of their own: `Building` (networks),
`Reading` (batches), `Drawing` (noise), `StructureGradients` (learned edges), `Scaling` (units) and
`Weighing` (weights, ramps).
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
from collections.abc import Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from graphdsl_runtime.batch import Batch, Latents, Networks, Noise
from graphdsl_runtime.building import Building
from graphdsl_runtime.distributions import Likelihood
from graphdsl_runtime.entries import known_names, refuse_unknown, require_mapping
from graphdsl_runtime.errors import OtherFormat, OutOfRange, ShapeMismatch, UnknownName
from graphdsl_runtime.losses import Losses
from graphdsl_runtime.meaning import refuse_meaningless
from graphdsl_runtime.multipliers import Multiplier
from graphdsl_runtime.origin import EMITTED_FORMAT, Origin
from graphdsl_runtime.sampling import Posterior
from graphdsl_runtime.scaling import Scaling
from graphdsl_runtime.structure_gradients import StructureGradients
from graphdsl_runtime.support import is_cheap
from graphdsl_runtime.variables import Variable
from graphdsl_runtime.weighing import Weighing


class Objective(Building, StructureGradients, Scaling, Weighing):
    """A training objective: what every emitted module derives from.

    A family is one tensor ``(B, N, *shape)`` in a batch, or its members one by one, ``(B, *shape)``
    under the names ``x[1]`` to ``x[N]``. Categories are class indices. A latent's noise is standard
    normal, of its shape; that of a category has a number for each class.
    """

    #: The attributes whose networks, or scales, a critic trains; all others are the model's.
    critics: ClassVar[tuple[str, ...]] = ()
    #: Where there are several objectives, what each player trains: its networks, and their scales.
    players: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
    #: How many steps a player takes in a round of `alternate`, as the spec says in `turns`; who is
    #: not named takes one.
    turns: Mapping[str, int] = MappingProxyType({})

    #: Of discrete latents: how soft the vector is that the gradient goes through (Jang, Gu and
    #: Poole 2017). The sample itself is one-hot, so that the loss is right at any temperature: a
    #: low one makes its gradient less biased, and noisier.
    temperature: float = 1.0

    #: The compiler that wrote the class, and the format it is in: checked before it is built.
    compiled_by: ClassVar[str] = ""
    emitted_format: ClassVar[int] = EMITTED_FORMAT

    #: The spec of the class, where it was made from one in this process: what `save` writes.
    origin: ClassVar[Origin | None] = None

    #: How the data were read that it was trained on, as plain values: columns, names of classes.
    data_record: Mapping[str, object] | None = None

    def __new__(cls, *_: object, **given: object) -> Self:
        """Check the class and the keywords.

        Raises `OtherFormat` for a class in a format that this runtime does not run, and
        `UnknownName` for a keyword that is no parameter of the spec.
        """
        if cls.emitted_format != EMITTED_FORMAT:
            raise OtherFormat(
                cls.__name__, found=cls.emitted_format, expected=EMITTED_FORMAT, by=cls.compiled_by
            )
        known = signature(cls.__init__).parameters
        if all(one.kind is not Parameter.VAR_KEYWORD for one in known.values()):
            names = [name for name in known if name != "self"]
            for name in given:
                if name not in names:
                    raise UnknownName("parameter", name, known=names)
        return super().__new__(cls)

    def __init__(self, networks: Networks | None = None) -> None:
        super().__init__(networks)
        self.register_forward_hook(_look_at_losses, with_kwargs=True)

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
        latents = [variable.name for variable in self.variables if variable.role == "latent"]
        return {**given, **{name: noise[name] for name in latents if name in noise}}

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
        if n < 1 or n != int(n):
            raise OutOfRange("n", n, low=1, high=math.inf)
        n = int(n)
        given = self._given(n, given or {})
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
        to = [to] if isinstance(to, str) else to
        places = self._places()
        for name in to:
            if name not in places:
                raise UnknownName("observed variable", name, known=list(places))
        require_mapping("batch", batch, self._known)
        self._admit(batch)
        left = self._without({name: self._entry(batch, name) for name in batch}, to)
        posterior = self.infer(left, noise)
        latents = {name: q.draw(noise, name) for name, q in posterior.items()}
        likelihood = self.decode({**left, **latents})
        means = {}
        for name in to:
            variable, member = places[name]
            if variable not in posterior and variable not in likelihood:
                raise UnknownName("predicted variable", name, known=list(likelihood))
            said: Likelihood | Posterior = (
                posterior[variable] if variable in posterior else likelihood[variable]
            )
            mean = said.mean
            if member is not None:
                mean = self._variable(variable).side_by_side(mean)[:, member]
            means[name] = mean
        return means

    def save(self, folder: str | Path) -> None:
        """Write all that makes this objective again, to a folder that `graphdsl.load` reads.

        It holds the spec, constants, parameters, data statistics and weights, and no code. It is
        written whole or not at all; a saved model that is there is replaced.
        Raises `CannotSave` for a class that does not know its spec, and for a folder that holds
        something else, and `OSError`.
        """
        from graphdsl_runtime.saving import save

        save(self, Path(folder))

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Give each player's parameters: the model's, and those of others where there are some.

        Where there are several objectives, their players stand in the place of the model.
        """
        critics = [parameter for name in self.critics for parameter in self._parameters_of(name)]
        duals = [
            parameter
            for part in self.modules()
            if isinstance(part, Multiplier)
            for parameter in part.parameters()
        ]
        edges = [mask.logits for mask in self.edge_masks()]
        theirs = set(map(id, [*critics, *duals, *edges]))
        groups = {
            player: [parameter for name in names for parameter in self._parameters_of(name)]
            for player, names in self.players.items()
        }
        if not groups:
            groups = {
                "model": [
                    parameter for parameter in self.parameters() if id(parameter) not in theirs
                ]
            }
        groups |= {"critic": critics} if critics else {}
        groups |= {"structure": edges} if edges else {}
        return groups | ({"multiplier": duals} if duals else {})

    def structure(self) -> dict[str, Tensor]:
        """Give the edges that are likelier there than not, of every learned mask.

        Shapes: bool, ``(*mask)``.
        """
        return {mask.name: mask.mode()[0] > 0 for mask in self.edge_masks()}

    def extra_repr(self) -> str:
        """Print the variables and the weights above the networks."""
        return "\n".join([*map(str, self.variables), *self._weights()])

    def _given(self, n: int, given: Batch) -> dict[str, Tensor]:
        """Take what p conditions on: n rows of each, and of no latent."""
        data = [variable for variable in self.variables if variable.role != "latent"]
        require_mapping("mapping of what is given", given, known_names(data))
        refuse_unknown(given, known_names(data))
        taken = {name: self._entry(given, name) for name in given}
        for name, value in taken.items():
            if value.ndim == 0 or value.shape[0] != n:
                raise ShapeMismatch(name, expected=(n, *value.shape[1:]), got=value.shape)
        return taken

    def _parameters_of(self, name: str) -> list[nn.Parameter]:
        """Give the parameters of an attribute: a network, or a learned scale."""
        held = getattr(self, name)
        return [held] if isinstance(held, nn.Parameter) else list(held.parameters())

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


def _take_apart(
    batch: dict[str, Tensor], name: str, members: Sequence[str], variable: Variable
) -> None:
    if name not in batch:
        return
    whole = variable.side_by_side(batch.pop(name))
    if tuple(whole.shape[1:2]) != (len(members),):
        raise ShapeMismatch(name, expected=("B", len(members), "..."), got=whole.shape)
    batch.update(zip(members, whole.unbind(1), strict=True))


def _look_at_losses(
    objective: Objective, given: tuple[Batch, ...], named: Mapping[str, Batch], losses: object
) -> None:
    """Refuse a loss that means nothing, as soon as it is computed."""
    if isinstance(losses, Losses) and is_cheap(losses.loss):
        refuse_meaningless(objective, given[0] if given else named["batch"], losses)
