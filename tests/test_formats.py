"""Modules as older compilers emitted them keep their losses, or are refused with a clear message.

`tests/formats/N/` holds modules in format N, which nobody edits, and the losses that they had.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

import graphdsl_runtime
from graphdsl.ir.versions import COMPILED_BY, EMITTED_FORMAT
from graphdsl_runtime import Objective, OtherFormat, Variable
from graphdsl_runtime.origin import EMITTED_FORMAT as RUN_FORMAT
from tests.emitted import emitted_class

ROOT = Path(__file__).parent
STORED = sorted((ROOT / "formats").glob("*/*.py"))
ROWS = 6


def losses_of(made: type[Objective]) -> dict[str, float]:
    """The loss, its terms and the loss of each player, on one batch with one noise."""
    objective = made().double()
    objective.rows = 50
    with torch.no_grad():
        for place, (_, weights) in enumerate(sorted(objective.named_parameters())):
            width = weights.shape[-1] if weights.ndim else 1
            weights.copy_(_waves(weights.shape, place) / width**0.5)
    observed = (one for one in objective.variables if one.role != "latent" or one.inferred)
    batch = {one.name: _data(one) for one in observed}
    drawn = objective.draw_noise(torch.zeros(ROWS, dtype=torch.float64))
    noise = {
        name: _waves(value.shape, place) if value.is_floating_point() else value
        for place, (name, value) in enumerate(sorted(drawn.items()))
    }
    latents = (one for one in objective.variables if one.sampled)
    keys = {f"permuted({one.name})": _waves((ROWS, *one.noise_shape[:1]), 3) for one in latents}
    losses = objective(batch, {**noise, **keys})
    players = {f"player {name}": value for name, value in losses.players.items()}
    found = {"loss": losses.loss, **losses.terms, **players}
    return {name: value.item() for name, value in found.items()}


def _data(one: Variable) -> Tensor:
    waves = _waves((ROWS, *one.tensor_shape), 0)
    data = {"binary": (waves > 0).double(), "real": waves, "count": (3 * waves.abs()).round()}
    if one.kind == "categorical":
        return (waves.abs() * 100).long() % (one.classes or 1)
    value = data[one.kind]
    if one.optional:
        value[0].flatten()[0] = torch.nan
    return value


def _waves(shape: tuple[int, ...], start: int) -> Tensor:
    """Numbers between -1 and 1 that no generator of random numbers has to make again."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) + 0.7 * start).reshape(shape)


def _stored(path: Path) -> type[Objective]:
    module = ModuleType(f"stored_{path.stem}")
    exec(compile(path.read_text(), path, "exec"), module.__dict__)
    (name,) = module.__dict__["__all__"]
    made: type[Objective] = module.__dict__[name]
    return made


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_stored_modules_keep_their_losses(path: Path) -> None:
    made, number = _stored(path), int(path.parent.name)
    assert made.emitted_format == number
    if number != RUN_FORMAT:
        with pytest.raises(OtherFormat, match=f"format {number} by graphdsl"):
            made()
        return
    expected = json.loads((path.parent / "losses.json").read_text())[path.stem]
    assert losses_of(made) == pytest.approx(expected, rel=1e-9)


def test_the_present_format_has_stored_modules() -> None:
    assert RUN_FORMAT in {int(path.parent.name) for path in STORED}


def test_compiler_and_runtime_agree_on_the_format() -> None:
    assert EMITTED_FORMAT == RUN_FORMAT
    version = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]["version"]
    assert f"graphdsl {version}" == COMPILED_BY
    made = emitted_class("vae")
    assert (made.compiled_by, made.emitted_format) == (COMPILED_BY, EMITTED_FORMAT)


def test_a_module_in_another_format_is_refused_before_it_is_built() -> None:
    class Vae(Objective):
        compiled_by = "graphdsl 0.9.0"
        emitted_format = RUN_FORMAT + 1

        def __init__(self, another: float) -> None:
            raise AssertionError("it was built")

    with pytest.raises(OtherFormat, match=r"graphdsl compile.*or use graphdsl 0\.9\.0") as refused:
        Vae(another=1.0)
    assert refused.value.found == RUN_FORMAT + 1
    assert isinstance(refused.value, graphdsl_runtime.ObjectiveError)


def test_a_class_of_ones_own_has_the_present_format() -> None:
    assert Objective().emitted_format == RUN_FORMAT
