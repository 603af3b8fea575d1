"""The whole runtime at once: a Wyner VAE written as the compiler would write it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Gaussian,
    Latents,
    Losses,
    Networks,
    Noise,
    Objective,
    Shared,
    UnknownName,
    Variable,
    each_expert,
    expect,
    mlp,
    mlps,
    product_of_experts,
    standard_normal,
)


class Wyner(Objective):
    """Two views, what they share and what each keeps to itself."""

    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(32,)),
        Variable("z", role="latent", kind="real", shape=(16,)),
        Variable("u", role="latent", kind="real", members=2, shape=(8,)),
    )

    def __init__(
        self, *, common: float = 0.1, cross: float = 1.0, networks: Networks | None = None
    ) -> None:
        super().__init__(networks)
        self.common = self.weight("common", common, low=0.0)
        self.cross = self.weight("cross", cross, low=0.0)
        self.q_z = self.members(
            [f"q(z|x[{i}])" for i in range(1, 3)], lambda: mlps(2, [(32,)], (24, 24), 2 * 16)
        )
        self.q_u = self.members(
            [f"q(u[{i}]|x[{i}],z)" for i in range(1, 3)],
            lambda: mlps(2, [(32,), Shared(16)], (24, 24), 2 * 8),
        )
        self.p_x = self.members(
            [f"p(x[{i}]|z,u[{i}])" for i in range(1, 3)],
            lambda: mlps(2, [Shared(16), (8,)], (24, 24), 32),
        )
        self.refuse_unused_networks()

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Compute rate, reconstruction and cross terms, as theory.md 2.15 has them."""
        x = self.observe(batch, "x")
        noise = self.draw_noise(x) if noise is None else noise
        experts_z = Gaussian.split(self.q_z(x))
        q_z = product_of_experts(experts_z)
        q_z_each = each_expert(experts_z)
        z = q_z.sample(noise["z"])
        q_u = Gaussian.split(self.q_u(x, z))
        u = q_u.sample(noise["u"])
        p_x = Bernoulli(self.p_x(z, u))
        reconstruction_x = -expect(p_x.log_prob(x))
        rate_z = expect(q_z.kl(standard_normal))
        rate_z_each = expect(q_z[:, None].kl(q_z_each))
        rate_u = expect(q_u.kl(standard_normal))
        loss = (
            (1 + self.cross) * reconstruction_x
            + (1 + self.common) * rate_z
            + self.cross * rate_z_each
            + (1 + self.cross) * rate_u
        )
        terms = {
            "reconstruction_x": reconstruction_x,
            "rate_z": rate_z,
            "rate_z_each": rate_z_each,
            "rate_u": rate_u,
        }
        return Losses(loss, terms=terms)

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        """Give q(z | x_S) and q(u[i] | x[i], z)."""
        x, seen = self.observe_some(batch, "x")
        q_z = product_of_experts(Gaussian.split(self.q_z(x)), seen)
        z = q_z.draw(noise, "z")
        q_u = Gaussian.split(self.q_u(x, z)).or_prior(seen)
        return {"z": q_z, "u": q_u}

    @torch.no_grad()
    def decode(self, latents: Latents) -> dict[str, Bernoulli | Gaussian]:
        """Give p(x[i] | z, u[i])."""
        z, u = latents["z"], latents["u"]
        return {"x": Bernoulli(self.p_x(z, u))}


@pytest.fixture
def model() -> Wyner:
    return Wyner().double()


@pytest.fixture
def x() -> Tensor:
    return torch.rand(5, 2, 32, dtype=torch.float64).round()


def own_networks() -> dict[str, nn.Module]:
    networks: dict[str, nn.Module] = {}
    for i in (1, 2):
        networks[f"q(z|x[{i}])"] = mlp([(32,)], (24, 24), 2 * 16)
        networks[f"q(u[{i}]|x[{i}],z)"] = mlp([(32,), (16,)], (24, 24), 2 * 8)
        networks[f"p(x[{i}]|z,u[{i}])"] = mlp([(16,), (8,)], (24, 24), 32)
    return networks


