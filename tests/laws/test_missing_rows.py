"""Rows that lack views or labels pay for what they have: loss and objective of each pattern agree.

The objective of a row is that of what it has (theory.md S2). Of each pattern of missing views the
expected loss, plus the constants of what these rows have, is that objective plus the named gaps:
exactly, over all rows of the pattern and all noise, in closed form or by enumeration. No gap is
negative, so it is never less.
"""

from __future__ import annotations

import pytest
import torch

from graphdsl.auditing import on_trial
from graphdsl.cli.verifying import tried
from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.ir.verification import Unverified
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

TWO_VIEWS = """
model two_views
observed x[1..2] : real[1] optional
latent   z : real[1] ~ normal
q { x -> z by poe }
minimize D(q || {x[1] -> z -> x[2]})
"""

TWO_ENCODERS = """
model two_encoders
observed rna  : real[2] optional
observed atac : real[2] optional
observed s    : real[1]
latent   z : real[1] ~ normal
infer r1 { rna, s -> z }
infer r2 { atac, s -> z }
p { z -> rna, atac }
minimize KL(r1 || p) + KL(r2 || p) + KL(r1(z | rna, s) || r2(z | atac, s))
"""

PAIRS = """
model pairs_of_views
observed x[1..3] : real[2] optional
latent   z : real[2] ~ normal
latent   u[1..3] : real ~ normal
q { x -> z by poe; x[i], z -> u[i] for i in 1..3 }
p { z, u[i] -> x[i] for i in 1..3 }
network through_z(i, j) { x[i] -> z; z, u[j] -> x[j] }
minimize KL(q || p) + 0.5 * sum(i, j in pairs(1..3)) D(q || through_z(i, j)) + I(z; x[1] | x[2])
"""

PREDICTED = """
model predicted
observed x[1..2] : real[2] optional
observed y : real optional
latent   z : real[2] ~ normal
q { x -> z by poe }
p { z -> x[i] for i in 1..2; z -> y }
minimize KL(q || p) + 2 * H(x[2] | x[1], z) + CE(x[1] | x[2], z) - 0.5 * I(y; x[1] | z)
"""

KNOWN = """
model known
observed x[1..2] : real[2] optional
observed t : real optional
latent   z : real[2] ~ normal
q { x -> t by poe; x, t -> z }
p { t, z -> x[i] for i in 1..2 }
minimize KL(q || p) + 5 * CE(t | x) + 0.5 * I(z; t)
"""

CLASSES = """
model of_classes
observed x : binary[3] optional
observed y : categorical(3) optional
latent   c : categorical(2) ~ categorical
q { x -> y; x, y -> c }
p { y, c -> x }
minimize KL(q || p) + 5 * CE(y | x) + 0.5 * I(c; y)
"""

TEXTS = {
    "two views": TWO_VIEWS,
    "two views, jointly": TWO_VIEWS.replace(" by poe", ""),
    "two encoders": TWO_ENCODERS,
    "two products": TWO_ENCODERS.replace(" -> z }", " -> z by poe }"),
    "pairs": PAIRS,
    "pairs, jointly": PAIRS.replace(" by poe", ""),
    "predictors": PREDICTED,
    "labels": KNOWN,
    "classes": CLASSES,
}


def disagreements(text: str) -> tuple[int, list[str]]:
    """How many patterns were tried, and those whose loss is not its objective plus its gaps."""
    compiled = derive(check_spec(Source("rows.mib", text)), keep_refuted=True)
    found, wrong = 0, []
    for one in on_trial(compiled, read(compiled)):
        if not isinstance(one, Unverified):
            found += 1
            made = tried(one.text, one.class_name, one.trial, one.of)
            if not made.agrees:
                wrong.append(f"{made.of}: {made.loss:.9g}, and should be {made.exact:.9g}")
    return found, wrong


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_pattern_pays_for_what_it_has(text: str) -> None:
    found, wrong = disagreements(text)
    assert found > 1
    assert not wrong


@pytest.mark.parametrize("by", ["", " by poe"], ids=["joint", "poe"])
@pytest.mark.parametrize("missing", ["rna", "atac"])
def test_two_encoders_are_compared_in_rows_that_have_both(missing: str, by: str) -> None:
    """Alone, a view would pull the encoder of the other to its prior."""
    objective = emitted_class(TWO_ENCODERS.replace(" -> z }", f" -> z{by} }}"))()
    batch = {"rna": torch.randn(5, 2), "atac": torch.randn(5, 2), "s": torch.randn(5, 1)}
    del batch[missing]
    terms = objective(batch).terms
    (term,) = (one for name, one in terms.items() if "other" in name or "each" in name)
    assert term.item() == 0.0
    gradients = torch.autograd.grad(term, list(objective.parameters()), materialize_grads=True)
    assert not any(one.any() for one in gradients)
