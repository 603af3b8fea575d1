"""Trials of models whose variables are all real: linear-Gaussian, with closed forms.

Every row's loss is a polynomial of the second degree in standard normal numbers: those of the
noise, and those that the data are made of. So its mean over the 2 d points +-sqrt(d) e_k is the
expectation itself, a cubature of the third degree. Random rows are drawn as well: their mean nears
it as fast as its own spread says.
"""

from __future__ import annotations

__all__ = ["gaussian_trial"]

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from statistics import fmean

import numpy as np

from graphdsl.ir.audit import Audit
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.statements import Generated, Observe, PriorSample
from graphdsl.ir.symbols import NO_VARIABLE, NetworkName, P, Variable
from graphdsl.verify.experts import log_density, mixture_of
from graphdsl.verify.models import Source
from graphdsl.verify.networks import Array, Head, affine_networks, gaussian_source, is_inferred
from graphdsl.verify.normals import Normal, Regression
from graphdsl.verify.random_joints import Joint, parents_in
from graphdsl.verify.row_models import Encoders, RowModels, row_joint
from graphdsl.verify.rows import Row, data_of
from graphdsl.verify.sets import choices, drawn_noise
from graphdsl.verify.structures import Structure, edge_noise, expected_edges, random_logits
from graphdsl.verify.terms import Parameters, weight_value
from graphdsl.verify.trial import (
    Numbers,
    Pass,
    Trial,
    claims,
    exact_loss,
    is_under_p,
    left_out,
    settings,
)

#: Batches of random rows, and rows of each. An estimate from all pairs of rows has small ones; else
#: a few large ones say as much in less time.
_SMALL, _LARGE = (100, 300), (40, 750)


def gaussian_trial(
    audit: Audit, rng: np.random.Generator, row: Row, structure: Structure, sampled: bool
) -> Trial:
    """Random affine networks and data, cubature points and samples, and the closed form.

    Rows are all of one pattern and of one structure; of sets that are drawn, every choice has a
    pass, or a few have.
    """
    model, module = audit.model, audit.module
    heads = affine_networks(model, module, rng, structure)
    data = {name: model.family_of(name).size for name in data_of(model, row)}
    whole = Normal.data(data, rng)
    given, parameters = settings(module, rng)
    own = _own_noise(model, module)
    size = sum(family.size * len(family.nodes) for family in model.families)
    size += sum(map(prod, own.values()))
    points = size**0.5 * np.vstack([np.eye(size), -np.eye(size)])
    curved = any(group.kind != "constraint" for group in module.groups)
    # |E| of a batch is no mean of its rows, and of sets that are drawn a few may stand for all.
    apart = curved or model.draws or mixture_of(model) is not None
    choices_of_sets = choices(model, rng) if model.draws else [{}]
    found = [
        _models(audit, heads, whole, row.at(chosen, model) if chosen else row, rng)
        for chosen in choices_of_sets
    ]
    exact = [exact_loss(one, module, parameters) for one in found]
    tried = _drawing(structure, module, _pass(points, whole, model, own, row))
    exact[0] += _log_density(found[0], module, tried, parameters)
    share = 1 / len(choices_of_sets)
    claimed = () if apart or not sampled else tuple(claims(found[0], module, parameters))
    batches, rows = _SMALL if left_out(module, parameters) else _LARGE
    sizes = () if apart or not sampled else ((rows, size),) * batches
    return Trial(
        kind="gaussian",
        networks={head.name: head.affine for head in heads},
        parameters=given,
        passes=tuple(
            replace(
                one, noise={**one.noise, **drawn_noise(model, chosen)}, weight=share * one.weight
            )
            for chosen in choices_of_sets
            for one in _of_experts(tried, model, row)
        ),
        samples=tuple(
            _drawing(structure, module, _pass(rng.normal(size=one), whole, model, own, row))
            for one in sizes
        ),
        exact=fmean(exact),
        lowest_gap=min(one.lowest for one in found),
        left_out=left_out(module, parameters),
        claims=claimed,
        at_samples=_at_samples(model),
    )


def _drawing(structure: Structure, module: LossModule, one: Pass) -> Pass:
    """A pass in which all rows draw one structure."""
    rows = len(next(iter(one.batch.values())))
    return replace(one, noise={**one.noise, **edge_noise(module, structure, rows)})


def _of_experts(tried: Pass, model: Model, row: Row) -> list[Pass]:
    """A pass with the noise of every expert, or one for each expert that a row may draw."""
    mixture = mixture_of(model)
    if mixture is None:
        return [tried]
    _, one = mixture
    family = model.family_of(one.children[0])
    rows = len(tried.noise[family.name])
    if not one.one_expert:
        own = tried.noise[family.name]
        each: Array = np.repeat(own[:, None], len(one.parents), axis=1).astype(np.float64)
        return [replace(tried, noise={**tried.noise, f"experts({family.name})": each})]
    count = len(row.kept(one.parents)) or 1
    drawn = [np.full(rows, (place + 0.5) / count) for place in range(count)]
    return [
        replace(tried, noise=dict(tried.noise) | {one.selector: at}, weight=tried.weight / count)
        for at in drawn
    ]


def _at_samples(model: Model) -> str:
    """What is compared at the samples of the passes, and no expectation."""
    mixture = mixture_of(model)
    if mixture is None or mixture[1].one_expert:
        return ""
    name = model.family_of(mixture[1].children[0]).name
    return f"the log-density of the mixture of {name}"


