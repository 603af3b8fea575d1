"""What a view costs given another agrees with sums written out, and with an integral."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Gaussian,
    Latents,
    Likelihood,
    Noise,
    Objective,
    Variable,
)
from graphdsl_runtime.training import (
    DataSet,
    Epoch,
    Layout,
    SeesItsAnswer,
    TooFewLabels,
    TrainingSettings,
    Translation,
    evaluate_translations,
    other_labels,
    summarise,
    train,
    translation_cost,
)
from graphdsl_runtime.training.seeds import seeded

LOG_VAR = -0.7


class Linear(Objective):
    """Two variables that are no family: `a`, seen, and `b`, of a shape of its own, predicted."""

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable("a", role="observed", kind="binary", shape=(3,)),
        Variable("b", role="observed", kind="binary", shape=(2, 2)),
        Variable("z", role="latent", kind="real", shape=(2,)),
        Variable("u", role="latent", kind="real", shape=(1,)),
    )

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.encoder = nn.Parameter(torch.randn(3, 2, generator=generator, dtype=torch.float64))
        self.decoder = nn.Parameter(torch.randn(3, 4, generator=generator, dtype=torch.float64))

    @torch.no_grad()
    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        a, a_seen = self.observe_some(batch, "a")
        b, b_seen = self.observe_some(batch, "b")
        mean = a @ self.encoder
        own = b.flatten(1).sum(dim=1, keepdim=True)
        return {
            "z": Gaussian(mean, torch.full_like(mean, LOG_VAR)).or_prior(a_seen),
            "u": Gaussian.unit(own).or_prior(b_seen),
        }

    @torch.no_grad()
    def decode(self, latents: Latents) -> Mapping[str, Likelihood]:
        z, u = latents["z"], latents["u"]
        logits = torch.cat([z, u], dim=1) @ self.decoder
        return {"a": Bernoulli(z @ self.encoder.T), "b": Bernoulli(logits.reshape(-1, 2, 2))}


@pytest.fixture
def a() -> Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)


@pytest.fixture
def b() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(8, 2, 2, generator=generator, dtype=torch.float64).round()


def log_prob_by_hand(linear: Linear, row: Tensor, z: Tensor, u: Tensor) -> float:
    total = 0.0
    for pixel, value in enumerate(row.flatten().tolist()):
        logit = sum(
            latent * weight
            for latent, weight in zip(
                [*z.tolist(), *u.tolist()], linear.decoder[:, pixel].tolist(), strict=True
            )
        )
        total += -math.log1p(math.exp(-logit)) if value else -math.log1p(math.exp(logit))
    return total


def test_it_is_the_sum_written_out(a: Tensor, b: Tensor) -> None:
    linear, samples = Linear(), 5
    costs = translation_cost(linear, {"a": a}, {"b": b}, samples=samples, seed=7)
    with seeded(7):
        noise = linear.draw_noise(torch.zeros(len(a) * samples, dtype=torch.float64))
    for row in range(len(a)):
        total = 0.0
        for sample in range(samples):
            at = row * samples + sample
            z = a[row] @ linear.encoder + math.exp(LOG_VAR / 2) * noise["z"][at]
            total += math.exp(log_prob_by_hand(linear, b[row], z, noise["u"][at]))
        assert costs[row].item() == pytest.approx(-math.log(total / samples), rel=1e-12)


def test_it_goes_to_the_integral_over_the_latents(a: Tensor, b: Tensor) -> None:
    linear, samples = Linear(), 4096
    costs = translation_cost(linear, {"a": a}, {"b": b}, samples=samples, rows_at_once=3)
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    grid = torch.tensor(list(itertools.product(nodes, repeat=3)))
    mass = torch.tensor(list(itertools.product(weights / weights.sum(), repeat=3))).prod(dim=1)
    for row in range(len(a)):
        z = a[row] @ linear.encoder + math.exp(LOG_VAR / 2) * grid[:, :2]
        likelihood = linear.decode({"z": z, "u": grid[:, 2:]})["b"]
        log_prob = likelihood.log_prob(b[row].expand(len(grid), 2, 2))
        p = torch.exp(log_prob.flatten(1).sum(dim=1))
        mean = (mass * p).sum().item()
        deviation = math.sqrt((mass * (p - mean) ** 2).sum().item() / samples) / mean
        assert abs(costs[row].item() + math.log(mean)) < 4 * deviation


def test_the_answer_may_not_be_given(a: Tensor, b: Tensor) -> None:
    with pytest.raises(SeesItsAnswer, match="`b` is both given and to be predicted"):
        translation_cost(Linear(), {"a": a, "b": b}, {"b": b})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "counts", [(1, 1), (2, 1, 1), (50, 50), (50, 30, 20), (1, 2, 3, 4), (9, 1, 1, 1, 6)]
)
def test_other_labels_are_other(counts: tuple[int, ...], seed: int) -> None:
    ordered = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    shuffled = ordered[torch.randperm(len(ordered), generator=torch.Generator().manual_seed(seed))]
    for labels in (ordered, shuffled):
        rows = other_labels(labels, seed)
        assert torch.equal(rows.sort().values, torch.arange(len(labels)))
        assert not (labels[rows] == labels).any()


def test_a_label_of_more_than_half_of_the_rows_is_refused() -> None:
    with pytest.raises(TooFewLabels, match="3 of 5 rows"):
        other_labels(torch.tensor([1, 1, 1, 0, 2]))


@pytest.fixture(scope="module")
def trained(
    make_objective: Callable[..., Objective],
    tiny_data: DataSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Objective:
    objective = make_objective()
    train(
        objective,
        tiny_data,
        TrainingSettings(epochs=60, batch_size=10, learning_rate=0.05, device="cpu"),
        out=tmp_path_factory.mktemp("trained"),
        quiet=True,
    )
    return objective


def test_every_view_is_predicted_from_every_other(trained: Objective, tiny_data: DataSet) -> None:
    there, back = evaluate_translations(trained, tiny_data)
    assert (there.given, there.target) == ("x[1]", "x[2]")
    assert (back.given, back.target) == ("x[2]", "x[1]")
    first, second = tiny_data.test.unbind(dim=1)
    own = translation_cost(trained, {"x[1]": first}, {"x[2]": second})
    rows = other_labels(tiny_data.test_labels)
    other = translation_cost(trained, {"x[1]": first[rows]}, {"x[2]": second})
    assert there.model == pytest.approx(own.mean().item(), rel=1e-6)
    assert there.other_label == pytest.approx(other.mean().item(), rel=1e-6)
    assert there.rows == 20


def test_what_is_shared_is_used(trained: Objective, tiny_data: DataSet) -> None:
    for one in evaluate_translations(trained, tiny_data):
        assert one.model < 0.8 * one.pixel_mean
        assert one.model < 0.8 * one.other_label


def test_the_baseline_is_the_training_rows_smoothed_means(
    trained: Objective, tiny_data: DataSet
) -> None:
    there, _ = evaluate_translations(trained, tiny_data, samples=1)
    p = (tiny_data.train[:, 1].sum(dim=0) + 1) / (len(tiny_data.train) + 2)
    x = tiny_data.test[:, 1]
    by_hand = -(x * p.log() + (1 - x) * (1 - p).log()).sum(dim=1).mean()
    assert there.pixel_mean == pytest.approx(by_hand.item(), rel=1e-5)
    assert there.mixture < there.pixel_mean


class OneView(Linear):
    """The same, without the variable that is predicted."""

    variables = (Linear.variables[0], *Linear.variables[2:])


class NoDecoder(Linear):
    """The same, without a generation network."""

    variables = (
        Variable("a", role="observed", kind="binary", members=2, shape=(6,)),
        Variable("z", role="latent", kind="real", shape=(2,)),
    )
    decode = Objective.decode


def test_there_is_nothing_to_predict_in_one_view_or_without_a_decoder(tiny_data: DataSet) -> None:
    one_view = DataSet(
        name="one",
        train=tiny_data.train[:, :1, :3],
        test=tiny_data.test[:, :1, :3],
        train_labels=tiny_data.train_labels,
        test_labels=tiny_data.test_labels,
        layout=Layout(rows=1, columns=3),
    )
    assert evaluate_translations(OneView(), one_view) == ()
    assert evaluate_translations(NoDecoder(), tiny_data) == ()


def test_the_summary_shows_nats_and_ratios() -> None:
    epoch = Epoch(
        number=9,
        train={"loss": 31.25, "rate_z": 2.5},
        held_out={"loss": 33.75, "rate_z": 2.25},
    )
    cost = Translation(
        given="x[1]",
        target="x[2]",
        rows=359,
        model=6.0,
        other_label=11.0,
        mixture=7.5,
        pixel_mean=10.0,
    )

    def rendered(*translations: Translation) -> list[str]:
        console = Console(file=io.StringIO(), width=100)
        with console.capture() as capture:
            console.print(summarise(epoch, translations))
        return [" ".join(line.replace("│", " ").split()) for line in capture.get().splitlines()]

    assert "loss 31.25 33.75" in rendered()
    assert "rate_z 2.50 2.25" in rendered()
    assert not any("per-pixel" in line for line in rendered())
    for line in (
        "x[2] given x[1]",
        "this model 6.00 0.600",
        "given another label's 11.00 1.100",
        "mixture, given nothing 7.50 0.750",
        "per-pixel mean 10.00 1.000",
    ):
        assert any(line in shown for shown in rendered(cost)), line
