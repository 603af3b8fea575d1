"""Constraints and learned edges beside objectives by player: who pays, who rises, who lowers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.report import audit_text
from graphdsl_runtime import Objective, alternate
from tests.emitted import emitted_class, emitted_text
from tests.gradients import assert_equal_gradients
from tests.rounds import assert_a_round_is_of_own_steps

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS = 6

HELD = """
model held
observed x : real[3]
latent z : real[2] ~ normal
q { x -> z via mlp(8) }
p { z -> x via mlp(8) }
minimize KL(q || p) for q
subject to KL(q(z | x) || p(z)) <= 0.5
minimize CE(x | z) for p
subject to cost(x | z, squared) <= 2, cost(x | z, absolute) <= 1
"""

MASKED = """
model masked
observed x[1..2] : real[3]
latent z[1..3] : real[2] ~ normal
mask Mq[1..2, 1..3] : learned bernoulli(0.5)
mask Mp[1..2, 1..3] : learned bernoulli(0.5)
q { x[i] -> z if Mq[i] by poe via mlp(8) for i in 1..2 }
p { z -> x[i] if Mp[i] via mlp(8) for i in 1..2 }
"""
MASKED_GAME = f"""{MASKED}
minimize KL(q || p) + 0.3 * sparsity(Mq) for q
subject to KL(q(z | x) || p(z)) <= 3
minimize CE(x | z) for p
turns q = 2, structure = 1
"""
#: What q minimises, and what p does.
OF_Q_AND_P = {
    "the same": ("KL(q || p)", "KL(q || p)"),
    "counted": ("KL(q || p) + 0.3 * sparsity(Mq)", "CE(x | z) + 0.2 * sparsity(Mp)"),
    "of several samples": ("KL(q || p)", "KL(q || p) with iwae(k = 3)"),
    "each its own": ("CE(x | z) + 2 * KL(q(z | x) || p(z))", "cost(x | z, squared)"),
    "a subset": ("KL(q || p) + KL(q(z | x) || q(z | x[1]))", "KL(q || p)"),
}
by_game = pytest.mark.parametrize(("of_q", "of_p"), OF_Q_AND_P.values(), ids=OF_Q_AND_P)


def reached(loss: Tensor, objective: Objective) -> set[str]:
    """The players whose parameters a loss has a gradient in that is not zero."""
    found = set()
    for player, group in objective.parameter_groups().items():
        grads = torch.autograd.grad(loss, group, retain_graph=True, allow_unused=True)
        if any(one is not None and bool((one != 0).any()) for one in grads):
            found.add(player)
    return found


def test_each_objective_pays_for_its_own_constraints() -> None:
    """Every loss by hand, from the same noise: f + lambda g for q and for p, -lambda g for both."""
    m = emitted_class(HELD)()
    x, noise = torch.randn(ROWS, 3), {"z": torch.randn(ROWS, 2)}
    prices = [m.get_parameter(f"{name}.raw") for name in ("multiplier", "multiplier_2")]
    prices.append(m.get_parameter("multiplier_3.raw"))
    with torch.no_grad():
        for price, value in zip(prices, (0.3, -0.7, 1.1), strict=True):
            price.fill_(value)
    mean, log_var = m.get_submodule("q_z")(x).chunk(2, dim=-1)
    z = mean + (0.5 * log_var).exp() * noise["z"]
    away = m.get_submodule("p_x")(z) - x
    reconstruction = 0.5 * away.square().sum() / ROWS + 1.5 * math.log(2 * math.pi)
    rate = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum() / ROWS
    beyond = [rate - 0.5, away.square().sum() / ROWS - 2, away.abs().sum() / ROWS - 1]
    paid = [F.softplus(one).detach() for one in prices]
    published = {
        "q": reconstruction + rate + paid[0] * beyond[0],
        "p": reconstruction + paid[1] * beyond[1] + paid[2] * beyond[2],
        "multiplier": sum(
            (-F.softplus(one) * g.detach() for one, g in zip(prices, beyond, strict=True)),
            torch.zeros(()),
        ),
    }
    losses, groups = m({"x": x}, noise), m.parameter_groups()
    assert losses.players.keys() == published.keys() == groups.keys()
    assert [id(one) for one in groups["multiplier"]] == [id(one) for one in prices]
    for player, loss in published.items():
        assert losses.players[player].item() == pytest.approx(loss.item(), abs=1e-9)
        assert_equal_gradients(losses.players[player], loss, groups[player])
        assert reached(losses.players[player], m) == {player}


def test_every_multiplier_ascends_on_its_own_constraint() -> None:
    m = emitted_class(HELD)()
    adams = {name: torch.optim.SGD(g, lr=0.1) for name, g in m.parameter_groups().items()}
    prices = [m.get_parameter(f"multiplier{tag}.raw") for tag in ("", "_2", "_3")]
    before = [one.item() for one in prices]
    batch = {"x": 5.0 * torch.randn(ROWS, 3)}
    state = torch.random.get_rng_state()
    terms = m(batch).terms
    violations = [
        terms["rate_z_2"].item() - 0.5,
        terms["squared_cost_x"].item() - 2,
        next(v for k, v in terms.items() if "absolute" in k).item() - 1,
    ]
    torch.random.set_rng_state(state)
    next(alternate(m, adams, [batch]))
    for price, old, violation in zip(prices, before, violations, strict=True):
        slope = torch.sigmoid(torch.tensor(old)).item()
        assert price.item() - old == pytest.approx(0.1 * slope * violation, rel=1e-6)


@pytest.mark.parametrize(
    ("end", "codes"),
    [
        ("subject to I(x; z) <= 1\nminimize KL(q || p) for q, p\n", ["MIB254"]),
        ("minimize KL(q || p) for q, p\nassert H(x) == H(x)\nsubject to H(z) <= 1\n", ["MIB254"]),
        ("minimize KL(q || p) for q, p\nsubject to I(x; z) <= 1\nsubject to H(z) <= 9\n", []),
    ],
)
def test_a_constraint_stands_behind_its_objective(end: str, codes: list[str]) -> None:
    head = HELD.partition("minimize")[0]
    try:
        found = derive(check_spec(Source("held.mib", head + end))).warnings
    except SpecError as mistakes:
        found = mistakes.diagnostics
    assert [one.code for one in found] == codes


def masked(of_q: str, of_p: str) -> Objective:
    return emitted_class(f"{MASKED}minimize {of_q} for q\nminimize {of_p} for p\n")()


def alone(goal: str, like: Objective) -> Objective:
    """The module of one objective, with the weights of the game."""
    made = emitted_class(f"{MASKED}minimize {goal}\n")()
    made.load_state_dict(like.state_dict())
    return made


def drawn(objective: Objective) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(2)
    batch = {"x": torch.randn(ROWS, 2, 3)}
    objective.samples = 3  # type: ignore[misc]  # noise for all bounds of the game
    return batch, objective.draw_noise(batch["x"])


@by_game
def test_edges_follow_the_objective_of_their_networks(of_q: str, of_p: str) -> None:
    """Those of q lower what q minimises and nothing else, those of p what p does."""
    game = masked(of_q, of_p)
    batch, noise = drawn(game)
    losses, groups = game(batch, noise), game.parameter_groups()
    assert losses.players.keys() == groups.keys() == {"q", "p", "structure"}
    for player, goal, mask in (("q", of_q, "Mq"), ("p", of_p, "Mp")):
        own = alone(goal, game)
        expected = own(batch, noise).loss
        assert losses.players[player].item() == pytest.approx(expected.item(), abs=1e-9)
        logits = [one.get_parameter(f"mask_{mask}.logits") for one in (game, own)]
        (ours,) = torch.autograd.grad(losses.players["structure"], logits[0], retain_graph=True)
        (theirs,) = torch.autograd.grad(expected, logits[1], retain_graph=True)
        assert bool((theirs != 0).all())
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
        for name, mine in game.named_parameters():
            if any(mine is one for one in groups[player]):
                (a,) = torch.autograd.grad(losses.players[player], mine, retain_graph=True)
                (b,) = torch.autograd.grad(expected, own.get_parameter(name), retain_graph=True)
                torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@by_game
def test_no_objective_reaches_the_edges_or_networks_of_another(of_q: str, of_p: str) -> None:
    game = masked(of_q, of_p)
    batch, noise = drawn(game)
    losses = game(batch, noise)
    for player, other, theirs in (("q", "p", "Mp"), ("p", "q", "Mq")):
        kept = [*game.parameter_groups()[other], game.get_parameter(f"mask_{theirs}.logits")]
        loss = losses.players[player]
        grads = torch.autograd.grad(loss, kept, retain_graph=True, allow_unused=True)
        assert all(one is None for one in grads)


@by_game
def test_a_round_moves_edges_by_their_own_steps(of_q: str, of_p: str) -> None:
    game = masked(of_q, of_p)
    batch, _ = drawn(game)
    assert_a_round_is_of_own_steps(game, batch, {"q": 2, "structure": 2})


def test_the_losses_of_a_masked_game_by_hand() -> None:
    """Eq. 13 with the drawn edges as exponents, decoders of what comes along them (sec. 3.4)."""
    game = masked("KL(q || p) + 0.3 * sparsity(Mq)", "CE(x | z) + 0.2 * sparsity(Mp)")
    batch, noise = drawn(game)
    x = batch["x"]
    into, out = ((noise[name] > 0).double() for name in ("Mq", "Mp"))  # sigmoid(0) = 1/2
    mean, log_var = game.get_submodule("q_z")(x).reshape(ROWS, 2, 2, 3, 2).unbind(dim=2)
    precision = 1 + (into[..., None] * (-log_var).exp()).sum(1)
    centre = (into[..., None] * mean * (-log_var).exp()).sum(1) / precision
    z = centre + precision.rsqrt() * noise["z"]
    away = game.get_submodule("p_x")(z[:, None] * out[..., None]) - x
    reconstruction = 0.5 * away.square().sum() / ROWS + 3 * math.log(2 * math.pi)
    rate = 0.5 * (centre**2 + 1 / precision - 1 + precision.log()).sum() / ROWS
    losses = game(batch, noise)
    of_q, of_p = reconstruction + rate + 0.3 * 3, reconstruction + 0.2 * 3
    assert losses.players["q"].item() == pytest.approx(of_q.item(), abs=1e-9)
    assert losses.players["p"].item() == pytest.approx(of_p.item(), abs=1e-9)
    assert losses.players["structure"].item() == pytest.approx((of_q + of_p).item(), abs=1e-9)


def test_a_mask_of_both_networks_follows_both() -> None:
    """One table of edges in q and in p: what structure lowers is the sum of the objectives."""
    text = MASKED.replace("if Mp[i]", "if Mq[i]").replace(
        "mask Mp[1..2, 1..3] : learned bernoulli(0.5)\n", ""
    )
    game = emitted_class(f"{text}minimize KL(q || p) for q\nminimize CE(x | z) for p\n")()
    both = emitted_class(f"{text}minimize KL(q || p) + CE(x | z)\n")()
    both.load_state_dict(game.state_dict())
    batch, noise = drawn(game)
    logits = [one.get_parameter("mask_Mq.logits") for one in (game, both)]
    (ours,) = torch.autograd.grad(game(batch, noise).players["structure"], logits[0])
    (theirs,) = torch.autograd.grad(both(batch, noise).loss, logits[1])
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_one_player_of_both_networks_holds_no_edge_still() -> None:
    text = emitted_text(f"{MASKED}minimize KL(q || p) for q, p\n")
    assert "detached" not in text
    assert '"structure": loss_q_p' in text


def test_edges_of_nobody_are_told() -> None:
    """A mask over edges of p, where no objective is for p and none runs its networks."""
    end = "minimize KL(q(z | x) || p(z)) for q\n"
    with pytest.raises(SpecError) as found:
        derive(check_spec(Source("masked.mib", MASKED + end)))
    assert [one.code for one in found.value.diagnostics if one.severity == "error"] == ["MIB453"]
    assert "the edges under `Mp` are learned" in str(found.value)


@pytest.mark.parametrize("text", [HELD, MASKED_GAME], ids=["held", "masked"])
def test_it_compiles_in_one_graph_and_its_audit_says_whose_a_term_is(text: str) -> None:
    objective = emitted_class(text)()
    like = torch.randn(ROWS, *((2, 3) if "x[1..2]" in text else (3,)))
    noise = objective.draw_noise(like)
    torch._dynamo.reset()
    compiled = torch.compile(objective, backend="aot_eager", fullgraph=True)
    expected = objective({"x": like}, noise).players
    for player, loss in compiled({"x": like}, noise).players.items():
        assert loss.item() == pytest.approx(expected[player].item(), abs=1e-9)
    told = audit_text(read(derive(check_spec(Source("game.mib", text)))))
    assert ", for q" in told
    assert ", for p" in told
    assert ("(steps in a round: 2 of q, 1 of structure)" in told) == ("turns" in text)
