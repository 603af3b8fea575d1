"""A mixture's loss is of its density: held against integrals over the latent, and exact in noise.

Every expert has a sample of its own and q(z | x) is the mean of the experts (theory.md S6). So the
expected loss is the integral that the audit states; `with one_expert` lies above it by
I(z; selector_z | x), the bound of all samples lies between -log p(x) and that of MMVAE (Jensen),
and what is computed of every expert is the mean of what is computed of each.
"""

from __future__ import annotations

import importlib
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from graphdsl.auditing import on_trial
from graphdsl.compiler import check_spec, compile_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.verification import Unverified
from graphdsl.report import audit_text
from graphdsl.trials.verifying import smooth, tried
from graphdsl_runtime import Objective, ShapeMismatch
from tests.corpus import Case, compiling, generated
from tests.emitted import built, emitted_class
from tests.generated_views import generated_views
from tests.laws.batches import all_noise, batch_for
from tests.laws.descended import derived, disagreements

pytestmark = pytest.mark.usefixtures("in_double_precision")

MIXED = """
model mixed
observed x[1..{count}] : real[1]{optional}
latent   z : real[1] ~ normal
q {{ x -> z by mixture via mlp(4) }}
p {{ z -> x[i] via mlp(4) for i in 1..{count} }}
minimize KL(q || p){word}
"""
ROWS = 3


def mixed(word: str = "", count: int = 2, optional: bool = False) -> Objective:
    """A mixture of so many views, of the same weights whatever the loss."""
    text = MIXED.format(word=word, count=count, optional=" optional" * optional)
    torch.manual_seed(0)
    return smooth(emitted_class(text)())


def nats(mean: Tensor | float, scale: Tensor | float, value: Tensor) -> Tensor:
    """Log-densities of a normal law."""
    found: Tensor = Normal(mean, scale).log_prob(value)  # type: ignore[no-untyped-call]
    return found


# ---- integrals -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """What the model says of each row, by integrals over the latent."""

    nll: Tensor  #: -log p(x)
    whole: Tensor  #: E_q [log q(z | x) - log p(x, z)], q the mixture
    own: Tensor  #: the same by the density of the expert that is drawn
    selected: Tensor  #: I(z; selector | x)
    apart: Tensor  #: the limit of MMVAE's bound: the mean of -log E_{q_m} [p(x, z) / q(z | x)]


def truth(objective: Objective, x: Tensor, seen: Tensor) -> Truth:
    grid = torch.linspace(-12, 12, 4001)
    step = grid[1] - grid[0]
    with torch.no_grad():
        mean, log_var = objective.get_submodule("q_z")(x).chunk(2, -1)
        decoded = objective.get_submodule("p_x")(grid[:, None]).squeeze(-1)  # (G, N)
    prior = nats(0.0, 1.0, grid)
    views = nats(decoded, 1.0, x.squeeze(-1)[:, None])  # (B, G, N)
    joint = prior + torch.where(seen[:, None], views, 0.0).sum(-1)
    each = nats(mean, (0.5 * log_var).exp(), grid)  # (B, N, G)
    nothing = ~seen.any(1)
    seen = seen | nothing[:, None]
    each = torch.where(nothing[:, None, None], prior, each)
    share = (seen / seen.sum(1, keepdim=True))[:, :, None]
    q = (share * each.exp()).sum(1)

    def mean_of(nats: Tensor) -> Tensor:
        """The mean over the experts that a row has of an integral under each."""
        return (share * each.exp() * nats).sum((1, 2)) * step

    ratio = (each.exp() * (joint - q.log()).exp()[:, None]).sum(-1) * step
    return Truth(
        nll=-torch.logsumexp(joint, -1) - step.log(),
        whole=mean_of((q.log() - joint)[:, None]),
        own=mean_of(each - joint[:, None]),
        selected=mean_of(each - q.log()[:, None]),
        apart=-(share.squeeze(-1) * ratio.log()).sum(1),
    )


