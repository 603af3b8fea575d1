"""Small sets of binary images, whole or cut in two views, and how they fit a module's variables."""

from __future__ import annotations

__all__ = [
    "DATA_NAMES",
    "DataSet",
    "FittedData",
    "Layout",
    "TrainingData",
    "load_data",
    "split_of_digits",
    "stratified_split",
]

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from graphdsl_runtime import Batch, Variable
from graphdsl_runtime.training.errors import (
    BadDataFile,
    UnknownData,
    WrongKind,
    WrongNumberOfValues,
    WrongNumberOfViews,
)
from graphdsl_runtime.training.extras import train_extra
from graphdsl_runtime.training.idx import read_idx
from graphdsl_runtime.training.views import View, views_of

#: What `load_data` knows.
DATA_NAMES = ("digits", "digits-halves", "mnist:PATH", "mnist-halves:PATH")

_HELD_OUT = 0.2  # of the digits; MNIST comes split


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the views of a row make a picture."""

    rows: int  #: of pixels, in one view
    columns: int  #: of pixels, in one view
    stacking: Literal["vertical", "horizontal"] = "vertical"  #: how one view follows another


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedData:
    """A data set under the names, and in the shapes, of a module's variables."""

    train: Batch
    test: Batch


class TrainingData(Protocol):
    """What a run can be trained on: rows that fit a module's variables."""

    def fit_to(self, variables: Sequence[Variable]) -> FittedData:
        """Give the rows under the names, and in the shapes, of the variables, or say why not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataSet:
    """Rows of binary images, split once and for all.

    Shapes: ``train`` and ``test`` are ``(n, views, pixels)``, float32, 0 or 1; labels ``(n,)``.
    """

    name: str
    train: Tensor
    test: Tensor
    train_labels: Tensor
    test_labels: Tensor
    layout: Layout  #: of one view

    def fit_to(self, variables: Sequence[Variable]) -> FittedData:
        """Give the views, in order, to the observed variables, in order, members one by one.

        Shapes: ``(n, *tensor_shape)`` for each variable.
        Raises `WrongNumberOfViews`, `WrongNumberOfValues` or `WrongKind` where they do not fit.

        >>> views = torch.zeros(5, 2, 6)
        >>> labels = torch.zeros(5)
        >>> data = DataSet(name="tiny", train=views, test=views, train_labels=labels,
        ...                test_labels=labels, layout=Layout(rows=2, columns=3))
        >>> x = Variable("x", role="observed", kind="binary", members=2, shape=(1, 2, 3))
        >>> data.fit_to([x]).train["x"].shape
        torch.Size([5, 2, 1, 2, 3])
        """
        self._check(views_of(variables))
        return FittedData(
            train=_hand_out(self.train, variables), test=_hand_out(self.test, variables)
        )

    def validating(self, fraction: float, seed: int = 0) -> DataSet:
        """Give the training rows alone, a fraction of every label as the rows to test on.

        The held-out rows are not in the result: nothing that sees it can look at them.

        >>> rows, labels = torch.arange(10.0).reshape(10, 1, 1), torch.zeros(10)
        >>> data = DataSet(name="tiny", train=rows, test=rows, train_labels=labels,
        ...                test_labels=labels, layout=Layout(rows=1, columns=1))
        >>> len(data.validating(0.3).train), len(data.validating(0.3).test)
        (7, 3)
        """
        train, test = stratified_split(self.train_labels, fraction, seed)
        return replace(
            self,
            train=self.train[train],
            test=self.train[test],
            train_labels=self.train_labels[train],
            test_labels=self.train_labels[test],
        )

    def _check(self, wanted: Sequence[View]) -> None:
        for view in wanted:
            if view.variable.kind not in {"binary", "real"}:
                raise WrongKind(view.name, kind=view.variable.kind, data=self.name)
        views, image = self.train.shape[1], (self.layout.rows, self.layout.columns)
        if len(wanted) != views:
            names = [view.name for view in wanted]
            other = _with_views(self.name, len(names))
            raise WrongNumberOfViews(self.name, has=views, names=names, other=other)
        for view in wanted:
            shape = view.variable.shape
            if math.prod(shape) != math.prod(image):
                raise WrongNumberOfValues(view.name, shape=shape, data=self.name, image=image)


def load_data(name: str) -> DataSet:
    """Load a data set by its name, one of `DATA_NAMES`, with PATH the folder of its files.

    Pixels of half the largest value or more are 1, the others 0. ``-halves`` cuts every image into
    a top and a bottom view. The digits are those of scikit-learn, 8 x 8, and a fifth of them, drawn
    label by label with a fixed seed, is held out; MNIST's split is its own.
    Raises `UnknownData`, `BadDataFile` or `MissingExtra`.
    """
    kind, _, path = name.partition(":")
    wants_path = kind in {"mnist", "mnist-halves"}
    if kind not in {"digits", "digits-halves", "mnist", "mnist-halves"} or wants_path != bool(path):
        raise UnknownData(name, known=DATA_NAMES)
    images = _read_mnist(Path(path).expanduser()) if wants_path else _read_digits()
    return _in_views(name, images, views=2 if kind.endswith("-halves") else 1)


def stratified_split(
    labels: Tensor, fraction: float = _HELD_OUT, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Say which rows are for training and which are held out: of every label, a fraction.

    Shapes: ``(n,) -> (train,), (test,)``, ascending.  The same for ever: NumPy has frozen the
    streams of ``RandomState`` (NEP 19).

    >>> train, test = stratified_split(torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]))
    >>> len(train), len(test)
    (8, 2)
    """
    random = np.random.RandomState(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        held_out[random.permutation(rows)[: round(fraction * len(rows))]] = True
    chosen = torch.from_numpy(held_out)
    return torch.nonzero(~chosen).flatten(), torch.nonzero(chosen).flatten()


def split_of_digits() -> tuple[Tensor, Tensor]:
    """Say which digits of their file are for training and which are held out, ascending.

    Shapes: ``-> (train,), (test,)``.  Raises `MissingExtra`.
    """
    with train_extra():
        from sklearn.datasets import load_digits
    return stratified_split(torch.from_numpy(load_digits().target).long())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Images:
    """Which pixels are on, bool ``(n, rows, columns)``, and labels ``(n,)``, as they were read."""

    train: Tensor
    test: Tensor
    train_labels: Tensor
    test_labels: Tensor


def _read_digits() -> _Images:
    with train_extra():
        from sklearn.datasets import load_digits
    digits = load_digits()
    images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.target).long()
    train, test = stratified_split(labels)
    on = images >= 8  # of 16
    return _Images(
        train=on[train],
        test=on[test],
        train_labels=labels[train],
        test_labels=labels[test],
    )


