"""The registry, the public names and the docstrings say the same of every estimator."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

import graphdsl_runtime
from graphdsl_runtime import ESTIMATORS, RELATIONS, Relation, estimators

#: Words of the room that estimate nothing: the table itself, its types, and what they are made of.
NO_ESTIMATORS = {
    "ESTIMATORS",
    "RELATIONS",
    "Contrast",
    "Estimator",
    "Kernel",
    "Players",
    "Relation",
    "Sample",
    "contrast",
    "permute_blocks",
    "permute_within",
}


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_public_word_is_registered() -> None:
    elsewhere = {"monte_carlo_kl"}  # a word of the distributions
    assert set(estimators.__all__) == set(ESTIMATORS) - elsewhere | NO_ESTIMATORS
    assert not set(ESTIMATORS) & NO_ESTIMATORS
    assert set(estimators.__all__) <= set(graphdsl_runtime.__all__)


def test_nothing_else_claims_a_relation() -> None:
    claiming = {
        name
        for name in graphdsl_runtime.__all__
        if "Relation: " in (inspect.getdoc(getattr(graphdsl_runtime, name)) or "")
    }
    assert claiming == set(ESTIMATORS)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_docstring_says_what_the_registry_says(name: str) -> None:
    said = words(getattr(graphdsl_runtime, name).__doc__)
    held = ESTIMATORS[name]
    assert held.relation in get_args(Relation)
    assert f"Relation: {held.relation}." in said
    assert f"Bias: {held.bias}." in said or f"Bias: {held.bias};" in said
    assert f"Reference: {held.reference}." in said
    assert f"Unit: {held.unit}." in said or f"Unit: {held.unit} (" in said


def test_relations_are_those_of_the_registry() -> None:
    assert dict(RELATIONS) == {name: held.relation for name, held in ESTIMATORS.items()}


def test_the_registry_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        ESTIMATORS["mmd"] = ESTIMATORS["nwj"]  # type: ignore[index]
