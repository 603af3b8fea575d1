"""The loss as it is printed is the loss that is computed, signs and players included."""

from __future__ import annotations

import re

import pytest
import torch

import graphdsl
from graphdsl.notation.formula import latex, parsed
from graphdsl.report import loss_latex
from graphdsl.report.loss_sum import LossSum, loss_sums

GAME = """model game
param a = 3
param b = 2
observed x : binary[4]
latent   z : real[2] ~ normal
latent   u : real[2] ~ normal
q { x -> z; x -> u }
p { z, u -> x }
"""
SIGNS = "minimize KL(q || p) + b * abs(I(z; x) - 100) + a * (1 + b) * max(I(u; x), 1)\n"
PLAYERS = "minimize KL(q || p) for p\nminimize KL(q || p) + b * abs(I(z; x) - 100) for q\n"


def value(one: LossSum, formulas: dict[str, float]) -> float:
    """What a printed sum comes to, where its formulas have these values."""
    text = " ".join(one.text)
    for formula in sorted(formulas, key=len, reverse=True):
        text = text.replace(formula, f"({formulas[formula]!r})")
    product = re.sub(r"(?<=[\w)]) (?=[\w(])", "*", text)
    return float(eval(product, {"a": 3.0, "b": 2.0, "abs": abs, "max": max}))


@pytest.mark.parametrize("asked", [SIGNS, PLAYERS])
def test_what_is_printed_is_what_is_computed(asked: str) -> None:
    compiled = graphdsl.compile(GAME + asked)
    module = compiled.module.compiled.module
    torch.manual_seed(0)
    losses = compiled.objective()({"x": torch.rand(8, 4).round()})
    formulas = {one.formula: losses.terms[one.name].item() for one in module.terms}
    for one in loss_sums(module):
        wanted = losses.players[one.player.replace(", ", ",")] if one.player else losses.loss
        assert value(one, formulas) == pytest.approx(wanted.item(), rel=1e-5)
        assert any("abs(" in part for part in one.text) is (one.player != "p")


def test_a_notebook_shows_the_objective_and_the_loss() -> None:
    compiled = graphdsl.compile(GAME + SIGNS)
    shown = compiled._repr_latex_()
    assert shown == compiled.audit._repr_latex_()
    assert shown == loss_latex(compiled.module.compiled.module)
    for line in shown.removeprefix("$$\\begin{aligned}\n").splitlines()[:-1]:
        assert latex(parsed(re.sub(r"&|\\\\$|\\quad", "", line)))
    assert r"b\,\left|\mathbb{E}_q" in shown
    assert r"\text{objective} &\approx \text{loss} + \text{constants}" in shown


def test_a_constraint_is_under_its_multiplier() -> None:
    (one,) = loss_sums(graphdsl.compile("lmifr").module.compiled.module)
    assert one.text[1] == "+ lambda (E_q KL(q(z | x, s) || p(z)) - 5)"
    assert one.latex[1].startswith(r"+\lambda\,\bigl(")
