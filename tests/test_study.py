"""The experiments: their figures by closed forms, and each of them for a few steps."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from graphdsl_runtime import Gaussian
from study import judges
from study.data import digits_batch, digits_split, mnist
from study.experiments import EXPERIMENTS, experiments_of
from study.many_views import of_pairs
from study.rows import Figure, Row, Setting
from study.sprites import FACTORS, sprites
from study.table import line_of, write_row
from study.training import Trained, emitted, train
from study.warming import warmed
from tests.conftest import SPECS

# ---- figures -------------------------------------------------------------------------------------


def all_products(*counts: int) -> Tensor:
    return torch.cartesian_prod(*(torch.arange(count) for count in counts))


def sharp(mean: Tensor) -> Gaussian:
    """A posterior that says its mean, next to exactly."""
    return Gaussian(mean, torch.full_like(mean, -12.0))


def test_a_latent_for_each_factor_has_a_gap_of_one() -> None:
    factors = all_products(3, 4, 2)
    code = torch.cat([factors.float(), torch.zeros(24, 2)], dim=1)
    gap = judges.mutual_information_gap(sharp(code), factors, 24)
    assert gap == pytest.approx(1.0, abs=1e-5)


def test_the_gap_is_of_the_two_best_latents() -> None:
    """The first factor has a latent and its copy; the second has one of its parity, and none else.

    I(z; v) of v in 0..3 and its parity is log 2, half of H(v).
    """
    factors = all_products(3, 4)
    code = torch.stack([factors[:, 0], -factors[:, 0], factors[:, 1] % 2], dim=1).float()
    gap = judges.mutual_information_gap(sharp(code), factors, 12)
    assert gap == pytest.approx((0.0 + math.log(2) / math.log(4)) / 2, abs=1e-5)


def test_factors_that_are_turned_have_next_to_no_gap() -> None:
    factors = all_products(8, 8)
    u, v = (factors - 3.5).float().T
    turned = torch.stack([u + v, u - v], dim=1) / math.sqrt(2)
    posterior = Gaussian(turned, torch.full_like(turned, -4.0))
    assert judges.mutual_information_gap(posterior, factors, 64) < 0.01


def test_information_of_a_code_of_one_gaussian_is_in_closed_form() -> None:
    """Of two values, far apart in a code of scale 1: I = log 2 less what they overlap."""
    factors = all_products(2)[:, None].repeat(200, 1)
    code = 1.5 * factors.float()
    posterior = Gaussian(torch.cat([code, 0 * code], 1), torch.zeros(400, 2))
    grid = torch.linspace(-12, 14, 20_001, dtype=torch.float64)
    p = torch.stack([(-0.5 * (grid - m) ** 2).exp() for m in (0.0, 1.5)]) / math.sqrt(2 * math.pi)
    mixed = p.mean(0)
    information = torch.trapezoid((p * (p / mixed).log()).mean(0), grid).item()
    gap = judges.mutual_information_gap(posterior, factors, 400)
    assert gap == pytest.approx(information / math.log(2), abs=0.06)  # 400 samples: 1 / sqrt(400)


def test_shared_information_of_tables() -> None:
    labels = torch.arange(10).repeat(10)
    assert judges.shared_information(labels, (labels + 3) % 10) == pytest.approx(math.log(10))
    assert judges.shared_information(labels, labels % 2) == pytest.approx(math.log(2))
    others = torch.arange(10).repeat_interleave(10)
    assert judges.shared_information(labels, others) == pytest.approx(0.0, abs=1e-12)


def test_sources_are_found_in_any_order_scale_and_sign() -> None:
    torch.manual_seed(0)
    s = torch.randn(500, 4)
    found = s[:, [2, 0, 3, 1]] * torch.tensor([1.0, -2.0, 0.1, 5.0]) + 3.0
    assert judges.correlation_of_sources(found, s) == pytest.approx(1.0, abs=1e-5)
    turned = torch.stack([s[:, 0] + s[:, 1], s[:, 0] - s[:, 1]], dim=1)
    mcc = judges.correlation_of_sources(turned, s[:, :2])
    assert mcc == pytest.approx(math.sqrt(0.5), abs=0.05)


def test_normal_total_correlation_of_a_known_covariance() -> None:
    """Means of correlation 1 and variance 3, under noise of variance 1: rho = 3 / 4."""
    means = math.sqrt(3.0) * torch.tensor([[1.0, 1.0], [-1.0, -1.0]])

    def infer(batch: object) -> dict[str, Gaussian]:
        return {"u": Gaussian(means, torch.zeros_like(means))}

    fake = SimpleNamespace(infer=infer, variables=(), parameters=lambda: iter([means]))
    tc = judges.normal_total_correlation(fake, torch.arange(2))  # type: ignore[arg-type]
    assert tc == pytest.approx(-0.5 * math.log(1 - 0.75**2))


def test_independent_pixels_cost_their_entropy() -> None:
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    quarter = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert judges.cost_of_independent_pixels(x, x) == pytest.approx(math.log(2) + quarter)


def test_confidence_and_spread_of_a_known_classifier() -> None:
    class Sure(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    logits = torch.log(torch.tensor([[0.75, 0.25], [0.25, 0.75]]))
    found = judges.confidence_and_spread(Sure(), logits)
    assert found == pytest.approx((0.75, math.log(2)))


def test_a_leak_is_found_and_noise_tells_nothing() -> None:
    torch.manual_seed(0)
    y = torch.randint(2, (400,))
    z = torch.randn(400, 3)
    told = torch.cat([z, 1e-3 * (2.0 * y[:, None] - 1)], dim=1)
    halves = [y[:200], y[200:]]
    assert judges.leakage([told[:200], told[200:]], halves, 2) > 0.98
    assert judges.leakage([z[:200], z[200:]], halves, 2) == pytest.approx(0.5, abs=0.12)


# ---- data ----------------------------------------------------------------------------------------


def test_settings_are_chosen_on_rows_that_are_trained_on() -> None:
    known, unseen = digits_split()
    fewer, chosen_by = digits_split(validate=True)
    assert set(fewer.tolist()) | set(chosen_by.tolist()) == set(known.tolist())
    assert not set(chosen_by.tolist()) & set(unseen.tolist())


@pytest.fixture
def tiny_mnist(tmp_path: Path) -> Path:
    """Twelve images to train on and two to judge by, of 4 x 4 pixels."""
    dice = torch.Generator().manual_seed(0)
    for part, rows in (("train", 12), ("t10k", 2)):
        images = torch.randint(256, (rows, 4, 4), generator=dice)
        head = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in images.shape)
        path = tmp_path / f"{part}-images-idx3-ubyte"
        path.write_bytes(head + bytes(images.flatten().tolist()))
        path = tmp_path / f"{part}-labels-idx1-ubyte"
        path.write_bytes(b"\0\0\x08\x01" + rows.to_bytes(4, "big") + bytes(range(rows)))
    return tmp_path


def test_mnist_has_its_own_split_and_a_fold_of_it(tiny_mnist: Path) -> None:
    whole, fold = mnist(tiny_mnist), mnist(tiny_mnist, validate=True)
    assert whole.known.tolist() == list(range(12))
    assert whole.unseen.tolist() == [12, 13]
    assert (fold.known.tolist(), fold.unseen.tolist()) == (list(range(10)), [10, 11])
    assert torch.equal(whole.labels, torch.tensor([*range(12), 0, 1]))
    assert whole.pixels.shape == (14, 16)


def test_every_sprite_is_there_once() -> None:
    pixels, factors = sprites()
    assert len(pixels) == math.prod(FACTORS.values()) == len(set(map(tuple, factors.tolist())))
    assert len(set(map(tuple, pixels.tolist()))) == len(pixels)
    assert pixels.min() == 0.0
    assert pixels.max() == 1.0


def test_position_moves_a_sprite_by_a_pixel() -> None:
    pixels, factors = sprites()
    images = pixels.reshape(*FACTORS.values(), 16, 16)
    assert torch.equal(images[:, :, :, 1:, :, :, 1:], images[:, :, :, :-1, :, :, :-1])
    assert torch.equal(images[:, :, :, :, 1:, 1:, :], images[:, :, :, :, :-1, :-1, :])
    assert torch.equal(factors.reshape(*FACTORS.values(), 5)[2, 3, 4, 5, 6], torch.arange(2, 7))


def test_scale_and_rotation_do_what_they_say() -> None:
    pixels, _ = sprites()
    images = pixels.reshape(*FACTORS.values(), 16, 16)
    areas = images[0, :, 0, 4, 4].sum((1, 2))
    long = 2 * torch.tensor([2.0, 2.75, 3.5, 4.25])
    off = (areas - long * long / 2).abs()  # a bar is half as wide as long
    edges = 0.25 * (long + long / 2)  # a sample, which is in or out, is a quarter of a pixel
    assert (off <= edges).all()
    bar = images[0, 3, :, 4, 4]
    assert (bar[4] - bar[0].T).abs().sum() <= edges[3]  # a quarter turn, about the diagonal
    assert (bar[0] - bar[0].T).abs().sum() > 4 * edges[3]


def test_an_image_and_its_label_are_views_of_the_same_spec() -> None:
    text = of_pairs("observed x[1..views] : binary[pixels] optional\nlatent z : real[16] ~ normal")
    assert text.splitlines()[:2] == [
        "observed x[1] : binary[pixels] optional",
        "observed x[2] : categorical(10) optional",
    ]


def test_rates_are_warmed_up_from_nothing_to_their_own_weights() -> None:
    """KL(q || p) + (beta - 1) times a rate: the rate counts 0, then 2, then 4 and 4."""
    torch.manual_seed(0)
    objective = emitted("beta_vae")(beta=4.0)
    batch = {"x": torch.rand(5, 64)}
    noise = objective.draw_noise(batch["x"])
    whole = objective(batch, noise)
    with warmed(objective, 2):
        losses = [objective(batch, noise) for _ in range(4)]
    for one, weight in zip(losses, (0.0, 2.0, 4.0, 4.0), strict=True):
        expected = whole.terms["reconstruction_x"] + weight * whole.terms["rate_u"]
        assert torch.allclose(one.loss, expected)
        assert torch.equal(one.players["model"], one.loss)
    assert torch.equal(objective(batch, noise).loss, whole.loss)


# ---- experiments ---------------------------------------------------------------------------------

CASES = {
    f"{experiment.__name__}-{data}": (spec, data)
    for spec, by_data in {"vae": experiments_of("vae"), **EXPERIMENTS}.items()
    for data, experiment in by_data.items()
}


@pytest.mark.parametrize("case", CASES)
def test_each_experiment_has_figures_of_model_and_control(case: str) -> None:
    spec, data = CASES[case]
    row = experiments_of(spec)[data](spec, Setting(2, 0, validate=True, judging=2))
    assert row.spec == spec
    assert row.trained.terms
    for figure in row.figures:
        assert math.isfinite(figure.model), figure
        assert math.isfinite(figure.control), figure
        if "accuracy" in figure.said:
            assert 0 <= figure.model <= 1


def test_players_that_circle_are_judged_by_the_mean_of_their_weights() -> None:
    """After one step, two and three from the same start: what comes back is the mean of those."""
    rows = digits_split()[0]
    found = []
    for steps in (1, 2, 3):
        torch.manual_seed(0)
        objective = emitted("gan")()
        trained = train(
            objective,
            lambda some, of=objective: digits_batch(of, some),  # type: ignore[misc]
            rows,
            steps,
            game=True,
        )
        found.append((list(objective.parameters()), list(trained.objective.parameters())))
    of_each = zip(*(weights for weights, _ in found), strict=True)
    for mean, weights in zip(found[-1][1], of_each, strict=True):
        torch.testing.assert_close(mean, torch.stack(weights).mean(0))
        assert not torch.equal(weights[0], weights[2])


def test_experiments_are_of_specs_that_ship() -> None:
    assert set(EXPERIMENTS) <= {path.stem for path in SPECS}


def test_a_row_takes_the_place_of_its_like(tmp_path: Path) -> None:
    def row(spec: str, model: float) -> Row:
        trained = Trained(objective=None, milliseconds=1.0, terms={"rate_z": 2.0})  # type: ignore[arg-type]
        return Row(spec, "digits", (Figure("a figure", model, 0.5),), "another", trained)

    page = tmp_path / "models.md"
    write_row(page, [row("vae", 1.0)], 10)
    page.write_text(page.read_text() + "\nWhat is said below.\n")
    write_row(page, [row("gan", 2.0), row("gan", 4.0)], 10)
    write_row(page, [row("vae", 3.0)], 10)
    lines = page.read_text().splitlines()
    assert [one.split("|")[4].strip() for one in lines if one.startswith("| `")] == [
        f"3.000 ± {math.sqrt(2):.3f}",
        "3.000",
    ]
    assert lines[-2:] == ["", "What is said below."]
    assert "rate_z 2" in line_of([row("vae", 1.0)], 10)