def by_hand(networks: Networks, x: Tensor, noise: Noise, common: float, cross: float) -> Tensor:
    """Compute the loss view by view, row by row, from torch alone."""

    def gaussian(mean: Tensor, variance: Tensor) -> torch.distributions.Distribution:
        return torch.distributions.Independent(torch.distributions.Normal(mean, variance.sqrt()), 1)

    def kl(q: torch.distributions.Distribution, p: torch.distributions.Distribution) -> Tensor:
        return torch.distributions.kl_divergence(q, p)

    def prior(size: int) -> torch.distributions.Distribution:
        return gaussian(torch.zeros(size).double(), torch.ones(size).double())

    halves = [networks[f"q(z|x[{i + 1}])"](x[:, i]).chunk(2, dim=1) for i in range(2)]
    mean, precision = zip(*[(m, torch.exp(-log_var)) for m, log_var in halves], strict=True)
    variance = 1 / (1 + precision[0] + precision[1])
    center = variance * (precision[0] * mean[0] + precision[1] * mean[1])
    q_z = gaussian(center, variance)
    z = center + variance.sqrt() * noise["z"]
    loss = (1 + common) * kl(q_z, prior(16))
    for i in range(2):
        alone = 1 / (1 + precision[i])
        loss = loss + cross * kl(q_z, gaussian(alone * precision[i] * mean[i], alone))
        m, log_var = networks[f"q(u[{i + 1}]|x[{i + 1}],z)"](x[:, i], z).chunk(2, dim=1)
        u = m + torch.exp(0.5 * log_var) * noise["u"][:, i]
        logits = networks[f"p(x[{i + 1}]|z,u[{i + 1}])"](z, u)
        loss = loss + (1 + cross) * kl(gaussian(m, log_var.exp()), prior(8))
        surprise = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, x[:, i], reduction="none"
        )
        loss = loss + (1 + cross) * surprise.sum(dim=1)
    return loss.mean()


def test_the_loss_is_what_one_would_write_by_hand(x: Tensor) -> None:
    networks = own_networks()
    model = Wyner(common=0.3, cross=0.7, networks=networks).double()
    noise = model.draw_noise(x)
    ours = model({"x": x}, noise).loss
    theirs = by_hand(networks, x, noise, common=0.3, cross=0.7)
    assert_close(ours, theirs)
    parameters = list(model.parameters())
    assert_close(torch.autograd.grad(ours, parameters), torch.autograd.grad(theirs, parameters))


def test_the_loss_is_its_terms(model: Wyner, x: Tensor) -> None:
    losses = model({"x": x})
    terms = losses.terms
    total = 2 * terms["reconstruction_x"] + 1.1 * terms["rate_z"]
    total = total + terms["rate_z_each"] + 2 * terms["rate_u"]
    assert_close(losses.loss, total)
    assert all(term > 0 for term in terms.values())


def test_the_same_noise_gives_the_same_loss(model: Wyner, x: Tensor) -> None:
    noise = model.draw_noise(x)
    assert torch.equal(model({"x": x}, noise).loss, model({"x": x}, noise).loss)
    assert not torch.equal(model({"x": x}, noise).loss, model({"x": x}).loss)
    torch.manual_seed(3)
    drawn = model.draw_noise(x)
    torch.manual_seed(3)
    assert torch.equal(model({"x": x}).loss, model({"x": x}, drawn).loss)


def test_the_objective_is_the_mean_over_rows(model: Wyner, x: Tensor) -> None:
    noise = model.draw_noise(x)
    rows = [
        model({"x": x[b : b + 1]}, {name: eps[b : b + 1] for name, eps in noise.items()}).loss
        for b in range(len(x))
    ]
    assert_close(model({"x": x}, noise).loss, torch.stack(rows).mean())


def test_gradients_reach_every_weight(model: Wyner, x: Tensor) -> None:
    parameters = model.parameter_groups()["model"]
    for slope in torch.autograd.grad(model({"x": x}).loss, parameters):
        assert torch.isfinite(slope).all()
        assert slope.any()


def test_the_closed_form_rate_is_the_monte_carlo_one(model: Wyner, x: Tensor) -> None:
    noise = torch.randn(20_000, 5, 16, dtype=torch.float64)
    q_z = model.infer({"x": x})["z"]
    z = q_z.sample(noise)
    draws = (q_z.log_prob(z) - standard_normal.log_prob(z)).sum(dim=(1, 2)) / len(x)
    error = draws.std() / len(draws) ** 0.5
    assert abs(draws.mean() - model({"x": x}).terms["rate_z"]) < 4 * error


