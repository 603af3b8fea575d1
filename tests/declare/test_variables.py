"""Variables of every kind, from text to nats: the emitted loss against formulas by hand."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphdsl.compiler import check_spec
from graphdsl.diagnostics import Source
from graphdsl_runtime import Categorical, Gaussian, Laplace, MissingInput, Objective, ShapeMismatch
from tests.emitted import emitted_class, emitted_text
from tests.named import variables
from tests.random_rows import rows_of

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 6
TOLERANCE = 1e-9

CATEGORICAL = """
model categories
observed x : binary[7]
latent c : categorical(5)[2] ~ categorical
q { x -> c }
p { c -> x }
minimize KL(q || p)
"""

COUNTS = """
model counts
observed x : count[7]
latent z : real[3] ~ normal
q { x -> z }
p { z -> x }
minimize KL(q || p)
"""

CVAE = """
model cvae
observed x : real[4]
observed a : categorical(3)
latent z : real[2] ~ normal
q { x, a -> z }
p { a -> z; z, a -> x }
minimize KL(q || p)
"""

BIMODAL = """
model bimodal
observed x[1] : real[3, 2] ~ laplace
observed x[2] : categorical(4)[5]
latent z : real[2] ~ normal
latent x_1 : real ~ normal
q { x -> z by poe; x[1] -> x_1 }
p { z, x_1 -> x[1]; z -> x[2] }
minimize KL(q || p)
"""

LAPLACES = """
model laplaces
observed x : real[4] ~ normal(scale = 0.1)
observed y[1..2] : real[3] ~ laplace(scale = learned)
latent v : real[2] ~ laplace
latent w : real[2] ~ laplace
q { x -> v; y -> w ~ normal }
p { v, w -> x; v -> y[i] for i in 1..2 }
minimize KL(q || p)
"""

LADDER = """
model ladder
observed x : binary[5]
observed y : categorical(3)
latent top : real[2] ~ laplace
latent c : categorical(4) ~ categorical
latent z[1..3] : real[2] ~ normal
q { x -> top, c; x, top -> z }
p { top, c -> z[1]; z[t-1] -> z[t] for t in 2..3; z -> y; z, y -> x }
minimize KL(q || p)
"""

GRID = """
model grid
observed x[1..2, 1..3] : binary[4]
observed y[1..2] : categorical(3)
latent z[1..2, 1..3] : real[5] ~ normal
latent h[1..2] : real[2] ~ normal
q { x[i, j] -> z[i, j] for i in 1..2, j in 1..3
    z[t, not 1], y[t] -> h[t] for t in 1..2 }
p { h -> z[1, 1..2]
    z[i, j] -> x[i, j] for i in 1..2, j in 1..3
    z[1..2, 2], h -> y }
