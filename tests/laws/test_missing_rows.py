"""Rows that lack views or labels pay for what they have: loss and objective of each pattern agree.

The objective of a row is that of what it has (theory.md S2). Of each pattern of missing views the
expected loss, plus the constants of what these rows have, is that objective plus the named gaps:
exactly, over all rows of the pattern and all noise, in closed form or by enumeration. No gap is
negative, so it is never less. What lies where a value is missing changes no bit, and the loss of a
batch is the mean of its rows' own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphdsl.ir.loss import LossModule
from graphdsl_runtime import Objective
from tests.corpus import Case, compiled, compiling, documented, generated, shipped
from tests.emitted import emitted_class, emitted_objectives
from tests.laws.tries import disagreeing

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 5
_SELECTOR = re.compile(r'"(selector_\w+)"')  #: of mixtures, which draw it where no noise names it

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

HALVES = """
model halves_of_views
const N = 3
observed x[1..N] : real[2] optional
latent   z : real[2] ~ normal
q { x -> z by poe }
p { z -> x[i] for i in 1..N }
minimize KL(q || p) + expect(S in bipartitions(1..N)) D(q || {(x[S]) -> z -> (x[not S])})
"""

SETS = """
model sets_of_views
const N = 3
observed x[1..N] : real[2] optional
latent   z : real[2] ~ normal
infer r(S) { x[S] -> z by poe }
p { z -> x[i] for i in 1..N }
minimize expect(S in subsets(1..N)) KL(r(S)(x[S], z) || p(x[S], z))
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

FAMILY = """
model family
observed x[1..3] : real[2] optional
latent   z[1..2] : real[2] ~ normal
latent   w : real ~ normal
q { x -> z by mixture; z -> w }
p { w -> z[i] for i in 1..2; z -> x[i] for i in 1..3 }
minimize 2 * KL(q || p) + 0.5 * I(z; x)
"""

EACH = """
model each_view
observed x[1..3] : real[2] optional
latent   z : real[2] ~ normal
q { x -> z by mixture }
infer g(i) { x[i] -> z }
p { z -> x[i] for i in 1..3 }
minimize KL(q || p) + sum(i in 1..3) KL(q(z | x) || g(i)(z | x[i]))
"""

TEXTS = {
    "two views": TWO_VIEWS,
    "two views, jointly": TWO_VIEWS.replace(" by poe", ""),
    "two encoders": TWO_ENCODERS,
    "two products": TWO_ENCODERS.replace(" -> z }", " -> z by poe }"),
    "pairs": PAIRS,
    "pairs, jointly": PAIRS.replace(" by poe", ""),
    "halves": HALVES,
    "halves, drawn": HALVES.replace("N = 3", "N = 7"),
    "sets": SETS,
    "sets, drawn": SETS.replace("N = 3", "N = 7"),
    "predictors": PREDICTED,
    "a mixture": TWO_VIEWS.replace(" by poe", " by mixture"),
    "mixture and pairs": PAIRS.replace(" by poe", " by mixture"),
    "mixture and predictors": PREDICTED.replace(" by poe", " by mixture"),
    "a family's mixture": FAMILY,
    "one expert of it": FAMILY.replace("(q || p)", "(q || p) with one_expert"),
    "a mixture and each view": EACH,
    "labels": KNOWN,
    "classes": CLASSES,
}


def of_rows(cases: Iterator[Case]) -> Iterator[Case]:
    """The cases with something that rows may lack."""
    return (case.without_assertions() for case in cases if " optional" in case.text)


def every_case(law: str, share: int) -> Iterator[Case]:
    """Those of the shipped specs, of those on the pages, and of generated ones."""
    return of_rows(chain(shipped(), documented(), generated(law, share)))


def mistakes() -> Iterator[Case]:
    """What the pages of mistakes show: nothing of it may be a loss, unless the loss is right."""
    for path in sorted((Path(__file__).parents[1] / "bad").glob("*/*.mib")):
        yield Case(path.stem, path.read_bytes().decode("utf-8", errors="replace"))


# ---- loss and objective --------------------------------------------------------------------------


def disagreements(case: Case, most: int | None = None) -> tuple[int, list[str]]:
    """How many patterns were tried, and those whose loss is not its objective plus its gaps."""
    found, wrong = _disagreements(case.text, most)
    return found, list(wrong)


