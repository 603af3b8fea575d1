"""Affine networks for every conditional of an emitted module, and the densities they make.

With them a model of real variables is a linear-Gaussian network, and one of categories a table.
"""

from __future__ import annotations

__all__ = ["Affine", "Head", "affine_networks", "gaussian_source", "is_inferred"]

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import log, prod

import numpy as np
from numpy.typing import NDArray

from graphdsl.catalog.laws import LAWS, NORMAL, Output
from graphdsl.ir.loss import LossModule, NetworkSlot
from graphdsl.ir.model import Model
from graphdsl.ir.statements import Run
from graphdsl.ir.symbols import NO_VARIABLE, ModelRef, Variable
from graphdsl.verify.models import Source
from graphdsl.verify.normals import Regression
from graphdsl.verify.structures import COMPLETE, Structure

Array = NDArray[np.float64]
#: Of which power of a fixed scale a density takes the logarithm, by how the network is read.
_POWERS = {law.scale.output: law.scale.power for law in LAWS if law.scale is not None}
_SMALL = 0.3  #: how far log-variances and offsets are from zero


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A network: parents side by side times the weights, plus the bias, in a shape."""

    weights: Array  #: (outputs, inputs)
    bias: Array
    shape: tuple[int, ...]  #: of a row of its answer


@dataclass(frozen=True)
class Head:
    """A network as a conditional: whose, of which children, given which parents."""

    name: str
    network: str
    children: tuple[Variable, ...]
    parents: tuple[Variable, ...]
    output: Output
    scale: float  #: the logarithm of a likelihood's variance, or of its scale
    affine: Affine
    expert: bool  #: a factor of a product, which is no posterior by itself
    model: Model
    structure: Structure  #: the edges that there are: it reads noughts for what has none
    exposure: Variable = NO_VARIABLE  #: the parent that the mean of counts is a share of

    @cached_property
    def read(self) -> tuple[Variable, ...]:
        """The parents that the network reads."""
        return tuple(parent for parent in self.parents if parent != self.exposure)

    @cached_property
    def columns(self) -> dict[Variable, list[int]]:
        """The inputs of each parent."""
        return _spans(self.read, self.model)

    @cached_property
    def rows(self) -> dict[Variable, list[int]]:
        """The outputs of each child: those of its first parameter."""
        return _spans(self.children, self.model, self.output.by_class)

    def all_rows(self, child: Variable) -> list[int]:
        """The outputs of a child, all of its first parameter before those of the second."""
        counts = range(len(self.output.parameters))
        size = len(self.affine.bias) // len(counts)
        return [place * size + row for place in counts for row in self.rows[child]]

    def log_variances(self, child: Variable) -> Array:
        """Of a Gaussian child; a network's own are constant."""
        rows = self.rows[child]
        if self.output == NORMAL.output:
            return self.affine.bias[self.all_rows(child)[len(rows) :]]
        return np.full(len(rows), self.scale)

    def gates(self, child: Variable, given: tuple[Variable, ...]) -> Array:
        """One for every number of a parent that has an edge to the child, zero for another."""
        left = self.structure.left(self.network, child, given)
        return np.array([float(name in left) for name in given for _ in self.columns[name]])

    def regression(self, child: Variable, given: tuple[Variable, ...]) -> Regression:
        """A Gaussian child given its parents, in any order."""
        order = [place for parent in given for place in self.columns[parent]]
        rows = self.rows[child]
        slope = self.affine.weights[np.ix_(rows, order)] * self.gates(child, given)
        return Regression(slope, self.affine.bias[rows], np.diag(np.exp(self.log_variances(child))))


def affine_networks(
    model: Model,
    module: LossModule,
    rng: np.random.Generator,
    structure: Structure = COMPLETE,
) -> tuple[Head, ...]:
    """Random affine networks for all that the module has; log-variances ignore the parents.

    The networks are alike in every structure, and so is the state that `rng` is left in.
    """
    runs = {statement.slot: statement for statement in module.forward if isinstance(statement, Run)}
    heads: dict[str, Head] = {}
    for slot in module.networks:
        affine: Affine | None = None
        for name, ref in _named(slot) if slot.attribute in runs else ():
            if name in heads:  # networks of one name are one
                affine = heads[name].affine
                continue
            if affine is None or not slot.tied:
                read = [parent for parent in ref.parents if parent != slot.exposure]
                affine = _affine(slot, sum(model.family_of(one).size for one in read), rng)
            head = _head(name, ref, affine, runs[slot.attribute], model, structure)
            heads[name] = replace(head, exposure=slot.exposure)
    return tuple(heads.values())


