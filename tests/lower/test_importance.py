"""Bounds by several samples: between -log p(x) and -ELBO, and as published (Burda et al., 2016)."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.report import audit_text
from graphdsl_runtime import Flow, FullGaussian, Objective, ShapeMismatch, importance_weighted
from tests.emitted import emitted_class, emitted_text

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 4


def compiled(text: str) -> Compiled:
    return derive(check_spec(Source("importance.mib", text)))


def nats(law: torch.distributions.Distribution, value: Tensor) -> Tensor:
    """Log-densities of torch's own distributions."""
    found: Tensor = law.log_prob(value)
    return found


# ---- by enumeration ------------------------------------------------------------------------------

CLASSES = 3

DISCRETE = """
model discrete
observed x : binary[4]
latent c : categorical(3) ~ categorical
q {{ x -> c via mlp(8) }}
p {{ c -> x via mlp(8) }}
minimize KL(q || p){}
"""


def enumerated(samples: int, objective: Objective, x: Tensor) -> float:
    """E over all c_1, ..., c_k of the module's own loss, for one row: noise that gives each c."""
    log_q = F.log_softmax(objective.get_submodule("q_c")(x), dim=-1)
    total = 0.0
    for choice in itertools.product(range(CLASSES), repeat=samples):
        noise = torch.zeros(1, samples, CLASSES) - 8.0  # far into the tail: never the largest
        for k, c in enumerate(choice):
            noise[0, k, c] = 8.0
        given = {"c": noise[:, 0], "samples(c)": noise}
        weight = log_q[0, list(choice)].sum().exp().item()
        total += weight * objective({"x": x}, given).loss.item()
    return total


def likelihood(objective: Objective, x: Tensor) -> float:
    """-log p(x) = -log sum_c p(c) p(x | c), exactly."""
    codes = torch.eye(CLASSES)
    logits = objective.get_submodule("p_x")(codes)
    nll = F.binary_cross_entropy_with_logits(logits, x.expand(CLASSES, -1), reduction="none")
    return -torch.logsumexp(-nll.sum(1) - math.log(CLASSES), dim=0).item()


def test_between_the_likelihood_and_the_elbo_and_falling_in_k() -> None:
    """Burda et al. 2016, theorem 1, by exact enumeration of every draw of k samples."""
    one = emitted_class(DISCRETE.format(" with iwae(k = 1)"))()
    x = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    plain = emitted_class(DISCRETE.format(""))()
    plain.load_state_dict(one.state_dict())
    elbo = enumerated(1, plain, x)  # its rate is in closed form: only the reconstruction is drawn
    bounds = []
    for k in (1, 2, 3, 4):
        several = emitted_class(DISCRETE.format(f" with iwae(k = {k})"))()
        several.load_state_dict(one.state_dict())
        bounds.append(enumerated(k, several, x))
    assert bounds[0] == pytest.approx(elbo, abs=1e-9)
    assert all(later < earlier - 1e-6 for earlier, later in itertools.pairwise(bounds))
    assert bounds[-1] > likelihood(one, x) + 1e-6


def test_the_gap_that_is_named_is_the_gap() -> None:
    """Loss = KL(q(x) || p(x)) + H(x) + gap, at one row: -log p(x) + E[log p(x) - log mean w]."""
    objective = emitted_class(DISCRETE.format(" with iwae(k = 2)"))()
    x = torch.tensor([[0.0, 1.0, 1.0, 1.0]])
    log_q = F.log_softmax(objective.get_submodule("q_c")(x), dim=-1)[0]
    logits = objective.get_submodule("p_x")(torch.eye(CLASSES))
    nll = F.binary_cross_entropy_with_logits(logits, x.expand(CLASSES, -1), reduction="none")
    log_w = -nll.sum(1) - math.log(CLASSES) - log_q
    gap = 0.0
    for a, b in itertools.product(range(CLASSES), repeat=2):
        mean = torch.logsumexp(log_w[[a, b]], dim=0) - math.log(2)
        gap += ((log_q[a] + log_q[b]).exp() * (-likelihood(objective, x) - mean)).item()
    assert enumerated(2, objective, x) == pytest.approx(likelihood(objective, x) + gap, abs=1e-9)


# ---- in closed form ------------------------------------------------------------------------------

