"""Noise and latents are taken by name, like data: what does not fit is refused, and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphdsl_runtime import MissingInput, NotABatch, Objective, ShapeMismatch, UnknownName
from graphdsl_runtime.errors import OutOfRange
from tests.emitted import emitted_class

ROWS = 4


@pytest.fixture(scope="module")
def wyner() -> Objective:
    torch.manual_seed(0)
    return emitted_class("wyner")()


@pytest.fixture
def batch() -> dict[str, Tensor]:
    return {"x": (torch.rand(ROWS, 2, 32) > 0.5).float()}


def test_noise_is_the_same_in_any_array(wyner: Objective, batch: dict[str, Tensor]) -> None:
    noise = wyner.draw_noise(batch["x"])
    loss = wyner(batch, noise).loss
    assert wyner(batch, {name: one.double() for name, one in noise.items()}).loss == loss
    assert wyner(batch, {name: one.numpy() for name, one in noise.items()}).loss == loss


Change = Callable[[dict[str, Tensor]], object]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda noise: {}, MissingInput, "z is missing"),
        (lambda noise: {"z": noise["z"]}, MissingInput, "u is missing"),
        (lambda noise: {**noise, "Z": noise["z"]}, UnknownName, "did you mean `z`"),
        (lambda noise: {**noise, "z": noise["z"][:2]}, ShapeMismatch, "expected (4, 16)"),
        (lambda noise: {**noise, "u": noise["u"][:, 0]}, ShapeMismatch, "expected (4, 2, 8)"),
        (lambda noise: noise["z"], NotABatch, "a noise is a mapping"),
    ],
)
def test_noise_that_does_not_fit_is_refused(
    wyner: Objective,
    batch: dict[str, Tensor],
    change: Change,
    error: type[Exception],
    words: str,
) -> None:
    noise = change(wyner.draw_noise(batch["x"]))
    with pytest.raises(error) as refused:
        wyner(batch, noise)
    assert words in str(refused.value)


def test_latents_that_decode_lacks_are_named(wyner: Objective, batch: dict[str, Tensor]) -> None:
    latents = {name: q.mean for name, q in wyner.infer(batch).items()}
    assert set(wyner.decode(latents)) == {"x"}
    with pytest.raises(MissingInput, match="u is missing"):
        wyner.decode({"z": latents["z"]})
    with pytest.raises(NotABatch, match="mapping of latents"):
        wyner.decode(latents["z"])  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_a_number_of_rows_is_whole_and_positive(wyner: Objective, count: float) -> None:
    with pytest.raises(OutOfRange):
        wyner.generate(count)  # type: ignore[arg-type]