def is_inferred(
    heads: tuple[Head, ...], head: str, node: Variable, given: tuple[Variable, ...]
) -> bool:
    """Whether the module has networks for it; what no term speaks of has none."""
    known = [one.parents for one in _matching(heads, head, node)]
    return any(set(one) == set(given) for one in known) or all((one,) in known for one in given)


def gaussian_source(
    model: Model, heads: tuple[Head, ...], missing: frozenset[Variable] = frozenset()
) -> Source:
    """The density of each model that is named, where everything is Gaussian.

    It is given what is not missing; a network reads noughts for what is.
    """

    def density(head: str, node: Variable, given: tuple[Variable, ...]) -> Regression:
        known = tuple(name for name in given if name not in missing)
        for one in _matching(heads, head, node):
            if set(one.parents) == set(given) and not one.expert:
                return one.regression(node, known)
        experts = [
            one
            for parent in given
            for one in _matching(heads, head, node)
            if one.expert and one.parents == (parent,)
        ]
        if experts:
            return _product(experts, node)
        # A prior; or what has cancelled out of the loss, which is then the same for any density.
        size = model.family_of(node).size
        columns = sum(model.family_of(name).size for name in known)
        return Regression(np.zeros((size, columns)), np.zeros(size), np.eye(size))

    return density


def _product(experts: list[Head], node: Variable) -> Regression:
    """The product of experts and N(0, I): precisions add up (the corrected eq. 13).

    An expert without an edge has precision zero.
    """
    regressions = [expert.regression(node, expert.parents) for expert in experts]
    there = [len(expert.structure.left(expert.network, node, expert.parents)) for expert in experts]
    precisions = [
        here / np.diag(regression.noise)
        for here, regression in zip(there, regressions, strict=True)
    ]
    noise = 1 / (1 + sum(precisions))
    slopes = [
        (noise * own)[:, None] * regression.slope
        for own, regression in zip(precisions, regressions, strict=True)
    ]
    offsets = [
        noise * own * regression.offset
        for own, regression in zip(precisions, regressions, strict=True)
    ]
    return Regression(np.hstack(slopes), np.sum(offsets, axis=0), np.diag(noise))


def _matching(heads: tuple[Head, ...], head: str, node: Variable) -> Iterator[Head]:
    return (one for one in heads if one.network == head and node in one.children)


def _affine(slot: NetworkSlot, inputs: int, rng: np.random.Generator) -> Affine:
    outputs = slot.builder.outputs
    shape = (outputs,) if isinstance(outputs, int) else outputs
    size = prod(shape)
    weights = rng.normal(size=(size, inputs)) / max(inputs, 1) ** 0.5
    bias = _SMALL * rng.normal(size=size)
    others = slot.builder.numbers - 1  # these do not depend on the parents
    if others:
        weights = np.vstack([weights, np.zeros((others * size, inputs))])
        bias = np.concatenate([bias, _SMALL * rng.normal(size=others * size)])
        shape = (slot.builder.numbers * size,)
    return Affine(weights, bias, shape)


def _head(
    name: str, ref: ModelRef, affine: Affine, run: Run, model: Model, structure: Structure
) -> Head:
    network, below, above = ref.network, ref.children, ref.parents
    scale = 0.0  # a learned one starts at one
    if isinstance(run.scale, float):
        scale = _POWERS[run.output] * log(run.scale)
    expert = _is_expert(network, below[0], above, model)
    return Head(name, network, below, above, run.output, scale, affine, expert, model, structure)


def _named(slot: NetworkSlot) -> Iterator[tuple[str, ModelRef]]:
    """The networks of a slot: what each is called, and what it says."""
    return zip(slot.names, slot.models, strict=True)


def _is_expert(head: str, child: Variable, parents: tuple[Variable, ...], model: Model) -> bool:
    experts = (
        conditional
        for each in (model.inference, *model.further)
        for conditional in each.conditionals
    )
    return any(
        one.by == "poe"
        and one.network == head
        and child in one.children
        and set(parents) <= {name for each in one.parents for name in _members(each, model)}
        for one in experts
    )


def _members(name: Variable, model: Model) -> tuple[Variable, ...]:
    """Of a block `x[S]`, all that it chooses from."""
    block = name.block
    return (name,) if block is None else model.members(block.head)


def _spans(
    names: tuple[Variable, ...], model: Model, by_class: bool = True
) -> dict[Variable, list[int]]:
    spans, start = {}, 0
    for name in names:
        family = model.family_of(name)
        size = family.size if by_class else prod(family.shape)
        spans[name] = list(range(start, start + size))
        start += size
    return spans
