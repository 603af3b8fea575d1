"""Digits under the names of a spec, digits with a spurious colour, and non-stationary sources.

Domains, environments and segments are parts of the file of digits, which is not shuffled: those who
wrote the digits come one after another.
"""

from __future__ import annotations

__all__ = [
    "Images",
    "Sources",
    "coloured",
    "digits_batch",
    "digits_of",
    "digits_split",
    "labels",
    "mnist",
    "pixels",
    "sources",
]

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl_runtime import Objective, Variable
from graphdsl_runtime.training import load_data

_WRONG_LABELS = 0.25


def digits_batch(objective: Objective, rows: Tensor) -> dict[str, Tensor]:
    """Some rows of the digits, as an objective observes or is given them."""
    images, labels = _digits()
    part = torch.arange(len(labels)) / len(labels)
    dtype = next(objective.parameters()).dtype
    batch = {}
    for one in objective.variables:
        if one.role == "latent":
            continue
        values = _image(one, images) if one.shape else _label(one, labels, part)
        if one.kind == "count":  # the grey levels of the file
            values = (16 * images).round().reshape(-1, *one.tensor_shape)
        elif one.kind == "positive":  # their sum
            values = (16 * images).sum(dim=1)
        batch[one.name] = values[rows].to(torch.int64 if one.kind == "categorical" else dtype)
    return batch


def digits_split(validate: bool = False) -> tuple[Tensor, Tensor]:
    """The rows to train on, and those to judge on: to validate, a fifth of those to train on."""
    count = len(_digits()[1])
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    known, unseen = order[: count * 4 // 5], order[count * 4 // 5 :]
    return (
        (known[: len(known) * 4 // 5], known[len(known) * 4 // 5 :])
        if validate
        else (known, unseen)
    )


class Images(NamedTuple):
    """Images between 0 and 1, their labels, and which of them to train on and to judge on."""

    name: str
    pixels: Tensor
    labels: Tensor
    known: Tensor
    unseen: Tensor


def digits_of(known: Tensor, unseen: Tensor) -> Images:
    """The digits, in rows to train on and to judge on."""
    images, labels = _digits()
    return Images("digits", images.float(), labels, known, unseen)


@cache
def mnist(folder: Path, validate: bool = False) -> Images:
    """MNIST and its own split; to validate, the last sixth of the rows to train on."""
    data = load_data(f"mnist:{folder}")
    images = torch.cat([data.train, data.test]).flatten(1)
    labels = torch.cat([data.train_labels, data.test_labels])
    end = len(data.train)
    first, last = (end * 5 // 6, end) if validate else (end, len(images))
    return Images("MNIST", images, labels, torch.arange(first), torch.arange(first, last))


def labels(rows: Tensor) -> Tensor:
    """What digits they are."""
    return _digits()[1][rows]


def pixels(rows: Tensor) -> Tensor:
    """The digits themselves, between 0 and 1: ``(B, 64)``."""
    return _digits()[0][rows].float()


def coloured(rows: Tensor, wrong: tuple[float, ...], seed: int) -> dict[str, Tensor]:
    """Digits with a colour that goes with the label, wrong as often as each environment has it.

    After Arjovsky et al. 2019: y is whether the digit is 5 or more, wrong in a quarter of the rows,
    and the colour is y, wrong in as many as ``wrong`` says. It is written on the first and the last
    column, which are next to empty: the first of colour 0, the last of colour 1.
    """
    images, digits = _digits()
    dice = torch.rand(3, len(rows), generator=torch.Generator().manual_seed(seed))
    y = (digits[rows] >= 5) ^ (dice[0] < _WRONG_LABELS)
    e = (dice[1] * len(wrong)).long()
    colour = y ^ (dice[2] < torch.tensor(wrong)[e])
    x = images[rows].reshape(-1, 8, 8).float().clone()
    x[:, :, 0], x[:, :, 7] = (~colour).float()[:, None], colour.float()[:, None]
    return {"x": x.flatten(1), "y": y.float(), "e": e}


class Sources(NamedTuple):
    """Sources, what is seen of them, and the segment of each row."""

    s: Tensor
    x: Tensor
    w: Tensor


def sources(seed: int, count: int = 5, segments: int = 40, length: int = 1_000) -> Sources:
    """Non-stationary sources behind two layers and a leaky ReLU: after Khemakhem et al. 2020.

    In each segment every source is normal, with a mean in [-3, 3] and a standard deviation in
    [0.5, 3] of its own. The layers are orthogonal; what is seen has variance 1, and no noise.
    """
    dice = torch.Generator().manual_seed(seed)
    mean = torch.rand(segments, count, generator=dice) * 6 - 3
    scale = torch.rand(segments, count, generator=dice) * 2.5 + 0.5
    w = torch.arange(segments).repeat_interleave(length)
    s = mean[w] + scale[w] * torch.randn(segments * length, count, generator=dice)
    first, second = (
        torch.linalg.qr(torch.randn(count, count, generator=dice))[0] for _ in range(2)
    )
    x = F.leaky_relu(s @ first, 0.2) @ second
    return Sources(s, (x - x.mean(0)) / x.std(0), w)


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """Pixels between 0 and 1, and labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return torch.as_tensor(data.data / 16.0), torch.as_tensor(data.target)


def _image(one: Variable, images: Tensor) -> Tensor:
    """A digit, its parts as views, or, where a variable is smaller, its principal components."""
    if images[0].numel() == math.prod(one.tensor_shape):
        return images.reshape(-1, *one.tensor_shape)
    centred = images - images.mean(0)
    directions: Tensor = torch.linalg.svd(centred, full_matrices=False)[2]
    return centred.matmul(directions[: one.shape[0]].T)


def _label(one: Variable, labels: Tensor, part: Tensor) -> Tensor:
    """The label, or an attribute of it: odd, 5 or more, with a loop; of a domain, the part."""
    looped = torch.isin(labels, torch.tensor([0, 6, 8, 9])).long()
    attributes = labels % 2, (labels >= 5).long(), looped
    if one.members is not None:
        return torch.stack(attributes, dim=1)
    if one.classes == 10:
        return labels
    if one.name in ("d", "e", "w"):
        return (part * (one.classes or 2)).long()
    return attributes[one.name == "y"]
