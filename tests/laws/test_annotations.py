"""Emitted methods return what their annotations say."""

from __future__ import annotations

import sys
from itertools import chain
from typing import get_args, get_origin, get_type_hints

import torch

from graphdsl_runtime import Objective
from tests.corpus import generated, shipped
from tests.emitted import emitted_class, emitted_objectives
from tests.laws.batches import batch_for


def _classes(annotation: object) -> tuple[type, ...]:
    """The classes in the annotation of a dictionary's values."""
    _, values = get_args(annotation)
    listed = get_args(values) or (values,)
    return tuple(get_origin(one) or one for one in listed)


def _assert_as_annotated(objective: Objective) -> None:
    made = type(objective)
    names = vars(sys.modules[made.__module__])
    batch = batch_for(objective)
    torch.manual_seed(0)
    objective(batch)  # a mistake of the batch is none of the annotations
    answers = {"infer": objective.infer(batch)}
    if made.decode is not Objective.decode:
        drawn = objective.draw_noise(torch.zeros(6))
        answers["decode"] = objective.decode(objective.ancestral_sample(drawn, batch))  # type: ignore[assignment]
    for method, answer in answers.items():
        classes = _classes(get_type_hints(getattr(made, method), names)["return"])
        for name, value in answer.items():
            assert isinstance(value, classes), (method, name, type(value), classes)


def test_methods_return_what_they_are_annotated_with() -> None:
    for _, objective in emitted_objectives(
        chain(list(shipped())[::3], generated("annotated", share=15))
    ):
        _assert_as_annotated(objective)


KINDS = """
model kinds
observed x : real[3] ~ laplace
observed y : categorical(4)
observed n : count[2]
latent z : real[2] ~ normal
latent k : categorical(3) ~ categorical
latent w[1..2] : real[2] ~ normal
q { x, y, n -> z ~ normal(full); x -> k; x -> w ~ flow }
p { z, k, w -> x, y, n }
minimize KL(q || p)
"""


def test_every_kind_is_annotated() -> None:
    made = emitted_class(KINDS)
    _assert_as_annotated(made())
    hints = get_type_hints(made.decode, vars(sys.modules[made.__module__]))
    assert {one.__name__ for one in _classes(hints["return"])} == {
        "Laplace", "Categorical", "Poisson",
    }  # fmt: skip