minimize KL(q || p)
"""

FLAT = """
model flat
observed x[1..6] : binary[4]
latent z[1..6] : real[5] ~ normal
q { x[i] -> z[i] for i in 1..6 }
p { z[i] -> x[i] for i in 1..6 }
minimize KL(q || p)
"""

CHAINS = """
model chains
const T = 4
observed x[1..T] : count[3]
latent z[1..T] : real[2] ~ normal
latent h[1..T] : real[2] ~ normal
q { x[1] -> h[1]; h[t] -> z[t] for t in 1..T; z[t-1], x[t] -> h[t] for t in 2..T }
p { z[1], z[2] -> z[3]; z[1..3] -> z[4]; h, z -> x }
minimize KL(q || p)
"""

SPECS = {
    "categorical latents": CATEGORICAL, "counts": COUNTS, "conditional prior": CVAE,
    "two kinds": BIMODAL, "Laplace": LAPLACES, "ladder": LADDER, "grid": GRID, "chains": CHAINS,
}  # fmt: skip
by_text = pytest.mark.parametrize("text", SPECS.values(), ids=SPECS.keys())


def made(text: str) -> tuple[Objective, dict[str, Tensor], dict[str, Tensor]]:
    """A module, a batch, and noise."""
    objective = emitted_class(text)()
    batch = rows_of(objective)
    return objective, batch, objective.draw_noise(next(iter(batch.values())))


def run(objective: Objective, network: str, *parents: Tensor) -> Tensor:
    """The answer of one of its networks."""
    answer: Tensor = objective.get_submodule(network)(*parents)
    return answer


def one_hot(values: Tensor, classes: int) -> Tensor:
    return torch.eye(classes)[values]


def mean_of(nats: Tensor) -> Tensor:
    return nats.reshape(ROWS, -1).sum(1).mean()


def normal_kl(m: Tensor, s: Tensor, n: Tensor, t: Tensor) -> Tensor:
    """KL(N(m, e^s) || N(n, e^t)), log-variances."""
    return 0.5 * (t - s + (torch.exp(s) + (m - n) ** 2) / torch.exp(t) - 1)


# ---- losses by hand ----------------------------------------------------------------------------


def test_categorical_latents_by_hand() -> None:
    """Jang, Gu and Poole 2017: an exact sample, and the discrete KL from the uniform prior."""
    objective, batch, noise = made(CATEGORICAL)
    logits = run(objective, "q_c", batch["x"].double())
    rho = torch.softmax(logits, -1)
    uniform = torch.special.ndtr(noise["c"])
    chosen = (logits - torch.log(-torch.log(uniform))).argmax(-1)
    decoded = run(objective, "p_x", one_hot(chosen, 5))
    chance = torch.sigmoid(decoded)
    nll = -torch.log(torch.where(batch["x"] > 0, chance, 1 - chance))
    kl = (rho * torch.log(rho * 5)).sum(-1)
    losses = objective(batch, noise)
    assert losses.loss.item() == pytest.approx((mean_of(nll) + mean_of(kl)).item(), abs=TOLERANCE)
    assert 0 <= losses.terms["rate_c"].item() <= 2 * math.log(5)


def test_a_relaxed_sample_lets_the_gradient_through() -> None:
    objective, batch, noise = made(CATEGORICAL)
    objective(batch, noise).terms["reconstruction_x"].backward()
    cool = next(objective.get_submodule("q_c").parameters()).grad
    assert cool is not None
    assert cool.abs().sum() > 0
    first = objective(batch, noise).loss
    objective.temperature = 0.1
    assert objective(batch, noise).loss.item() == pytest.approx(first.item(), abs=TOLERANCE)


def test_counts_by_hand() -> None:
    objective, batch, noise = made(COUNTS)
    x = batch["x"].double()
    m, s = run(objective, "q_z", x).chunk(2, -1)
    rate = torch.exp(run(objective, "p_x", m + torch.exp(s / 2) * noise["z"]))
    nll = rate - x * torch.log(rate) + torch.lgamma(x + 1)
    kl = normal_kl(m, s, torch.zeros(1), torch.zeros(1))
    expected = mean_of(nll) + mean_of(kl)
    assert objective(batch, noise).loss.item() == pytest.approx(expected.item(), abs=TOLERANCE)


def test_conditional_prior_by_hand() -> None:
    """Sohn, Lee and Yan 2015, eq. 4."""
    objective, batch, noise = made(CVAE)
    a = one_hot(batch["a"], 3)
    m, s = run(objective, "q_z", batch["x"], a).chunk(2, -1)
    n, t = run(objective, "p_z", a).chunk(2, -1)
    mean = run(objective, "p_x", m + torch.exp(s / 2) * noise["z"], a)
    nll = 0.5 * ((batch["x"] - mean) ** 2 + math.log(2 * math.pi))
    expected = mean_of(nll) + mean_of(normal_kl(m, s, n, t))
    assert objective(batch, noise).loss.item() == pytest.approx(expected.item(), abs=TOLERANCE)


def test_two_kinds_by_hand() -> None:
    objective, batch, noise = made(BIMODAL)
    first, second = batch["x[1]"], batch["x[2]"]
    letters = one_hot(second, 4)
    m, s = run(objective, "q_z_x_1", first).chunk(2, -1)
    n, t = run(objective, "q_z_x_2", letters).chunk(2, -1)
    precision = 1 + torch.exp(-s) + torch.exp(-t)
    mean = (m * torch.exp(-s) + n * torch.exp(-t)) / precision
    z = mean + noise["z"] / torch.sqrt(precision)
    m, s = (one.squeeze(-1) for one in run(objective, "q_x_1", first).chunk(2, -1))
    u = m + torch.exp(s / 2) * noise["x_1"]
    nll = (first - run(objective, "p_x_1", z, u)).abs() + math.log(2)
    likely = torch.softmax(run(objective, "p_x_2", z), -1).gather(-1, second[..., None])
    zero = torch.zeros(1)
    rates = normal_kl(mean, -torch.log(precision), zero, zero), normal_kl(m, s, zero, zero)
    expected = mean_of(nll) - mean_of(torch.log(likely)) + mean_of(rates[0]) + mean_of(rates[1])
    assert objective(batch, noise).loss.item() == pytest.approx(expected.item(), abs=TOLERANCE)


def test_laplace_and_scales_by_hand() -> None:
    objective, batch, noise = made(LAPLACES)
    log_scale = objective.get_parameter("log_scale_p_y")
    assert log_scale.shape == (2, 1)  # one for each variable
    with torch.no_grad():
        log_scale.add_(torch.tensor([[0.3], [-0.7]]))
    x, y = batch["x"], batch["y"]
    m, s = run(objective, "q_v", x).chunk(2, -1)
    tail = torch.special.ndtr(-noise["v"].abs())
    v = m - torch.exp(s) * torch.sign(noise["v"]) * torch.log(2 * tail)
    n, t = run(objective, "q_w", y).chunk(2, -1)
    w = n + torch.exp(t / 2) * noise["w"]
    nll = (x - run(objective, "p_x", v, w)) ** 2 / (2 * 0.1**2)
    nll = nll + math.log(0.1 * math.sqrt(2 * math.pi))
    scale = torch.exp(log_scale)
    other = (y - run(objective, "p_y", v)).abs() / scale + torch.log(2 * scale)
    rate_v = m.abs() + torch.exp(s - m.abs() / torch.exp(s)) - 1 - s
    # E|w| of a normal is that of a folded normal; the entropy of a normal is closed.
    sigma = torch.exp(t / 2)
    folded = sigma * math.sqrt(2 / math.pi) * torch.exp(-(n**2) / (2 * sigma**2))
    folded = folded + n * torch.erf(n / (sigma * math.sqrt(2)))
    rate_w = folded + math.log(2) - 0.5 * (t + math.log(2 * math.pi * math.e))
    parts = (nll, other, rate_v, rate_w)
    losses = objective(batch, noise)
    expected = sum(mean_of(part).item() for part in parts)
    assert losses.loss.item() == pytest.approx(expected, abs=TOLERANCE)
    losses.loss.backward()
    assert log_scale.grad is not None


def test_several_indices_are_one_family() -> None:
    """z[1..2, 1..3] is z[1..6] by other names: same networks, same loss."""
    text = FLAT.replace("1..6", "1..2, 1..3").replace("[i]", "[i, j]")
    grid = emitted_class(text.replace("for i in 1..2, 1..3", "for i in 1..2, j in 1..3"))()
    flat = emitted_class(FLAT)()
    flat.load_state_dict(grid.state_dict())
    batch = rows_of(grid)
    noise = grid.draw_noise(batch["x"])
    assert noise["z"].shape == (ROWS, 2, 3, 5)
    one = grid(batch, noise).loss
    two = flat({"x": batch["x"].flatten(1, 2)}, {"z": noise["z"].flatten(1, 2)}).loss
    assert one.item() == pytest.approx(two.item(), abs=TOLERANCE)
    members = {f"x[{i + 1},{j + 1}]": batch["x"][:, i, j] for i in range(2) for j in range(3)}
    assert grid(members, noise).loss.item() == pytest.approx(one.item(), abs=TOLERANCE)
    assert torch.equal(
        grid.infer(batch)["z"].mean, flat.infer({"x": batch["x"].flatten(1, 2)})["z"].mean.reshape(
            ROWS, 2, 3, 5
        )
    )  # fmt: skip
    torch.testing.assert_close(
        grid.translate(batch, to=["x[2,1]"])["x[2,1]"],
        flat.translate({"x": batch["x"].flatten(1, 2)}, to=["x[4]"])["x[4]"],
    )


def test_slices_and_not_in_each_index() -> None:
    model = check_spec(Source("grid.mib", GRID)).model
    of = {one.children: one.parents for one in model.inference.conditionals}
    assert of[variables(["h[2]"])] == ("z[2,2]", "z[2,3]", "y[2]")
    assert model.generation is not None
    of = {one.children: one.parents for one in model.generation.conditionals}
    assert of[variables(["z[1,1]", "z[1,2]"])] == ("h[1]", "h[2]")
    assert of[variables(["y[1]", "y[2]"])] == ("z[1,2]", "z[2,2]", "h[1]", "h[2]")


# ---- everything that a module can do -------------------------------------------------------------


@by_text
def test_every_network_is_trained(text: str) -> None:
    objective, batch, noise = made(text)
    objective(batch, noise).loss.backward()
    assert not [name for name, one in objective.named_parameters() if one.grad is None]


@by_text
def test_what_comes_out_has_the_spec_s_shapes(text: str) -> None:
    objective, batch, noise = made(text)
    shapes = {one.name: one.noise_shape for one in objective.variables}
    for name, posterior in objective.infer(batch, noise).items():
        assert posterior.mean.shape == (ROWS, *shapes[name])
    part = dict(list(batch.items())[:1])
    for posterior in objective.infer(part).values():
        assert torch.isfinite(posterior.mean).all()
    given = {one.name: batch[one.name] for one in objective.variables if one.role != "latent"}
    for name, mean in objective.generate(ROWS, given).items():
        assert mean.shape == (ROWS, *shapes[name])
        assert torch.isfinite(mean).all()


@by_text
def test_emitted_code_is_formatted(text: str, tmp_path: Path) -> None:
    file = tmp_path / "emitted.py"
    file.write_text(emitted_text(text))
    tool, line = [sys.executable, "-m", "ruff"], ["--isolated", "--line-length=88"]
    subprocess.run([*tool, "format", "--check", *line, str(file)], check=True)
    subprocess.run([*tool, "check", "--select=E,F,W,B,UP", *line, str(file)], check=True)


def test_members_of_their_own_kind_have_names_of_their_own() -> None:
    """`x[1]` beside a variable `x_1`: two names in the code, and the spec's own outside."""
    tree = ast.parse(emitted_text(BIMODAL))
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {"x_1", "x_1_2", "x_2"} <= stored
    objective, batch, _ = made(BIMODAL)
    assert set(batch) == {"x[1]", "x[2]"}
    assert set(objective.infer(batch)) == {"z", "x_1"}
    assert set(objective.translate(batch, to=["x[2]"])) == {"x[2]"}


