"""Modules as older compilers emitted them keep what they compute, or are refused clearly.

`tests/formats/N/` holds specs, the modules in format N that they were compiled to, and what those
computed. They hold the promises of `docs/runtime.md` on versions, and change for nothing but a loss
that was wrong.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import pytest
import torch
from torch import Tensor

import graphdsl_runtime
from graphdsl.codegen.versions import COMPILED_BY, EMITTED_FORMAT
from graphdsl_runtime import Objective, OtherFormat, Variable
from graphdsl_runtime.origin import EMITTED_FORMAT as RUN_FORMAT
from tests.emitted import emitted_class

ROOT = Path(__file__).parent
STORED = sorted((ROOT / "formats").glob("*/*.py"))
ROWS = 6

#: What a module computes: losses, squared norms of gradients, sums of answers, and its state.
Numbers: TypeAlias = dict[str, float]


def numbers_of(objective: Objective) -> Numbers:
    """What an objective computes on one batch with one noise, and with one set of weights."""
    batch, noise = _batch(objective), _noise(objective)
    losses = objective(batch, noise)
    found = {"loss": losses.loss, **losses.terms}
    weights = [one for one in objective.parameters() if one.requires_grad]
    for name, loss in losses.players.items():
        slopes = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
        square = sum(slope.square().sum() for slope in slopes if slope is not None)
        found |= {f"player {name}": loss, f"gradient of {name}": torch.as_tensor(square)}
    latents = objective.ancestral_sample(noise, batch)
    for method, answers in (
        ("infer", objective.infer(batch, noise)),
        ("decode", objective.decode(latents)),
    ):
        found |= {f"{method} {name}": answer.mean.sum() for name, answer in answers.items()}
    return {name: value.item() for name, value in found.items()}


def built(made: type[Objective]) -> Objective:
    """An objective with weights that depend on their names alone."""
    objective = made().double()
    objective.rows = 50
    with torch.no_grad():
        for place, (_, weights) in enumerate(sorted(objective.named_parameters())):
            width = weights.shape[-1] if weights.ndim else 1
            weights.copy_(_waves(weights.shape, place) / width**0.5)
    return objective


def shapes_of(objective: Objective) -> dict[str, str]:
    """The names in a state, and the shapes of tensors."""
    state = objective.state_dict()
    return {name: str(tuple(one.shape)) for name, one in state.items() if isinstance(one, Tensor)}


def record() -> dict[str, dict[str, object]]:
    """What `record.json` of the present format holds: for whoever stores another module."""
    present = (path for path in STORED if int(path.parent.name) == RUN_FORMAT)
    made = {path.stem: built(_stored(path)) for path in present}
    return {
        name: {"numbers": numbers_of(one), "state": shapes_of(one)} for name, one in made.items()
    }


def _batch(objective: Objective) -> dict[str, Tensor]:
    observed = (one for one in objective.variables if one.role != "latent" or one.inferred)
    return {one.name: _data(one) for one in observed}


def _data(one: Variable) -> Tensor:
    waves = _waves((ROWS, *one.tensor_shape), 0)
    if one.kind == "categorical":
        return (waves.abs() * 100).long() % (one.classes or 1)
    data = {"binary": (waves > 0).double(), "real": waves, "count": (3 * waves.abs()).round()}
    value = data[one.kind]
    if one.optional:
        value.view(ROWS, -1)[0, 0] = torch.nan
    return value


def _noise(objective: Objective) -> dict[str, Tensor]:
    drawn = objective.draw_noise(torch.zeros(ROWS, dtype=torch.float64))
    latents = [one for one in objective.variables if one.sampled]
    shapes = {f"permuted({one.name})": (ROWS, *one.noise_shape[:1]) for one in latents}
    shapes |= {name: tuple(one.shape) for name, one in drawn.items() if one.is_floating_point()}
    waves = {name: _waves(shape, k) for k, (name, shape) in enumerate(sorted(shapes.items()))}
    selectors = {f"selector_{one.name}": _waves((ROWS,), 1).abs() for one in latents}
    return {**drawn, **waves, **selectors}


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


def _recorded(path: Path) -> tuple[Numbers, Mapping[str, str]]:
    record = json.loads((path.parent / "record.json").read_text())[path.stem]
    return record["numbers"], record["state"]


def _of_format(path: Path) -> Iterator[type[Objective]]:
    """The module as it was emitted; and as it is now, if that is the same format."""
    yield _stored(path)
    if int(path.parent.name) == EMITTED_FORMAT:
        yield emitted_class(path.with_suffix(".mib"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_modules_of_one_format_compute_the_same(path: Path) -> None:
    """The stored module, and what its spec compiles to now, on the runtime as it is now."""
    number = int(path.parent.name)
    if number != RUN_FORMAT:
        with pytest.raises(OtherFormat, match=f"format {number} by graphdsl"):
            _stored(path)()
        return
    numbers, state = _recorded(path)
    for made in _of_format(path):
        assert made.emitted_format == number
        objective = built(made)
        found = numbers_of(objective)
        assert {name: found[name] for name in numbers} == pytest.approx(numbers, rel=1e-8)
        assert state.items() <= shapes_of(objective).items()


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
