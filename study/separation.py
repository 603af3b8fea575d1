"""Non-stationary sources, found again."""

from __future__ import annotations

__all__ = ["separated"]

import torch
from torch import Tensor

from study import judges
from study.data import sources
from study.rows import Figure, Row, Setting
from study.training import emitted, train

_NO_SEGMENTS = """
model no_segments
const sources = 5
observed x : real[sources] ~ normal(scale = 0.1)
latent   z : real[sources] ~ normal
q { x -> z  ~ normal(full)  via mlp(100, 100) }
p { z -> x  via mlp(100, 100) }
minimize KL(q || p)
"""


def separated(spec: str, setting: Setting) -> Row:
    """The mean correlation coefficient of sources, against a VAE that is not told the segment."""
    data = sources(setting.seed)
    rows = torch.arange(len(data.w))
    found = []
    for text in (spec, _NO_SEGMENTS):
        torch.manual_seed(setting.seed)
        objective = emitted(text)()

        def batch_of(rows: Tensor, told: bool = text == spec) -> dict[str, Tensor]:
            return {"x": data.x[rows], **({"w": data.w[rows]} if told else {})}

        one = train(
            objective, batch_of, rows, setting.steps, setting.seed, rate=5e-3, size=512, decay=True
        )
        z = one.objective.infer(batch_of(rows))["z"].mean
        found.append(
            (one, judges.correlation_of_sources(z, data.s), -one.terms["reconstruction_x"])
        )
    (ours, value, _), (_, other, _) = found
    figure = Figure("mean correlation of the sources; higher", value, other)
    return Row(spec, "sources", (figure,), "a VAE that is not told the segment", ours)
