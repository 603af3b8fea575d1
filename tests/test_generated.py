"""Generated specs: each reaches emitted code, or is refused with a place and a code.

`GENERATED_SPECS=10000 pytest tests/test_generated.py` tries more of them.
"""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source, SpecError
from graphdsl_runtime import Objective, Variable
from tests.emitted import emitted_class
from tests.generated import generated_spec
from tests.graphs import assert_compiled_is_eager

COUNT = int(os.environ.get("GENERATED_SPECS", "250"))
ROWS = 6


def test_generated_specs_compile_or_are_refused_in_a_place() -> None:
    compiled = 0
    for seed in range(COUNT):
        text, start = generated_spec(seed), time.process_time()
        try:
            emitted = compile_spec(Source("made.mib", text)).text
        except SpecError as refused:
            errors = [one for one in refused.diagnostics if one.severity == "error"]
            assert errors, text
            for one in errors:
                assert one.code.startswith("MIB"), text
                assert 1 <= one.span.line <= text.count("\n") + 1, text
        else:
            compiled += 1
            assert imported(emitted) <= {"__future__", "torch", "graphdsl_runtime"}, text
        assert time.process_time() - start < 2, text
    assert compiled >= 0.3 * COUNT  # or the fuzzing is all refusals


def imported(emitted: str) -> set[str]:
    """The packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(emitted)):
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
    return found


def test_generated_objectives_train_infer_and_generate() -> None:
    """Every player's loss is finite and trains its own parameters; the trained model is used."""
    for text, objective in generated_objectives(COUNT // 4):
        batch = rows_of(objective)
        losses = objective(batch)
        assert losses.players.keys() == objective.parameter_groups().keys(), text
        for player, loss in losses.players.items():
            own = objective.parameter_groups()[player]
            gradients = torch.autograd.grad(loss, own, retain_graph=True, allow_unused=True)
            known = [one for one in gradients if one is not None]
            assert loss.isfinite(), text
            assert all(one.isfinite().all() for one in known), text
        objective.infer(batch)
        objective.generate(2, given={name: rows[:2] for name, rows in batch.items()})


def test_generated_objectives_compile_as_one_graph() -> None:
    for _, objective in generated_objectives(COUNT // 10):
        assert_compiled_is_eager(objective, rows_of(objective), within=1e-5)


def generated_objectives(count: int) -> Iterator[tuple[str, Objective]]:
    """Of so many specs those that compile, claiming nothing, with numbers drawn anew for each."""
    ran = 0
    for seed in range(count):
        lines = generated_spec(seed).splitlines()
        text = "\n".join(line for line in lines if not line.startswith("assert")) + "\n"
        try:
            objective = emitted_class(text)()
        except SpecError:
            continue
        torch.manual_seed(seed)
        yield text, objective
        ran += 1
    assert ran >= 0.3 * count  # or what holds of them holds of nothing


def rows_of(objective: Objective) -> dict[str, Tensor]:
    """A batch of what an objective observes or is given."""
    shapes = {one.name: one for one in objective.variables if one.role != "latent"}
    return {name: rows(one) for name, one in shapes.items()}


def rows(variable: Variable) -> Tensor:
    """Random values of a variable's kind."""
    shape = (ROWS, *variable.tensor_shape)
    match variable.kind:
        case "categorical":
            return torch.randint(variable.classes or 3, shape)
        case "count":
            return torch.randint(5, shape).float()
        case "binary":
            return torch.randint(2, shape).float()
        case _:
            return torch.randn(shape)
