"""What the models of a spec say in rows of one pattern: encoders, sub-posteriors, predictors."""

from __future__ import annotations

__all__ = ["Encoders", "RowModels", "row_joint"]

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from graphdsl.ir.information import Entropy, Term
from graphdsl.ir.loss import Bound, LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.statements import Run
from graphdsl.ir.symbols import ModelRef, NetworkName, P, Variable
from graphdsl.ir.weight import ONE
from graphdsl.verify.experts import Expert, drawn_entropy, experts_of
from graphdsl.verify.models import Density, Models, Source
from graphdsl.verify.normals import Normal, Regression
from graphdsl.verify.random_joints import Joint, World
from graphdsl.verify.rows import Row, term_of
from graphdsl.verify.terms import Parameters, weight_value, worth

_Said = tuple[Density, tuple[Variable, ...]]  #: a density, and what it is given


class Encoders:
    """The posteriors of rows of one pattern."""

    def __init__(
        self,
        model: Model,
        module: LossModule,
        source: Source,
        row: Row,
        complete: Source | None = None,
    ) -> None:
        """Take `complete` for the models as samples of p ask them, which lack nothing."""
        self._model, self._source, self._row = model, source, row
        self._complete = complete or source
        runs = [
            statement
            for statement in module.forward
            if isinstance(statement, Run) and statement.prior
        ]
        slots = {network.attribute: network for network in module.networks}
        #: Latents that fall back on p's conditional prior, by network; others on their own prior.
        self._conditional = {
            (slots[run.slot].network, child) for run in runs for child in slots[run.slot].children
        }

    def whole(self, head: str, node: Variable, given: tuple[Variable, ...]) -> Density:
        """What a model says where nothing is missing."""
        return self._complete(head, node, given)

    def experts(self, one: Conditional) -> tuple[Expert, ...]:
        """The experts of a mixture that these rows have."""
        return experts_of(one, self._source, self._row)

    def says(self, head: str, node: Variable, given: tuple[Variable, ...]) -> _Said:
        """What a model r(node | given) says in these rows, and of what."""
        given, known = self._row.opened(given), self._row.kept(given)
        one = self.conditional(head, node, given)
        if head == "p" or one is None or one.by != "joint":
            return self._source(head, node, known if one is not None else given), known
        if self._row.missing.isdisjoint(given):
            return self._source(head, node, known), known
        return self.fallback(head, node)

    def fallback(self, head: str, node: Variable) -> _Said:
        """What stands in for an encoder that reads what is missing."""
        above = self.stands_in(head, node)
        return self._source("p", node, above), above

    def stands_in(self, head: str, node: Variable) -> tuple[Variable, ...]:
        """The parents of that, in p; none of a prior that is declared."""
        if (head, node) not in self._conditional or self._model.generation is None:
            return ()
        conditionals = self._model.generation.conditionals
        return next((one.parents for one in conditionals if node in one.children), ())

    def fallen(self) -> dict[tuple[str, str], tuple[Variable, ...]]:
        """The latents that have fallen back on a prior, by network, and what that is given."""
        return {
            (network.name, child): self.stands_in(conditional.network, child)
            for network in (self._model.inference, *self._model.further)
            for conditional in network.conditionals
            for child in conditional.children
            if self.has_fallen(network, child)
        }

    def conditional(
        self, head: str, node: Variable, given: tuple[Variable, ...]
    ) -> Conditional | None:
        """The encoder that a name means, with some of its experts or all that it reads."""
        for network in (self._model.inference, *self._model.further):
            for one in network.conditionals:
                if one.network == head and node in one.children:
                    reads, asked = set(self._row.opened(one.parents)), set(given)
                    if reads == asked or (one.by != "joint" and asked <= reads):
                        return one
        return None

    def has_fallen(self, network: Network, node: Variable) -> bool:
        """Whether an encoder has fallen back on a prior."""
        one = next(
            (conditional for conditional in network.conditionals if node in conditional.children),
            None,
        )
        if one is None or one.by != "joint":
            return False
        return not self._row.missing.isdisjoint(self._row.opened(one.parents))


