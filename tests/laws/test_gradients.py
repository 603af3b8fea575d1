"""Every player's gradient is the derivative of the loss that the audit states for that player.

In value what is detached and what is not are the same, so that only a gradient shows which was
emitted. The derivative is a central difference of the audit's own sum of terms, in double
precision, under the same noise: in five random directions of all that a player trains, and in one
of each of its networks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
import torch

from tests.corpus import Case, documented, fewer, generated, shipped, some
from tests.emitted import emitted_objectives
from tests.laws.descended import derived, disagreements, emitted_small, names_of_networks
from tests.laws.games import games
from tests.random_rows import rows_of

HEAD = """
model cut
observed x : real[4]
observed y : binary
observed a : {kind}
given e : categorical(2)
latent u : real[3] ~ normal
latent v : real[2] ~ normal
q {{ x -> u, v }}
p {{ u, v -> x }}
"""
BOTH = {
    "an information": "minimize KL(q || p) - CE(a | u) - I(a; u)",
    "an entropy": "minimize KL(q || p) - CE(a | u) + H(a | u)",
    "a network": "minimize KL(q || p) - CE(a | u) + D(q || {u -> y, a})",
    "a chain": "minimize KL(q || p) - 2 * CE(a | u) + D(q || {y -> u -> a})",
    "a line": "minimize KL(q || p) - CE(a | u) + H(a | u)\nestimate H(a | u) with new",
    "a limit": "minimize KL(q || p) - CE(a | u)\nsubject to CE(a | u) <= 0.5",
    "several samples": "minimize KL(q || p) with iwae(k = 3) - CE(a | u) + H(a | u)",
    "invariance": "minimize KL(q || p) - CE(a | u) + 2 * irm(a | u, e)",
    "a capacity": "minimize KL(q || p) - CE(a | u) + abs(CE(a | u) - 1)",
    "another network": """
infer r { x -> u, v }
minimize KL(q || p) + KL(r || p) - CE(a | u) + CE[r](a | u)""",
    "another encoder": """
infer r { y -> v }
minimize KL(q || p) - 0.5 * KL(q(v | x) || r(v | y))""",
    "another encoder, of a latent": """
infer r { x -> u; u, y -> v }
minimize KL(q || p) - 0.5 * KL(q(v | x) || r(v | u, y))""",
    "a latent": "minimize KL(q || p) - 0.5 * CE(v | u)",
    "another player": """