def expected(objective: Objective, batch: dict[str, Tensor], experts: int, drawn: bool) -> float:
    """The mean of a loss over its noise: each expert's share depends on its own noise alone."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    total, rows = 0.0, len(batch["x"])
    choices = [(m + 0.5) / experts for m in range(experts)] if drawn else [0.5]
    with torch.no_grad():
        for (node, weight), choice in itertools.product(
            zip(nodes, weights / weights.sum(), strict=True), choices
        ):
            noise = {
                "z": torch.full((rows, 1), node),
                "experts(z)": torch.full((rows, experts, 1), node),
                "selector_z": torch.full((rows,), choice),
            }
            total += weight * objective(batch, noise).loss.item() / len(choices)
    return total


def some_rows(count: int, seed: int = 0) -> Tensor:
    return 1.5 * torch.randn(ROWS, count, 1, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [2, 3])
def test_the_expected_loss_is_the_integral_that_the_audit_states(count: int) -> None:
    x, every = some_rows(count), torch.ones(ROWS, count, dtype=torch.bool)
    objective = mixed(count=count)
    exact = truth(objective, x, every)
    loss = expected(objective, {"x": x}, count, drawn=False)
    assert loss == pytest.approx(exact.whole.mean().item(), abs=1e-7)
    assert loss > exact.nll.mean()


@pytest.mark.parametrize("count", [2, 3])
def test_one_expert_is_above_it_by_what_z_tells_of_the_selector(count: int) -> None:
    x, every = some_rows(count), torch.ones(ROWS, count, dtype=torch.bool)
    objective = mixed(" with one_expert", count)
    exact = truth(objective, x, every)
    loss = expected(objective, {"x": x}, count, drawn=True)
    assert loss == pytest.approx(exact.own.mean().item(), abs=1e-7)
    assert loss - exact.whole.mean().item() == pytest.approx(exact.selected.mean().item(), abs=1e-7)
    assert exact.selected.mean() > 0.01


PATTERNS = [(True, True, True), (True, False, True), (False, True, False), (False, False, False)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_rows_have_the_experts_of_their_views(pattern: tuple[bool, ...]) -> None:
    """M is the number of experts that a row has; of none, z is the prior's and costs nothing."""
    x, seen = some_rows(3), torch.tensor([pattern] * ROWS)
    objective = mixed(count=3, optional=True)
    exact = truth(objective, x, seen)
    batch = {"x": torch.where(seen[..., None], x, math.nan), "seen(x)": seen}
    loss = expected(objective, batch, 3, drawn=False)
    assert loss == pytest.approx(exact.whole.mean().item(), abs=1e-7)


def test_one_sample_of_each_of_two_experts_is_the_integral_too() -> None:
    """The bound of all samples at k = 1, by a product rule over the noise of both experts."""
    objective, x = mixed(" with iwae(k = 1)"), some_rows(2)[:1]
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    exact = truth(objective, x, torch.ones(1, 2, dtype=torch.bool))
    total = 0.0
    for (i, a), (j, b) in itertools.product(enumerate(nodes), repeat=2):
        noise = {"z": torch.zeros(1, 1), "samples(z)": torch.tensor([[[a], [b]]])}
        total += weights[i] * weights[j] * objective({"x": x}, noise).loss.item()
    assert exact.nll.item() <= total <= exact.whole.item() + 1e-9  # Jensen, on either side


# ---- bounds by several samples -------------------------------------------------------------------


