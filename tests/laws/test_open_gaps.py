"""What stays open is named: informations in gaps, and latents that nothing is predicted from."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from itertools import chain
from math import log

import pytest
import torch

from graphdsl.compiler import GeneratedModule, check_spec, compile_spec, derive, read
from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.ir.information import CrossEntropy, Entropy, Information
from graphdsl.ir.symbols import Variable
from graphdsl.lower.errors import CollapsedLatent, OpenGap, Untrained
from graphdsl.notation.gaps import bound_text
from graphdsl.trials.verifying import verified
from graphdsl_runtime import Objective
from tests.corpus import Case, compiled, compiling, documented, generated, shipped
from tests.emitted import emitted_objectives
from tests.laws.games import games
from tests.random_rows import rows_of

NO_ENCODERS = ("p", "new", "")
COLLAPSED = (
    Case(
        "rewarded",
        """model rewarded
param gamma = 0.5 in 0..1
observed x : real[4]
latent z : real[2] ~ normal
q { x -> z }
minimize 2 * I(x; z) - gamma * I(z; x)
""",
    ),
    Case(
        "chained",
        """model chained
param gamma = 0.5 in 0..1
observed x : real[4]
latent z[1..2] : real[2] ~ normal
latent u : real[2] ~ normal
q { x -> z[1]; z[1] -> z[2]; x -> u }
p { z[2] -> z[1]; u -> x }
minimize KL(q || p)
""",
    ),
    Case(
        "a label",
        """model label
