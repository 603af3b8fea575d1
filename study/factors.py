"""Specs that ask for independent factors, on sprites whose factors are known."""

from __future__ import annotations

__all__ = ["gap"]

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from graphdsl_runtime import Gaussian, Objective
from study import judges
from study.rows import WEIGHTS, Figure, Row, Setting
from study.sprites import sprites
from study.training import Trained, emitted, train

_PLAIN = """
model plain
const pixels  = 64
const factors = 10
observed x             : binary[pixels]
latent   u[1..factors] : real ~ normal
q { x -> u  via mlp(400, 400) }
p { u -> x  via mlp(400, 400) }
minimize KL(q || p)
"""

#: Ten factors, by what a spec calls them.
_SIZES: Mapping[str, Mapping[str, int]] = {"beta_vae": {}, "hfvae": {"groups": 2, "size": 5}}


def gap(spec: str, setting: Setting) -> Row:
    """The mutual information gap, against a VAE with the same networks."""
    trained = _on_sprites(spec, setting), _on_sprites(_PLAIN, setting)
    gaps, costs = [], []
    for one in trained:
        posterior = _posterior(one.objective)
        gaps.append(judges.mutual_information_gap(posterior, sprites().factors, setting.judging))
        costs.append(one.terms["reconstruction_x"])
    figures = (
        Figure("mutual information gap; higher", gaps[0], gaps[1]),
        Figure("reconstruction, nats; lower", costs[0], costs[1]),
    )
    return Row(spec, "sprites", figures, "a VAE with the same networks", trained[0])


@cache
def _on_sprites(text: str, setting: Setting) -> Trained:
    torch.manual_seed(setting.seed)
    images = sprites().pixels
    sizes = _SIZES.get(text, {"factors": 10})
    objective = emitted(text, {"pixels": images.shape[1], **sizes})(**WEIGHTS.get(text, {}))

    def batch_of(rows: Tensor) -> dict[str, Tensor]:
        return {"x": images[rows]}

    rows = torch.arange(len(images))
    return train(objective, batch_of, rows, setting.steps, setting.seed, decay=True)


def _posterior(objective: Objective) -> Gaussian:
    q = objective.infer({"x": sprites().pixels})["u"]
    if not isinstance(q, Gaussian):
        raise TypeError("the gap is of normal posteriors")
    return Gaussian(q.mean.flatten(1), q.log_var.flatten(1))