def test_posteriors_are_of_their_laws() -> None:
    objective, batch, noise = made(LADDER)
    laws = {name: type(one) for name, one in objective.infer(batch, noise).items()}
    assert laws == {"top": Laplace, "c": Categorical, "z": Gaussian}


# ---- generation ----------------------------------------------------------------------------------


def test_ancestral_samples_go_from_roots_to_leaves() -> None:
    objective, _, noise = made(LADDER)
    values = objective.ancestral_sample(noise, {})
    tail = torch.special.ndtr(-noise["top"].abs())
    top = -torch.sign(noise["top"]) * torch.log(2 * tail)
    c = one_hot(noise["c"].argmax(-1), 4)
    m, s = run(objective, "p_z", top, c).chunk(2, -1)
    z = [m + torch.exp(s / 2) * noise["z"][:, 0]]
    for k, network in ((1, "p_z_2"), (2, "p_z_3")):
        m, s = run(objective, network, z[-1]).chunk(2, -1)
        z.append(m + torch.exp(s / 2) * noise["z"][:, k])
    torch.testing.assert_close(values["top"], top)
    torch.testing.assert_close(values["c"], c)
    torch.testing.assert_close(values["z"], torch.stack(z, 1))
    assert values["y"].dtype == torch.int64
    decoded = objective.decode(values)
    mean = torch.sigmoid(run(objective, "p_x", values["z"], one_hot(values["y"], 3)))
    torch.testing.assert_close(decoded["x"].mean, mean)


