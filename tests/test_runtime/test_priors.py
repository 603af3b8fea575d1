"""Learned priors: densities, samples, and losses by hand, from the same noise."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import Distribution, Independent, MixtureSameFamily, Normal
from torch.testing import assert_close

from graphdsl.comparing import Side, compare
from graphdsl.compiler import check_spec
from graphdsl.diagnostics import Source
from graphdsl_runtime import Gaussian, Mixture, Objective, mixture_model, pseudo_inputs
from tests.by_hand import cost, density, halves, kl, run, sampled
from tests.emitted import objective_of

ROWS, SIZE = 6, 3
SPEC = """
model priors
observed x : {kind}
latent   z : real[3] ~ {prior}
q {{ x -> z  via mlp(6) }}
p {{ z -> x  via mlp(6) }}
minimize {objective}
"""
LEARNED = "normal(mean = learned, scale = learned)"


def spec(prior: str, kind: str = "binary[5]", objective: str = "KL(q || p)") -> Objective:
    made = objective_of(SPEC.format(prior=prior, kind=kind, objective=objective))
    with torch.no_grad():
        for one in made.get_submodule("p_z").parameters():
            one.add_(torch.randn_like(one) / 2)
    return made


def bits(rows: int = ROWS) -> Tensor:
    return torch.randint(0, 2, (rows, 5)).double()


def log_prob(distribution: Distribution, value: Tensor) -> Tensor:
    """By torch's own distribution."""
    found: Tensor = distribution.log_prob(value)
    return found


def mixture(components: int) -> tuple[Mixture, MixtureSameFamily]:
    """A mixture, and torch's own."""
    parameters = torch.randn(1, components * (1 + 2 * SIZE), dtype=torch.float64)
    logits, rest = parameters[0, :components], parameters[0, components:]
    means, log_vars = rest.view(2, components, SIZE)
    each = Independent(Normal(means, (0.5 * log_vars).exp()), 1)
    return Mixture.split(parameters, components), MixtureSameFamily(
        TorchCategorical(logits=logits), each
    )


def test_a_mixture_has_the_density_of_torch_own() -> None:
    ours, theirs = mixture(4)
    z = torch.randn(ROWS, SIZE, dtype=torch.float64)
    assert_close(ours.log_prob(z), log_prob(theirs, z))
    assert_close(ours.nll(z), -log_prob(theirs, z))
    posteriors = Gaussian(*torch.randn(2, 7, SIZE, dtype=torch.float64).unbind(0))
    each = Independent(Normal(posteriors.mean, (0.5 * posteriors.log_var).exp()), 1)
    even = MixtureSameFamily(TorchCategorical(logits=torch.zeros(7).double()), each)
    assert_close(Mixture.evenly(posteriors).log_prob(z), log_prob(even, z))


def test_samples_of_a_mixture_have_its_mean() -> None:
    """Over an even grid of what chooses a component, each is chosen as often as it weighs."""
    ours, theirs = mixture(4)
    grid = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    noise = {"z": torch.zeros(10_000, SIZE, dtype=torch.float64), "selector_z": grid}
    assert_close(ours.draw(noise, "z").mean(0), theirs.mean, atol=1e-3, rtol=0)


def test_components_begin_apart() -> None:
    """Those that began alike would have the same gradients, and stay alike."""
    means = Mixture.split(mixture_model(4, (SIZE,))(), 4).components.mean
    assert torch.pdist(means[0]).min() > 0


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("binary", 0.0, 1.0), ("count", 0.0, math.inf), ("real", -math.inf, math.inf)],
)
def test_pseudo_inputs_are_values_of_their_kind(kind: str, low: float, high: float) -> None:
    values = pseudo_inputs(9, (2, 4), kind=kind)()  # type: ignore[arg-type]
    assert values.shape == (9, 2, 4)
    assert ((values > low) & (values < high)).all()