@cache
def _disagreements(text: str, most: int | None) -> tuple[int, tuple[str, ...]]:
    """The same of a text, of which several laws ask."""
    whole = compiled(Case("rows", text))
    assert whole is not None
    found, wrong = disagreeing(whole.compiled, len(text), most)
    return len(found), tuple(
        f"{made.of}: {made.loss:.9g}, and should be {made.exact:.9g}; "
        f"lowest gap {made.lowest_gap:.3g}; {made.z_score} standard errors away"
        for made in wrong
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_pattern_pays_for_what_it_has(text: str) -> None:
    found, wrong = disagreements(Case("rows", text))
    assert found > 1
    assert not wrong


def test_every_pattern_of_every_spec_pays_for_what_it_has() -> None:
    tried_here = 0
    for case, _ in compiling(chain(every_case("rows", 14), of_rows(mistakes()))):
        found, wrong = disagreements(case)
        tried_here += found
        assert not wrong
    assert tried_here > 10


# ---- what lies where a value is missing ----------------------------------------------------------


def batch_of(objective: Objective) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A batch of random values, variable by variable, and what is there of those rows may lack."""
    batch, seen = {}, {}
    for one in objective.variables:
        if one.role == "latent":
            continue
        size = (ROWS, *one.tensor_shape)
        real = torch.randn(size)
        kinds = {
            "real": real,
            "positive": real.exp(),
            "count": torch.poisson(torch.full(size, 2.0)),
        }
        whole = torch.randint(one.classes or 2, size)
        batch[one.name] = kinds.get(one.kind, whole if one.classes else whole.double())
        if one.optional:
            seen[one.name] = torch.rand(ROWS, *one.grid) < 0.6
    return batch, seen


def said(seen: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"seen({name})": one for name, one in seen.items()}


def stored(batch: dict[str, Tensor], seen: dict[str, Tensor], value: float) -> dict[str, Tensor]:
    """The batch with another value where something is missing; of classes one that there is."""
    found = dict(batch)
    for name, there in seen.items():
        over = ~there.reshape(*there.shape, *(1,) * (batch[name].ndim - there.ndim))
        put = value if batch[name].is_floating_point() else int(math.isfinite(value) and value > 0)
        found[name] = torch.where(over, torch.tensor(put, dtype=batch[name].dtype), batch[name])
    return found


def losses_and_slopes(
    objective: Objective, batch: dict[str, Tensor], noise: dict[str, Tensor]
) -> list[Tensor]:
    torch.manual_seed(1)  # for what draws without a name
    losses = objective(batch, noise)
    every = [losses.loss, *losses.players.values()]
    slopes = [
        torch.autograd.grad(
            one, list(objective.parameters()), retain_graph=True, materialize_grads=True
        )
        for one in every
        if one.requires_grad
    ]
    return [*(one.detach() for one in every), *chain.from_iterable(slopes)]


def test_what_lies_where_a_value_is_missing_changes_no_bit() -> None:
    tried_here = 0
    for _, objective in emitted_objectives(every_case("bits", 60)):
        batch, seen = batch_of(objective)
        noise = objective.draw_noise(torch.zeros(ROWS, 1))
        first, *others = (
            losses_and_slopes(objective, stored(batch, seen, value) | said(seen), noise)
            for value in (0.0, 1.0, 1e6, math.nan)
        )
        for other in others:
            for one, two in zip(first, other, strict=True):
                assert torch.equal(one, two)
        tried_here += 1
    assert tried_here > 10


# ---- rows by themselves --------------------------------------------------------------------------


def is_of_rows(module: LossModule) -> bool:
    """Whether a loss is a mean over rows: no term is told from the whole of a batch."""
    whole = ("total_correlation", "information", "distance", "penalty", "sparsity")
    return not module.groups and all(term.code.kind not in whole for term in module.terms)


def test_the_loss_of_a_batch_is_the_mean_of_its_rows_own() -> None:
    tried_here = 0
    for case, objective in emitted_objectives(every_case("split", 60)):
        made = compiled(case.without_assertions())
        if made is None or not is_of_rows(made.compiled.module):
            continue
        batch, seen = batch_of(objective)
        batch |= said(seen)
        noise = objective.draw_noise(torch.zeros(ROWS, 1))
        noise |= {name: torch.rand(ROWS) for name in set(_SELECTOR.findall(made.text))}
        alone = [
            objective(
                {name: one[row : row + 1] for name, one in batch.items()},
                {name: one[row : row + 1] for name, one in noise.items()},
            ).loss.item()
            for row in range(ROWS)
        ]
        assert objective(batch, noise).loss.item() == pytest.approx(sum(alone) / ROWS, rel=1e-9)
        tried_here += 1
    assert tried_here > 10


# ---- two encoders --------------------------------------------------------------------------------


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
