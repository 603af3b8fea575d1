"""Specs that mean the same have the same loss, however they are written."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, permutations

import pytest
import torch

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source, SpecError
from graphdsl.graphs import symmetry_of
from graphdsl.ir.information import Information, ModelGap
from graphdsl.ir.notation import weight_text
from graphdsl.ir.symmetry import Exchange
from tests.by_hand import cost, fused, halves, kl, rate, run, sampled
from tests.corpus import Case, compiling, documented, generated, shipped, some
from tests.emitted import class_of, emitted_class, small
from tests.laws.carried import carried_loss, is_carried
from tests.laws.entropic import entropic_spec
from tests.laws.renamed import declared_names, renamed
from tests.laws.shuffled import shuffled

pytestmark = pytest.mark.usefixtures("in_double_precision")

VIEWS = """
model views
observed x[1..{count}] : binary[5]
latent z : real[2] ~ normal
q {{ x -> z by poe }}
p {{ z -> x[i] for i in 1..{count} }}
minimize {goal}
"""

DEEP = """
model deep
observed x : binary[5]
latent z : real[2] ~ normal
q { x -> z }
p { z -> x }
minimize KL(q(z | x) || p(z)) + 8 * CE(x | z)
"""


# ---- the order of anything, and names ------------------------------------------------------------


def carried(law: str, share: int) -> Iterator[Case]:
    """Specs whose loss can be carried over by name: of ours, of the pages, and random ones."""
    ours = [*shipped(), *documented()]
    for case in chain(some(law, ours, share), generated(law, share // 2), entropic(law, share)):
        if is_carried(case.text):
            yield case.without_assertions()


def entropic(law: str, share: int) -> Iterator[Case]:
    """Random specs with several latents and views, and informations of both signs."""
    yield from generated(law, share, entropic_spec)


def test_neither_order_nor_names_change_the_loss() -> None:
    """Statements, lines, parents, summands and parts in another order, under other names."""
    for case, module in compiling(carried("same meaning", share=8)):
        chance = random.Random(case.name)
        names = [name for name, what in declared_names(case.text).items() if what == "variable"]
        new = dict(zip(names, chance.sample("abcdefghijkmnopqrstuvw", len(names)), strict=True))
        new = {name: f"v{letter}" for name, letter in new.items()}
        other = shuffled(renamed(case.text, new), chance)
        own = carried_loss(class_of(small(module)), str)
        changed = class_of(small(compile_spec(Source("other.mib", other))))
        again = carried_loss(changed, back({to: name for name, to in new.items()}))
        torch.testing.assert_close(again, own, rtol=1e-9, atol=1e-9, msg=other)


def test_members_that_a_spec_exchanges_have_the_same_loss() -> None:
    """Weights, data and noise change places with each other as the variables do."""
    exchanges = 0
    for case, module in compiling(carried("members", share=10)):
        made = class_of(small(module))
        if made.draws or "mask " in case.text:
            continue  # their noise is that of no variable
        for exchange in symmetry_of(module.compiled.checked.model).exchanges[:2]:
            own, other = carried_loss(made, str), carried_loss(made, moved(exchange))
            torch.testing.assert_close(other, own, rtol=1e-9, atol=1e-9)
            exchanges += 1
    assert exchanges


def moved(exchange: Exchange) -> Callable[[str], str]:
    """Variables and networks in each other's places."""
    pairs = (*exchange.variables.items(), *exchange.networks.items())
    names: dict[str, str] = dict(pairs)
    return lambda name: names.get(name, name)


def back(names: Mapping[str, str]) -> Callable[[str], str]:
    """Variables and networks under their old names."""
    return lambda name: re.sub(r"[A-Za-z_]\w*", lambda word: names.get(word[0], word[0]), name)


def loss_of(text: str) -> list[tuple[str, str]]:
    """The terms of a loss, each with its weight."""
    module = compile_spec(Source("spec.mib", text)).compiled.module
    return sorted((term.formula, weight_text(term.weight)) for term in module.terms)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_views_that_nothing_prefers_have_equal_shares(count: int) -> None:
    """MVTCAE, Hwang et al. 2021, alpha = 1: TC(x | z) - TC(x) by every view alike.

    (N-1)/N sum_i CE(x_i | z) + 1/N sum_i E KL(q(z | x) || q(z | x_i)); no information is lost.
    """
    model = emitted_class(VIEWS.format(count=count, goal="TC(x | z) - TC(x)"))()
    x = torch.randint(2, (7, count, 5)).double()
    noise = {"z": torch.randn(7, 2)}
    means, log_vars = halves(run(model, "q_z", x))
    mean, log_var = fused(means, log_vars)
    z = sampled(mean, log_var, noise["z"])
    reconstruction = cost(run(model, "p_x", z), x)
    rates = sum(
        (kl(mean, log_var, *fused(means[:, [i]], log_vars[:, [i]])) for i in range(count)),
        torch.zeros(7),
    )
    published = (count - 1) / count * reconstruction + rates / count
    assert model({"x": x}, noise).loss.item() == pytest.approx(published.mean().item(), abs=1e-12)