def test_pseudo_categories_are_probabilities() -> None:
    values = pseudo_inputs(9, (2, 4), kind="categorical")()
    assert_close(values.sum(-1), torch.ones(9, 2))


def test_a_learned_normal_prior_has_its_closed_form() -> None:
    objective, x = spec(LEARNED), bits()
    noise = torch.randn(ROWS, SIZE, dtype=torch.float64)
    mean, log_var = halves(run(objective, "q_z", x))
    prior = halves(run(objective, "p_z"))
    z = sampled(mean, log_var, noise)
    loss = (cost(run(objective, "p_x", z), x) + kl(mean, log_var, *prior)).mean()
    assert_close(objective({"x": x}, {"z": noise}).loss, loss)


def test_learned_probabilities_of_classes() -> None:
    """Summed over the classes: E_q(c|x)[-log p(x|c) + log q(c|x) - log p(c)]."""
    objective = objective_of(
        """
model classes
observed x : binary[5]
latent   c : categorical(4) ~ categorical(probabilities = learned)
q { x -> c  via mlp(6) }
p { c -> x  via mlp(6) }
minimize KL(q || p) with enumeration
"""
    )
    x = bits()
    with torch.no_grad():
        next(objective.get_submodule("p_c").parameters()).normal_()
    log_q, log_p = run(objective, "q_c", x).log_softmax(1), run(objective, "p_c").log_softmax(1)
    every = torch.eye(4, dtype=torch.float64)
    costs = torch.stack(
        [cost(run(objective, "p_x", one.expand(ROWS, 4)), x) for one in every], dim=1
    )
    loss = (log_q.exp() * (costs + log_q - log_p)).sum(1).mean()
    assert_close(objective({"x": x}).loss, loss)


@pytest.mark.parametrize("prior", ["mixture(3)", "vamp(3)", LEARNED])
def test_several_samples_of_each_row(prior: str) -> None:
    """IWAE: the prior has one row, whatever samples there are."""
    objective, x = spec(prior, objective="KL(q || p) with iwae(k = 4)"), bits()
    noise = {
        "z": torch.randn(ROWS, SIZE, dtype=torch.float64),
        "samples(z)": torch.randn(ROWS, 4, SIZE, dtype=torch.float64),
    }
    mean, log_var = halves(run(objective, "q_z", x))
    weights = []
    for k in range(4):
        z = sampled(mean, log_var, noise["samples(z)"][:, k])
        log_p = prior_density(objective, prior, z) - cost(run(objective, "p_x", z), x)
        weights.append(log_p - density(z, mean, log_var))
    loss = -(torch.stack(weights).logsumexp(0) - math.log(4)).mean()
    assert_close(objective({"x": x}, noise).loss, loss)


def prior_density(objective: Objective, prior: str, z: Tensor) -> Tensor:
    """Log p(z), by hand."""
    answer = run(objective, "p_z")
    if prior == LEARNED:
        return density(z, *halves(answer))
    if prior.startswith("vamp"):
        means, log_vars = halves(run(objective, "q_z", answer))
        log_weights = means.new_full((3,), -math.log(3))
    else:
        log_weights = answer[0, :3].log_softmax(0)
        means, log_vars = answer[0, 3:].view(2, 3, SIZE)
    each = [
        weight + density(z, mean, log_var)
        for weight, mean, log_var in zip(log_weights, means, log_vars, strict=True)
    ]
    return torch.stack(each).logsumexp(0)