minimize KL(q || p) - CE(a | u) for q
minimize KL(q || p) + CE(a | u) for p""",
}
COSTS = {
    "a cost": "minimize KL(q || p) - cost(a | u, squared) + H(a | u)",
    "two costs": "minimize KL(q || p) - cost(a | u, squared) + cost(a | u, huber)",
    "likelihood and cost": "minimize KL(q || p) + cost(a | u, squared) - CE(a | u)",
    "a scale": "minimize KL(q || p) - CE(a | u) + H(a | u)",
}


def test_gradients_of_shipped_specs() -> None:
    _assert_exact(some("gradients of shipped", list(shipped()), share=16), at_least=1.0)


def test_gradients_of_the_pages_specs() -> None:
    _assert_exact(some("gradients of pages", list(documented()), share=8), at_least=0.9)


def test_gradients_of_generated_specs() -> None:
    _assert_exact(generated("gradients", share=10), at_least=0.2, directions=fewer(5, 1))


def test_gradients_of_generated_games() -> None:
    _assert_exact(games("gradients of games", share=12), at_least=0.2, directions=fewer(5, 1))


def _assert_exact(cases: Iterable[Case], at_least: float, directions: int = 5) -> None:
    tried = accepted = 0
    for case in cases:
        tried += 1
        made = derived(case)
        if made is not None:
            accepted += 1
            assert not disagreements(made, directions=directions), case
            assert max(names_of_networks(made).values()) == 1, case
    assert accepted >= at_least * tried, f"only {accepted} of {tried} compile"


@pytest.mark.parametrize("objective", BOTH.values(), ids=BOTH)
def test_an_adversary_beside_a_bound_of_the_same(objective: str) -> None:
    """One network, which the critic trains, and the encoder has the gradients of both."""
    _assert_one_each(HEAD.format(kind="binary") + objective)


@pytest.mark.parametrize("objective", COSTS.values(), ids=COSTS)
@pytest.mark.parametrize("kind", ["real[2]", "real[2] ~ normal(scale = learned)"])
def test_an_adversary_by_its_cost(objective: str, kind: str) -> None:
    _assert_one_each(HEAD.format(kind=kind) + objective)


def _assert_one_each(text: str) -> None:
    made = derived(Case("cut", text + "\n"))
    assert made is not None
    assert not disagreements(made)
    assert max(names_of_networks(made).values()) == 1


def test_a_critic_trains_itself_alone() -> None:
    """Neither what it reads nor what it predicts moves with its loss, be it data or a latent."""
    text = HEAD.format(kind="binary")
    cases = [Case(name, f"{text}{objective}\n") for name, objective in BOTH.items()]
    played = 0
    for case, objective in emitted_objectives([*cases, *games("critics", 60)], at_least=0.2):
        critic = objective(rows_of(objective)).players.get("critic")
        if critic is None:
            continue
        own = {id(one) for one in objective.parameter_groups()["critic"]}
        others = [one for one in objective.parameters() if id(one) not in own]
        slopes = torch.autograd.grad(critic, others, allow_unused=True)
        assert all(slope is None for slope in slopes), case
        played += 1
    assert played > len(BOTH)


# ---- the law itself: it sees each of these, though none of them changes a loss -------------------

LOSSES = HEAD.format(kind="binary") + "minimize KL(q || p) - CE(a | u) + 2 * H(a | u)\n"
LIMIT = HEAD.format(kind="binary") + "minimize KL(q || p)\nsubject to KL(q(u | x) || p(u)) <= 1\n"
PLAYERS = HEAD.format(kind="binary") + "minimize KL(q || p) for q\nminimize KL(q || p) for p\n"
DISTANCE = HEAD.format(kind="binary") + "minimize CE(x | u, v) + JS(q(u) || p(u))\n"
FAULTS = {
    "an encoder cut off from a decoder": (LOSSES, r"self\.p_x\(u, v\)", "self.p_x(u.detach(), v)"),
    "an encoder cut off from a bound": (
        LOSSES,
        r"frozen\(self\.r_a\)\(u\)",
        "frozen(self.r_a)(u.detach())",
    ),
    "an encoder cut off from a rate": (LOSSES, r"q_u\.kl\(", "detached(q_u).kl("),
    "an adversary that trains the encoder": (
        LOSSES,
        r"self\.r_a\(u\.detach\(\)\)",
        "self.r_a(u)",
    ),
    "an adversary trained by the model": (LOSSES, r"frozen\(self\.r_a\)", "(self.r_a)"),
    "a decoder that is frozen": (LOSSES, r"self\.p_x\(", "frozen(self.p_x)("),
    "a price of the wrong sign": (
        LIMIT,
        r"self\.multiplier(\w*)\.dual\((\w+)\)",
        r"self.multiplier\1.dual(-\2)",
    ),
    "a price without a gradient": (LIMIT, r"(self\.multiplier\w*\.dual\(\w+\))", r"\1.detach()"),
    "a player that trains another's network": (PLAYERS, r"frozen\(self\.p_x\)", "(self.p_x)"),
    "a critic that sees the gradient's half": (
        DISTANCE,
        r'"critic": (\w+)',
        r'"critic": 0.5 * \1 + 0.5 * \1.detach()',
    ),
    "half of a gradient": (LOSSES, r'"model": loss', '"model": 0.5 * loss + 0.5 * loss.detach()'),
}


@pytest.mark.parametrize(("text", "right", "wrong"), FAULTS.values(), ids=FAULTS)
def test_a_gradient_that_is_wrong_is_seen(text: str, right: str, wrong: str) -> None:
    made = derived(Case("cut", text))
    assert made is not None

    def change(emitted: str) -> str:
        imported = emitted.replace(
            "    Variable,\n", "    Variable,\n    detached,\n    frozen,\n", 1
        )
        return re.sub(right, wrong, imported)

    assert not disagreements(made)
    assert disagreements(made, emitted_small(made, change))
