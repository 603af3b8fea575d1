"""Posteriors with full covariance, and flows: from text to nats, beside formulas by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence
from torch.testing import assert_close

from graphdsl.compiler import check_spec, derive
from graphdsl.diagnostics import Source, SpecError
from graphdsl_runtime import Flow, FullGaussian, Gaussian, Objective
from tests.emitted import emitted_class

ROWS = 6

FULL = """
model full
param beta = 2 in 1..inf
observed x : real[7]
observed y : categorical(3)
latent z : real[4] ~ normal
latent u[1..2] : real[3] ~ normal
q { x, y -> z ~ normal(full); x -> u ~ normal(full) }
p { y -> z; z, u -> x }
minimize KL(q || p) + (beta - 1) * I(x; u) + 0.5 * H(z | x, y)
"""

FLOW = """
model flow_vae
param beta = 2 in 1..inf
observed x : real[7]
observed y : categorical(3)
latent z : real[4] ~ normal
latent u[1..2] : real[3] ~ normal
q { x, y -> z ~ flow; x -> u ~ flow }
infer r(i) { y -> z ~ flow }
p { y -> z; z, u -> x }
minimize
    KL(q || p) + (beta - 1) * I(x; u) + 0.5 * H(z | x, y)
  + 0.25 * KL(q(z | x, y) || r(1)(z | y))
"""


def made(spec: str) -> tuple[Objective, dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(5)
    objective = emitted_class(spec)().double()
    batch = {"x": torch.randn(ROWS, 7).double(), "y": torch.randint(3, (ROWS,))}
    return objective, batch, objective.draw_noise(batch["x"])


def run(objective: Objective, name: str, *inputs: Tensor) -> Tensor:
    answer: Tensor = objective.get_submodule(name)(*inputs)
    return answer


def kl(q: MultivariateNormal, p: MultivariateNormal) -> Tensor:
    return kl_divergence(q, p).sum() / ROWS


def joint(parameters: Tensor, size: int) -> MultivariateNormal:
    """A full Gaussian as torch has it, from what a network answers for one variable."""
    mean, log_var, below = parameters.tensor_split([size, 2 * size], dim=-1)
    tril = torch.diag_embed(torch.exp(0.5 * log_var))
    places = torch.tril_indices(size, size, -1)
    tril[..., places[0], places[1]] = below
    return MultivariateNormal(mean, scale_tril=tril)


def test_full_covariance_is_the_formula_written_by_hand() -> None:
    objective, batch, noise = made(FULL)
    terms = objective(batch, noise).terms
    one_hot = torch.nn.functional.one_hot(batch["y"], 3).double()
    q_z = joint(run(objective, "q_z", batch["x"], one_hot), 4)
    raw = run(objective, "q_u", batch["x"])
    parts = raw.split([6, 6, 6], dim=-1)  # type: ignore[no-untyped-call]  # torch's own gap
    q_u = joint(torch.cat([part.reshape(ROWS, 2, 3) for part in parts], dim=-1), 3)
    z = q_z.mean + (q_z.scale_tril @ noise["z"][..., None])[..., 0]
    u = q_u.mean + (q_u.scale_tril @ noise["u"][..., None])[..., 0]
    prior = Gaussian.split(run(objective, "p_z", one_hot))
    p_z = MultivariateNormal(prior.mean, torch.diag_embed(prior.log_var.exp()))
    unit = MultivariateNormal(torch.zeros(3).double(), torch.eye(3).double())
    entropy: Tensor = q_z.entropy()  # type: ignore[no-untyped-call]  # torch's own gap
    fit = Gaussian.unit(run(objective, "p_x", z, u)).nll(batch["x"]).sum() / ROWS
    expected = fit + kl(q_z, p_z) + 2.0 * kl(q_u, unit) + 0.5 * entropy.mean()
    assert_close(objective(batch, noise).loss, expected)
    assert set(terms) == {"reconstruction_x", "rate_z", "rate_u", "entropy_z"}


def test_a_flow_is_the_formula_written_by_hand() -> None:
    """Each sample's density by the change of variables, with the Jacobian from autograd."""
    objective, batch, noise = made(FLOW)
    one_hot = torch.nn.functional.one_hot(batch["y"], 3).double()

    def drawn(name: str, eps: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        flow: Flow = objective.get_submodule(name)(*inputs)
        jacobian: Tensor = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
            lambda e: flow.sample(e).sum(0), eps, create_graph=True
        )
        ladj = torch.linalg.slogdet(jacobian.transpose(0, 1)).logabsdet
        unit = MultivariateNormal(torch.zeros_like(eps), torch.eye(eps.shape[1]).double())
        density: Tensor = unit.log_prob(eps)  # type: ignore[no-untyped-call]  # torch's own gap
        return flow.sample(eps), density - ladj

    z, log_z = drawn("q_z", noise["z"], batch["x"], one_hot)
    u_1, log_1 = drawn("q_u", noise["u"][:, 0], batch["x"])
    u_2, log_2 = drawn("q_u_2", noise["u"][:, 1], batch["x"])
    u = torch.stack([u_1, u_2], dim=1)
    r_z: Flow = objective.get_submodule("r_z")(one_hot)
    p_z = Gaussian.split(run(objective, "p_z", one_hot))
    fit = Gaussian.unit(run(objective, "p_x", z, u)).nll(batch["x"]).sum(-1)
    rate_z = log_z - p_z.log_prob(z).sum(-1)
    rate_u = log_1 + log_2 - Gaussian.unit(0 * u).log_prob(u).sum((1, 2))
    other = log_z - r_z.log_prob(z)
    expected = (fit + rate_z + 2.0 * rate_u - 0.5 * log_z + 0.25 * other).mean()
    assert_close(objective(batch, noise).loss, expected)


