"""`audit --verify`: each player's gradient beside central differences of the loss that is stated.

The loss of a player is taken from the audit: the sum of its terms by their weights, each term as
the emitted module computes it at moved parameters. What a term's gradient holds still, as the audit
says of that term, is held still there; nothing else is.
"""

from __future__ import annotations

__all__ = ["Descent", "gradients_of"]

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.statements import Run
from graphdsl.ir.verification import GradientComparison, Slope
from graphdsl.verify import stated_loss, summands

if TYPE_CHECKING:
    from torch import Tensor, nn

    from graphdsl_runtime import Losses, Objective

_SEED = 0  #: of what a pass draws itself, which is the same in every pass
_STEPS = (1e-5, 1e-6, 1e-7)  #: a smaller one where a kink is near
_SIZE = 0.3  #: of a direction's entries


def gradients_of(descent: Descent, directions: int = 5) -> tuple[GradientComparison, ...]:
    """Compare the gradient of every player, in all its networks together and in each.

    Args:
        descent: The module, its rows and its noise.
        directions: How many, over all parameters of a player; each of its networks has one more.
    """
    return tuple(
        GradientComparison(
            player=player,
            slopes=tuple(
                descent.slope(player, one) for one in descent.directions(player, directions)
            ),
            reaches=tuple(descent.reaches(player)),
        )
        for player in descent.groups
        if player != "structure" or not descent.unbiased_edges
    )


@dataclass(frozen=True, slots=True)
class _Direction:
    """A way to move parameters."""

    of: str  #: the network that it moves; empty for all that a player trains
    attribute: str  #: that of the network
    steps: Mapping[nn.Parameter, Tensor]