class RowModels(Models):
    """Distributions of rows of one pattern, and the density that each model has there."""

    def __init__(
        self,
        model: Model,
        world: World,
        rng: np.random.Generator,
        encoders: Encoders,
        row: Row,
        edges: Mapping[str, float],
    ) -> None:
        super().__init__(model, world, rng, edges=edges)
        self.row, self._encoders = replace(row, fallen=encoders.fallen()), encoders
        self.lowest = 0.0  #: the least gap of a certified bound so far

    def cross_entropy(self, model: ModelRef, under: NetworkName) -> float:
        """-E log r(v | s) of a model r(v | s), of what rows have of s."""
        if under == "p":
            return self._own(model)
        head, node, given = model.network, model.child, model.parents
        label = self.model.family_of(node).label(node)
        if label in given and label in self.row.same:
            return 0.0  # q(y | x, label_y) is a point mass
        if (mixed := self._of_mixture(head, node, given, under)) is not None:
            return mixed
        given, joint, total = tuple(name for name in given if name != label), self.world[under], 0.0
        for one in self.row.kept((node,)):
            density, known = self._encoders.says(head, one, given)
            total += _cross_entropy(joint, one, known, density)
        return total

    def experts(self, one: Conditional) -> tuple[Expert, ...]:
        """The experts of a mixture that rows of this pattern have."""
        return self._encoders.experts(one)

    def _of_mixture(
        self, head: str, node: Variable, given: tuple[Variable, ...], under: NetworkName
    ) -> float | None:
        """Of a mixture its own entropy; of one expert that a row draws, the mean of theirs."""
        one = self.model.inference_of(under).conditional_of(node)
        if one is None or one.by != "mixture" or one.network != head:
            return None
        if one.selector in given:
            return drawn_entropy(self._encoders.experts(one), one.children.index(node))
        joint, known = self.world[under], self.row.kept(given)
        return joint.entropy((node, *known)) - joint.entropy(known)

    def _own(self, model: ModelRef) -> float:
        """Over p's own samples, which lack nothing."""
        head, node, given = model.network, model.child, model.parents
        joint = self.world[P]
        if head == "p" and given:
            return joint.entropy((node, *given)) - joint.entropy(given)
        return _cross_entropy(joint, node, given, self._encoders.whole(head, node, given))

    def gap(self, bound: Bound, parameters: Parameters) -> float:
        """What a bound is above what it bounds, of what rows have."""
        left = term_of(self.row, Term(ONE, bound.entropy.atom))
        if left is None or self._is_exact(bound):
            return 0.0
        above = self.cross_entropy(bound.model, bound.entropy.atom.under)
        exact = worth((left,), self.world, parameters)
        gap = weight_value(bound.weight, parameters) * (above - exact)
        self.lowest = min(self.lowest, gap) if bound.certified else self.lowest
        return gap

    def _is_exact(self, bound: Bound) -> bool:
        """Whether a latent has fallen back on a prior, which then bounds its entropy exactly."""
        atom = bound.entropy.atom
        assert isinstance(atom, Entropy)
        head, node, given = bound.model.network, bound.model.child, bound.model.parents
        label = self.model.family_of(node).label(node)
        if atom.under == "p" or head == "p" or label in self.row.same:
            return False
        given = self.row.opened(given)
        given = tuple(name for name in given if name != label)
        network = self.model.inference_of(atom.under)
        own = self._encoders.conditional(head, node, given)
        if not self._encoders.has_fallen(network, node) or own in network.conditionals:
            return False
        return set(self.row.fallen[network.name, node]) <= set(given)


def row_joint(base: Joint, network: Network, encoders: Encoders, row: Row) -> Joint:
    """The data of rows of one pattern, and what an inference network makes of them."""
    waiting = {
        child: encoders.says(conditional.network, child, conditional.parents)
        for conditional in network.conditionals
        for child in conditional.children
        if child not in row.same.values() and conditional.by != "mixture"
    }
    joint = base
    for conditional in network.conditionals:  # whose experts read data alone
        if conditional.by == "mixture" and isinstance(joint, Normal):
            parts = [
                (each.given, *each.mean, each.variances) for each in encoders.experts(conditional)
            ]
            joint = joint.mixed(conditional.children, parts)
    while waiting:
        known = set(joint.names)
        ready = [name for name, (_, given) in waiting.items() if known >= set(given)]
        if not ready:
            break
        density, given = waiting.pop(ready[0])
        joint = _followed(joint, ready[0], given, density)
    return joint


def _followed(joint: Joint, node: Variable, given: tuple[Variable, ...], density: Density) -> Joint:
    if isinstance(joint, Normal):
        assert isinstance(density, Regression)
        return joint.times(node, given, density)
    assert not isinstance(density, Regression)
    return joint.times(node, given, np.exp(density))


def _cross_entropy(
    joint: Joint, node: Variable, given: tuple[Variable, ...], density: Density
) -> float:
    if isinstance(joint, Normal):
        assert isinstance(density, Regression)
        return joint.cross_entropy(node, given, density)
    assert not isinstance(density, Regression)
    return joint.cross_entropy(node, given, density)
