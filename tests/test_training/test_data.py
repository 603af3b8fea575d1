"""The splits never change, views go where the spec wants them, and misfits say what to do."""

from __future__ import annotations

import hashlib
import re
import sys

import pytest
import torch
from sklearn.datasets import load_digits

from graphdsl_runtime import Variable
from graphdsl_runtime.training import (
    DataSet,
    MissingExtra,
    UnknownData,
    WrongKind,
    WrongNumberOfValues,
    WrongNumberOfViews,
    load_data,
)
from graphdsl_runtime.training.data import stratified_split


def observed(name: str, *shape: int, members: int | None = None, kind: str = "binary") -> Variable:
    return Variable(name, role="observed", kind=kind, members=members, shape=shape)


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load_data("digits")


@pytest.fixture(scope="module")
def halves() -> DataSet:
    return load_data("digits-halves")


def test_the_split_of_the_digits_is_the_one_of_the_first_release() -> None:
    train, test = stratified_split(torch.from_numpy(load_digits().target))
    indices = ",".join(map(str, test.tolist())).encode()
    assert hashlib.sha256(indices).hexdigest() == (
        "ce074941173aae7d94695bb066816f71dbdcfe64dd1e8568ca00515a44632625"
    )
    assert torch.equal(torch.cat([train, test]).sort().values, torch.arange(1797))


def test_a_fifth_of_every_label_is_held_out(digits: DataSet) -> None:
    held_out = torch.bincount(digits.test_labels)
    everything = held_out + torch.bincount(digits.train_labels)
    assert torch.equal(held_out, (everything / 5).round().long())


def test_pixels_are_on_from_half_of_the_largest_value(digits: DataSet) -> None:
    _, test = stratified_split(torch.from_numpy(load_digits().target))
    grey = torch.from_numpy(load_digits().images)[test].flatten(1) / 16
    assert torch.equal(digits.test[:, 0], (grey >= 0.5).float())
    assert digits.test.dtype == torch.float32


def test_halves_are_the_whole_cut_in_two(digits: DataSet, halves: DataSet) -> None:
    assert halves.train.shape == (1438, 2, 32)
    assert torch.equal(halves.train.flatten(1), digits.train.flatten(1))
    assert (halves.layout.rows, halves.layout.columns) == (4, 8)


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 8, 8)])
def test_one_view_goes_to_one_variable_of_any_shape(
    digits: DataSet, shape: tuple[int, ...]
) -> None:
    fitted = digits.fit_to([observed("x", *shape)])
    assert fitted.train["x"].shape == (1438, *shape)
    assert torch.equal(fitted.test["x"].flatten(), digits.test.flatten())


def test_two_views_go_to_a_family_or_to_two_variables(halves: DataSet) -> None:
    latent = Variable("z", role="latent", kind="real", shape=(3,))
    family = halves.fit_to([observed("x", 32, members=2), latent]).train
    single = halves.fit_to([observed("top", 4, 8), latent, observed("bottom", 32)]).train
    assert family.keys() == {"x"}
    assert torch.equal(family["x"], halves.train)
    assert torch.equal(single["top"].flatten(1), halves.train[:, 0])
    assert torch.equal(single["bottom"], halves.train[:, 1])


def test_too_many_values_say_which_constant_to_change(digits: DataSet) -> None:
    with pytest.raises(
        WrongNumberOfValues, match=r"`x` has 784 values a row, digits has 64 .*`--const NAME=64`"
    ):
        digits.fit_to([observed("x", 784)])
    with pytest.raises(WrongNumberOfValues, match=re.escape("784 values a row (1 x 28 x 28)")):
        digits.fit_to([observed("x", 1, 28, 28)])


@pytest.mark.parametrize(
    ("name", "variables", "other"),
    [
        ("digits", [observed("x", 32, members=2)], "`digits-halves` has 2"),
        ("digits-halves", [observed("x", 64)], "`digits` has 1"),
    ],
)
def test_the_wrong_number_of_views_names_the_data_set_that_fits(
    name: str, variables: list[Variable], other: str
) -> None:
    with pytest.raises(WrongNumberOfViews, match=other):
        load_data(name).fit_to(variables)


def test_more_views_than_any_data_set_has_name_none(halves: DataSet) -> None:
    with pytest.raises(WrongNumberOfViews, match=r"observes 3: `x\[1\]`, `x\[2\]`, `x\[3\]`$"):
        halves.fit_to([observed("x", 32, members=3)])


def test_nothing_observed_is_no_view(digits: DataSet) -> None:
    with pytest.raises(WrongNumberOfViews, match="the spec observes 0"):
        digits.fit_to([])


def test_a_variable_of_another_kind_is_refused(digits: DataSet) -> None:
    with pytest.raises(WrongKind, match="`y` is categorical"):
        digits.fit_to([observed("y", kind="categorical")])


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("digit", "`digits`"),
        ("Digits-Halfs", "`digits-halves`"),
        ("mnist", "`mnist:PATH`"),
        ("minst-halves:/data", "`mnist-halves:PATH`"),
        ("digits:/data", "`digits`"),
    ],
)
def test_an_unknown_name_gets_a_guess_and_the_list(name: str, guess: str) -> None:
    with pytest.raises(UnknownData) as caught:
        load_data(name)
    assert f"did you mean {guess}?" in str(caught.value)
    assert "the names are: `digits`, `digits-halves`, `mnist:PATH`" in str(caught.value)


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtra, match=r'scikit-learn.*pip install "graphdsl\[train\]"'):
        load_data("digits")
