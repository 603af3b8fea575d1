"""`audit --verify` under learned masks: the loss of each structure, and what is wrong is found."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import chain

import pytest

from graphdsl.auditing import OnTrial, on_trial
from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.trials.verifying import compared, tried
from graphdsl.verify import verify
from tests.corpus import Case, generated, shipped
from tests.laws.descended import derived
from tests.laws.masked import masked_spec
from tests.laws.tries import disagreeing

SPEC = """
model structured
param beta = 2
observed x[1..2] : real[2]
latent z[1..2] : real ~ normal
latent u : real[2] ~ normal
mask Mq[1..2, 1..2] : learned bernoulli(0.5)
mask Mp[1..2] : learned bernoulli(0.3)
q { x[i] -> z if Mq[i] by poe for i in 1..2; x -> u }
p { u -> x[i] if Mp[i] for i in 1..2; z -> x }
minimize KL(q || p) + beta * KL(q(z | x) || q(z | x[1])) + I(z; u) + 0.3 * sparsity(Mq, Mp)
"""


def masked(cases: Iterator[Case]) -> Iterator[tuple[Case, Compiled]]:
    """Specs that are shipped, and others; `test_verify` verifies those of the pages."""
    for case in chain(shipped(), cases):
        result = derived(case) if "learned bernoulli" in case.text else None
        if result is not None:
            yield case, result


def test_the_loss_of_every_structure_is_that_of_the_edges_that_it_has() -> None:
    """By the objective's definition, where networks lack the edges that a structure lacks."""
    seen = set[tuple[int, int]]()
    for case, result in masked(generated("masked_values", 3, masked_spec, most=100)):
        found = compared(result, read(result))
        assert found.wrong == (), str(case)
        assert found.of_structures > 1, str(case)
        for one in found.emitted:
            edges = one.of_structures.bit_length() - 1
            assert 2**edges == one.of_structures
            assert one.structures == (one.of_structures if edges <= 6 else 16), str(case)
            seen.add((one.structures, one.of_structures))
    assert any(one == of for one, of in seen)
    assert any(one < of for one, of in seen)


def test_the_loss_of_a_structure_that_is_drawn_is_that_of_its_edges() -> None:
    """The same of many more specs, in a few structures of each."""
    several, chance = 0, random.Random(0)
    for case, result in masked(generated("drawn structures", 3, masked_spec)):
        found, wrong = disagreeing(result, chance.randrange(1000), most=3)
        assert not wrong, str(case)
        several += sum(one.of_structures > 3 for one in found)
    assert several > 5


@cache
def structured() -> tuple[OnTrial, ...]:
    result = derive(check_spec(Source("structured.mib", SPEC)))
    found = on_trial(result, read(result))
    return tuple(one for one in found if isinstance(one, OnTrial))


def test_each_structure_is_another() -> None:
    """Or the law above would hold of a loss that reads no mask."""
    trials = [one.trial for one in structured()]
    assert len(trials) == 2**6
    assert len({str(one.structure) for one in trials}) == 2**6
    assert len({round(one.exact, 9) for one in trials}) == 2**6


#: What an emitted module may get wrong about its edges, one thing each.
SLIPS = {
    "an edge that stays when it is off": ("gated(u[:, None], Mp)", "u[:, None].expand(-1, 2, -1)"),
    "an expert that stays when it is off": (
        "(experts_z, Mq, least",
        "(experts_z, Mq * 0 + 1, least",
    ),
    "a posterior that keeps its experts": (
        "z, Mq, least=1.0)\n        z",
        "z, least=1.0)\n        z",
    ),
    "edges turned over": ("Mp = self.mask_Mp.sample(", "Mp = 1 - self.mask_Mp.sample("),
    "experts turned over": ("Mq = self.mask_Mq.sample(", "Mq = 1 - self.mask_Mq.sample("),
    "experts exchanged": ('sample(noise["Mq"])', 'sample(noise["Mq"]).flip(1)'),
    "noise with its sign changed": ('sample(noise["Mq"])', 'sample(-noise["Mq"])'),
    "a count without its weight": ("0.3 * sparsity_Mq", "sparsity_Mq"),
    "edges drawn for edges expected": ("self.mask_Mp.expected_edges()", "Mp[0].sum()"),
    "edges that are absent counted": ("self.mask_Mp.expected", "2 - self.mask_Mp.expected"),
}


@pytest.mark.parametrize(("old", "new"), SLIPS.values(), ids=SLIPS)
def test_a_wrong_edge_is_found(old: str, new: str) -> None:
    several = structured()
    text = several[0].text
    assert old in text
    slipped = text.replace(old, new)
    found = [tried(slipped, one.class_name, one.trial, one.of) for one in several[::7]]
    assert any(not one.agrees and one.abs_error > 1e-3 for one in found)


def test_a_derivation_that_ignores_the_structure_is_found() -> None:
    """A bound of another structure's entropy is refuted in a structure that lacks edges."""
    result = derive(check_spec(Source("structured.mib", SPEC)))
    audit = read(result)
    assert verify(audit).mistakes == ()
    terms = tuple(
        replace(term, stands_for=term.stands_for[1:]) if term.name == "rate_z" else term
        for term in audit.module.terms
    )
    wrong = replace(audit, module=replace(audit.module, terms=terms))
    assert any("the loss's terms" in one for one in verify(wrong).mistakes)


def test_estimates_are_on_their_side_in_each_of_several_structures() -> None:
    text = SPEC.replace("I(z; u)", "TC(z)") + "estimate TC(z) with loo\n"
    result = derive(check_spec(Source("structured.mib", text)))
    found = compared(result, read(result))
    assert found.wrong == ()
    assert len({one.structure for one in found.estimates}) == 4
    assert all(
        re.match(r"Mq = fixed\(.*; Mp = fixed\(.*\)$", one.structure) for one in found.estimates
    )
