"""Several objectives: each is that of a spec of its own, and trains its player's networks alone."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.report import audit_json, audit_schema, audit_text
from graphdsl_runtime import Objective, alternate
from tests.by_hand import slope
from tests.corpus import some
from tests.emitted import emitted_class, emitted_text
from tests.gradients import assert_equal_gradients

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 6

HEAD = """
model players
param lam = 2
observed x[1..2] : real[3] ~ normal(scale = learned)
observed y : binary
observed e : categorical(3)
latent z : real[2] ~ normal
latent h : real[2] ~ normal
q { x -> z by poe via mlp(8); x, z -> h via mlp(8) }
infer r(i) { x[i] -> z via mlp(8) }
p { z, h -> x via mlp(8); z -> h via mlp(8) }
"""

#: Objectives by player; each line is one.
GAMES = {
    "bounds of two kinds": ["KL(q || p) with iwae(k = 4) for p", "KL(q || p) for q"],
    "one of them for two": ["KL(q || p) for q, p", "KL(q(z | x) || r(1)(z | x[1])) for r"],
    "predictors": [
        "CE(y | z) + 0.1 * I(x; z) + lam * max(CE(y | z) - CE(y | z, e), 0.2) for q",
        "CE(y | z) + CE(y | z, e) for predictors",
    ],
    "a critic beside": [
        "KL(q || p) + 0.3 * JS(q(z) || p(z)) for q",
        "KL(q || p) + 0.1 * CE(x | z, h) for p",
    ],
    "an adversary beside": ["KL(q || p) - lam * CE(e | z) for q", "KL(q || p) for p"],
    "marginals and subsets": [
        "KL(q || p) + sum(i in 1..2) KL(q(z | x) || q(z | x[i])) for q",
        "KL(q || p) + KL(q(z | x) || q(z | x[2])) + 2 * cost(x | z, h) for p",
    ],
}
by_game = pytest.mark.parametrize("lines", GAMES.values(), ids=GAMES)


def spec(lines: list[str]) -> str:
    head = HEAD
    if "for r" not in " ".join(lines):
        head = head.replace("infer r(i) { x[i] -> z via mlp(8) }\n", "")
    if "p)" not in " ".join(lines):
        head = head.partition("p {")[0].replace("; x, z -> h via mlp(8)", "")
        head = head.replace("latent h : real[2] ~ normal\n", "")
    return head + "".join(f"minimize {line}\n" for line in lines)


def made(text: str) -> Objective:
    return emitted_class(text)()


def batch() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "x": torch.randn(ROWS, 2, 3),
        "y": (torch.rand(ROWS) > 0.5).double(),
        "e": torch.randint(3, (ROWS,)),
    }


def noise(objective: Objective) -> dict[str, Tensor]:
    torch.manual_seed(2)
    found = objective.draw_noise(batch()["x"])
    return {**found, "prior(z)": torch.randn(ROWS, 2)}


@by_game
def test_no_gradient_leaks_to_another_player(lines: list[str]) -> None:
    objective = made(spec(lines))
    losses, groups = objective(batch(), noise(objective)), objective.parameter_groups()
    assert losses.players.keys() == groups.keys()
    everything = [one for group in groups.values() for one in group]
    assert sorted(map(id, everything)) == sorted(map(id, objective.parameters()))
    for player, loss in losses.players.items():
        gradients = torch.autograd.grad(loss, everything, retain_graph=True, allow_unused=True)
        reached = {id(p) for p, g in zip(everything, gradients, strict=True) if g is not None}
        assert reached == {id(one) for one in groups[player]}, player


@by_game
def test_every_objective_is_that_of_its_own_spec(lines: list[str]) -> None:
    """The same loss, and the same gradient in the networks that are the player's."""
    objective = made(spec(lines))
    losses = objective(batch(), noise(objective))
    for line in lines:
        goal, _, owners = line.rpartition(" for ")
        head = spec(lines).partition("minimize")[0]
        alone = made(f"{head}minimize {goal}\n")
        _take_networks(alone, objective)
        expected = alone(batch(), noise(objective)).loss
        player = owners.replace(", ", ",")
        assert losses.players[player].item() == pytest.approx(expected.item(), abs=1e-9)
        mine, theirs = _networks(objective), _networks(alone)
        own = {name for name in mine if name in theirs}
        group = set(map(id, objective.parameter_groups()[player]))
        ours = [p for name in own for p in mine[name] if id(p) in group]
        other = [t for name in own for p, t in zip(mine[name], theirs[name]) if id(p) in group]  # noqa: B905
        assert ours
        grads = torch.autograd.grad(losses.players[player], ours, retain_graph=True)
        wanted = torch.autograd.grad(expected, other, retain_graph=True)
        for a, b in zip(grads, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def _networks(objective: Objective) -> dict[str, list[Tensor]]:
    """The parameters of every network, by what it computes; learned scales by their attribute."""
    found: dict[str, list[Tensor]] = {}
    for name, module in objective.named_children():
        if not list(module.parameters()):
            continue  # how data are standardised: nothing that is trained
        key = name if name[:2] in ("q_", "p_") or "_z" in name else _reads(module)
        found[key] = list(module.parameters())
    found |= {n: [p] for n, p in objective.named_parameters(recurse=False)}
    return found


def _reads(module: torch.nn.Module) -> str:
    """What sets networks apart that only a bound has: how many numbers they read."""
    first = next(iter(module.parameters()))
    return f"{type(module).__name__}{tuple(first.shape)}"


def _take_networks(to: Objective, source: Objective) -> None:
    known = _networks(source)
    with torch.no_grad():
        for name, parameters in _networks(to).items():
            for parameter, value in zip(parameters, known[name], strict=True):
                parameter.copy_(value)


def test_the_minimax_game_of_invariance_is_the_published_one() -> None:
    """Chang et al. 2020, eq. 7: two predictors that fit, and a representation with a hinge."""
    m = made(spec(GAMES["predictors"]))
    data, given = batch(), noise(m)
    x = data["x"]
    experts = m.get_submodule("q_z")(x)
    mean, log_var = experts.chunk(2, dim=-1)
    precision = 1 + (-log_var).exp().sum(1)
    centre = (mean * (-log_var).exp()).sum(1) / precision
    z = centre + precision.rsqrt() * given["z"]
    code = F.one_hot(data["e"], 3).double()
    alone, knows = m.get_submodule("r_y"), m.get_submodule("r_y_2")

    def error(logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits.reshape(ROWS), data["y"])

    def both(z: Tensor) -> tuple[Tensor, Tensor]:
        return error(alone(z)), error(knows(code, z))

    fair, aware = both(z)
    variance = 1 / precision
    rate = 0.5 * (centre**2 + variance - 1 - variance.log()).sum() / ROWS
    losses = m(data, given)
    encoder = fair + 0.1 * rate + 2 * torch.clamp(fair - aware, min=0.2)
    assert losses.players["q"].item() == pytest.approx(encoder.item(), abs=1e-9)
    assert losses.players["predictors"].item() == pytest.approx((fair + aware).item(), abs=1e-9)
    group = m.parameter_groups()["q"]
    ours, theirs = (
        torch.autograd.grad(one, group, retain_graph=True) for one in (losses.players["q"], encoder)
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_a_generator_and_an_encoder_may_want_different_things(gamma: float) -> None:
    """Larsen et al. 2016, without its features: the decoder is trained by a critic as well."""
    text = f"""
model vae_gan
observed x : real[3]
latent z : real[2] ~ normal
q {{ x -> z via mlp(8) }}
p {{ z -> x via mlp(8) }}
minimize KL(q || p) for q
minimize CE(x | z) + 0.3 * (JS(q(x) || p(x)) with non_saturating(r1 = {gamma:g})) for p
"""
    m = made(text)
    x, given = torch.randn(ROWS, 3), {"z": torch.randn(ROWS, 2), "prior(z)": torch.randn(ROWS, 2)}
    losses = m({"x": x}, given)
    encoder, decoder = m.get_submodule("q_z"), m.get_submodule("p_x")
    critic = m.get_submodule("critic_of_x")
    mean, log_var = encoder(x).chunk(2, dim=-1)
    z = mean + (0.5 * log_var).exp() * given["z"]
    fake = decoder(given["prior(z)"])
    constant = 0.5 * math.log(2 * math.pi) * x[0].numel()
    reconstruction = 0.5 * (x - decoder(z)).square().sum() / ROWS + constant
    rate = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum() / ROWS
    flipped = F.softplus(-critic(fake)).mean()
    published = {
        "q": reconstruction + rate,
        "p": reconstruction + 0.3 * flipped,
        "critic": F.softplus(-critic(x)).mean()
        + F.softplus(critic(fake)).mean()
        + gamma * slope(critic, x),
    }
    assert losses.players.keys() == published.keys()
    for player, loss in published.items():
        assert_equal_gradients(losses.players[player], loss, m.parameter_groups()[player])


def test_a_network_that_two_objectives_ask_runs_once() -> None:
    text = emitted_text(spec(GAMES["bounds of two kinds"])).partition("def infer")[0]
    assert text.count("self.q_z(x)") == 1
    assert "detached(experts_z" in text


def test_what_is_frozen_keeps_its_learned_scale() -> None:
    """A likelihood that a term leaves as it is: its networks, and its scale."""
    one = spec(["KL(q || frozen(p))"]).replace("infer r(i) { x[i] -> z via mlp(8) }\n", "")
    m = made(one)
    scale = m.get_parameter("log_var_p_x")
    (gradient,) = torch.autograd.grad(m(batch()).loss, [scale], allow_unused=True)
    assert gradient is None


@by_game
def test_its_audit_is_valid(lines: list[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    import json

    audit = read(derive(check_spec(Source("players.mib", spec(lines)))))
    jsonschema.validate(json.loads(audit_json(audit)), json.loads(audit_schema()))
    assert audit.module is not None
    no_bound = any(term.relation == "surrogate" for term in audit.module.terms)
    assert audit.module.relation == ("surrogate" if no_bound else "saddle")
    own = "each player has an objective of its own" in " ".join(audit_text(audit).split())
    assert own != no_bound


@pytest.mark.parametrize("name", some("graphs of players", list(GAMES), 2))
def test_it_compiles_in_one_graph(name: str) -> None:
    objective = made(spec(GAMES[name]))
    torch._dynamo.reset()
    compiled = torch.compile(objective, backend="aot_eager", fullgraph=True)
    given = noise(objective)
    for player, loss in objective(batch(), given).players.items():
        assert compiled(batch(), given).players[player].item() == pytest.approx(loss.item())


def test_players_are_trained_in_their_turns() -> None:
    objective = made(spec(GAMES["bounds of two kinds"]))
    steps = {
        name: torch.optim.SGD(group, lr=1e-3)
        for name, group in objective.parameter_groups().items()
    }
    before = {name: one.detach().clone() for name, one in objective.named_parameters()}
    list(alternate(objective, steps, [batch()] * 2, turns={"q": 2}))
    moved = {n for n, one in objective.named_parameters() if not torch.equal(one, before[n])}
    assert moved == set(before)


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        (["KL(q || p) for encoder"], ["MIB251"]),
        (["KL(q || p) for q", "KL(q || p) for q, p"], ["MIB252"]),
        (["KL(q || p) for q", "KL(q || p)"], ["MIB253"]),
        (["KL(q || p)", "KL(q || p)"], ["MIB230"]),
        (["KL(q || p) for q"], ["MIB453"]),
        (["KL(q || p) for model"], ["MIB251"]),
        (["KL(q || p) for q, p", "KL(q || p) for predictors"], ["MIB455"]),
        (["KL(q || p) for q", "KL(q || frozen(p)) for p"], ["MIB455"]),
        (["KL(q || p) for q, p", "KL(q(z | x) || p(z)) for r"], ["MIB455"]),
    ],
)
def test_whose_an_objective_is_has_to_be_said(lines: list[str], codes: list[str]) -> None:
    with pytest.raises(SpecError) as found:
        derive(check_spec(Source("players.mib", spec(lines))))
    assert [one.code for one in found.value.diagnostics if one.severity == "error"] == codes


def test_players_may_share_a_spec_file(tmp_path: Path) -> None:
    """Laid out, a spec of players means the same."""
    from typer.testing import CliRunner

    from graphdsl.cli import app

    path = tmp_path / "players.mib"
    path.write_text(spec(GAMES["predictors"]), encoding="utf-8")
    before = emitted_text(Source.read(path).text)
    assert CliRunner().invoke(app, ["fmt", str(path)]).exit_code == 0
    laid_out = path.read_text(encoding="utf-8")
    assert "for predictors" in laid_out
    after = emitted_text(laid_out)
    code, same = (
        re.sub(r"spec lines? [\d, ]+", "", text.partition("class ")[2]) for text in (before, after)
    )
    assert code == same


def test_each_objective_has_the_density_of_its_own_sample() -> None:
    """A flow tells its rate by the density of a sample: that of q's pass is not that of p's."""
    head = """
model flows
observed x : real[3]
latent z : real[2] ~ normal
q { x -> z ~ flow via mlp(8) }
p { z -> x via mlp(8) }
"""
    game = made(f"{head}minimize KL(q || p) for q\nminimize KL(q || p) + CE(x | z) for p\n")
    alone = made(f"{head}minimize KL(q || p)\n")
    alone.load_state_dict(game.state_dict())
    x, given = {"x": torch.randn(ROWS, 3)}, {"z": torch.randn(ROWS, 2)}
    losses, expected = game(x, given), alone(x, given).loss
    assert losses.players["q"].item() == pytest.approx(expected.item(), abs=1e-9)
    own = {name: one for name, one in game.named_parameters() if name.startswith("q_z")}
    ours = torch.autograd.grad(losses.players["q"], list(own.values()), retain_graph=True)
    theirs = torch.autograd.grad(expected, [alone.get_parameter(name) for name in own])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    kept = list(own.values())
    leaks = torch.autograd.grad(losses.players["p"], kept, allow_unused=True)
    assert all(one is None for one in leaks)