LINEAR = """
model linear
observed x : real[3] ~ normal(scale = 0.5)
latent z : real[2] ~ normal
q { x -> z }
p { z -> x }
minimize KL(q || p) with iwae(k = 8)
"""


class Affine(nn.Module):
    """A network that is a matrix, an offset, and perhaps a log-variance behind them."""

    def __init__(self, matrix: Tensor, offset: Tensor, log_var: Tensor | None = None) -> None:
        super().__init__()
        self.matrix, self.offset, self.log_var = matrix, offset, log_var

    def forward(self, value: Tensor) -> Tensor:
        mean = value @ self.matrix.mT + self.offset
        if self.log_var is None:
            return mean
        return torch.cat([mean, self.log_var.expand_as(mean)], dim=-1)


def linear(spread: float) -> tuple[Objective, Tensor, Tensor]:
    """Data W z + b + noise, W's columns orthogonal; q is p's posterior, but for its spread."""
    w = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    b, noise = torch.tensor([0.3, -0.2, 0.1]), 0.25
    precision = torch.eye(2) + w.T @ w / noise
    covariance = torch.linalg.inv(precision)
    assert torch.allclose(covariance, torch.diag(covariance.diagonal()))  # q's is diagonal
    to_z = covariance @ w.T / noise
    log_var = covariance.diagonal().log() + 2 * math.log(spread)
    networks = {"q(z|x)": Affine(to_z, -to_z @ b, log_var), "p(x|z)": Affine(w, b)}
    objective = emitted_class(LINEAR)(networks=networks)
    x = torch.randn(ROWS, 3)
    marginal = torch.distributions.MultivariateNormal(b, w @ w.T + noise * torch.eye(3))
    return objective, x, -nats(marginal, x).mean()


def test_with_the_true_posterior_every_sample_gives_the_likelihood() -> None:
    objective, x, exact = linear(spread=1.0)
    assert objective({"x": x}).loss.item() == pytest.approx(exact.item(), abs=1e-9)