def test_equal_shares_leave_no_information_in_the_gap() -> None:
    text = VIEWS.format(count=4, goal="TC(x | z) - TC(x)")
    module = compile_spec(Source("spec.mib", text)).compiled.module
    assert module.relation == "upper"
    gaps = [bound.gap for term in module.terms for bound in term.bounds]
    assert gaps
    assert all(isinstance(gap, ModelGap) for _, gap in gaps)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I(x; z) - 8 * I(x; z)", "-7 * I(x; z)"),
        ("D(q || {x; z}) - 8 * I(z; x)", "-7 * I(x; z)"),
        ("-8 * I(x; z) + 3 * I(z; x)", "-2 * I(x; z) - 3 * I(x; z)"),
        ("D(q || {z -> x[1]; z -> x[2]})", "I(x[1]; x[2] | z)"),
        ("D(q || {z -> x})", "TC(x | z)"),
        ("I(x; z) - sum(i in 1..3) I(z; x[i]) - 0.5 * KL(q(z | x) || p(z))",
         "I(x; z) - 0.5 * KL(q(z | x) || p(z)) - I(x[2]; z) - I(x[3]; z) - I(z; x[1])"),
    ],
)  # fmt: skip
def test_equal_terms_are_collected_before_anything_is_bounded(one: str, other: str) -> None:
    made = [loss_of(VIEWS.format(count=3, goal=f"KL(q || p) + {goal}")) for goal in (one, other)]
    assert made[0] == made[1]