def by_hand(objective: Objective, x: Tensor, seen: Tensor, noise: Tensor, k: int) -> list[Tensor]:
    """Both bounds of each row, from the definition: of all samples, and of each expert's."""
    mean, log_var = objective.get_submodule("q_z")(x).chunk(2, -1)
    found: list[list[Tensor]] = [[], []]
    for row in range(len(x)):
        there = [m for m in range(x.shape[1]) if seen[row, m]]
        scale, logs = (0.5 * log_var[row]).exp(), []
        for m in there:
            z = mean[row, m] + scale[m] * noise[row, m * k : (m + 1) * k]
            q = torch.stack([nats(mean[row, i], scale[i], z).sum(-1) for i in there])
            q = torch.logsumexp(q, 0) - math.log(len(there))
            decoded = objective.get_submodule("p_x")(z)
            views = nats(decoded, 1.0, x[row]).squeeze(-1)[:, there].sum(-1)
            logs.append(views + nats(0.0, 1.0, z).sum(-1) - q)
        each = torch.stack(logs)
        found[0].append(math.log(each.numel()) - torch.logsumexp(each.flatten(), 0))
        found[1].append((math.log(k) - torch.logsumexp(each, 1)).mean())
    return [torch.stack(one) for one in found]


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize(("count", "k"), [(2, 1), (2, 5), (3, 1), (3, 4)])
def test_both_bounds_are_their_definitions_and_ordered(count: int, k: int, optional: bool) -> None:
    """Under the same noise the mean of logarithms is never the lower: exactly, row by row."""
    x, seen = some_rows(count), torch.ones(ROWS, count, dtype=torch.bool)
    if optional:
        seen[0, 0] = seen[2, -1] = False
    words = "", ", per_expert"
    every, apart = (mixed(f" with iwae(k = {k}{word})", count, optional) for word in words)
    noise = {"z": torch.zeros(ROWS, 1), "samples(z)": torch.randn(ROWS, count * k, 1)}
    batch = {"x": torch.where(seen[..., None], x, math.nan)} if optional else {"x": x}
    batch |= {"seen(x)": seen} if optional else {}
    exact = by_hand(every, x, seen, noise["samples(z)"], k)
    assert every(batch, noise).loss.item() == pytest.approx(exact[0].mean().item(), abs=1e-10)
    assert apart(batch, noise).loss.item() == pytest.approx(exact[1].mean().item(), abs=1e-10)
    assert (exact[0] <= exact[1] + 1e-12).all()
    assert (exact[0] < exact[1])[seen.sum(1) > 1].all()


def test_a_row_of_no_view_costs_nothing_by_either_bound() -> None:
    nothing = {"seen(x)": torch.zeros(ROWS, 3, dtype=torch.bool)}
    for word in ("", ", per_expert"):
        objective = mixed(f" with iwae(k = 4{word})", 3, optional=True)
        loss = objective({"x": torch.full((ROWS, 3, 1), math.nan), **nothing}).loss
        assert loss.item() == pytest.approx(0.0, abs=1e-12)


def test_all_samples_near_the_likelihood_and_the_mean_of_logarithms_does_not() -> None:
    """As k grows: -log p(x), and the mean of -log E_{q_m} p / q, which Jensen leaves above it."""
    x, every = some_rows(2)[:1], torch.ones(1, 2, dtype=torch.bool)
    for word, limit in (("", "nll"), (", per_expert", "apart")):
        objective = mixed(f" with iwae(k = 4000{word})")
        exact = truth(objective, x, every)
        assert exact.apart.item() > exact.nll.item() + 0.05
        with torch.no_grad():
            losses = torch.stack([objective({"x": x}).loss for _ in range(12)])
        error = (losses.std() / len(losses) ** 0.5).item()
        assert losses.mean().item() == pytest.approx(getattr(exact, limit).item(), abs=4 * error)
        assert error < 0.01


# ---- one for all, and all for one ----------------------------------------------------------------


@pytest.mark.parametrize("word", ["", " with one_expert", " with iwae(k = 3)"])
def test_a_mixture_of_one_is_that_one(word: str) -> None:
    """Exactly, under the same noise, and with the rate in closed form."""
    text = MIXED.format(word=word, count=1, optional="")
    one = smooth(emitted_class(text)())
    plain = emitted_class(text.replace(" by mixture", "").replace(" with one_expert", ""))()
    smooth_as(plain, one)
    x = some_rows(1)
    noise = {"z": torch.randn(ROWS, 1), "samples(z)": torch.randn(ROWS, 3, 1)}
    assert one({"x": x}, noise).loss.item() == plain({"x": x}, noise).loss.item()
    assert not one.strata
    assert "selector" not in said(word, count=1)


