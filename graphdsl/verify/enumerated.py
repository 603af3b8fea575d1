"""Trials of models whose latents are all categories: enumerated, one row for every state.

Each observed variable takes one of two values, whatever its kind and shape; what the data's joint
says of them is arbitrary. A category is chosen through its noise, so that a pass of one row is one
state, and the losses of all states, each as often as it occurs, are the expectation.
"""

from __future__ import annotations

__all__ = ["discrete_trial"]

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import prod

import numpy as np

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.audit import Audit
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.symbols import Q, Variable
from graphdsl.verify.densities import DENSITIES, Predicted
from graphdsl.verify.networks import Array, Head, affine_networks
from graphdsl.verify.row_models import Encoders, RowModels, row_joint
from graphdsl.verify.rows import Row, data_of
from graphdsl.verify.structures import Structure, edge_noise, expected_edges, random_logits
from graphdsl.verify.tables import Table
from graphdsl.verify.trial import Numbers, Pass, Trial, exact_loss, settings, signed_sums

_STATES = 2000  #: passes, at most
_CHOSEN = 9.0  #: noise that chooses a category, against any logits
_CELLS = 6  #: of the data's joint, that are possible


def discrete_trial(
    audit: Audit, rng: np.random.Generator, row: Row, structure: Structure
) -> Trial | str:
    """Random affine networks, a pass for every state, and the enumerated value; or why not.

    Rows are all of one pattern, and of one structure.
    """
    model, module = audit.model, audit.module
    heads = affine_networks(model, module, rng, structure)
    states = {node.name: _states(model.family_of(node.name), rng) for node in model.nodes}
    latents = [node.name for node in model.nodes if node.role == "latent"]
    count = _CELLS * prod(len(states[name]) for name in latents if name not in row.same.values())
    if count > _STATES:
        return f"its latents and data have {count} states, more than {_STATES}"
    source = _Densities(model, heads, states, row.missing)
    data = {name: len(states[name]) for name in row.kept(data_of(model, row))}
    encoders = Encoders(model, module, source, row)
    joint = row_joint(_data(data, rng), model.inference, encoders, row)
    assert isinstance(joint, Table)
    given, parameters = settings(module, rng)
    edges = {name: expected_edges(one) for name, one in random_logits(model).items()}
    models = RowModels(model, {Q: joint}, rng, encoders, row, edges)
    exact = exact_loss(models, module, parameters)
    return Trial(
        kind="discrete",
        networks={head.name: head.affine for head in heads},
        parameters=given,
        passes=tuple(
            replace(one, noise={**one.noise, **edge_noise(module, structure, 1)})
            for one in _passes(joint, model, states, frozenset(data))
        ),
        signs=signed_sums(module, parameters),
        samples=(),
        exact=exact,
        lowest_gap=models.lowest,
        left_out={},
    )


class _Densities:
    """Every model as a table over the states."""

    def __init__(
        self,
        model: Model,
        heads: tuple[Head, ...],
        states: Mapping[Variable, list[Array]],
        missing: frozenset[Variable],
    ) -> None:
        self._model, self._heads, self._states, self._missing = model, heads, states, missing

    def __call__(self, head: str, node: Variable, given: tuple[Variable, ...]) -> Array:
        """The logarithms of r(node | what is not missing of `given`), axes as they are named."""
        known = tuple(name for name in given if name not in self._missing)
        counts = [len(self._states[name]) for name in (*known, node)]
        fitting = (
            each
            for each in self._heads
            if each.network == head and node in each.children and set(each.parents) == set(given)
        )
        one = next(fitting, None)
        if one is None:
            if given:
                raise CompilerBug(f"no network says {head}({node} | {', '.join(given)})")
            return np.full(counts, -np.log(counts[-1]))  # the declared prior of categories
        table = np.zeros(counts)
        for place in product(*map(range, counts[:-1])):
            chosen = dict(zip(known, place, strict=True))
            inputs = [
                _read(self._value(name, chosen.get(name)), self._family(name)) for name in one.read
            ]
            read = one.gates(node, one.read) * np.concatenate([np.zeros(0), *inputs])
            answer = (one.affine.weights @ read + one.affine.bias)[one.all_rows(node)]
            family = self._family(node)
            if one.exposure:
                exposure = self._value(one.exposure, chosen.get(one.exposure))
                answer = _exposed(answer, float(exposure), family)
            table[place] = [
                _log_density(state, answer, family, one) for state in self._states[node]
            ]
        return table

    def _value(self, name: Variable, place: int | None) -> Array:
        """A value of a variable; of what is missing, noughts."""
        return np.zeros(self._family(name).shape) if place is None else self._states[name][place]

    def _family(self, name: Variable) -> Family:
        return self._model.family_of(name)