ASKED = """
model asked
observed x : real[4]
observed y : binary
observed a : binary
latent z : real[2] ~ normal
q {{ x -> z }}
p {{ z -> x }}
minimize KL(q || p) {}
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("- 3 * I(z; y) - 2 * I(y; z)", "- 5 * I(z; y)"),
        ("+ 3 * H(y | z) + 2 * H(y | z)", "+ 5 * H(y | z)"),
        ("- I(z; y, a) - 2 * I(z; a, y)", "- 3 * I(z; y, a)"),
        ("- I(z; y | a) - 2 * I(z; y | a)", "- 3 * I(z; y | a)"),
        ("- I(y; a | z)", "- I(a; y | z)"),
        ("- I(x; y | z)", "- I(y; x | z)"),
    ],
)
def test_equal_terms_ask_for_a_predictor_once_for_all(one: str, other: str) -> None:
    """Of what no decoder of p bounds, as much is predicted as all of them ask for."""
    assert loss_of(ASKED.format(one)) == loss_of(ASKED.format(other))


def test_what_is_wanted_and_what_is_paid_are_bounded_apart_if_they_are_written_so() -> None:
    """The deep bottlenecks of Abdelaleem et al. 2025: the rate and the CE, each by itself."""
    model = emitted_class(DEEP)()
    x, noise = torch.randint(2, (7, 5)).double(), {"z": torch.randn(7, 2)}
    mean, log_var = halves(run(model, "q_z", x))
    z = sampled(mean, log_var, noise["z"])
    written = rate(mean, log_var) + 8 * cost(run(model, "p_x", z), x)
    assert model({"x": x}, noise).loss.item() == pytest.approx(written.mean().item(), abs=1e-12)


# ---- ties ----------------------------------------------------------------------------------------

MODELS_THAT_TIE = """
model tie
observed x[1..2] : {first}
observed y : binary
latent z : real[2] ~ normal
q {{ x, y -> z }}
infer r(i) {{ x[i] -> z }}
p {{ z -> x[i] for i in 1..2; z -> y }}
minimize KL(q || p) + I(z; y | x)
"""


def test_models_that_the_spec_exchanges_bound_an_equal_share_each() -> None:
    loss = loss_of(MODELS_THAT_TIE.format(first="binary[5]"))
    assert ("E_q KL(q(z | x, y) || r(z | x[1]))", "0.5") in loss
    assert ("E_q KL(q(z | x, y) || r(z | x[2]))", "0.5") in loss


def test_models_that_the_spec_does_not_exchange_are_an_error() -> None:
    """x[1] alone is asked about once more: r(1) and r(2) are no equals."""
    text = MODELS_THAT_TIE.format(first="binary[5]").rstrip() + " + 0.1 * CE(x[1] | z)\n"
    with pytest.raises(SpecError, match="MIB451"):
        compile_spec(Source("spec.mib", text))


KINDS = """
model kinds
observed x : real[4]
observed y : binary[4]
observed w : categorical(3)
latent z : real[2] ~ normal
q { x, y, w -> z by poe }
p { z -> x, y, w }
minimize TC(x; y; w | z) - TC(x; y; w)
"""


def test_views_of_different_kinds_have_equal_shares_too() -> None:
    """Where nothing written prefers one view, none goes first."""
    experts = " + ".join(f"E_q KL(q(z | x, y, w) || q(z | {one}))" for one in "xyw")
    predictions = [(f"E_q[-log p({one} | z)]", "2/3") for one in "wxy"]
    assert loss_of(KINDS) == sorted([(f"({experts})", "1/3"), *predictions])


APART = """
model apart
param first  = 1
param second = 3
observed x : real[2]
observed a : real[2]
observed b : real[2]
latent z : real[2] ~ normal
latent u : real[2] ~ normal
q { x -> z, u }
p { a -> z; b -> u; z, u -> x }
minimize KL(q || p) + first * D(q || {x -> z -> a}) + second * D(q || {x -> u -> b})
"""


def test_parts_alike_but_for_their_parameter_keep_their_own() -> None:
    """Exchanging a with b and z with u exchanges two parameters, whose values are not the same."""
    weights = dict(loss_of(APART))
    assert weights["E_q[-log r(a | z)]"] == "first"
    assert weights["E_q[-log r(b | u)]"] == "second"


CROSSED = """
model crossed
observed x[1..3] : binary[4]
latent d : real[2] ~ normal
latent c : real[2] ~ normal
q { x[1], x[2] -> d; x -> c }
p { d -> x[1]; c -> x[2]; c, d -> x[3] }
minimize KL(q || p) - 0.5 * I(c; x[3], d)
"""


def test_of_the_orders_of_latents_the_one_that_leaves_less_in_the_gap_is_taken() -> None:
    """H(c, d) is H(c) + H(d | c) or H(d) + H(c | d), and decoders fit the one or the other."""
    one = compile_spec(Source("spec.mib", CROSSED)).compiled.module
    lines = CROSSED.splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    other = compile_spec(Source("spec.mib", "\n".join(lines))).compiled.module
    for each in (one, other):
        gaps = [bound.gap[1] for term in each.terms for bound in term.bounds]
        assert sum(isinstance(gap, Information) for gap in gaps) == 1
    assert loss_of(CROSSED) == loss_of("\n".join(lines))


# ---- rows that lack what an encoder reads --------------------------------------------------------

FALLING = """
model falling
{latents}
observed x : real[2] optional
q {{ {q} }}
p {{ {p} }}
minimize KL(q || p)
"""
#: q and p, and whether every latent can fall back on what p says of it.
LINES = {
    "one reads another": (("x -> a", "x -> b"), "b -> a; a, b -> x", True),
    "a chain": (("x -> a", "x -> b", "x -> c"), "c -> b; b -> a; a, b, c -> x", True),
    "one is inferred from the other": (("x -> a", "x, a -> b"), "b -> a; a, b -> x", False),
    "a circle of both networks": (
        ("x -> a", "x, a -> b", "x -> c"), "b -> c; c -> a; a, b, c -> x", False,
    ),
    "beside such a circle": (
        ("x -> a", "x, a -> b", "x -> c"), "b -> a; a -> c; a, b, c -> x", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("q", "p", "whole"), LINES.values(), ids=LINES)
def test_what_stands_in_for_an_encoder_is_of_no_order(
    q: tuple[str, ...], p: str, whole: bool
) -> None:
    """p(a | b) stands in for q(a | x), whichever of a and b is declared first."""
    losses = []
    for order in permutations(q):
        latents = [line[-1] for line in order]
        declared = "\n".join(f"latent {one} : real[2] ~ normal" for one in latents)
        model = emitted_class(FALLING.format(latents=declared, q="; ".join(order), p=p))
        losses.append(carried_loss(model, str))
        missing = {"x": torch.zeros(5, 2), "seen(x)": torch.zeros(5, dtype=torch.bool)}
        paid = model()(missing).loss.item()
        assert (abs(paid) < 1e-12) == whole  # p says of every latent what stands in for q
    for one in losses:
        torch.testing.assert_close(one, losses[0], rtol=1e-9, atol=1e-9)
