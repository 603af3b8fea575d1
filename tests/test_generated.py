"""Generated specs: each reaches emitted code, or is refused with a place and a code.

`FUZZ=10000 pytest tests/test_generated.py` tries more of them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import torch

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import SpecError
from tests.compiled_graphs import assert_compiled_is_eager
from tests.corpus import Case, fuzz, generated
from tests.effort import calls
from tests.emitted import emitted_objectives, emitted_text
from tests.random_rows import rows_of


def test_generated_specs_compile_or_are_refused_in_a_place() -> None:
    accepted = 0
    for case in generated("refusals", 200):
        try:
            compile_spec(case.source)
        except SpecError as refused:
            errors = [one for one in refused.diagnostics if one.severity == "error"]
            assert errors
            for one in errors:
                assert one.code.startswith("MIB")
                assert 1 <= one.span.line <= case.text.count("\n") + 1
        else:
            accepted += 1
    assert accepted >= 0.3 * fuzz(200)  # or the fuzzing is all refusals


def test_no_generated_spec_is_a_great_effort() -> None:
    """Of a dozen lines that a spec has, no combination makes the stages search without end."""
    emitted_text("vae")  # imports count for nothing
    for case in generated("effort", 40, most=1_000):
        assert calls(partial(_refused_or_not, case)) < 4_000_000


def _refused_or_not(case: Case) -> None:
    with suppress(SpecError):
        compile_spec(case.source)


def test_generated_objectives_train_infer_and_generate() -> None:
    """Every player's loss is finite and trains its own parameters; the trained model is used."""
    for _, objective in emitted_objectives(generated("training", 60)):
        batch = rows_of(objective)
        losses = objective(batch)
        assert losses.players.keys() == objective.parameter_groups().keys()
        for player, loss in losses.players.items():
            own = objective.parameter_groups()[player]
            gradients = torch.autograd.grad(loss, own, retain_graph=True, allow_unused=True)
            known = [one for one in gradients if one is not None]
            assert loss.isfinite()
            assert all(one.isfinite().all() for one in known)
        objective.infer(batch)
        objective.generate(2, given={name: rows[:2] for name, rows in batch.items()})


def test_generated_objectives_compile_as_one_graph() -> None:
    """A second each: `make fuzz` tries a hundred of them.

    The noise is given: a graph leaves out what is drawn and not read, which moves later draws.
    """
    for _, objective in emitted_objectives(generated("one graph", 6, most=100)):
        batch = rows_of(objective)
        noise = objective.draw_noise(next(iter(batch.values())))
        assert_compiled_is_eager(objective, batch, noise, within=1e-5)