def _states(family: Family, rng: np.random.Generator) -> list[Array]:
    """Of a latent every value; of what is observed two values that differ."""
    shape = family.shape
    if family.role == "latent":
        every = product(range(family.classes or 2), repeat=prod(shape))
        return [np.array(each, dtype=np.float64).reshape(shape) for each in every]
    match family.kind:
        case "categorical":
            first = rng.integers(0, family.classes or 1, shape).astype(np.float64)
            return [first, (first + 1) % (family.classes or 1)]
        case "binary":
            bits = rng.integers(0, 2, shape).astype(np.float64)
            return [bits, 1 - bits]
        case "count":
            few, more = (rng.poisson(mean, shape).astype(np.float64) for mean in (2, 4))
            return [few, more + 1]
        case "unit":
            first_unit: Array = rng.uniform(0.02, 0.48, size=shape)
            return [first_unit, first_unit + 0.5]
        case "positive":
            first_positive: Array = np.exp(rng.normal(size=shape))
            return [first_positive, first_positive + 1]
        case "real":
            first_real: Array = rng.normal(size=shape)
            return [first_real, first_real + 1]


def _data(sizes: Mapping[Variable, int], rng: np.random.Generator) -> Table:
    """Any joint of the data, of which no more than a few cells are possible."""
    cells = np.zeros(prod(sizes.values()))
    few = rng.permutation(len(cells))[:_CELLS]
    cells[few] = rng.dirichlet(np.ones(len(few)))
    return Table(tuple(sizes), cells.reshape(tuple(sizes.values())))


def _passes(
    joint: Table, model: Model, states: Mapping[Variable, list[Array]], known: frozenset[Variable]
) -> Iterator[Pass]:
    for place, weight in np.ndenumerate(joint.cells):
        if weight:
            chosen = dict(zip(joint.names, place, strict=True))
            values = {name: values_of[chosen.get(name, 0)] for name, values_of in states.items()}
            yield _pass(values, model, float(weight), known)


def _pass(
    values: Mapping[Variable, Array], model: Model, weight: float, known: frozenset[Variable]
) -> Pass:
    """One row of data, and noise by which the latents have these values; `known` is its data."""
    batch: dict[str, Numbers] = {}
    noise: dict[str, Numbers] = {}
    for family in model.families:
        if family.role == "latent":
            whole = np.stack([values[name] for name in family.nodes])
            noise[family.name] = _noise(whole, family)
        if not family.label_of and (family.role != "latent" or family.labels):
            there = [name in known for name in family.nodes]
            whole = np.stack([values[name] for name in family.nodes])
            row = whole.reshape((1, *family.extents, *family.shape))
            batch[family.name] = row if family.classes is None else row.astype(np.int64)
            if not all(there):
                batch[f"seen({family.name})"] = np.array(there).reshape((1, *family.extents))
    return Pass(batch, noise, weight)


def _noise(whole: Array, family: Family) -> Numbers:
    """Noise by which a category, or a bit, has a value."""
    if family.classes is None:
        return np.where(whole > 0, _CHOSEN, -_CHOSEN).reshape((1, *family.extents, *family.encoded))
    classes = np.arange(family.classes)
    raised: Array = np.full((*whole.shape, len(classes)), -_CHOSEN)
    raised[whole[..., None] == classes] = _CHOSEN
    return raised.reshape((1, *family.extents, *family.encoded))


def _read(value: Array, family: Family) -> Array:
    """A value as a network reads it: categories as vectors."""
    if family.classes is None:
        return np.asarray(value, dtype=np.float64).reshape(-1)
    return np.eye(family.classes)[np.asarray(value, dtype=np.int64).reshape(-1)].reshape(-1)


def _exposed(answer: Array, exposure: float, family: Family) -> Array:
    """An answer whose first parameter is a log-mean, with the mean as a share of an exposure."""
    size = family.size
    shares = np.exp(answer[:size])
    shares = exposure * (shares / shares.sum() if family.shape else shares)
    return np.concatenate([np.log(shares), answer[size:]])


def _log_density(value: Array, answer: Array, family: Family, head: Head) -> float:
    """The log-density of a network's answer."""
    flat = np.asarray(value, dtype=np.float64).reshape(-1)
    parameters = tuple(np.split(answer, len(head.output.parameters)))
    predicted = Predicted(flat, parameters, head.scale, family.classes or 1)
    return float(np.sum(DENSITIES[head.output.name](predicted)))