class Descent:
    """An emitted module on rows and noise that stay the same, and the losses of its players."""

    def __init__(
        self, module: LossModule, objective: Objective, batch: Mapping[str, Tensor]
    ) -> None:
        import torch

        from graphdsl_runtime.holding import Holding

        torch.default_generator.manual_seed(_SEED)
        self._module, self._objective, self._batch = module, objective, batch
        self._noise = objective.draw_noise(_like(batch))
        self._holding = Holding()
        with self._holding:
            self._losses = self._pass()
        self.groups = objective.parameter_groups()
        self._weights = {
            parameter.name: float(getattr(objective, parameter.name))
            for parameter in module.parameters
        }
        self._random = torch.Generator().manual_seed(_SEED)

    @property
    def unbiased_edges(self) -> tuple[str, ...]:
        """The masks whose probabilities have an estimate of a gradient of the mean structure."""
        masks = self._module.masks
        return tuple(mask.name for mask in masks if mask.gradient != "straight_through")

    def directions(self, player: str, count: int) -> Iterator[_Direction]:
        """Random directions of all that a player trains, and of each of its networks."""
        own = self.groups[player]
        for _ in range(count if own else 0):
            yield self._direction("", "", own)
        for name, attribute, parameters in self._attributes():
            if parameters and {*parameters} <= {*own}:
                yield self._direction(name, attribute, parameters)

    def slope(self, player: str, direction: _Direction) -> Slope:
        """How a player's loss rises: by its gradient, and as the audit states it."""
        import torch

        loss, parameters = self._losses.players[player], list(direction.steps)
        gradients: Sequence[Tensor | None] = [None] * len(parameters)
        if loss.requires_grad:
            gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        emitted = sum(
            float((gradient * direction.steps[parameter]).sum())
            for parameter, gradient in zip(parameters, gradients, strict=True)
            if gradient is not None
        )
        differences = [self._difference(player, direction, _STEPS[0], emitted)]
        for step in _STEPS[1:]:
            if differences[-1].agrees:
                break
            differences.append(self._difference(player, direction, step, emitted))
        return min(differences, key=lambda one: one.error)

    def reaches(self, player: str) -> Iterator[str]:
        """The networks in which a player's loss has a gradient, and that it does not train."""
        import torch

        loss = self._losses.players[player]
        if player == "structure" or not loss.requires_grad:
            return  # its loss is that of the others
        edges = [mask.logits for mask in self._objective.edge_masks()]
        known = {*self.groups[player], *([] if self._module.players else edges)}
        for name, _, parameters in self._attributes():
            others = [parameter for parameter in parameters if parameter not in known]
            if not others or self._trains_edges(player, others):
                continue
            gradients = torch.autograd.grad(loss, others, retain_graph=True, allow_unused=True)
            if any(one is not None and bool((one != 0).any()) for one in gradients):
                yield name

    def _trains_edges(self, player: str, parameters: Sequence[nn.Parameter]) -> bool:
        """Whether these are edges that follow the player's loss."""
        own = next((one.masks for one in self._module.players if one.name == player), ())
        edges = {mask.logits for mask in self._objective.edge_masks() if mask.name in own}
        return {*parameters} <= edges

    # ---- differences -----------------------------------------------------------------------------

    def _difference(self, player: str, direction: _Direction, step: float, emitted: float) -> Slope:
        rise = size = 0.0
        for whose, own in self._parts(player, direction):
            above, below = (self._values(own, sign * step) for sign in (1.0, -1.0))
            rise += self._stated(whose, own, above) - self._stated(whose, own, below)
            size += self._size(above, below)
        return Slope(direction.of, emitted, rise / (2 * step), max(size, abs(rise)) / (2 * step))

    def _parts(self, player: str, direction: _Direction) -> Iterator[tuple[str, _Direction]]:
        """Whose loss rises along which parameters: edges have that of their own player alone."""
        if player != "structure" or not self._module.players:
            yield player, direction
            return
        edges = {mask.logits: mask.name for mask in self._objective.edge_masks()}
        for one in self._module.players:
            own = {p: step for p, step in direction.steps.items() if edges[p] in one.masks}
            yield one.name, replace(direction, steps=own)

    def _values(self, direction: _Direction, step: float) -> _Values:
        """The terms at moved parameters, each with what its gradient holds still held still."""
        import torch

        values, critic, prices = dict[str, float](), None, dict[str, float]()
        modes = {_mode(term) for term in self._module.terms}
        with torch.no_grad():
            for samples, networks in sorted({(False, False), *modes}):
                with self._moved(direction, step, samples, networks):
                    losses = self._pass()
                    if not (samples or networks):  # critics and prices hold nothing still
                        critic, prices = losses.players.get("critic"), self._prices()
                alike = (term for term in self._module.terms if _mode(term) == (samples, networks))
                values |= {one.name: float(losses.terms[one.name]) for one in alike}
        return _Values(values, prices, None if critic is None else float(critic))

    def _prices(self) -> dict[str, float]:
        return {
            group.name: float(getattr(self._objective, group.multiplier).value)
            for group in self._module.groups
            if group.kind == "constraint"
        }

    def _stated(self, player: str, direction: _Direction, values: _Values) -> float:
        """The loss of a player; of a predictor that plays against a term, that very term."""
        stated = stated_loss(player, self._module, values.terms, self._weights, values.prices)
        if stated is not None:
            return stated
        predicted = list(self._predicted(direction.attribute))
        if predicted:
            return sum(values.terms[name] for name in predicted)
        assert values.critic is not None
        return values.critic

    def _predicted(self, attribute: str) -> Iterator[str]:
        """The terms that a network is trained by as they are, and against which it plays."""
        runs = {
            statement.target: statement.slot
            for statement in self._module.forward
            if isinstance(statement, Run)
        }
        for term in self._module.terms:
            own = term.critic_code
            if own is not None and runs.get(own.left.value) == attribute:
                if own.among == term.code.among:
                    yield term.name

    def _size(self, above: _Values, below: _Values) -> float:
        """What the summands of all losses rise or fall by, all counted as positive."""
        mains = [one.name for one in self._module.players] or ["model"]
        total = 0.0
        for player in mains:
            both = (
                summands(player, self._module, one.terms, self._weights, one.prices)
                for one in (above, below)
            )
            total += sum(abs(one - other) for one, other in zip(*both, strict=True))
        if above.critic is not None and below.critic is not None:
            total += abs(above.critic - below.critic)
        return total

    # ---- passes ----------------------------------------------------------------------------------

    def _pass(self) -> Losses:
        import torch

        torch.default_generator.manual_seed(_SEED)  # of the CPU, where all of it runs
        losses: Losses = self._objective(self._batch, self._noise)
        return losses

    @contextmanager
    def _moved(
        self, direction: _Direction, step: float, samples: bool = False, networks: bool = False
    ) -> Iterator[None]:
        """Parameters a step along a direction; what comes from samples, or networks, held still."""
        before = {one: one.detach().clone() for one in direction.steps}
        for one in before:
            one.data.add_(direction.steps[one], alpha=step)
        self._holding.rewind(samples=samples, networks=networks)
        try:
            with self._holding:
                yield
        finally:
            for one, value in before.items():
                one.data.copy_(value)

    def _direction(self, of: str, attribute: str, parameters: Sequence[nn.Parameter]) -> _Direction:
        import torch

        steps = {
            parameter: _SIZE
            * torch.randn(parameter.shape, generator=self._random, dtype=torch.float64)
            for parameter in parameters
        }
        return _Direction(of, attribute, steps)

    def _attributes(self) -> Iterator[tuple[str, str, list[nn.Parameter]]]:
        """What the module trains, by its printed name and its attribute."""
        for slot in self._module.networks:
            scale = [] if slot.scale is None else [slot.scale.attribute]
            for attribute in (slot.attribute, *scale):
                name = f"{'' if attribute == slot.attribute else 'the scale of '}{slot.names[0]}"
                yield name, attribute, _parameters(self._objective, attribute)
        for mask in self._objective.edge_masks():
            yield f"the edges {mask.name}", f"mask_{mask.name}", [mask.logits]
        for group in self._module.groups:
            if group.kind == "constraint":
                own = _parameters(self._objective, group.multiplier)
                yield f"the multiplier of {group.name}", group.multiplier, own


@dataclass(frozen=True, slots=True)
class _Values:
    """What a module says at moved parameters."""

    terms: Mapping[str, float]
    prices: Mapping[str, float]
    critic: float | None


def _mode(term: LossTerm) -> tuple[bool, bool]:
    """Whether a term's gradient holds still what comes from samples, and what p's networks have."""
    return term.held, term.frozen


def _parameters(objective: Objective, attribute: str) -> list[nn.Parameter]:
    from torch import nn

    network = getattr(objective, attribute)
    return [network] if isinstance(network, nn.Parameter) else list(network.parameters())


def _like(batch: Mapping[str, Tensor]) -> Tensor:
    """A tensor of as many rows, in the precision of the module."""
    import torch

    rows = len(next(iter(batch.values())))
    return torch.zeros(rows, dtype=torch.float64)