def test_a_flows_rate_is_an_unbiased_estimate_of_the_divergence() -> None:
    """Without its couplings a flow is a diagonal Gaussian, whose divergence is known."""
    torch.manual_seed(0)
    objective = emitted_class(FLOW)().double()
    network = objective.get_submodule("q_z")
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.startswith("maps") and "layers.2" not in name:
                weight.zero_()  # the last layer's biases are left: shifts and scales, of no input
    rows = 20_000
    batch = {"x": torch.zeros(rows, 7).double(), "y": torch.zeros(rows).long()}
    q_z: Flow = network(batch["x"], torch.zeros(rows, 3).double())
    centre = q_z.sample(torch.zeros(rows, 4).double())[0]
    scale = q_z.sample(torch.ones(rows, 4).double())[0] - centre
    known = Gaussian(centre, 2 * scale.abs().log())
    prior = Gaussian.unit(torch.zeros(4).double())
    value, density = q_z.sample_with_log_prob(torch.randn(rows, 4).double())
    nats = density - prior.log_prob(value).sum(-1)
    error = nats.std() / rows**0.5
    assert (nats.mean() - known.kl(prior).sum()).abs() < 4 * error


@pytest.mark.parametrize("spec", [FULL, FLOW], ids=["full", "flow"])
def test_it_trains_infers_and_translates(spec: str) -> None:
    objective, batch, noise = made(spec)
    objective(batch, noise).loss.backward()
    for name, weight in objective.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    posterior = objective.infer(batch)
    assert isinstance(posterior["z"], FullGaussian if spec is FULL else Flow)
    assert posterior["u"].draw(None, "u").shape == (ROWS, 2, 3)
    translated = objective.translate({"y": batch["y"]}, to=["x"])["x"]
    assert translated.isfinite().all()
    assert objective.generate(2, given={"y": batch["y"][:2]})["x"].shape == (2, 7)


def test_rows_that_lack_a_view_have_the_priors_rate() -> None:
    spec = FULL.replace("real[7]", "real[7] optional").replace("+ 0.5 * H(z | x, y)", "")
    objective, batch, noise = made(spec)
    batch["seen(x)"] = torch.zeros(ROWS, dtype=torch.bool)
    terms = objective(batch, noise).terms
    assert terms["reconstruction_x"] == 0
    assert_close(terms["rate_z"], torch.zeros((), dtype=torch.float64))
    assert_close(terms["rate_u"], torch.zeros((), dtype=torch.float64))


def test_the_audit_says_that_a_sample_tells_it() -> None:
    compiled = derive(check_spec(Source("flow.mib", FLOW)))
    told = {term.name: term.estimator for term in compiled.module.terms}
    assert told["rate_z"] == "log-densities of one sample of q: unbiased"
    assert told["reconstruction_x"] == ""
    assert compiled.module.relation == "upper"
    exact = derive(check_spec(Source("full.mib", FULL)))
    assert not any(term.estimator for term in exact.module.terms)


def test_facts_of_independent_factors_hold_between_variables_alone() -> None:
    """P12: members are independent given x, whatever their own numbers do; TC within is unsaid."""
    spec = FULL.replace("+ 0.5 * H(z | x, y)", "") + "assert TC(u | x) == 0\n"
    derive(check_spec(Source("full.mib", spec)))
    total = spec.replace("I(x; u)", "TC(u)")
    bounded = derive(check_spec(Source("full.mib", total))).module
    assert not any(term.code.kind == "total_correlation" for term in bounded.terms)
    with pytest.raises(SpecError) as found:
        derive(check_spec(Source("full.mib", total + "estimate TC(u) with mss\n")))
    assert [one.code for one in found.value.diagnostics] == ["MIB501"]