def _read_mnist(folder: Path) -> _Images:
    train, train_labels = _read_part(folder, "train")
    test, test_labels = _read_part(folder, "t10k")
    if train.shape[1:] != test.shape[1:]:
        sizes = [" x ".join(map(str, part.shape[1:])) for part in (train, test)]
        raise BadDataFile(folder, f"training images are {sizes[0]}, test images {sizes[1]}")
    return _Images(train=train, test=test, train_labels=train_labels, test_labels=test_labels)


def _read_part(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    images = read_idx(_find(folder, f"{part}-images-idx3-ubyte"), axes=3)
    labels = read_idx(_find(folder, f"{part}-labels-idx1-ubyte"), axes=1)
    if len(images) != len(labels):
        raise BadDataFile(folder, f"has {len(images)} {part} images and {len(labels)} labels")
    if not images.numel():
        raise BadDataFile(folder, f"has no {part} images")
    return images >= 128, labels.long()


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if os.path.exists(path):  # noqa: PTH110  # no error for a long name
            return path
    raise BadDataFile(folder, f"has no `{name}`, nor `{name}.gz`: is this MNIST's folder?")


def _in_views(name: str, images: _Images, views: int) -> DataSet:
    _, rows, columns = images.train.shape
    if rows % views:
        raise BadDataFile(Path(name), f"images of {rows} rows cannot be cut into {views} views")
    return DataSet(
        name=name,
        # Row by row, an image's first pixels are its top half.
        train=images.train.reshape(len(images.train), views, -1).float(),
        test=images.test.reshape(len(images.test), views, -1).float(),
        train_labels=images.train_labels,
        test_labels=images.test_labels,
        layout=Layout(rows=rows // views, columns=columns),
    )


def _hand_out(rows: Tensor, variables: Sequence[Variable]) -> dict[str, Tensor]:
    observed = [variable for variable in variables if variable.role != "latent"]
    parts = torch.split(rows, [len(variable.member_names) for variable in observed], dim=1)
    return {
        variable.name: part.reshape(len(rows), *variable.tensor_shape)
        for variable, part in zip(observed, parts, strict=True)
    }


def _with_views(name: str, views: int) -> str:
    """Name the data set of the same images that has so many views, if there is one."""
    kind, colon, path = name.partition(":")
    whole = kind.removesuffix("-halves")
    kinds = {1: whole, 2: f"{whole}-halves"}
    return f"{kinds[views]}{colon}{path}" if views in kinds else ""
