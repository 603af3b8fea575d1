"""Data that ship, or that everybody has, as tables: images with their labels."""

from __future__ import annotations

__all__ = ["image_table"]

import numpy as np

from graphdsl_runtime.data.table import Column, Table
from graphdsl_runtime.training.data import load_data


def image_table(source: str) -> Table:
    """Give digits, or MNIST, whole as ``x`` or halved as ``x[1]`` and ``x[2]``, and labels ``y``.

    Raises `TrainingError`.

    >>> image_table("digits-halves").names
    ('x[1]', 'x[2]', 'y')
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
    columns.append(Column("y", labels.astype(np.int64), categories=names))
    held_out = np.arange(len(images)) >= len(data.train)
    return Table(source, tuple(columns), held_out=held_out, by_order=True)