def test_a_sampled_rate_is_unbiased() -> None:
    """Its mean over a fine grid of noise is KL(q || p), by quadrature of the densities."""
    objective = objective_of(
        SPEC.format(prior="mixture(3)", kind="binary[5]", objective="KL(q || p)").replace(
            "real[3]", "real"
        )
    )
    count = 20_001
    x = torch.ones(count, 5, dtype=torch.float64)
    noise = torch.special.ndtri((torch.arange(count).double() + 0.5) / count)
    rate = objective({"x": x}, {"z": noise}).terms["rate_z"]
    mean, log_var = (one[0, 0] for one in halves(run(objective, "q_z", x[:1])))
    z = torch.linspace(-12.0, 12.0, 100_001, dtype=torch.float64)
    q = Normal(mean, (0.5 * log_var).exp())
    log_p = Mixture.split(run(objective, "p_z"), 3, ()).log_prob(z)
    exact = torch.trapezoid(log_prob(q, z).exp() * (log_prob(q, z) - log_p), z)
    assert_close(rate, exact, rtol=1e-3, atol=1e-4)


def test_rows_without_a_view_have_the_learned_prior() -> None:
    """What falls back on p(z) costs no rate."""
    objective = spec(LEARNED, "binary[5] optional")
    batch = {"x": bits(), "seen(x)": torch.zeros(ROWS, dtype=torch.bool)}
    inferred = objective.infer(batch)["z"]
    mean, log_var = halves(run(objective, "p_z"))
    assert isinstance(inferred, Gaussian)
    assert_close(inferred.mean, mean.expand(ROWS, SIZE))
    assert_close(inferred.log_var, log_var.expand(ROWS, SIZE))
    assert objective(batch).terms["rate_z"].item() == pytest.approx(0.0, abs=1e-12)


def test_pseudo_inputs_are_in_units_of_the_data() -> None:
    """What standardising divides by, the pseudo-inputs have been multiplied with."""
    objective = spec("vamp(4)", "real[5]")
    network = objective.get_submodule("q_z.network")
    raw = next(objective.get_submodule("p_z").parameters())
    objective.standardise({"x": 100.0 + 7.0 * torch.randn(50, 5, dtype=torch.float64)})
    assert_close(run(objective, "q_z", run(objective, "p_z")), network(raw))


@pytest.mark.parametrize("prior", ["mixture(3)", "vamp(3)", LEARNED])
def test_generated_rows_are_of_the_prior(prior: str) -> None:
    """Samples of z, whose density is that of p(z): those of a far prior are far."""
    objective = spec(prior)
    vamp, components = prior.startswith("vamp"), 1 if prior == LEARNED else 3
    with torch.no_grad():
        if vamp:  # the means of all posteriors
            dict(objective.get_submodule("q_z").named_parameters())["layers.2.bias"][:SIZE] += 50.0
        else:  # those of all components
            numbers = next(objective.get_submodule("p_z").parameters())
            numbers[0, -2 * SIZE * components :][: SIZE * components] += 50.0
    noise = {"z": torch.randn(ROWS, SIZE, dtype=torch.float64)}
    z = objective.ancestral_sample(noise, {})["z"]
    assert z.shape == (ROWS, SIZE)
    assert ((z > 30) & (z < 70)).all()


def test_a_distance_compares_as_many_samples_of_the_prior() -> None:
    """MMD: a row of p's for each of q's, and a gradient to the prior."""
    objective = spec(LEARNED, objective="KL(q || p) + MMD(q(z) || p(z))")
    objective({"x": bits()}).terms["divergence_z"].backward()
    (prior,) = objective.get_submodule("p_z").parameters()
    assert prior.grad is not None
    assert prior.grad.abs().min() > 0


@pytest.mark.parametrize("other", ["mixture(4)", "vamp(3)", "normal", LEARNED])
def test_a_comparison_tells_priors_apart(other: str) -> None:
    texts = (
        SPEC.format(prior=prior, kind="binary[5]", objective="KL(q || p)")
        for prior in ("mixture(3)", other)
    )
    sources = (Source("spec.mib", text) for text in texts)
    left, right = (
        Side(name=one.name, source=one, checked=check_spec(one), constants={}, parameters={})
        for one in sources
    )
    found = compare(left, right)
    changes = [(one.before, one.after) for each in found.sections for one in each.changes]
    assert ("latent real[3] ~ mixture(3)", f"latent real[3] ~ {other}") in changes
    assert not found.equal
