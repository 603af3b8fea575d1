"""Specs of environments: a label where the colour misleads, as it did not in training."""

from __future__ import annotations

__all__ = ["invariant"]

import torch
from torch import Tensor

from graphdsl_runtime import Gaussian, Objective
from study.data import ENVIRONMENTS, coloured
from study.rows import OFF, Figure, Row, Setting
from study.training import emitted, train

_WRONG = 0.9  # as often as the colour misleads where it is asked


def invariant(spec: str, setting: Setting) -> Row:
    """Accuracy where the colour goes against the label, and where it goes with it."""
    known, unseen = setting.digits()
    data = coloured(known, ENVIRONMENTS, setting.seed)
    asked = {
        said: coloured(unseen, (wrong,), setting.seed + 1)
        for said, wrong in (("misleads; higher (0.75 at best)", _WRONG), ("leads", 0.1))
    }
    off, trained = OFF[spec], []
    for weights in ({}, off):
        torch.manual_seed(setting.seed)
        objective = emitted(spec)(**weights)

        def batch_of(rows: Tensor) -> dict[str, Tensor]:
            return {name: one[rows] for name, one in data.items()}

        rows = torch.arange(len(known))
        trained.append(train(objective, batch_of, rows, setting.steps, setting.seed))
    figures = []
    for said, batch in asked.items():
        values = [
            ((_chance(one.objective, batch["x"]) > 0.5).float() == batch["y"]).float().mean().item()
            for one in trained
        ]
        figures.append(Figure(f"accuracy where the colour {said}", *values))
    against = "with " + ", ".join(f"{name} = {one:g}" for name, one in off.items())
    return Row(spec, "coloured digits", tuple(figures), against, trained[0])


def _chance(objective: Objective, x: Tensor) -> Tensor:
    """p(y = 1) at the mean of what x alone infers."""
    if "r_z" in dict(objective.named_children()):  # q itself is told y and e
        with torch.no_grad():
            z = Gaussian.split(objective.get_submodule("r_z")(x)).mean
    else:
        z = objective.infer({"x": x})["z"].mean
    return objective.decode({"z": z})["y"].mean