@pytest.mark.parametrize("by_member", [False, True])
def test_it_compiles_without_a_break(model: Wyner, x: Tensor, by_member: bool) -> None:
    batch = {"x[1]": x[:, 0], "x[2]": x[:, 1]} if by_member else {"x": x}
    noise, parameters = model.draw_noise(x), list(model.parameters())
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    ours, theirs = compiled(batch, noise), model(batch, noise)
    assert torch.equal(ours.loss, theirs.loss)
    assert ours.terms.keys() == theirs.terms.keys()
    assert_close(
        torch.autograd.grad(ours.players["model"], parameters),
        torch.autograd.grad(theirs.loss, parameters),
    )
    # Without noise it draws its own.
    assert torch.isfinite(compiled(batch).loss)


def test_inference_compiles_without_a_break(model: Wyner, x: Tensor) -> None:
    infer = torch.compile(model.infer, fullgraph=True, backend="aot_eager")
    batch = {"x[1]": x[:, 0]}
    ours, theirs = infer(batch), model.infer(batch)
    for name in ("z", "u"):
        assert torch.equal(ours[name].mean, theirs[name].mean)
        assert torch.equal(ours[name].log_var, theirs[name].log_var)


@pytest.mark.parametrize("garbage", [torch.nan, 1e30])
def test_a_missing_view_is_never_read(model: Wyner, x: Tensor, garbage: float) -> None:
    spoilt = x.clone()
    spoilt[:, 1] = garbage
    seen = torch.tensor([True, False]).expand(5, 2)
    clean = {"x[1]": x[:, 0]}
    expected, noise = model.translate(clean, to=["x[2]"]), model.draw_noise(x)
    for batch in ({"x": spoilt, "seen(x)": seen}, {"x": spoilt}, {"x": x}):
        # The last of them holds the answer: it is not read either.
        assert torch.equal(model.translate(batch, to=["x[2]"])["x[2]"], expected["x[2]"])
    hidden = {"x": spoilt, "seen(x)": seen}
    for given in (None, noise):
        ours, theirs = model.infer(hidden, given), model.infer(clean, given)
        for name in ("z", "u"):
            assert torch.equal(ours[name].mean, theirs[name].mean)
            assert torch.equal(ours[name].log_var, theirs[name].log_var)
    assert not model.infer(hidden)["u"].mean[:, 1].any()


def test_inference_sees_the_posterior_of_training(model: Wyner, x: Tensor) -> None:
    noise = model.draw_noise(x)
    posterior = model.infer({"x": x}, noise)
    terms = model({"x": x}, noise).terms
    assert_close(expect(posterior["z"].kl(standard_normal)), terms["rate_z"])
    assert_close(expect(posterior["u"].kl(standard_normal)), terms["rate_u"])
    drawn = {name: q.draw(noise, name) for name, q in posterior.items()}
    assert_close(-expect(model.decode(drawn)["x"].log_prob(x)), terms["reconstruction_x"])


def test_generation_decodes_the_prior(model: Wyner) -> None:
    torch.manual_seed(5)
    drawn = model.generate(7)
    torch.manual_seed(5)
    latents = model.draw_noise(torch.zeros(7, dtype=torch.float64))
    assert torch.equal(drawn["x"], model.decode(latents)["x"].mean)
    assert drawn["x"].shape == (7, 2, 32)
    assert not drawn["x"].requires_grad


def test_a_step_of_training_lowers_the_loss(model: Wyner, x: Tensor) -> None:
    noise = model.draw_noise(x)
    optimizer = torch.optim.Adam(model.parameter_groups()["model"], lr=1e-3)
    before = model({"x": x}, noise).loss
    grads = torch.autograd.grad(before, model.parameter_groups()["model"])
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        parameter.grad = grad
    optimizer.step()
    assert model({"x": x}, noise).loss < before


def test_a_misspelt_network_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"`q\(z\|x1\)` \(did you mean `q\(z\|x\[1\]\)`\?\)"):
        Wyner(networks={"q(z|x1)": nn.Identity()})
