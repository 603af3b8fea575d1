"""Distances from samples, and games: what each player of an emitted module minimises and trains."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.report import audit_json, audit_schema
from graphdsl_runtime import Losses
from tests.by_hand import slope
from tests.corpus import some
from tests.emitted import emitted_class, emitted_text, objective_of
from tests.gradients import assert_equal_gradients

HEAD = """
model game
observed x : real[6]
observed y : binary
observed e : categorical(3)
latent z : real[2] ~ normal
q { x -> z via mlp(8) }
p { z -> x via mlp(8) }
minimize """

GAMES = {
    "GAN": "JS(q(x) || p(x))",
    "flipped GAN": "JS(q(x) || p(x)) with non_saturating",
    "GAN with R1": "JS(q(x) || p(x)) with non_saturating(r1 = 0.5)",
    "ALI": "JS(q || p)",
    "ALI with R1": "JS(q || p) with non_saturating(r1 = 2)",
    "AAE": "CE(x | z) + KL(q(z) || p(z)) with adversary",
    "AAE with R1": "CE(x | z) + 3 * (JS(q(z) || p(z)) with adversary(r1 = 10))",
    "ratio with R1": "CE(x | z) + KL(q(z) || p(z)) with adversary(r1 = 1/3)",
    "invariance": "CE(x | z) + 2 * (CE(y | z) - CE(y | z, e))",
}
DISTANCES = {
    "WAE": "CE(x | z) + 10 * MMD(q(z) || p(z))",
    "sliced WAE": "CE(x | z) + 10 * W(q(z) || p(z))",
}


def batch(rows: int = 16) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "x": torch.randn(rows, 6, dtype=torch.float64),
        "y": (torch.rand(rows) > 0.5).double(),
        "e": torch.randint(3, (rows,)),
    }


def noise(rows: int = 16) -> dict[str, Tensor]:
    torch.manual_seed(2)
    return {
        "z": torch.randn(rows, 2, dtype=torch.float64),
        "prior(z)": torch.randn(rows, 2, dtype=torch.float64),
    }


@pytest.mark.parametrize("text", GAMES.values(), ids=GAMES)
def test_each_player_trains_its_own_networks_alone(text: str) -> None:
    objective = objective_of(HEAD + text)
    losses: Losses = objective(batch(), noise())
    groups = objective.parameter_groups()
    assert losses.players.keys() == groups.keys() == {"model", "critic"}
    everything = [one for group in groups.values() for one in group]
    assert sorted(map(id, everything)) == sorted(map(id, objective.parameters()))
    for player, loss in losses.players.items():
        gradients = torch.autograd.grad(loss, everything, retain_graph=True, allow_unused=True)
        reached = {id(p) for p, g in zip(everything, gradients, strict=True) if g is not None}
        assert reached <= {id(one) for one in groups[player]}, player
        assert reached


@pytest.mark.parametrize("text", GAMES.values(), ids=GAMES)
def test_a_step_of_each_player_lowers_its_loss_while_the_others_hold_still(text: str) -> None:
    for player in ("model", "critic"):
        objective = objective_of(HEAD + text)
        group = objective.parameter_groups()[player]
        before = objective(batch(), noise()).players[player]
        gradients = torch.autograd.grad(before, group, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(group, gradients, strict=True):
                if gradient is not None:
                    parameter.sub_(1e-4 * gradient)
        assert objective(batch(), noise()).players[player] < before


def test_the_gan_is_the_published_game() -> None:
    """Goodfellow et al. 2014: E log D + E log(1 - D), which is 2 JS - 2 log 2, and gradients."""
    objective = objective_of(HEAD + GAMES["GAN"])
    x, z = batch()["x"], noise()["z"]
    generator, critic = objective.get_submodule("p_x"), objective.get_submodule("critic_of_x")
    losses = objective(batch(), {"z": z, "prior(z)": noise()["prior(z)"]})
    fake = generator(noise()["prior(z)"])
    real, made_up = critic(x), critic(fake)
    value = (F.logsigmoid(real).mean() + F.logsigmoid(-made_up).mean()) / 2 + math.log(2)
    assert losses.loss.item() == pytest.approx(value.item(), abs=1e-9)
    for player, factor in (("model", 1.0), ("critic", -2.0)):  # the critic's loss is not halved
        group = objective.parameter_groups()[player]
        assert_equal_gradients(losses.players[player], factor * value, group)


def test_the_generator_may_play_by_flipped_labels() -> None:
    """Goodfellow et al. 2014, sec. 3: it minimises -E log D; the critic is that of the GAN."""
    objective = objective_of(HEAD + GAMES["flipped GAN"])
    losses = objective(batch(), noise())
    generator, critic = objective.get_submodule("p_x"), objective.get_submodule("critic_of_x")
    real, made_up = critic(batch()["x"]), critic(generator(noise()["prior(z)"]))
    published = {
        "model": -F.logsigmoid(made_up).mean(),
        "critic": -(F.logsigmoid(real).mean() + F.logsigmoid(-made_up).mean()),
    }
    for player, loss in published.items():
        group = objective.parameter_groups()[player]
        assert_equal_gradients(losses.players[player], loss, group)
    relation = derive(check_spec(Source("game.mib", HEAD + GAMES["flipped GAN"]))).module.relation
    assert relation == "surrogate"


#: gamma, and which of x, z, p's x and the prior's z are told apart; the first are the data.
SLOPES = {
    "GAN with R1": (0.5, (("x",), ("made",))),
    "ALI with R1": (2.0, (("z", "x"), ("prior", "made"))),
    "AAE with R1": (10.0, (("prior",), ("z",))),
    "ratio with R1": (1 / 3, (("prior",), ("z",))),
}


@pytest.mark.parametrize("name", SLOPES)
def test_a_critic_pays_for_its_slope_at_the_data(name: str) -> None:
    """The logistic loss and gamma/2 E|grad D|^2: value and gradients, and of the rest nothing."""
    gamma, (data, made_up) = SLOPES[name]
    objective = objective_of(HEAD + GAMES[name])
    losses = objective(batch(), noise())
    mean, log_var = objective.get_submodule("q_z")(batch()["x"]).chunk(2, dim=-1)
    values = {
        "x": batch()["x"],
        "z": mean + torch.exp(log_var / 2) * noise()["z"],
        "prior": noise()["prior(z)"],
        "made": objective.get_submodule("p_x")(noise()["prior(z)"]),
    }
    ((_, critic),) = [one for one in objective.named_children() if "critic" in one[0]]
    real, fake = ([values[one] for one in several] for several in (data, made_up))
    ours = -1.0 if "prior" in data else 1.0  # of latents, p's have the label 0
    logistic = F.softplus(-ours * critic(*real)).mean() + F.softplus(ours * critic(*fake)).mean()
    by_hand = logistic + gamma * slope(critic, *real)
    assert losses.players["critic"].item() == pytest.approx(by_hand.item(), abs=1e-9)
    group = list(critic.parameters())
    for mine, his in zip(
        torch.autograd.grad(losses.players["critic"], group, retain_graph=True),
        torch.autograd.grad(by_hand, group),
        strict=True,
    ):
        torch.testing.assert_close(mine, his, rtol=1e-9, atol=1e-12)
    plain = objective_of(HEAD + GAMES[name].partition("(r1")[0] + ")" * (name == "AAE with R1"))
    plain.load_state_dict(objective.state_dict())
    assert torch.equal(plain(batch(), noise()).players["model"], losses.players["model"])


def test_no_penalty_is_no_code() -> None:
    """`r1 = 0` is the game without: the same module, but for the hash of the spec."""
    text = emitted_text(HEAD + GAMES["flipped GAN"] + "(r1 = 0)")
    assert "slope" not in text
    penalised = emitted_text(HEAD + GAMES["GAN with R1"])
    assert '"critic": critic_x + 0.5 * slope_x,' in penalised
    assert "slope_x" not in penalised.partition("terms={")[2].partition("}")[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("JS(q(x) || p(x)) with adversary", "JS(q(x) || p(x))"),
        (
            "JS(q(x) || p(x))\nestimate JS(q(x) || p(x)) with non_saturating(r1 = 1/2)",
            GAMES["GAN with R1"],
        ),
    ],
    ids=["an adversary anyhow", "a line of its own"],
)
def test_a_game_is_the_same_however_it_is_asked_for(one: str, other: str) -> None:
    texts = [emitted_text(HEAD + said).partition("class Game")[2] for said in (one, other)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("name", some("slopes", [*SLOPES], 1))
def test_a_penalised_critic_learns_in_one_graph(name: str, backend: str) -> None:
    """The slope is a gradient within the graph: what is compiled has one backward pass, as ever."""
    objective = objective_of(HEAD + GAMES[name])
    critic = objective.parameter_groups()["critic"]
    torch._dynamo.reset()
    compiled = torch.compile(objective, backend=backend, fullgraph=True)
    gradients = [
        torch.autograd.grad(one(batch(), noise()).players["critic"], critic)
        for one in (compiled, objective)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_a_penalty_is_told_where_no_gradients_are() -> None:
    """Held-out rows are measured without gradients, and a slope is one."""
    objective = objective_of(HEAD + GAMES["GAN with R1"])
    loss = objective(batch(), noise()).players["critic"]
    with torch.no_grad():
        assert torch.equal(objective(batch(), noise()).players["critic"], loss)


def test_the_adversary_of_an_information_is_a_predictor() -> None:
    """min_z max_r CE(y|z) - CE_r(y|z, e): what the model pays is what the predictor saves."""
    objective = objective_of(HEAD + GAMES["invariance"])
    losses = objective(batch(), noise())
    assert losses.terms["prediction_y"].item() == pytest.approx(losses.players["critic"].item())


@pytest.mark.parametrize("text", DISTANCES.values(), ids=DISTANCES)
def test_distances_from_samples_are_zero_between_equal_samples(text: str) -> None:
    objective = objective_of(HEAD + text)
    own = noise()
    with torch.no_grad():
        posterior = objective.infer(batch())["z"]
    z = posterior.sample(own["z"])
    torch.manual_seed(3)
    far = objective(batch(), own).terms["divergence_z"]
    torch.manual_seed(3)
    near = objective(batch(), {**own, "prior(z)": z}).terms["divergence_z"]
    assert near <= 1e-12
    assert far > near


@pytest.mark.parametrize("text", [*GAMES.values(), *DISTANCES.values()], ids=[*GAMES, *DISTANCES])
def test_audits_of_games_are_valid(text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    import json

    audit = json.loads(audit_json(read(derive(check_spec(Source("game.mib", HEAD + text))))))
    jsonschema.validate(audit, json.loads(audit_schema()))
    relation = "saddle" if text in GAMES.values() else "estimate"
    relation = "surrogate" if "non_saturating" in text or "r1" in text else relation
    assert audit["objective"]["relation"] == relation


@pytest.mark.parametrize("name", some("games", [*GAMES, *DISTANCES], 3))
def test_games_compile_in_one_graph(name: str) -> None:
    objective = objective_of(HEAD + {**GAMES, **DISTANCES}[name])
    torch._dynamo.reset()
    compiled = torch.compile(objective, backend="aot_eager", fullgraph=True)
    torch.manual_seed(4)
    eager = objective(batch(), noise()).loss
    torch.manual_seed(4)
    assert compiled(batch(), noise()).loss.item() == pytest.approx(eager.item())


CRITICS = {
    "of two encoders": (
        "infer r(i) { x[i] -> z via mlp(8) }",
        "sum(i in 1..2) (KL(r(i) || p) + i * JS(r(i)(z) || p(z)))",
        ["critic_of_z_r_1", "critic_of_z_r_2"],
    ),
    "of parts and of priors": (
        "q { x -> u, z via mlp(8) }",
        "CE(x | u, z) + JS(q(u) || p(u)) + TC(u)\nestimate TC(u) with adversary",
        ["critic_of_u", "critic_against_u"],
    ),
    "of two objectives": (
        "q { x -> z via mlp(8) }",
        "JS(q(x, z) || p(x, z)) for q\nminimize JS(q(x, z) || p(x, z)) with non_saturating for p",
        ["critic_of_x_z"],
    ),
}


@pytest.mark.parametrize(("network", "goal", "critics"), CRITICS.values(), ids=CRITICS)
def test_every_pair_of_samples_has_a_critic_of_its_own(
    network: str, goal: str, critics: list[str]
) -> None:
    """One critic tells one pair apart: what it knows of another pair it would have to forget."""
    p = "p { u, z -> x via mlp(8) }" if "TC" in goal else "p { z -> x via mlp(8) }"
    u = "latent u[1..3] : real ~ normal\n" if "TC" in goal else ""
    head = "model two_pairs\nobserved x[1..2] : real[3]\nlatent z : real[2] ~ normal\n"
    torch.manual_seed(0)
    objective = emitted_class(f"{head}{u}{network}\n{p}\nminimize {goal}\n")().double()
    assert list(objective.critics) == critics
    group = objective.parameter_groups()["critic"]
    assert len(group) == len(set(map(id, group)))
    losses = objective({"x": torch.randn(16, 2, 3, dtype=torch.float64)})
    for name in critics:
        own = list(objective.get_submodule(name).parameters())
        for one in torch.autograd.grad(losses.players["critic"], own, retain_graph=True):
            assert bool((one != 0).any())


@pytest.mark.parametrize("kind", ["binary", "categorical(3)"])
def test_the_penalty_of_irm_is_the_published_one(kind: str) -> None:
    """Arjovsky et al. 2019, IRMv1: sum_e |d/dw R^e(w f)|^2 at w = 1, and its gradient."""
    text = HEAD.replace("e : categorical(3)", f"e : {kind}").replace(
        "p { z -> x via mlp(8) }", "p { z -> x, y via mlp(8) }"
    )
    torch.manual_seed(0)
    objective = emitted_class(text + "CE(y | z) + 5 * irm(y | z, e, biased)")().double()
    rows = batch()
    if kind == "binary":
        rows["e"] = (rows["e"] > 0).double()
    losses = objective(rows, noise())
    mean, log_var = objective.get_submodule("q_z")(rows["x"]).chunk(2, dim=-1)
    z = mean + torch.exp(log_var / 2) * noise()["z"]
    logits = objective.get_submodule("p_y")(z)
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    total = torch.zeros((), dtype=torch.float64)
    for environment in set(rows["e"].tolist()):
        inside = rows["e"] == environment
        risk = F.binary_cross_entropy_with_logits(scale * logits[inside], rows["y"][inside])
        (slope,) = torch.autograd.grad(risk, scale, create_graph=True)
        total = total + slope**2
    published = F.binary_cross_entropy_with_logits(logits, rows["y"]) + 5 * total
    assert losses.loss.item() == pytest.approx(published.item(), abs=1e-9)
    assert_equal_gradients(losses.loss, published, objective.parameters())


def test_the_penalty_of_irm_is_that_of_all_rows_on_average() -> None:
    """Over batches of any size; the square of a batch's slope is too large by its variance."""
    text = HEAD.replace("p { z -> x via mlp(8) }", "p { z -> x, y via mlp(8) }")
    torch.manual_seed(0)
    exact = emitted_class(text + "CE(y | z) + irm(y | z, e, biased)")().double()
    kinds = {}
    for word in ("", ", biased"):
        kinds[word] = emitted_class(text + f"CE(y | z) + irm(y | z, e{word})")().double()
        kinds[word].load_state_dict(exact.state_dict())
    rows, noises = batch(), noise()
    count = len(rows["y"])
    rows["e"] = torch.zeros(count, dtype=torch.long)
    whole = exact(rows, noises).terms["penalty_y"].item()
    for word, objective in kinds.items():
        of_pairs = []  # each pair of rows, with replacement
        for pair in product(range(count), repeat=2):
            chosen = {name: one[list(pair)] for name, one in rows.items()}
            drawn = {name: one[list(pair)] for name, one in noises.items()}
            of_pairs.append(objective(chosen, drawn).terms["penalty_y"].item())
        mean = sum(of_pairs) / len(of_pairs)
        if word:
            assert mean > whole + 1e-4
        else:
            assert mean == pytest.approx(whole, rel=1e-9)
