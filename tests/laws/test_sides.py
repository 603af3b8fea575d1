"""No network raises its own cross-entropy: it plays against a term that rewards it for that.

S4: a network of the model that follows a cross-entropy of negative weight sends the loss to minus
infinity, to -1e11 within 150 steps.
"""

from __future__ import annotations

from itertools import chain

import pytest
import torch
from torch import Tensor

from graphdsl import Source, SpecError, compile_spec
from graphdsl_runtime import Objective, alternate
from tests.corpus import compiling, documented, generated, shipped
from tests.emitted import emitted_class
from tests.laws.sides import pulled_down
from tests.laws.signed import signed_spec

HEAD = """
model sides
param up   = 2
param gain = 0.5
observed x : real[4]
observed s : binary
given    w : real[3]
"""
REAL = "latent z : real[2] ~ normal\nq { x, w -> z via mlp(16) }\n"
PLAYED = {
    "its own decoder": REAL + "p { z -> x, s via mlp(16) }\nminimize KL(q || p) - 2 * CE(s | z)",
    "a decoder with a scale of its own": "observed y : real[2] ~ normal(scale = learned)\n"
    + REAL
    + "p { z -> x, y via mlp(16) }\nminimize KL(q || p) - 1.5 * CE(y | z)",
    "one member of a family": "observed y[1..3] : binary\n"
    + REAL
    + "p { z -> x via mlp(16); z -> y[i] via mlp(16) for i in 1..3 }\n"
    + "minimize KL(q || p) - 2 * CE(y[2] | z)",
    "a learned prior": "latent z : categorical(3)\nq { x, w -> z via mlp(16) }\n"
    + "p { w -> z via mlp(16); z -> x via mlp(16) }\n"
    + "minimize CE(x | z) - 0.5 * KL(q(z | x, w) || p(z | w))",
    "another encoder": REAL
    + "p { z -> x via mlp(16) }\ninfer r { w -> z via mlp(16) }\n"
    + "minimize KL(q || p) - 0.5 * KL(q(z | x, w) || r(z | w))",
    "of a range": REAL + "p { z -> x, s via mlp(16) }\nminimize KL(q || p) - (1 + up) * CE(s | z)",
    "of either sign": REAL + "p { z -> x, s via mlp(16) }\nminimize KL(q || p) - up * CE(s | z)",
    "under max": REAL + "p { z -> x via mlp(16) }\nminimize KL(q || p) - 2 * max(CE(s | z), 0.1)",
    "under a constraint": REAL
    + "p { z -> x, s via mlp(16) }\n"
    + "minimize CE(x | z) + KL(q(z | x, w) || p(z))\nsubject to -CE(s | z) <= -0.5",
    "a cost": REAL
    + "p { z -> x via mlp(16) }\nminimize KL(q(z | x, w) || p(z)) - 0.1 * cost(x | z, squared)",
}
OPTIONAL = "observed y : categorical(3) optional\nlatent z : real[2] ~ normal\n"
REFUSED = {
    "a learned prior of real numbers": "latent z : real[2]\nq { x, w -> z }\np { w -> z; z -> x }\n"
    "minimize CE(x | z) - 0.5 * KL(q(z | x, w) || p(z | w))",
    "more than the rate holds": REAL
    + "p { z -> x }\ninfer r { w -> z }\n"
    + "minimize KL(q || p) - 2 * KL(q(z | x, w) || r(z | w))",
    "a bound of several samples": REAL
    + "p { z -> x, s }\nminimize KL(q || p) with iwae(k = 3) - 2 * CE(s | z)",
    "its samples": REAL + "p { z -> x }\nminimize JS(q(x) || p(x)) - CE(x | z)",
    "a cost of a decoder that predicts": REAL
    + "p { z -> x }\nminimize KL(q || p) - 0.1 * cost(x | z, squared)",
    "outside and under max": REAL
    + "p { z -> x, s }\nminimize KL(q || p) - 2 * CE(s | z) + max(CE(s | z), 1)",
    "experts": "observed y[1..2] : real[3]\nlatent z : real[2] ~ normal\nq { y -> z by poe }\n"
    "p { z -> y }\nminimize KL(q || p) - 0.5 * KL(q(z | y) || q(z | y[1]))",
    "an encoder of the loss": REAL
    + "p { z -> x }\ninfer r { w -> z }\n"
    + "minimize KL(q || p) + KL(r(x, z) || p(x, z)) - 0.5 * KL(q(z | x, w) || r(z | w))",
    "members on one line": "observed y[1..2] : binary\n"
    + REAL
    + "p { z -> x, y }\nminimize KL(q || p) - 2 * CE(y[2] | z)",
    "shared": "observed y[1..2] : real[3]\nlatent z : real[2] ~ normal\nq { y -> z }\n"
    "infer r(i) { y[i] -> z via shared mlp }\np { z -> y }\nminimize KL(q || p)"
    " - 0.5 * KL(q(z | y) || r(1)(z | y[1])) + KL(q(z | y) || r(2)(z | y[2]))",
    "what fills in a label": OPTIONAL
    + "q { x -> y; x, y -> z }\np { y, z -> x }\nminimize KL(q || p) - 2 * CE(y | x)",
    "what models a label": OPTIONAL
    + "q { x -> y; x, y -> z }\np { z -> y; y, z -> x }\nminimize KL(q || p) - 2 * CE(y | z)",
    "a player's": REAL + "p { z -> x, s }\nminimize KL(q || p) - 2 * CE(s | z) for q, p",
    "that of predictors": REAL
    + "p { z -> x }\nminimize KL(q || p) for q, p\nminimize -CE(s | z) for predictors",
}