def smooth_as(plain: Objective, one: Objective) -> None:
    """The same weights, and as few kinks."""
    weights = {name: value.clone() for name, value in one.state_dict().items()}
    smooth(plain).load_state_dict(weights)


FAMILY = """
model family
observed x[1..2] : real[1]
latent   z[1..2] : real[1] ~ normal
q { x -> z by mixture via mlp(4) }
p { z[i] -> x[i] via mlp(4) for i in 1..2 }
minimize KL(q || p)
"""


def test_the_members_of_a_family_have_one_density() -> None:
    """Their expert is one, and so the rate is of the joint: an integral over the plane."""
    objective = smooth(emitted_class(FAMILY)())
    x = some_rows(2)[:1]
    grid = torch.linspace(-12, 12, 481)
    plane = torch.cartesian_prod(grid, grid)  # (G, 2)
    with torch.no_grad():
        answers = objective.get_submodule("q_z")(x)[0]  # (M, means and log-variances)
    each = torch.stack([nats(m[:2], (0.5 * m[2:]).exp(), plane).sum(-1) for m in answers])
    q = torch.logsumexp(each, 0) - math.log(2)
    prior = nats(0.0, 1.0, plane).sum(-1)
    exact = (q.exp() * (q - prior)).sum() * (grid[1] - grid[0]) ** 2
    nodes, weights = np.polynomial.hermite_e.hermegauss(32)
    weights, rate = weights / weights.sum(), 0.0
    noise = {"z": torch.zeros(1, 2, 1)}
    for (i, a), (j, b) in itertools.product(enumerate(nodes), repeat=2):
        noise["experts(z)"] = torch.tensor([a, b]).reshape(1, 1, 2, 1).expand(1, 2, 2, 1)
        with torch.no_grad():
            rate += weights[i] * weights[j] * objective({"x": x}, noise).terms["rate_z"].item()
    assert rate == pytest.approx(exact.item(), abs=1e-6)


# ---- every expert is the mean of each ------------------------------------------------------------

TWO = """
model two
observed x[1..2] : real[2] optional
latent z : real[2] ~ normal
latent w : real ~ normal
q { x -> z by mixture; x, z -> w by mixture }
p { z, w -> x }
minimize KL(q || p) + 0.5 * I(z; x)
"""
BEHIND = """
model behind
observed x[1..3] : binary[2] optional
latent z[1..2] : real[2] ~ normal
latent w : real ~ normal
q { x -> z by mixture; z -> w }
p { w -> z[i] for i in 1..2; z -> x }
minimize KL(q || p) + 2 * CE(x[1] | z) + TC(z)
"""
PLAYERS = """
model played
observed x[1..2] : real[2]
latent z : real[2] ~ normal
q { x -> z by mixture }
p { z -> x }
minimize KL(q || p) for q
minimize KL(q || p) + CE(x[1] | z) for p
"""
PRIOR = """
model prior
observed x[1..2] : real optional
given w : real
latent z : real[2] ~ normal
q { x, w -> z by mixture }
infer g(i) { x[i] -> z }
p { z -> x[i] for i in 1..2; w -> z }
minimize KL(q || p) + 2 * TC(x | z) + 2 * I(z; x[2])
"""
CLASSES = """
model of_classes
observed x[1..2] : real[2]
latent c : categorical(3) ~ categorical
latent z : real[2] ~ normal
q { x -> z by mixture; x, z -> c }
p { c, z -> x; c -> z }
minimize KL(q || p) with enumeration
"""
SETS = """
model of_sets
observed x[1..3] : real[2] optional
latent z : real[2] ~ normal
infer r(S) { x[S] -> z by mixture }
p { z -> x[i] for i in 1..3 }
minimize sum(S in subsets(1..3)) KL(r(S)(x[S], z) || p(x[S], z))
"""
HARD = {
    "two": TWO,
    "behind": BEHIND,
    "players": PLAYERS,
    "prior": PRIOR,
    "classes": CLASSES,
    "sets": SETS,
}
_SELECTOR = re.compile(r'"(selector_\w+)"')


