"""Objectives and losses in numbers: distributions, and a density for every model that is named."""

from __future__ import annotations

__all__ = ["Models", "intended", "stood_for"]

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np

from graphdsl.ir.information import CrossEntropy, DivergenceAtom, PenaltyAtom, Term
from graphdsl.ir.loss import Bound, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    InvariancePenalty,
    PredictiveEntropy,
    Sparsity,
    Weighted,
    Wrapped,
)
from graphdsl.ir.symbols import ModelRef, NetworkName, P, Q, Variable, names
from graphdsl.ir.weight import ONE
from graphdsl.verify.normals import Normal, Regression
from graphdsl.verify.random_joints import World, parents_in
from graphdsl.verify.structures import COMPLETE, Structure
from graphdsl.verify.tables import Array
from graphdsl.verify.terms import Parameters, defined, weight_value, worth

Density: TypeAlias = "Array | Regression"  #: a table of logarithms, or a regression
#: The density r(node | given) of a model, by its head and those two.
Source: TypeAlias = Callable[[str, Variable, tuple[Variable, ...]], "Density"]


class Models:
    """Distributions, and the density that each model has: random, or what `source` says.

    A random one ignores the parents from which the structure has no edge.
    """

    def __init__(
        self,
        model: Model,
        world: World,
        rng: np.random.Generator,
        source: Source | None = None,
        structure: Structure = COMPLETE,
        edges: Mapping[str, float] | None = None,
    ) -> None:
        self.model, self.world, self._rng, self._source = model, world, rng, source
        self._structure = structure
        #: How many edges each mask is expected to keep, where that is known.
        self.edges = edges or {}
        self._known: dict[tuple[str, Variable, tuple[Variable, ...]], Density] = {}
        inferring = (model.inference, *model.further)
        self._parents = {one.name: parents_in(model, one) for one in inferring}

    def cross_entropy(self, model: ModelRef, under: NetworkName) -> float:
        """-E log r(v | s) of a model r(v | s), over samples of a distribution.

        Of p's own conditionals, over its own samples, it is their entropy.
        """
        head, node, given = model.network, model.child, model.parents
        if head == under == "p" and given:
            return self.world[P].entropy((node, *given)) - self.world[P].entropy(given)
        key = head, node, given = head, node, names(given)  # p(x|u,z) is p(x|z,u)
        owner = self._owner(head, node, given)
        if owner is None:
            given = self._structure.left(head, node, given)
        if key not in self._known:
            self._known[key] = self._density(owner, head, node, given)
        joint, density = self.world[under], self._known[key]
        if isinstance(joint, Normal):
            assert isinstance(density, Regression)
            return joint.cross_entropy(node, given, density)
        assert not isinstance(density, Regression)
        return joint.cross_entropy(node, given, density)

    def value(self, term: Term, parameters: Parameters) -> float:
        """A term of the audit, cross-entropies included."""
        if isinstance(term.atom, CrossEntropy):
            exact = self.cross_entropy(term.atom.model, term.atom.under)
            return weight_value(term.weight, parameters) * exact
        return worth((term,), self.world, parameters)

    def gap(self, bound: Bound, parameters: Parameters) -> float:
        """What a bound is above what it bounds."""
        atom = bound.entropy.atom
        above = self.cross_entropy(bound.model, atom.under) - worth(
            (Term(ONE, atom),), self.world, parameters
        )
        return weight_value(bound.weight, parameters) * above

    def _owner(self, head: str, node: Variable, given: tuple[Variable, ...]) -> NetworkName | None:
        """The network of which a density is an encoder's own; None for that of a model."""
        for name, parents in self._parents.items():
            own = head == name.base and node in parents and given
            if own and (set(parents[node]) == set(given) or self._is_mixed(name, node, given)):
                joint = self.world[name]
                # One that is compared with may have no samples of its own.
                return None if isinstance(joint, Normal) and node not in joint.dims else name
        return None

    def _density(
        self, owner: NetworkName | None, head: str, node: Variable, given: tuple[Variable, ...]
    ) -> Density:
        """An encoder's own, or that of a model."""
        if owner is not None:
            return _logarithms(self.world[owner].conditional((node,), given))
        if self._source is not None:
            return self._source(head, node, given)
        return _logarithms(self.world[Q].random_conditional(node, given, self._rng))

    def _is_mixed(self, name: NetworkName, node: Variable, given: tuple[Variable, ...]) -> bool:
        """Whether it is the density of a mixture: its other children tell of the expert as well."""
        one = self.model.inference_of(name).conditional_of(node)
        if one is None or not one.mixes or one.one_expert:
            return False
        return set(one.parents) <= set(given) <= {*one.parents, *one.children}


