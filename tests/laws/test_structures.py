"""Learned masks: the mean over structures of each one's own loss, and gradients of that mean.

Expectations over structures are sums over all of them: two edges have four structures, and nine
kinds of antithetic pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, product

import pytest
import torch
from torch import Tensor

from graphdsl_runtime import Objective
from graphdsl_runtime.structure_gradients import disarm, probability_of
from tests.corpus import Case, compiling, documented, generated, shipped
from tests.emitted import emitted_class

SPEC = """model structured
observed x[1..2] : real[3]
latent   z : real[2] ~ normal
latent   u : real[2] ~ normal
mask     M[1..2] : learned bernoulli(0.5, {gradient})
q {{
    x[i] -> z if M[i] by poe for i in 1..2
    x[i] -> u if M[i] by poe for i in 1..2
}}
p {{ z, u -> x[i] for i in 1..2 }}
minimize {objective} + 0.1 * sparsity(M)
"""
#: What an objective may hold beside its bound: terms of rows, of batches, and convex ones.
OBJECTIVES = (
    "KL(q || p)",
    "KL(q || p) + I(z; u)",
    "CE(x | z, u) + max(KL(q(z | x) || p(z)), 5)",
)
LOGITS = torch.tensor([0.4, -0.9], dtype=torch.float64)
DOUBLE = torch.float64


def structured(objective: str, gradient: str) -> tuple[Objective, dict[str, Tensor]]:
    """An objective in float64, and noise for all but its edges."""
    torch.manual_seed(0)
    line = "estimate I(z; u) with adversary\n" if "I(z; u)" in objective else ""
    spec = SPEC.format(objective=objective, gradient=gradient) + line
    made = emitted_class(spec)().double()
    with torch.no_grad():
        made.edge_masks()[0].logits.copy_(LOGITS)
    noise = {name: torch.randn(6, 2, dtype=DOUBLE) for name in ("z", "u")}
    return made, {**noise, "permuted(u)": torch.rand(6, dtype=DOUBLE)}


def batch() -> dict[str, Tensor]:
    return {"x": torch.randn(6, 2, 3, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))}


def slope_of_the_mean(objective: Objective, noise: dict[str, Tensor]) -> Tensor:
    """The gradient in the log-odds of the sum over structures, each at its probability."""
    (mask,) = objective.edge_masks()
    total = 0.1 * mask.expected_edges()
    for bits in product((False, True), repeat=2):
        edges = torch.tensor(bits)
        with torch.no_grad():
            loss = objective(batch(), {**noise, "M": edges[None]}).loss
            loss = loss - 0.1 * mask.expected_edges()
        total = total + probability_of(edges, mask.logits) * loss
    return torch.autograd.grad(total, mask.logits)[0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_enumeration_is_the_gradient_of_the_mean_over_structures(objective: str) -> None:
    made, noise = structured(objective, "enumeration")
    (mask,) = made.edge_masks()
    drawn = made(batch(), {**noise, "M": torch.randn(1, 2, dtype=DOUBLE)})
    found = torch.autograd.grad(drawn.players["structure"], mask.logits)[0]
    torch.testing.assert_close(found, slope_of_the_mean(made, noise), rtol=1e-9, atol=1e-12)
    assert drawn.players["structure"] == drawn.loss


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_disarm_is_unbiased(objective: str) -> None:
    """Its mean over all antithetic pairs of structures, each pair as often as noise gives it."""
    made, noise = structured(objective, "disarm")
    (mask,) = made.edge_masks()
    mean, chances = torch.zeros(2, dtype=DOUBLE), 0.0
    for chance, edges in pairs():
        losses = made(batch(), {**noise, "M": edges})
        mean += chance * torch.autograd.grad(losses.players["structure"], mask.logits)[0]
        chances += chance
    assert chances == pytest.approx(1.0, abs=1e-12)
    torch.testing.assert_close(mean, slope_of_the_mean(made, noise), rtol=1e-9, atol=1e-12)


def pairs() -> Iterator[tuple[float, Tensor]]:
    """Noise from each of the regions that give one pair of structures, and how likely they are."""
    each = []
    for logit in LOGITS:
        chance = torch.sigmoid(logit)
        rare = float(torch.minimum(chance, 1 - chance))  # of an edge that differs within the pair
        quantiles = torch.tensor([rare / 2, 0.5, 1 - rare / 2], dtype=DOUBLE)
        each.append(
            list(zip([rare, 1 - 2 * rare, rare], torch.special.ndtri(quantiles), strict=True))
        )
    for one, other in product(*each):
        yield one[0] * other[0], torch.stack([one[1], other[1]])[None]


def test_disarm_is_silent_about_edges_that_both_structures_have() -> None:
    """Eq. 7 of Dong et al. 2020: without it the mean is the same, and the noise is larger."""
    one, other = torch.tensor([True, True, False]), torch.tensor([True, False, False])
    logits = torch.tensor([0.4, -0.9, 2.0])
    found = disarm(logits, one, other, torch.tensor(3.0))
    expected = torch.tensor([0.0, 1.5 * torch.sigmoid(torch.tensor(0.9)), 0.0])
    torch.testing.assert_close(found, expected)


def test_the_straight_through_gradient_is_another() -> None:
    """Or the laws above would hold of anything."""
    made, noise = structured("KL(q || p)", "straight_through")
    (mask,) = made.edge_masks()
    mean = torch.zeros(2, dtype=DOUBLE)
    for chance, edges in pairs():
        losses = made(batch(), {**noise, "M": edges.expand(6, 2)})
        mean += chance * torch.autograd.grad(losses.players["structure"], mask.logits)[0]
    assert (mean - slope_of_the_mean(made, noise)).abs().max() > 1e-3


def masked() -> Iterator[tuple[Case, Objective]]:
    """Every spec with learned masks that compiles."""
    cases = chain(shipped(), documented(), generated("structures", share=0))
    several = (case for case in cases if "learned bernoulli" in case.text)
    for case, _ in compiling(several):
        yield case, emitted_class(case.text)()


def test_what_looks_at_several_rows_sees_one_structure() -> None:
    """Rows of their own structures would be samples of the mixture over structures."""
    seen = set[bool]()
    for case, objective in masked():
        text = re.sub(r"#.*", "", case.text)
        together = any(
            word in text
            for word in (" with m", " with adversary", "MMD(", "JS(", "W(", "irm(", "vrex(", "dro(")
        )
        together = together or any(word in text for word in ("abs(", "max(", "TC("))
        for mask in objective.edge_masks():
            seen.add(mask.by_row)
            assert not (mask.by_row and together), str(case)
    assert True in seen  # rows that stand alone have structures of their own


@pytest.mark.parametrize(
    "objective", [*OBJECTIVES[1:], "CE(x | z, u) + abs(KL(q(z | x) || p(z)) - 5)"]
)
def test_a_pass_of_several_rows_is_one_of_one_structure(objective: str) -> None:
    """Its loss is that of a structure, and not of rows that each have their own."""
    made, noise = structured(objective, "straight_through")
    bits = [torch.tensor([one]) for one in product((False, True), repeat=2)]
    every = torch.stack([made(batch(), {**noise, "M": one}).loss for one in bits])
    assert (every[:, None] - every).abs().sum() > 1e-3, "all structures have one loss"
    for _ in range(20):
        drawn = made.draw_noise(batch()["x"])["M"]
        loss = made(batch(), {**noise, "M": drawn}).loss
        assert (every - loss).abs().min() < 1e-12


@pytest.mark.parametrize("estimator", ["mmd", "adversary", "mine"])
def test_independent_in_every_structure_is_independent(estimator: str) -> None:
    """Experts that tell of no data: z and u move together where rows have their own structures."""
    spec = SPEC.format(objective="KL(q || p) + I(z; u)", gradient="straight_through")
    objective = emitted_class(f"{spec}estimate I(z; u) with {estimator}\n")()
    (mask,) = objective.edge_masks()
    assert not mask.by_row
    assert objective.draw_noise(torch.zeros(50, 1))["M"].shape == (1, 2)
    with torch.no_grad():
        for name, parameter in objective.named_parameters():
            if name.startswith(("q_z", "q_u")):
                parameter.zero_()
                if "bias" in name and parameter.shape[-1] == 4:
                    parameter[..., :2] = 10.0  # the mean that an expert brings
    torch.manual_seed(0)
    losses = objective({"x": torch.randn(2000, 2, 3)})
    if estimator == "mmd":
        assert losses.terms["information_z_u"].abs() < 0.01
        mask.by_row = True
        mixed = objective({"x": torch.randn(2000, 2, 3)})
        assert mixed.terms["information_z_u"] > 0.05


def test_critics_see_the_edges() -> None:
    """At other edges a critic gives another answer: its best is the ratio of one structure."""
    made, noise = structured("KL(q || p) + I(z; u)", "disarm")
    edges = [torch.tensor([bits]) for bits in ((True, False), (False, True))]
    for name, parameter in made.named_parameters():
        if name.startswith(("q_z", "q_u")):
            torch.nn.init.zeros_(parameter)  # experts alike: what is read is alike but for edges
    first, second = (made(batch(), {**noise, "M": one}).terms["information_z_u"] for one in edges)
    assert first != second