def drawn_text(case: Case) -> tuple[str, str]:
    """The module without its strata: a sample of one expert, and the density of the mixture."""
    with pytest.MonkeyPatch.context() as patch:
        lowering = importlib.import_module("graphdsl.lower.lower")
        patch.setattr(lowering, "stratified", lambda _, terms, __: tuple(terms))
        made = compile_spec(case.source, dict(case.constants))
    return made.text, made.class_name


def class_of(text: str, name: str) -> type[Objective]:
    namespace: dict[str, object] = {"__name__": "graphdsl_drawn"}
    exec(compile(text, "<drawn>", "exec"), namespace)  # our own text
    found = namespace[name]
    assert isinstance(found, type)
    return found


def of_mixtures() -> Iterator[Case]:
    yield from (Case(name, text) for name, text in HARD.items())
    more = generated("strata", share=150), generated("strata of views", 40, generated_views)
    for case in chain(*more):
        if "by mixture" in case.text:
            yield case.without_assertions()


def test_what_is_computed_of_every_expert_is_the_mean_over_those_drawn() -> None:
    """Term by term, under one noise: for each choice of experts a pass, and their mean."""
    tried = 0
    for case, made in compiling(of_mixtures(), at_least=0.2):
        if "strata = " not in made.text:
            continue
        text, name = drawn_text(case)
        assert "strata = " not in text
        torch.manual_seed(0)
        ours = built(class_of(made.text, made.class_name))
        drawn = built(class_of(text, name))
        drawn.load_state_dict(ours.state_dict())
        selectors = sorted(set(_SELECTOR.findall(text)))
        if len(selectors) == 1 or max(ours.strata.values()) < 5:  # the passes are few
            assert_means(case, ours, drawn, selectors)
            tried += 1
    assert tried >= len(HARD)


def assert_means(case: Case, ours: Objective, drawn: Objective, selectors: list[str]) -> None:
    batch = batch_for(ours)
    noise = all_noise(ours, batch)
    for name, count in ours.strata.items():
        noise[f"experts({name})"] = noise[name][:, None].expand(-1, count, *noise[name].shape[1:])
    count = math.lcm(*range(1, max(ours.strata.values()) + 1))  # of any that are there
    places = [(k + 0.5) / count for k in range(count)]
    choices = list(itertools.product(places, repeat=len(selectors)))
    rows = len(next(iter(noise.values())))
    sums: list[dict[str, float]] = []
    for objective in (ours, drawn):
        total: dict[str, float] = {}
        for choice in choices:
            chosen = {
                one: torch.full((rows,), at) for one, at in zip(selectors, choice, strict=True)
            }
            torch.manual_seed(3)
            with torch.no_grad():
                losses = objective(batch, {**noise, **chosen})
            for name, value in losses.terms.items():
                total[name] = total.get(name, 0.0) + value.item() / len(choices)
        sums.append(total)
    assert sums[0].keys() == sums[1].keys(), case
    for name, value in sums[0].items():
        assert value == pytest.approx(sums[1][name], rel=1e-9, abs=1e-9), (case, name)


# ---- what verification sees ----------------------------------------------------------------------

FAULTS = {
    "one expert for all": (r"mixture_z\.average\(", "(lambda nats: nats[:, 0])("),
    "their sum": (r"mixture_z\.average\(", "(lambda nats: nats.sum(1))("),
    "the density of each": (r"monte_carlo_kl\(\s*mixture_z", "monte_carlo_kl(experts_z"),
    "experts that a row lacks": (r"\(experts_z, seen_x\)", "(experts_z)"),
}