def test_samples_of_data_follow_their_likelihood() -> None:
    torch.manual_seed(1)
    objective, _, _ = made(LADDER)
    rows = 20_000
    noise = {name: one[:1].expand(rows, *one.shape[1:]) for name, one in made(LADDER)[2].items()}
    values = objective.ancestral_sample(noise, {})
    expected = torch.softmax(run(objective, "p_y", values["z"][:1]), -1)[0]
    found = one_hot(values["y"], 3).mean(0)
    torch.testing.assert_close(found, expected, atol=4 / math.sqrt(rows), rtol=0)


def test_what_p_conditions_on_is_given() -> None:
    objective, batch, _ = made(CVAE)
    with pytest.raises(MissingInput, match="a"):
        objective.generate(ROWS)
    with pytest.raises(ShapeMismatch):
        objective.generate(2, {"a": batch["a"]})
    torch.manual_seed(3)
    made_by = objective.generate(ROWS, {"a": batch["a"]})
    torch.manual_seed(3)
    noise = objective.draw_noise(batch["x"])
    a = one_hot(batch["a"], 3)
    n, t = run(objective, "p_z", a).chunk(2, -1)
    z = n + torch.exp(t / 2) * noise["z"]
    torch.testing.assert_close(made_by["x"], run(objective, "p_x", z, a))


