"""Edits that make a well-formed checkpoint a wrong one, by what they are.

Each takes what a file holds: its tensors by name, or its JSON object.
"""

from __future__ import annotations

__all__ = [
    "MODEL",
    "OF_FORM",
    "OF_NAMES",
    "OF_OLDER",
    "OF_STATE",
    "OPTIMIZER",
    "STATE",
    "WEIGHTS",
    "Edit",
]

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

Edit: TypeAlias = Callable[[dict[str, Any]], None]


def first(tensors: Mapping[str, Tensor], end: str = "") -> str:
    return next(name for name, one in tensors.items() if name.endswith(end) and one.ndim > 1)


def put(name: str, value: object) -> Edit:
    return lambda content: content.__setitem__(name, value)


def take(name: str) -> Edit:
    return lambda content: content.__delitem__(name)


def changed(end: str, change: Callable[[Tensor], Tensor]) -> Edit:
    def edit(tensors: dict[str, Any]) -> None:
        name = first(tensors, end) if end != "step" else next(n for n in tensors if n.endswith(end))
        tensors[name] = change(tensors[name])

    return edit


def renamed(end: str, change: Callable[[str], str]) -> Edit:
    def edit(tensors: dict[str, Any]) -> None:
        name = first(tensors, end)
        tensors[change(name)] = tensors.pop(name)

    return edit


def epoch(place: int, values: Mapping[str, object]) -> Edit:
    return lambda state: state["history"][place].update(values)


def other_terms(state: dict[str, Any]) -> None:
    for one in state["history"]:
        for part in ("train", "held_out"):
            one[part]["more"] = 1.0


def of_means(number: int, part: str, **values: object) -> Edit:
    return lambda state: state["history"][number][part].update(values)


