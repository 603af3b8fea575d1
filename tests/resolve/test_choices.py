"""Rule 4: the model with most parents bounds an entropy, or that of an `estimate` line."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from graphdsl.compiler import Compiled, check_spec, derive
from graphdsl.diagnostics import Source, SpecError
from graphdsl_runtime import Objective
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 5

#: What follows is bounded by nothing but I(z; x[2] | x[1]) = H(z | x[1]) - H(z | x).
TWO_WAYS = """
model ways
observed x[1..2] : real[4]
latent z : real[3] ~ normal
q { x -> z by poe }
infer r(i) { x[i] -> z via mlp(8) }
p { z -> x[i] for i in 1..2 }
minimize KL(q || p) + 0.5 * I(z; x[2] | x[1])
"""

#: H(z | y) has p's prior, and the expert of y.
PRIOR_TOO = """
model prior_too
observed x : real[4]
observed y : real[2]
latent z : real[3] ~ normal
q { x, y -> z by poe }
p { y -> z; z -> x }
minimize KL(q || p) + 0.5 * D(q || {x -> y -> z})
"""

TIES = {"encoders": TWO_WAYS, "prior": PRIOR_TOO}


def compiled(text: str) -> Compiled:
    return derive(check_spec(Source("ways.mib", text)))


def refusals(text: str) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as found:
        compiled(text)
    return [(one.code, one.advice) for one in found.value.diagnostics]


def taught(text: str) -> list[str]:
    """The lines that the refusal says to write."""
    (refused,) = refusals(text)
    assert refused[0] == "MIB451"
    return re.findall(r"`(estimate [^`]+)`", refused[1])


def batch() -> dict[str, Tensor]:
    return {"x": torch.randn(ROWS, 2, 4)}


def same_loss(one: Objective, other: Objective) -> None:
    """Two specs of one loss: its value and gradients at the same parameters and noise."""
    other.load_state_dict(one.state_dict())
    data, noise = batch(), {"z": torch.randn(ROWS, 3)}
    losses = [each(data, noise).loss for each in (one, other)]
    assert losses[0].item() == pytest.approx(losses[1].item(), abs=1e-9)
    names = [name for name, _ in one.named_parameters()]
    gradients = []
    for each, loss in zip((one, other), losses, strict=True):
        several = dict(each.named_parameters())
        found = torch.autograd.grad(loss, [several[name] for name in names], allow_unused=True)
        gradients.append(found)
    for a, b in zip(*gradients, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", TIES.values(), ids=TIES)
def test_a_tie_teaches_the_lines_that_settle_it(text: str) -> None:
    lines = taught(text)
    assert len(lines) == 2
    models = [
        {
            str(bound.model)
            for term in compiled(f"{text}{line}\n").module.terms
            for bound in term.bounds
        }
        for line in lines
    ]
    assert models[0] != models[1]


@pytest.mark.parametrize(
    ("network", "explicit"),
    [("q", "KL(q(z | x) || q(z | x[1]))"), ("r(1)", "KL(q(z | x) || r(1)(z | x[1]))")],
)
def test_the_loss_is_that_of_the_model_that_is_named(network: str, explicit: str) -> None:
    """I(z; x[2] | x[1]) <= E KL(q(z|x) || r(z|x[1])), for whichever r is asked for (P9, UB1)."""
    chosen = emitted_class(f"{TWO_WAYS}estimate H(z | x[1]) with {network}\n")()
    written = emitted_class(TWO_WAYS.replace("I(z; x[2] | x[1])", explicit))()
    same_loss(chosen, written)


def test_a_term_may_name_its_own_model() -> None:
    line = emitted_class(f"{TWO_WAYS}estimate H(z | x[1]) with r(1)\n")()
    inside = TWO_WAYS.replace("I(z; x[2] | x[1])", "H(z | x[1]) with r(1) - 0.5 * H(z | x)")
    same_loss(line, emitted_class(inside)())


def test_a_model_may_be_made_for_the_bound() -> None:
    module = compiled(f"{TWO_WAYS}estimate H(z | x[1]) with new\n").module
    assert "r(z|x[1])" in {name for slot in module.networks for name in slot.names}
    assert {str(bound.model) for term in module.terms for bound in term.bounds} == {"r(z|x[1])"}


def test_a_line_overrules_the_parents() -> None:
    """Without the line it would be q(z|x[1]), of one parent, before the prior, of none."""
    text = TWO_WAYS.replace("infer r(i) { x[i] -> z via mlp(8) }", "")
    assert _models(text) == {"q(z|x[1])"}
    assert _models(f"{text}estimate H(z | x[1]) with p\n") == {"p(z)"}


def _models(text: str) -> set[str]:
    return {str(bound.model) for term in compiled(text).module.terms for bound in term.bounds}


def test_more_parents_are_no_tie() -> None:
    """q(z|x[1], x[2]) sees more than r(1) and r(2), which would tie without it."""
    text = TWO_WAYS.replace("x[1..2] :", "x[1..3] :").replace("1..2", "1..3")
    text = text.replace("I(z; x[2] | x[1])", "I(z; x[3] | x[1..2])")
    assert _models(text) == {"q(z|x[1],x[2])"}


def test_a_model_that_is_not_given_its_parents_is_refused() -> None:
    found = refusals(f"{TWO_WAYS}estimate H(z | x[1]) with r(2)\n")
    assert [code for code, _ in found] == ["MIB452"]
    for line in re.findall(r"`(estimate [^`]+)`", found[0][1]):
        assert compiled(f"{TWO_WAYS}{line}\n").module.terms


def test_a_line_about_nothing_is_a_warning() -> None:
    text = TWO_WAYS.replace(" + 0.5 * I(z; x[2] | x[1])", "")
    warnings = compiled(f"{text}estimate H(z | x[1]) with r(1)\n").warnings
    assert [one.code for one in warnings] == ["MIB502"]