def test_a_missing_view_leaves_the_conditional_prior() -> None:
    """q(z | x, a) without x is p(z | a), in `infer` and in what is translated."""
    objective, batch, _ = made(CVAE)
    a = one_hot(batch["a"], 3)
    n, t = run(objective, "p_z", a).chunk(2, -1)
    posterior = objective.infer({"a": batch["a"]})["z"]
    assert isinstance(posterior, Gaussian)
    torch.testing.assert_close(posterior.mean, n)
    torch.testing.assert_close(posterior.log_var, t)
    torch.testing.assert_close(
        objective.translate(batch, to=["x"])["x"], run(objective, "p_x", n, a)
    )
    some = batch["x"].clone()
    some[0] = torch.nan
    mixed = objective.infer({"x": some, "a": batch["a"]})["z"]
    torch.testing.assert_close(mixed.mean[0], n[0])
    torch.testing.assert_close(mixed.mean[1:], objective.infer(batch)["z"].mean[1:])
    torch.testing.assert_close(objective.infer({"x": some})["z"].mean, torch.zeros(ROWS, 2))


PREDICTED = """
model predicted
observed x : binary[5]
observed y : categorical(3)
observed w : real[2]
latent z : real[2] ~ normal
q { x, w -> z by poe }
p { z, y -> x; z -> y, w }
minimize KL(q || p)
"""


def test_what_p_generates_and_conditions_on_is_predicted_first() -> None:
    """p(y | z) p(x | z, y): y as the batch has it, or as p(y | z) would have it."""
    objective, batch, _ = made(PREDICTED)
    told = objective.translate(batch, to=["x"])["x"]
    z = objective.infer({"w": batch["w"]})["z"].mean
    given = torch.sigmoid(run(objective, "p_x", z, one_hot(batch["y"], 3)))
    torch.testing.assert_close(told, given)
    both = objective.translate(batch, to=["x", "y"])
    predicted = one_hot(run(objective, "p_y", z).argmax(-1), 3)
    torch.testing.assert_close(both["x"], torch.sigmoid(run(objective, "p_x", z, predicted)))
    torch.testing.assert_close(both["y"], torch.softmax(run(objective, "p_y", z), -1))


SCATTERED = """
model scattered
observed w[1..2, 1..2] : categorical(3)
observed x : real
latent c[1..3] : categorical(3) ~ categorical
q { w[1,1], x -> c[1]; w[1,2], c[1] -> c[2]; w[2,1] -> c[3] }
p { c[2] -> c[1]; c[2], c[1] -> c[3]; c[1], c[3] -> w[2,1]; c[2] -> w[1,1]
    c[2], w[1,1], w[2,1] -> w[1,2]; w[2,1] -> w[2,2]; c, w[2,2] -> x }
minimize KL(q || p)
"""


def test_members_drawn_apart_are_read_together() -> None:
    """Members that a network reads side by side, each sampled by a network of its own."""
    objective, _, noise = made(SCATTERED)
    values = objective.ancestral_sample(noise, {})
    assert values["w"].shape == (ROWS, 2, 2)
    assert values["c"].shape == (ROWS, 3, 3)
    second = one_hot(noise["c"][:, 1].argmax(-1), 3)
    torch.testing.assert_close(values["c"][:, 1], second)
    gumbel = -torch.log(-torch.log(torch.special.ndtr(noise["c"])))
    first = one_hot((run(objective, "p_c", second) + gumbel[:, 0]).argmax(-1), 3)
    torch.testing.assert_close(values["c"][:, 0], first)
    assert objective.generate(ROWS)["x"].shape == (ROWS,)
