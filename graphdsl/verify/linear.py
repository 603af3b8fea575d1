"""Trials of models whose variables are all real: linear-Gaussian, with closed forms.

Every row's loss is a polynomial of the second degree in standard normal numbers: those of the
noise, and those that the data are made of. So its mean over the 2 d points +-sqrt(d) e_k is the
expectation itself, a cubature of the third degree. Random rows are drawn as well: their mean nears
it as fast as its own spread says.
"""

from __future__ import annotations

__all__ = ["gaussian_trial"]

import numpy as np

from graphdsl.ir.audit import Audit
from graphdsl.ir.model import Model
from graphdsl.verify.models import Models
from graphdsl.verify.networks import Array, affine_networks, gaussian_source, is_inferred
from graphdsl.verify.normals import Normal, Regression
from graphdsl.verify.trial import Pass, Trial, exact_loss, left_out, settings
from graphdsl.verify.worlds import parents_in

_BATCHES = 100
_ROWS = 300


def gaussian_trial(audit: Audit, rng: np.random.Generator) -> Trial:
    """Random affine networks and data, cubature points and samples, and the closed form."""
    model, module = audit.model, audit.module
    heads = affine_networks(model, module, rng)
    source = gaussian_source(model, heads)
    data = {name: model.family_of(name).size for name in _data(model)}
    base = Normal.data(data, rng)
    world = {}
    for network in (model.inference, *model.further):
        joint, head = base, network.name.partition("(")[0]
        for name, above in parents_in(model, network).items():
            if name not in data and is_inferred(heads, head, name, above):
                density = source(head, name, above)
                assert isinstance(density, Regression)
                joint = joint.times(name, above, density)
        world[network.name] = joint
    given, parameters = settings(module, rng)
    models = Models(model, world, rng, source)
    size = sum(one.size * len(one.nodes) for one in model.families)
    points = size**0.5 * np.vstack([np.eye(size), -np.eye(size)])
    curved = any(group.kind != "constraint" for group in module.groups)
    batches = 0 if curved else _BATCHES  # |E| of a batch is no mean of its rows
    return Trial(
        kind="gaussian",
        networks={head.name: head.affine for head in heads},
        parameters=given,
        passes=(_pass(points, base, model),),
        samples=tuple(_pass(rng.normal(size=(_ROWS, size)), base, model) for _ in range(batches)),
        exact=exact_loss(models, module, parameters),
        left_out=left_out(module, parameters),
    )


def _pass(numbers: Array, data: Normal, model: Model) -> Pass:
    """Standard normal numbers, a row each, as data and noise."""
    width = sum(data.dims.values())
    values = numbers[:, :width] @ np.linalg.cholesky(data.covariance).T + data.mean
    batch: dict[str, Array] = {}
    noise: dict[str, Array] = {}
    start = width
    for family in model.families:
        shape = (-1, *family.extents, *family.shape)
        if family.role == "latent":
            size = family.size * len(family.nodes)
            noise[family.name] = numbers[:, start : start + size].reshape(shape)
            start += size
        else:
            batch[family.name] = values[:, data.places(family.nodes)].reshape(shape)
    return Pass(batch, noise)


def _data(model: Model) -> list[str]:
    return [node.name for node in model.nodes if node.role != "latent"]