def test_no_network_follows_a_loss_that_rewards_it_for_predicting_badly() -> None:
    drawn = chain(generated("sides", 80, signed_spec), generated("sides_plain", 30))
    for case, made in compiling(chain(shipped(), documented(), drawn)):
        module, model = made.compiled.module, made.compiled.checked.model
        assert list(pulled_down(module, model)) == [], str(case)


@pytest.mark.parametrize("text", PLAYED.values(), ids=PLAYED.keys())
def test_a_network_of_negative_weight_plays_against_the_rest(text: str) -> None:
    """The loss is a saddle, or no bound; and 150 steps of descent do not send it to -infinity."""
    made = compile_spec(Source("inline.mib", HEAD + text + "\n")).compiled
    assert made.module.relation in ("saddle", "surrogate")
    assert made.module.critics
    assert list(pulled_down(made.module, made.checked.model)) == []
    torch.manual_seed(0)
    objective = emitted_class(HEAD + text + "\n")()
    assert min(descended(objective)) > -50


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_network_that_is_needed_on_both_sides_is_refused(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        compile_spec(Source("inline.mib", HEAD + text + "\n"))
    assert "MIB417" in {one.code for one in caught.value.diagnostics}


RAISED = (
    "- irm(s | z, e)",
    "- 2 * irm(s | z, e)",
    "- gain * irm(s | z, e)",
    "- irm(s | z, e) + CE(s | z)",
    "- vrex(s | z, e)",
    "- dro(s | z, e)",
)


@pytest.mark.parametrize("term", RAISED)
def test_a_penalty_is_never_raised(term: str) -> None:
    """No critic holds a penalty from below, whatever else trains its predictor."""
    text = f"{HEAD}observed e : categorical(2)\n{REAL}p {{ z -> x }}\nminimize KL(q || p) {term}\n"
    with pytest.raises(SpecError) as caught:
        compile_spec(Source("inline.mib", text))
    assert "MIB420" in {one.code for one in caught.value.diagnostics}


def test_where_a_weight_may_change_its_sign_is_said() -> None:
    text = HEAD + REAL + "p { z -> x, s }\nminimize KL(q || p) - gain * CE(s | z)\n"
    compiled = compile_spec(Source("inline.mib", text)).compiled
    assert compiled.module.relation == "surrogate"
    (found,) = [one for one in compiled.warnings if one.code == "MIB410"]
    assert "1 - gain" in found.message
    assert "gain in 0..inf" in found.message


# ---- descent -------------------------------------------------------------------------------------


def descended(objective: Objective) -> list[float]:
    """The loss over 150 steps, in which each player descends its own."""
    batch = values(objective)
    optimizers = {
        name: torch.optim.SGD(several, lr=0.05)
        for name, several in objective.parameter_groups().items()
    }
    return [losses.loss.item() for losses in alternate(objective, optimizers, [batch] * 150)]


def values(objective: Objective) -> dict[str, Tensor]:
    """Rows in which everything depends on one sign."""
    rows = 64
    side = (torch.rand(rows) < 0.5).float()
    found: dict[str, Tensor] = {}
    for one in objective.variables:
        if one.role == "latent":
            continue
        shape = (rows, *one.tensor_shape)
        over = side.reshape(rows, *(1,) * len(one.tensor_shape)).expand(shape)
        if one.kind == "real":
            found[one.name] = 2 * over - 1 + 0.5 * torch.randn(shape)
        else:
            found[one.name] = over.long() if one.kind == "categorical" else over
            found[one.name] = found[one.name] + (one.kind == "positive")
    return found