def _logarithms(density: Density) -> Density:
    """Of a table; where it is zero, nothing that happens is."""
    if isinstance(density, Regression):
        return density
    return np.log(np.maximum(density, np.finfo(np.float64).tiny))


def intended(models: Models, terms: Iterable[Weighted], parameters: Parameters) -> float:
    """Functionals as the spec states them, each from its own definition."""
    total = 0.0
    for each in terms:
        functional = each.functional
        if isinstance(functional, Wrapped):
            total += intended(models, functional.inner, parameters)
        elif isinstance(functional, Sparsity):
            count = sum(models.edges.get(mask, 0.0) for mask in functional.masks)
            total += weight_value(each.weight, parameters) * count
        elif not _is_no_entropy(functional):
            total += weight_value(each.weight, parameters) * _defined(models, functional)
    return total


def _is_no_entropy(functional: Functional) -> bool:
    """Whether a functional is estimated from samples or is a penalty, and no sum of entropies."""
    if isinstance(functional, PredictiveEntropy):
        return functional.cost is not None
    return isinstance(functional, Distance | InvariancePenalty)


def stood_for(models: Models, terms: Iterable[LossTerm], parameters: Parameters) -> float:
    """What the loss's terms say that they stand for."""
    return sum(
        models.value(share, parameters)
        for term in terms
        for share in term.stands_for[term.code.kind == "importance" :]
        if not isinstance(share.atom, DivergenceAtom | PenaltyAtom)
    )


def _defined(models: Models, functional: Functional) -> float:
    joint = models.world[functional.under]
    match functional:
        case DivergenceOfMarginals():
            return _of_marginals(models, functional)
        case PredictiveEntropy(of, given, under):
            return sum(models.cross_entropy(_predictor(models.model, v, given), under) for v in of)
        case DivergenceOfPosteriors(variables, given, network, model_given, under):
            base, known = network.base, names(model_given)
            crossed = sum(
                models.cross_entropy(ModelRef(base, (v,), known), under) for v in variables
            )
            return crossed - joint.entropy((*variables, *given)) + joint.entropy(given)
    return defined(functional, models.world)


def _of_marginals(models: Models, functional: DivergenceOfMarginals) -> float:
    """KL(q(A | C) || p(A)): what p does not model of A has the data's own distribution.

    Of a bound by several samples, the value is of the data's part: its models have no closed form.
    """
    model, joint = models.model, models.world[functional.under]
    assert model.generation is not None
    nodes, given = functional.variables, functional.given
    if nodes is None:  # what is observed in q alone is conditioned on
        nodes = model.generation.variables
        given = model.observed() - set(nodes)
    generated = {
        name for conditional in model.generation.conditionals for name in conditional.children
    }
    left = set(nodes) & model.observed() if functional.samples else set(nodes)
    total = joint.entropy(given) - joint.entropy({*left, *given})
    roots = tuple(node for node in nodes if node in model.observed() - generated)
    total += joint.entropy(roots)  # of what p does not generate, the joint is the data's
    for node in nodes:
        if node not in roots and not functional.samples:
            total += models.cross_entropy(_generated(model, node), functional.under)
    return total


def _predictor(model: Model, node: Variable, given: frozenset[Variable]) -> ModelRef:
    """The model of a cross-entropy by name: p's own if its parents are those, else a new one.

    Of a label, p's or else q's of what it labels.
    """
    of = model.labelled(node)
    networks = [("p", model.generation)] + [("q", model.inference)] * (of != node)
    for head, network in networks:
        for one in network.conditionals if network is not None else ():
            if of in one.children and set(one.parents) == given:
                return ModelRef(head, (node,), one.parents)
    return ModelRef("r", (node,), names(given))


def _generated(model: Model, node: Variable) -> ModelRef:
    """A conditional of p."""
    for one in model.generation.conditionals if model.generation else ():
        if node in one.children:
            return ModelRef("p", (node,), one.parents)
    return ModelRef("p", (node,))