def _log_density(
    models: RowModels, module: LossModule, tried: Pass, parameters: Parameters
) -> float:
    """What the mixture's own log-density adds to a loss of moments, at the samples of a pass.

    A normal of the same moments stands in for the mixture, and its entropy for that of the mixture.
    """
    model, row = models.model, models.row
    mixture = mixture_of(model)
    if mixture is None or mixture[1].one_expert:
        return 0.0
    network, one = mixture
    known, joint = row.kept(one.parents), models.world[network.name]
    entropy = joint.entropy((*one.children, *known)) - joint.entropy(known)
    data = {name: _columns(model, name, tried.batch) for name in known}
    noise = np.hstack([_columns(model, name, tried.noise) for name in one.children])
    nats = log_density(models.experts(one), data, noise) + entropy
    sides = {"kl": 1.0, "entropy": -1.0}
    return sum(
        sides[term.code.kind] * weight_value(term.weight, parameters) * nats
        for term in module.terms
        if term.code.joint and _is_paid(term, module, model, row)
    )


def _is_paid(term: LossTerm, module: LossModule, model: Model, row: Row) -> bool:
    """Whether rows of one pattern have what a term asks of them."""
    observed = [
        statement
        for statement in module.forward
        if isinstance(statement, Observe) and statement.some
    ]
    masks = {one.seen: model.family(one.variable) for one in observed}
    for ref in (ref for refs in term.code.seen for ref in refs):
        nodes = masks[ref.value].nodes
        asked = nodes if ref.places is None else [nodes[place] for place in ref.places]
        if not row.missing.isdisjoint(asked):
            return False
    return True


def _columns(model: Model, name: Variable, values: Mapping[str, Numbers]) -> Array:
    """The numbers of a variable, a row each."""
    family = model.family_of(name)
    columns = np.asarray(values[family.name], dtype=np.float64)
    return columns.reshape(len(columns), len(family.nodes), -1)[:, family.nodes.index(name)]


def _models(
    audit: Audit, heads: tuple[Head, ...], data: Normal, row: Row, rng: np.random.Generator
) -> RowModels:
    """The distributions of rows of one pattern, and what the models say in them."""
    model, module = audit.model, audit.module
    source = gaussian_source(model, heads, row.missing)
    base, encoders = (
        data.marginal(row.kept(data.dims)),
        Encoders(model, module, source, row, gaussian_source(model, heads)),
    )
    world: dict[NetworkName, Joint] = {
        network.name: row_joint(base, network, encoders, row)
        for network in (model.inference, *model.further)
    }
    if model.generation is not None and is_under_p(module):
        world[P] = _generated(model, model.generation, base, heads, source)
    edges = {name: expected_edges(one) for name, one in random_logits(model).items()}
    return RowModels(model, world, rng, encoders, row, edges)


def _generated(
    model: Model, generation: Network, data: Normal, heads: tuple[Head, ...], source: Source
) -> Normal:
    """The joint of p, as far as its networks run: its own roots are standard normal."""
    parents = parents_in(model, generation)
    joint = data.marginal([name for name in data.dims if not parents.get(name, (NO_VARIABLE,))])
    for name, above in parents.items():
        known = joint.dims.keys() >= set(above)
        if name in joint.dims or (above and not (known and is_inferred(heads, "p", name, above))):
            continue
        density = source("p", name, above)
        assert isinstance(density, Regression)
        joint = joint.times(name, above, density)
    return joint


def _own_noise(model: Model, module: LossModule) -> dict[str, tuple[int, ...]]:
    """The noise of p's own samples, and the shape of a row of each."""
    noise: dict[str, tuple[int, ...]] = {}
    for statement in module.forward:
        if isinstance(statement, PriorSample) and statement.like:
            family = model.family(statement.noise.name)
            axis = () if family.members is None else (len(family.nodes),)
            noise[f"prior({statement.noise.name})"] = (*axis, *family.shape)
        elif isinstance(statement, Generated) and statement.drawn and statement.noise is None:
            noise[f"prior({statement.name})"] = statement.target.shape or ()
    return noise


def _pass(
    numbers: Array, data: Normal, model: Model, own: Mapping[str, tuple[int, ...]], row: Row
) -> Pass:
    """Standard normal numbers, a row each, as data and noise; `own` is that of p's samples.

    What rows lack is NaN.
    """
    width = sum(data.dims.values())
    values = numbers[:, :width] @ np.linalg.cholesky(data.covariance).T + data.mean
    values[:, data.places(row.missing.intersection(data.dims))] = np.nan
    batch: dict[str, Array] = {}
    noise: dict[str, Array] = {}
    start = width
    for family in model.families:
        shape = (-1, *family.extents, *family.shape)
        if family.role == "latent":
            size = family.size * len(family.nodes)
            noise[family.name] = numbers[:, start : start + size].reshape(shape)
            start += size
        if family.role != "latent" or family.labels:
            columns = [
                values[:, data.places((name,))]
                if name in data.dims
                else np.full((len(values), family.size), np.nan)
                for name in family.nodes
            ]
            if not family.label_of:
                batch[family.name] = np.hstack(columns).reshape(shape)
    for name, shape_of in own.items():
        noise[name] = numbers[:, start : start + prod(shape_of)].reshape(-1, *shape_of)
        start += prod(shape_of)
    return Pass(batch, noise)