observed x : real[4]
observed t : real optional
latent z : real[2] ~ normal
q { x -> t; x, t -> z }
p { z, t -> x }
minimize I(z; x) + 0.5 * D(q || {z; t; x}) + CE(t | x)
""",
    ),
)

#: What is bounded vanishes from the loss, and the gap of that is the term's that is left.
VANISHED = {
    "a bound by several samples": "KL(q || p) with iwae(k = 3)",
    "a distance": "MMD(q(z) || p(z))",
    "an entropy of p's own": "CE[p](x | z, u)",
    "an estimate from above": "2 * TC(z)\nestimate TC(z) with loo",
    "an estimate from below": "-2 * TC(z)\nestimate TC(z) with loo",
    "a critic's estimate": "I(z; u)\nestimate I(z; u) with adversary",
    "a model of another network's": "CE[g](x | z)",
    "two sums": "CE[p](x | z, u) + max(MMD(q(z) || p(z)) + H(u | x) - H(u), 0)",
}
RATE = """model vanished
observed x : real
latent z[1..2] : real ~ normal
latent u : real ~ normal
q {{ x -> z; x -> u }}
infer g {{ x -> z }}
p {{ z, u -> x }}
minimize H(u | x) - H(u) + {}
"""


LIMITED = """model limited
observed x : real[3]
observed s : binary
observed t : categorical(3)
latent z : real ~ normal
latent c : categorical(3) ~ categorical
q {{ x -> z, c }}
p {{ z, c -> x; z -> s, t }}
minimize KL(q || p)
subject to {} <= {}
"""


@pytest.mark.parametrize(
    ("limited", "largest"),
    [
        ("I(z; s)", log(2)),
        ("2 * I(z; t)", 2 * log(3)),
        ("I(z; s) + 3 * I(z; t)", log(2) + 3 * log(3)),
        ("I(x; c) - 2 * H(c | x)", log(3)),  # c may follow from x
    ],
)
def test_a_limit_is_idle_from_the_largest_value_on(limited: str, largest: float) -> None:
    """No limit is said to be idle that something may exceed."""
    low = LIMITED.format(limited, f"{largest - 0.01:.3f}")
    assert "MIB445" not in {one.code for one in warnings_of(low)}
    if " - " not in limited:
        high = LIMITED.format(limited, f"{largest + 0.01:.3f}")
        assert "MIB445" in {one.code for one in warnings_of(high)}


def warnings_of(text: str) -> tuple[Diagnostic, ...]:
    return compile_spec(Source("spec.mib", text)).compiled.warnings


def every_case(law: str, share: int) -> chain[Case]:
    return chain(
        shipped(), documented(), (one.without_assertions() for one in generated(law, share))
    )


def test_an_information_in_a_gap_is_said_to_stay() -> None:
    """A gap is a divergence from a model, which training lowers, or it is named and warned of."""
    lasting = 0
    for _, module in compiling(every_case("open gaps", 40)):
        open_ones = [
            bound
            for term in module.compiled.module.terms
            for bound in term.bounds
            if isinstance(bound.gap[1], Information)
        ]
        assert all(bound.lasting for bound in open_ones)
        warned = {
            f"{one.gap}, {one.size}" for one in module.compiled.warnings if isinstance(one, OpenGap)
        }
        assert {str(bound.lasting) for bound in open_ones} == warned
        assert not warned or module.compiled.module.relation != "equal"
        lasting += len(open_ones)
    assert lasting > 10


@pytest.mark.parametrize("left", VANISHED.values(), ids=VANISHED)
def test_a_gap_outlives_the_rate_it_is_of(left: str) -> None:
    """The loss is above the objective by the gap, also where none of its terms is of that latent.

    H(u | x) - H(u) is bounded by 0, and its gap is I(u; x).
    """
    result = derive(check_spec(Case("vanished", RATE.format(left)).source))
    audit = read(result)
    assert audit.module.relation not in ("equal", "lower")
    told = [one for term in audit.module.terms for one in term.bounds if one.lasting]
    assert any(bound_text(one) == "I(u; x)" and one.certified for one in told)
    found = verified(result, audit).verification
    assert found is not None
    assert found.wrong == ()


def test_nothing_but_its_rate_moves_a_latent_that_is_said_to_collapse() -> None:
    """No other term has a gradient in the encoders of such latents."""
    found = 0
    for case, objective in emitted_objectives(chain(COLLAPSED, every_case("collapse", 30))):
        made = compiled(case)
        assert made is not None
        families = {one.name for one in made.compiled.checked.model.families}
        warnings = made.compiled.warnings
        heads = {one.name for one in warnings if isinstance(one, CollapsedLatent)} & families
        if heads:
            found += 1
            assert others_reach(made, objective, heads) == set()
    assert found >= 2


SOME = """
model views
observed x[1..3] : binary[2] optional
latent z : real[2] ~ normal
latent u[1..3] : real[2] ~ normal
q { x -> z; x -> u }
p { z, u[i] -> x[i] for i in 1..3 }
minimize 2 * TC(z; u[1]; x) + 2 * D(q || G(p))
"""


def test_members_that_collapse_are_named_without_the_others() -> None:
    made = compiled(Case("some", SOME))
    assert made is not None
    reconstruction = next(one for one in made.compiled.module.terms if "x[2]" in one.rows)
    assert "x[1]" not in reconstruction.rows
    named = [one.name for one in made.compiled.warnings if isinstance(one, CollapsedLatent)]
    assert named == ["u[1]"]


def test_a_latent_that_data_are_predicted_from_is_not_said_to_collapse() -> None:
    """Of each shipped spec some other term reaches each encoder; none is warned of."""
    for case, objective in emitted_objectives(shipped()):
        made = compiled(case)
        assert made is not None
        assert not any(isinstance(one, CollapsedLatent) for one in made.compiled.warnings)
        latents = {one.name for one in made.compiled.checked.model.families if one.role == "latent"}
        inferred = any(slot.network not in NO_ENCODERS for slot in made.compiled.module.networks)
        assert others_reach(made, objective, latents) or not inferred, case.name


def test_a_network_that_no_loss_trains_is_warned_of() -> None:
    """Of q, p, `infer`, and of predictors that belong to a player who does not ask for them."""
    idle = 0
    cases = chain(every_case("idle", 20), games("idle", 60))
    for case, objective in emitted_objectives(cases, at_least=0.2):
        made = compiled(case)
        assert made is not None
        losses = objective(rows_of(objective))
        moved = set()
        for loss in losses.players.values():
            names, parameters = zip(*objective.named_parameters(), strict=True)
            if loss.requires_grad:
                slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
                moved |= {name for name, one in zip(names, slopes, strict=True) if one is not None}
        warned = " ".join(one.names for one in made.compiled.warnings if isinstance(one, Untrained))
        for slot in made.compiled.module.networks:
            if not any(name.startswith(f"{slot.attribute}.") for name in moved):
                idle += 1
                assert slot.names[0] in warned, slot.names
    assert idle >= 3


def others_reach(made: GeneratedModule, objective: Objective, heads: AbstractSet[str]) -> set[str]:
    """The encoders of some latents in which a term other than their own rates has a gradient."""
    module, model = made.compiled.module, made.compiled.checked.model
    rates = {
        term.name
        for term in module.terms
        if term.code.kind == "kl"
        and {model.family_of(name).name for one in term.stands_for for name in own(one.atom)}
        <= heads
    }
    encoders = {
        slot.attribute: [*objective.get_submodule(slot.attribute).parameters()]
        for slot in module.networks
        if slot.network not in ("p", "new")
        and {model.family_of(one).name for one in slot.children} <= heads
    }
    batch = rows_of(objective)
    terms = objective(batch).terms
    others = [value for name, value in terms.items() if name not in rates and value.requires_grad]
    if not others:
        return set()
    reached = set[str]()
    for attribute, parameters in encoders.items():
        slopes = torch.autograd.grad(
            sum(others), parameters, retain_graph=True, materialize_grads=True
        )
        if any(one.any() for one in slopes):
            reached.add(attribute)
    return reached


def own(atom: object) -> tuple[Variable, ...]:
    return atom.of if isinstance(atom, Entropy | CrossEntropy) else ()
