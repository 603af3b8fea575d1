"""Large specs: what it takes to compile them grows as they do, and what is emitted does not.

Effort is counted in calls of functions and in bytes, which are the same on every machine;
`python -m bench.scale` has it in seconds.
"""

from __future__ import annotations

import ast
from functools import cache

import pytest
import torch

from bench.large import HUNDRED, LARGE, views
from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.report import audit_text
from tests.effort import calls, growth, peak
from tests.emitted import emitted_class, emitted_text

FORTY = views(40)
text_of = cache(emitted_text)

SIZES = {
    "views": (10, 20),
    "series": (60, 120),
    "latents": (60, 120),
    "pairs": (10, 20),
    "sums": (500, 1_000),
    "flat": (150, 300),
}


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    """Compile once: imports and tables count for none of the specs."""
    emitted_text("wyner")


@pytest.mark.parametrize("kind", LARGE)
def test_effort_grows_as_the_spec_does(kind: str) -> None:
    """Twice the variables, or twice the terms, are hardly more than twice the calls."""
    text, power = LARGE[kind]
    assert growth(lambda size: emitted_text(text(size)), *SIZES[kind]) < power + 0.15


@pytest.mark.slow
def test_forty_views_are_no_great_effort() -> None:
    """The objective, of 1,560 projections, is collected in three orders of the latents."""
    assert calls(lambda: emitted_text(FORTY)) < 15_000_000


@pytest.mark.slow
def test_a_hundred_variables_are_no_great_effort() -> None:
    def audit() -> str:
        return audit_text(read(derive(check_spec(Source("hundred.mib", HUNDRED)))))

    assert "D(q || G(p))" in audit()
    assert calls(audit) < 6_000_000
    assert peak(audit) < 40 * 2**20


def test_forward_has_no_loop_over_views() -> None:
    tree = ast.parse(text_of(FORTY))
    forward = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "forward"
    )
    loops = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)
    assert not [node for node in ast.walk(forward) if isinstance(node, loops)]


def test_text_does_not_grow_with_the_number_of_views() -> None:
    few, many = text_of(views(20)), text_of(FORTY)
    assert len(many) - len(few) < 200


def test_many_views_run() -> None:
    objective = emitted_class(FORTY)()
    losses = objective({"x": (torch.rand(5, 40, 12) > 0.5).float()})
    losses.loss.backward()
    assert all(parameter.grad is not None for parameter in objective.parameters())
    assert torch.isfinite(losses.loss)