def test_with_another_posterior_it_lies_above_and_nears_it() -> None:
    objective, x, exact = linear(spread=1.4)
    rows = x.repeat_interleave(4_000, dim=0)
    noise = {"samples(z)": torch.randn(len(rows), 1_000 // 125, 2)}
    losses = {}
    for k in (1, 2, 8):
        text = LINEAR.replace("k = 8", f"k = {k}")
        several = emitted_class(text)(
            networks={
                "q(z|x)": objective.get_submodule("q_z"),
                "p(x|z)": objective.get_submodule("p_x"),
            }
        )
        losses[k] = several({"x": rows}, noise).loss.item() - exact.item()
    mean_gap = 2 * (math.log(1 / 1.4) + 0.5 * (1.4**2 - 1))  # KL(q(z|x) || p(z|x)), -ELBO's gap
    assert losses[1] == pytest.approx(mean_gap, abs=0.02)
    assert 0.0 < losses[8] < 0.3 * losses[2] < 0.3 * losses[1]


# ---- by hand -------------------------------------------------------------------------------------

RICH = """
model rich
param beta = 0.7
observed x[1..2] : binary[4] optional
observed n : count
given c : categorical(3)
latent z : real[3] ~ normal
latent h : real[2] ~ laplace
q { x -> z by poe via mlp(8); n, z -> h via mlp(8) }
p { c -> z via mlp(8); z, h -> x[i] via mlp(8) for i in 1..2; z -> n via mlp(8) }
minimize beta * KL(q || p) with iwae(k = 5)
"""


def quantile(law: torch.distributions.Laplace, probability: Tensor) -> Tensor:
    found: Tensor = law.icdf(probability)  # type: ignore[no-untyped-call]  # torch's own gap
    return found


def rich_by_hand(m: Objective, batch: dict[str, Tensor], noise: dict[str, Tensor]) -> Tensor:
    """Each row and each sample by itself, in plain torch."""
    total = torch.zeros(())
    normal, laplace = torch.distributions.Normal, torch.distributions.Laplace
    experts = m.get_submodule("q_z")(batch["x"])
    seen = batch["seen(x)"]
    for row in range(ROWS):
        precision, weighted = torch.ones(3), torch.zeros(3)
        for i in (0, 1):
            if seen[row, i]:
                mean, log_var = experts[row, i].chunk(2)
                precision = precision + (-log_var).exp()
                weighted = weighted + mean * (-log_var).exp()
        q_z = normal(weighted / precision, precision.rsqrt())
        code = F.one_hot(batch["c"][row], 3).to(torch.float64)[None]
        prior = m.get_submodule("p_z")(code)[0].chunk(2)
        weights = []
        for k in range(5):
            z = q_z.loc + q_z.scale * noise["samples(z)"][row, k]
            place, log_scale = m.get_submodule("q_h")(batch["n"][row : row + 1], z[None])[0].chunk(
                2
            )
            q_h = laplace(place, log_scale.exp())
            # Standard normal noise is a Laplace's through the two distribution functions.
            h = quantile(q_h, torch.special.ndtr(noise["samples(h)"][row, k]))
            log_w = nats(normal(prior[0], (0.5 * prior[1]).exp()), z).sum()
            log_w = log_w + nats(laplace(torch.zeros(2), torch.ones(2)), h).sum()
            logits = m.get_submodule("p_x")(z[None], h[None])[0]
            for i in (0, 1):
                if seen[row, i]:
                    bits = torch.distributions.Bernoulli(logits=logits[i])
                    log_w = log_w + nats(bits, batch["x"][row, i]).sum()
            rate = m.get_submodule("p_n")(z[None])[0].exp()
            log_w = log_w + nats(torch.distributions.Poisson(rate), batch["n"][row])
            weights.append(log_w - nats(q_z, z).sum() - nats(q_h, h).sum())
        total = total + math.log(5) - torch.logsumexp(torch.stack(weights), dim=0)
    return 0.7 * total / ROWS


def rich() -> tuple[Objective, dict[str, Tensor], dict[str, Tensor]]:
    objective = emitted_class(RICH)()
    batch = {
        "x": (torch.rand(ROWS, 2, 4) > 0.5).double(),
        "n": torch.randint(5, (ROWS,)).double(),
        "c": torch.randint(3, (ROWS,)),
        "seen(x)": torch.tensor([[True, True], [True, False], [False, True], [False, False]]),
    }
    return objective, batch, objective.draw_noise(batch["x"])


def test_it_is_the_published_bound_with_its_gradient() -> None:
    objective, batch, noise = rich()
    ours, theirs = objective(batch, noise).loss, rich_by_hand(objective, batch, noise)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-9)
    parameters = list(objective.parameters())
    mine, published = (
        torch.autograd.grad(one, parameters, allow_unused=True) for one in (ours, theirs)
    )
    for a, b in zip(mine, published, strict=True):
        assert a is not None
        assert b is not None
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


def test_what_is_missing_leaves_no_trace() -> None:
    objective, batch, noise = rich()
    clean = objective(batch, noise).loss
    batch["x"][1, 1], batch["x"][3] = math.nan, 1e30
    batch["x"][2, 0] = math.nan
    spoiled = objective(batch, noise).loss
    assert spoiled.item() == clean.item()
    for one in torch.autograd.grad(spoiled, list(objective.parameters())):
        assert torch.isfinite(one).all()


def test_the_noise_is_drawn_where_it_is_not_given() -> None:
    objective, batch, noise = rich()
    assert noise["samples(z)"].shape == (ROWS, 5, 3)
    torch.manual_seed(3)
    first = objective(batch).loss
    torch.manual_seed(3)
    assert objective(batch, objective.draw_noise(batch["x"])).loss.item() == first.item()
    short = {**noise, "samples(z)": noise["samples(z)"][:, :2]}
    with pytest.raises(ShapeMismatch):
        objective(batch, short)


# ---- where it stands -----------------------------------------------------------------------------


def test_the_encoder_of_data_alone_runs_once_for_each_row() -> None:
    text = emitted_text(RICH)
    assert text.partition("def infer")[0].count("self.q_z(") == 1
    assert "self.q_z(x))" in text  # B rows; its posterior is repeated
    assert "q_h_k = Laplace.split(self.q_h(n_k, z_k))" in text  # on every sample
    assert "z = q_z.sample" not in text  # nothing reads a single sample


def test_an_estimate_line_says_the_same() -> None:
    line = RICH.replace(" with iwae(k = 5)", "\nestimate KL(q || p) with iwae(k = 5)")
    a, b = (emitted_text(text).partition("from __future__")[2] for text in (RICH, line))
    assert a.replace("spec line 10", "") == b.replace("spec line 10", "")


def test_two_bounds_share_their_noise() -> None:
    """KL with iwae(2) and with iwae(5) read the first samples of the same noise."""
    written = "beta * KL(q || p) with iwae(k = 5)"
    sums = "KL(q || p) with iwae(k = 2) + 0.5 * KL(q || p) with iwae(k = 5)"
    both = emitted_class(RICH.replace(written, sums))()
    _, batch, noise = rich()
    losses = both(batch, noise)
    alone = []
    for k in (2, 5):
        one = emitted_class(RICH.replace(written, f"KL(q || p) with iwae(k = {k})"))()
        one.load_state_dict(both.state_dict())
        alone.append(one(batch, noise).loss.item())
    assert losses.loss.item() == pytest.approx(alone[0] + 0.5 * alone[1], abs=1e-9)


def test_beside_a_plain_term_and_under_another_network() -> None:
    text = """
model several
observed x[1..2] : real[4]
latent z : real[3] ~ normal
q { x -> z via mlp(8) }
infer r(i) { x[i] -> z via mlp(8) }
p { z -> x[i] via mlp(8) for i in 1..2 }
minimize KL(q || p) + KL(r(1) || p) with iwae(k = 3) + KL(q(x[2], z) || p(x[2], z)) with iwae(k = 3)
"""
    m = emitted_class(text)()
    x = torch.randn(ROWS, 2, 4)
    noise = m.draw_noise(x)
    losses = m({"x": x}, noise)

    def bound(encoder: Tensor, views: list[int]) -> Tensor:
        mean, log_var = encoder.chunk(2, dim=-1)
        q = torch.distributions.Normal(mean[:, None], (0.5 * log_var).exp()[:, None])
        z = q.loc + q.scale * noise["samples(z)"]
        unit = torch.distributions.Normal(0.0, 1.0)
        log_w = nats(unit, z).sum(-1) - nats(q, z).sum(-1)
        decoded = m.get_submodule("p_x")(z.flatten(0, 1)).unflatten(0, (ROWS, 3))
        for i in views:
            log_w = log_w + nats(unit, x[:, None, i] - decoded[:, :, i]).sum(-1)
        found: Tensor = (math.log(3) - torch.logsumexp(log_w, dim=1)).mean()
        return found

    first = bound(m.get_submodule("r_z")(x[:, 0]), [0, 1])
    second = bound(m.get_submodule("q_z")(x), [1])
    assert losses.terms["importance_r_1"].item() == pytest.approx(first.item(), abs=1e-9)
    assert losses.terms["importance"].item() == pytest.approx(second.item(), abs=1e-9)
    plain = emitted_class(text.partition(" + KL(r(1)")[0])()
    plain.load_state_dict(m.state_dict(), strict=False)
    expected = plain({"x": x}, noise).loss + first + second
    assert losses.loss.item() == pytest.approx(expected.item(), abs=1e-9)


def test_every_row_has_its_own_bound_under_masks_too() -> None:
    """A mask is drawn for a row, and all of its samples have it."""
    text = RICH.replace("latent z", "mask M[1..2] : learned bernoulli(0.5)\nlatent z")
    text = text.replace("z, h -> x[i] via mlp(8)", "z, h -> x[i] if M[i] via mlp(8)")
    m = emitted_class(text)()
    _, batch, _ = rich()
    noise = m.draw_noise(batch["x"])
    assert noise["M"].shape == (ROWS, 2)
    alone = [
        m({k: v[[r]] for k, v in batch.items()}, {k: v[[r]] for k, v in noise.items()}).loss.item()
        for r in range(ROWS)
    ]
    assert m(batch, noise).loss.item() == pytest.approx(sum(alone) / ROWS, abs=1e-9)
    plain = emitted_class(RICH)()
    plain.load_state_dict(m.state_dict(), strict=False)
    every = {**noise, "M": torch.full_like(noise["M"], 8.0)}
    without = {name: value for name, value in every.items() if name != "M"}
    expected = plain(batch, without).loss.item()
    assert m(batch, every).loss.item() == pytest.approx(expected, abs=1e-9)


COUPLED = """
model coupled
observed x : real[3]
latent z : real[2] ~ normal
q { x -> z ~ normal(full) via mlp(8) }
p { z -> x via mlp(8) }
minimize KL(q || p) with iwae(k = 5)
"""


def coupled_by_hand(m: Objective, q: FullGaussian, x: Tensor, noise: Tensor) -> Tensor:
    """With torch's own multivariate normal."""
    law = torch.distributions.MultivariateNormal(q.mean[:, None], scale_tril=q.scale_tril[:, None])
    z = q.mean[:, None] + torch.einsum("bij,bkj->bki", q.scale_tril, noise)
    unit = torch.distributions.Normal(0.0, 1.0)
    decoded = m.get_submodule("p_x")(z.flatten(0, 1)).unflatten(0, (ROWS, 5))
    log_w = nats(unit, z).sum(-1) + nats(unit, x[:, None] - decoded).sum(-1) - nats(law, z)
    found: Tensor = (math.log(5) - torch.logsumexp(log_w, dim=1)).mean()
    return found


def test_of_posteriors_with_full_covariance() -> None:
    m = emitted_class(COUPLED)()
    x = torch.randn(ROWS, 3)
    noise = m.draw_noise(x)
    q = FullGaussian.split(m.get_submodule("q_z")(x))
    theirs = coupled_by_hand(m, q, x, noise["samples(z)"])
    assert m({"x": x}, noise).loss.item() == pytest.approx(theirs.item(), abs=1e-9)


class TriangularFlow(nn.Module):
    """A flow that is a full-covariance normal: noise through a triangular matrix."""

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.source = source

    def forward(self, x: Tensor) -> Flow:
        q = FullGaussian.split(self.source(x))

        class Triangular:
            inv = staticmethod(lambda value: value)

            @staticmethod
            def call_and_ladj(noise: Tensor) -> tuple[Tensor, Tensor]:
                value = q.mean + torch.einsum("bij,bj->bi", q.scale_tril, noise)
                return value, q.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

        return Flow(Triangular(), torch.zeros_like(q.mean))


def test_of_flows_with_the_density_of_the_samples_own_pass() -> None:
    """A flow that is a normal gives that normal's bound; its encoder runs for every sample."""
    full = emitted_class(COUPLED)()
    flow = emitted_class(COUPLED.replace("normal(full)", "flow"))(
        networks={
            "q(z|x)": TriangularFlow(full.get_submodule("q_z")),
            "p(x|z)": full.get_submodule("p_x"),
        }
    )
    x = torch.randn(ROWS, 3)
    noise = full.draw_noise(x)
    expected = full({"x": x}, noise).loss.item()
    assert flow({"x": x}, noise).loss.item() == pytest.approx(expected, abs=1e-9)


def test_the_audit_says_what_it_bounds() -> None:
    found = compiled(RICH)
    assert found.module.relation == "upper"
    text = " ".join(audit_text(read(found)).split())
    assert "stands for beta E[-log p(x[1],x[2],n|c)]" in text
    assert "- beta H(c, n, x[1], x[2])" in text  # the data's entropies stay as they are
    assert "beta H(c)" in text


def test_where_the_weight_changes_its_sign_it_is_a_surrogate() -> None:
    found = compiled(RICH.replace("beta = 0.7", "beta = 0.7 in -1..1"))
    assert found.module.relation == "surrogate"
    assert "MIB402" in {one.code for one in found.warnings}


@pytest.mark.parametrize(
    ("term", "code"),
    [
        ("I(x; z) with iwae(k = 5)", "MIB285"),
        ("KL(q(z | x) || p(z | c)) with iwae(k = 5)", "MIB285"),
        ("KL(q || p) with iwae", "MIB286"),
        ("KL(q || p) with iwae(5)", "MIB286"),
        ("KL(q || p) with iwae(k = learned)", "MIB287"),
        ("KL(q || p) with iwae(k = 0)", "MIB208"),
        ("KL(q || p) with iwae(k = 1000000)", "MIB229"),
        ("H(z | x) - KL(q || p) with iwae(k = 5)", "MIB505"),
    ],
)
def test_elsewhere_it_is_refused(term: str, code: str) -> None:
    text = RICH.replace("beta * KL(q || p) with iwae(k = 5)", f"beta * CE(n | z) + {term}")
    with pytest.raises(SpecError) as found:
        compiled(text)
    assert [one.code for one in found.value.diagnostics if one.severity == "error"] == [code]


def test_rows_that_are_no_multiple_of_the_samples_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        importance_weighted([torch.zeros(5)], [torch.zeros(5)], samples=2)
