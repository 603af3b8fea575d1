"""Real data for the shipped specs: scikit-learn's handwritten digits, under the names of a spec.

Domains, environments and segments are parts of the file, which is not shuffled: those who wrote the
digits come one after another.
"""

from __future__ import annotations

__all__ = ["real_batch"]

import math
from functools import cache

import torch
from torch import Tensor

from graphdsl_runtime import Objective, Variable

#: Of a digit's label: is it odd, is it 5 or more, does it have a loop.
_ATTRIBUTES = (
    lambda label: label % 2,
    lambda label: (label >= 5).long(),
    lambda label: torch.isin(label, torch.tensor([0, 6, 8, 9])).long(),
)


def real_batch(objective: Objective, rows: Tensor) -> dict[str, Tensor]:
    """Some rows of the digits, as an objective observes or is given them."""
    images, labels = _digits()
    part = torch.arange(len(labels)) / len(labels)
    dtype = next(objective.parameters()).dtype
    batch = {}
    for one in objective.variables:
        if one.role == "latent":
            continue
        values = _image(one, images) if one.shape else _label(one, labels, part)
        batch[one.name] = values[rows].to(torch.int64 if one.kind == "categorical" else dtype)
    return batch


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
    """The label, or an attribute of it; of a domain, environment or segment, the writers."""
    if one.members is not None:
        return torch.stack([of(labels) for of in _ATTRIBUTES], dim=1)
    if one.classes == 10:
        return labels
    if one.name in ("d", "e", "w"):
        return (part * (one.classes or 2)).long()
    return _ATTRIBUTES[one.name in ("y",)](labels)