WEIGHTS: dict[str, Edit] = {
    "a tensor is missing": lambda tensors: tensors.pop(first(tensors)),
    "a tensor too many": put("another", torch.zeros(2)),
    "no tensor": lambda tensors: tensors.clear(),
    "another name": renamed("", lambda name: f"{name}s"),
    "turned": changed("", lambda one: one.transpose(-1, -2).contiguous()),
    "a row less": changed("", lambda one: one[:-1].clone()),
    "an axis more": changed("", lambda one: one[None]),
    "a number": changed("", lambda one: one.sum()),
    "empty": changed("", lambda one: one[:0].clone()),
    "float64": changed("", Tensor.double),
    "float16": changed("", Tensor.half),
    "int64": changed("", Tensor.long),
    "bool": changed("", Tensor.bool),
    "nan": changed("", lambda one: one * math.nan),
    "infinite": changed("", lambda one: one / 0.0),
}
OF_STATE: dict[str, Edit] = {
    "weight out of its range": put("weights.common", torch.tensor(-1.0, dtype=torch.float64)),
    "weight of another run": put("weights.common", torch.tensor(0.2, dtype=torch.float64)),
    "weight of another shape": put("weights.common", torch.zeros(2, dtype=torch.float64)),
    "rows of other data": put("run.rows", torch.tensor(49)),
    "rows below zero": put("run.rows", torch.tensor(-50)),
    "rows without a shape": put("run.rows", torch.zeros(0, dtype=torch.int64)),
    "steps of another type": put("run.step", torch.tensor(3.5)),
}
OPTIMIZER: dict[str, Edit] = {
    "moments of another shape": changed("exp_avg", lambda one: one[:1].clone()),
    "squares of another shape": changed("exp_avg_sq", lambda one: one.flatten()[:1].clone()),
    "turned": changed("exp_avg", lambda one: one.transpose(-1, -2).contiguous()),
    "a huge one": changed("exp_avg", lambda one: torch.zeros(3, *one.shape)),
    "float64": changed("exp_avg", Tensor.double),
    "int64": changed("exp_avg_sq", Tensor.long),
    "nan": changed("exp_avg", lambda one: one * math.nan),
    "negative squares": changed("exp_avg_sq", lambda one: -one - 1.0),
    "no moments": lambda tensors: tensors.pop(first(tensors, "exp_avg")),
    "another entry": renamed("exp_avg", lambda name: f"{name}_of_old"),
    "no step": lambda tensors: tensors.pop(next(n for n in tensors if n.endswith("step"))),
    "steps of many": changed("step", lambda one: torch.ones(3)),
    "steps below zero": changed("step", lambda one: -one),
    "half a step": changed("step", lambda one: one + 0.5),
    "steps that are none": changed("step", lambda one: one * math.nan),
}
OF_NAMES: dict[str, Edit] = {
    "a player too many": put("nobody/q_z.weight/exp_avg", torch.zeros(2)),
    "a parameter too many": put("model/nothing/exp_avg", torch.zeros(2)),
    "no player": put("exp_avg", torch.zeros(2)),
    "no name": put("", torch.zeros(2)),
    "bars": put("///", torch.zeros(2)),
}
STATE: dict[str, Edit] = {
    "no history": take("history"),
    "an empty history": put("history", []),
    "history that is none": put("history", {"number": 1}),
    "epochs that are none": put("history", [1, 2]),
    "epochs of text": put("history", "12"),
    "an epoch twice": lambda state: state["history"].append(state["history"][1]),
    "another first epoch": lambda state: state["history"].pop(0),
    "a number of text": epoch(0, {"number": "1"}),
    "a number that is true": epoch(0, {"number": True}),
    "a fraction of an epoch": epoch(1, {"number": 2.0}),
    "a key too many": epoch(0, {"more": {}}),
    "no losses": epoch(1, {"train": {}}),
    "losses in a list": epoch(0, {"held_out": [1.0]}),
    "a loss of text": of_means(0, "train", loss="12"),
    "a loss that is none": of_means(0, "train", loss=None),
    "a loss that is true": of_means(0, "train", loss=True),
    "an absurd loss": of_means(0, "train", loss=10**400),
    "a term too many": of_means(0, "train", more=1.0),
    "other terms": other_terms,
}
OF_FORM: dict[str, Edit] = {
    "a best epoch to come": put("best", 3),
    "a best epoch of none": put("best", 0),
    "a best epoch of text": put("best", "1"),
    "a best epoch that is true": put("best", True),
    "another form": put("format", "graphdsl.checkpoint/3"),
    "no form": take("format"),
}
MODEL: dict[str, Edit] = {
    "another module": put("module", ["TinyWyner(", ")"]),
    "no module": take("module"),
    "a module of text": put("module", "TinyWyner"),
    "a module of numbers": put("module", [1, 2]),
    "a hash that is none": put("spec_sha256", 12),
    "no hash": take("spec_sha256"),
    "another form": put("format", "graphdsl.model/1"),
}


def sparse(one: dict[str, Any]) -> None:
    name = first(one["weights"])
    one["weights"][name] = one["weights"][name].to_sparse()


OF_OLDER: dict[str, Edit] = {
    "no format": take("format"),
    "no weights": take("weights"),
    "weights in a list": put("weights", [torch.zeros(2)]),
    "weights of numbers": put("weights", {"q_z": 1.0}),
    "weights by number": put("weights", {1: torch.zeros(2)}),
    "sparse weights": sparse,
    "no optimisers": take("optimizers"),
    "optimisers in a list": put("optimizers", []),
    "an optimiser of nobody": put("optimizers", {"nobody": {"state": {}}}),
    "an optimiser of text": put("optimizers", {"model": "adam"}),
    "no state": put("optimizers", {"model": {"param_groups": []}}),
    "a state by name": put("optimizers", {"model": {"state": {"q_z": {}}}}),
    "a state beyond": put("optimizers", {"model": {"state": {99: {}}}}),
    "a state below": put("optimizers", {"model": {"state": {-1: {}}}}),
    "entries of numbers": put("optimizers", {"model": {"state": {0: {"step": 1}}}}),
    "no entries": put("optimizers", {"model": {"state": {0: {}}}}),
    "a module of numbers": put("module", 12),
    "another module": put("module", "TinyWyner()"),
    "no hash": put("spec_hash", None),
}
