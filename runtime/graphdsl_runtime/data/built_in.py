"""Sets of images that `load_data` knows, as tables: with labels, and digits with who wrote them."""

from __future__ import annotations

__all__ = ["image_table"]

import numpy as np
import torch

from graphdsl_runtime.data.table import Column, Table
from graphdsl_runtime.training.data import load_data, split_of_digits


def image_table(source: str) -> Table:
    """Give digits, or MNIST, whole as ``x`` or halved as ``x[1]`` and ``x[2]``, and labels ``y``.

    Digits have a domain ``d`` too, the third of their file: writers come one after another there.
    Raises `TrainingError`.

    >>> image_table("digits-halves").names
    ('x[1]', 'x[2]', 'y', 'd')
    """
    data = load_data(source)
    images = np.concatenate([data.train.numpy(), data.test.numpy()])
    labels = np.concatenate([data.train_labels.numpy(), data.test_labels.numpy()])
    views = images.shape[1]
    shape = (len(images), data.layout.rows, data.layout.columns)
    columns = [
        Column("x" if views == 1 else f"x[{view + 1}]", images[:, view].reshape(shape))
        for view in range(views)
    ]
    names = tuple(str(number) for number in range(int(labels.max()) + 1))
    columns.append(Column("y", labels.astype(np.int64), categories=names, ordered=True))
    if source.startswith("digits"):
        columns.append(_domain())
    held_out = np.arange(len(images)) >= len(data.train)
    return Table(source, tuple(columns), held_out=held_out, by_order=True)


def _domain() -> Column:
    """The third of the file that each digit is from, those for training first."""
    places = torch.cat(split_of_digits()).numpy()
    thirds = places * 3 // len(places)
    return Column("d", thirds, categories=("first", "second", "third"), ordered=True)
