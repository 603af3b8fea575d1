"""Specs of what two views share: two digits of one class, whose class is all that they share."""

from __future__ import annotations

__all__ = ["one_class"]

from functools import cache

import torch
from torch import Tensor

from graphdsl_runtime import Objective
from study import judges
from study.data import labels, pixels
from study.rows import Figure, Row, Setting
from study.training import Trained, emitted, train

_PIXELS = {"pixels": 64}
#: The same latents, each of both views and for both.
_UNSTRUCTURED = """
model unstructured
observed x[1..2] : binary[64]
latent   z       : real[16] ~ normal
latent   u[1..2] : real[8]  ~ normal
q {
    x -> z     by joint  via mlp(400, 400)
    x -> u[i]  by joint  via mlp(400, 400)  for i in 1..2
}
p { z, u[1], u[2] -> x[i]  via mlp(400, 400)  for i in 1..2 }
minimize KL(q || p)
"""


def one_class(spec: str, setting: Setting) -> Row:
    """How well the class is told from the shared latent, and from the first view's own."""
    ours, control = _trained(spec, setting), _trained(_UNSTRUCTURED, setting)
    told = [_told(one.objective, setting) for one in (ours, control)]
    figures = (
        Figure("accuracy of the digit from z; higher", told[0]["z"], told[1]["z"]),
        Figure("accuracy of the digit from u[1]; lower", told[0]["u"], told[1]["u"]),
    )
    said = "every latent of both views and for both"
    return Row(spec, "two digits of one class", figures, said, ours)


@cache
def _trained(spec: str, setting: Setting) -> Trained:
    torch.manual_seed(setting.seed)
    objective = emitted(spec, None if "\n" in spec else _PIXELS)()
    known = setting.digits()[0]

    def batch_of(rows: Tensor) -> dict[str, Tensor]:
        return _views(rows, known)

    return train(objective, batch_of, known, setting.steps, setting.seed, warm=True)


def _views(rows: Tensor, among: Tensor) -> dict[str, Tensor]:
    """Rows, and to each of them one of those of its class, drawn anew."""
    alike = labels(rows)[:, None] == labels(among)
    other = among[torch.multinomial(alike.float(), 1).squeeze(1)]
    return {"x": torch.stack([pixels(rows), pixels(other)], dim=1)}


def _told(objective: Objective, setting: Setting) -> dict[str, float]:
    """How often the class is told from samples of either latent, of digits not seen."""
    torch.manual_seed(0)
    parts = setting.digits()
    codes: dict[str, list[Tensor]] = {"z": [], "u": []}
    for rows in parts:
        posterior, noise = objective.infer(_views(rows, rows)), objective.draw_noise(rows)
        for name, found in codes.items():
            drawn = posterior[name].draw(noise, name)
            found.append(drawn[:, 0] if name == "u" else drawn.flatten(1))
    asked = [labels(rows) for rows in parts]
    return {
        name: judges.leakage(found, asked, 10, setting.judging) for name, found in codes.items()
    }
