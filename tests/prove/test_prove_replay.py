"""Derivations done again from their steps: nothing else is needed, and nothing may be missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphdsl.compiler import Checked, check_spec
from graphdsl.diagnostics import Source
from graphdsl.graphs import topological_orders
from graphdsl.ir.evidence import CanonicalForm
from graphdsl.ir.information import ProjectionDerivation, Term
from graphdsl.ir.weight import Weight
from graphdsl.prove import mistake_in_steps
from graphdsl.symbolic import Canon, derive_projection
from tests.conftest import SPECS
from tests.oracles.networks import random_pair
from tests.symbolic.test_laws import spec_of

by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


def derivations(checked: Checked) -> Iterator[tuple[ProjectionDerivation, CanonicalForm]]:
    canon = Canon(checked.independence)
    for one in checked.model.projections:
        orders = topological_orders(one.network, checked.model)
        yield derive_projection(one.network, orders, one.weight, canon), canon


def check(derivation: ProjectionDerivation, canon: CanonicalForm) -> None:
    """The steps lead there; without any one of them, or with one that is wrong, they do not."""
    assert mistake_in_steps(derivation, canon) is None
    for place, step in enumerate(derivation.steps):
        before, after = derivation.steps[:place], derivation.steps[place + 1 :]
        left_out = replace(derivation, steps=(*before, *after))
        assert mistake_in_steps(left_out, canon) is not None
        changed = tuple(Term(term.weight + Weight.number(1), term.atom) for term in step.after)
        if changed:
            wrong = replace(derivation, steps=(*before, replace(step, after=changed), *after))
            assert mistake_in_steps(wrong, canon) is not None


@by_name
def test_steps_of_every_spec(path: Path) -> None:
    for derivation, canon in derivations(check_spec(Source.read(path))):
        check(derivation, canon)


def test_steps_of_random_pairs() -> None:
    steps = 0
    for seed in range(150):
        rng = np.random.default_rng((8, seed))
        text = spec_of(random_pair(rng, int(rng.integers(3, 8))))
        for derivation, canon in derivations(check_spec(Source("random.mib", text))):
            check(derivation, canon)
            steps += len(derivation.steps)
    assert steps > 200