@pytest.mark.parametrize(("before", "after"), FAULTS.values(), ids=FAULTS)
def test_verification_sees_another_density(before: str, after: str) -> None:
    text = MIXED.format(word="", count=3, optional=" optional")
    compiled = derive(check_spec(Source("mixed.mib", text)))
    right, wrong = [], []
    for one in on_trial(compiled, read(compiled)):
        assert not isinstance(one, Unverified)
        changed = re.sub(before, after, one.text)
        assert changed != one.text
        right.append(tried(one.text, one.class_name, one.trial, one.of).agrees)
        wrong.append(tried(changed, one.class_name, one.trial, one.of).agrees)
    assert len(right) == 8
    assert all(right)
    assert not all(wrong)


# ---- gradients, and what is said -----------------------------------------------------------------

WORDS = ["", " with one_expert", " with iwae(k = 2)", " with iwae(k = 2, per_expert)"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("optional", [False, True])
def test_gradients_are_central_differences(word: str, optional: bool) -> None:
    text = MIXED.format(word=word, count=2, optional=" optional" * optional)
    made = derived(Case("mixed", text))
    assert made is not None
    assert not disagreements(made)


def said(word: str, count: int = 2) -> str:
    source = Source("mixed.mib", MIXED.format(word=word, count=count, optional=""))
    return audit_text(read(derive(check_spec(source))))


def test_the_noise_of_every_expert_is_an_input() -> None:
    """Drawn with the rest, so that one noise is one loss; of fewer experts it is refused."""
    x = {"x": some_rows(3)}
    for word, name, shape in (
        ("", "experts(z)", (ROWS, 3, 1)),
        (" with iwae(k = 2)", "samples(z)", (ROWS, 6, 1)),
    ):
        objective = mixed(word, 3)
        noise = objective.draw_noise(x["x"])
        assert noise[name].shape == shape
        assert objective(x, noise).loss == objective(x, noise).loss
        with pytest.raises(ShapeMismatch):
            objective(x, {**noise, name: noise[name][:, :2]})


def test_the_audit_states_what_is_computed() -> None:
    plain, one = said(""), said(" with one_expert")
    assert "KL(q(z | x) || p(z))" in plain
    assert "selector" not in plain.partition("\nLOSS")[2]  # it is defined above
    assert "equal to the objective" in plain
    assert "every expert of z" in plain
    assert "KL(q(z | x, selector_z) || p(z))" in one
    assert "gap         I(z; selector_z | x[1], x[2])" in one
    every, apart, own = (
        said(f" with iwae(k = 4{word})") for word in ("", ", per_expert", ", one_expert")
    )
    assert "log 1/(2 * 4) sum_m sum_k" in every
    assert "or the samples are many" in every
    assert "1/2 sum_m log 1/4 sum_k" in apart
    assert "or the samples are many" not in apart
    assert "no closer than one of all (Jensen)" in apart
    assert "log 1/4 sum_k p(x[1], x[2], z) / q(z | x[1], x[2], selector_z)" in own
    assert "one sample is loose by I(z; selector_z | x[1], x[2])" in " ".join(own.split())


REFUSED = {
    "a part of it": (FAMILY.replace("KL(q || p)", "KL(q || p) + I(z[1]; x)"), "MIB418"),
    "two families": (
        TWO.replace("x -> z by mixture; x, z -> w", "x -> z, w").replace("+ 0.5 * I(z; x)", ""),
        "MIB418",
    ),
    "several samples of two": (TWO.replace("(q || p)", "(q || p) with iwae(k = 2)"), "MIB505"),
}


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
def test_what_no_density_tells_is_refused(text: str, code: str) -> None:
    with pytest.raises(SpecError) as problem:
        derive(check_spec(Source("refused.mib", text)))
    assert [one.code for one in problem.value.diagnostics if one.severity == "error"] == [code]
