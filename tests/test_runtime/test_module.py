"""The base of emitted modules: what it reads, what it refuses, and what it says then."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from torch import Tensor, nn

from graphdsl_runtime import (
    Batch,
    Bernoulli,
    Each,
    Gaussian,
    Latents,
    Losses,
    MissingInput,
    MissingNetwork,
    Networks,
    Noise,
    NotFinite,
    Objective,
    ObjectiveError,
    OutOfRange,
    ShapeMismatch,
    Shared,
    UnknownName,
    Variable,
    mlp,
    mlps,
)

ROWS = 4


class Everything(Objective):
    """A family, a variable on its own, a scalar and a category: none of them modelled."""

    variables = (
        Variable("x", role="observed", kind="real", members=2, shape=(3,)),
        Variable("y", role="observed", kind="real", shape=(5,)),
        Variable("a", role="observed", kind="real"),
        Variable("e", role="observed", kind="categorical"),
        Variable("z", role="latent", kind="real", shape=(6,)),
        Variable("u", role="latent", kind="real", members=10),
    )

    def __init__(self, *, beta: float = 1.0, networks: Networks | None = None) -> None:
        super().__init__(networks)
        self.beta = self.weight("beta", beta, low=0.5, high=8.0)
        self.q_z = self.network("q(z|y)", lambda: mlp([(5,)], (), 12))
        self.q_u = self.members(
            ["q(u[1]|x[1],z)", "q(u[2]|x[2],z)"], lambda: mlps(2, [(3,), Shared(6)], (), 2)
        )
        self.refuse_unused_networks()

    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        """Say what is seen: the posterior's mean is the sum of it."""
        x, x_seen = self.observe_some(batch, "x")
        y, y_seen = self.observe_some(batch, "y")
        seen = torch.cat([x_seen, y_seen[:, None]], dim=1).to(x.dtype)
        return {"z": Gaussian.unit(torch.cat([seen, x.sum(dim=2), y.sum(dim=1)[:, None]], dim=1))}

    def decode(self, latents: Latents) -> dict[str, Bernoulli | Gaussian]:
        """Hand the latent on."""
        return {
            "x": Gaussian.unit(latents["z"].reshape(-1, 2, 3)),
            "y": Gaussian.unit(latents["z"]),
        }


@pytest.fixture
def model() -> Everything:
    return Everything()


def values(*shape: int) -> Tensor:
    return 1 + torch.rand(ROWS, *shape)


def test_a_family_and_its_members_are_the_same(model: Everything) -> None:
    x = values(2, 3)
    by_member = {"x[2]": x[:, 1], "x[1]": x[:, 0]}
    assert torch.equal(model.observe({"x": x}, "x"), x)
    assert torch.equal(model.observe(by_member, "x"), x)
    assert model.observe({"a": values()}, "a").shape == (ROWS,)


def test_whole_numbers_become_the_models_floats_but_categories_stay(model: Everything) -> None:
    x = torch.randint(2, (ROWS, 2, 3))
    for given in (x, x.bool(), x.to(torch.uint8)):
        assert torch.equal(model.observe({"x": given}, "x"), x.float())
        assert model.double().observe({"x": given}, "x").dtype == torch.float64
        model.float()
    assert model.observe({"e": x[:, 0, 0]}, "e").dtype == torch.int64


@pytest.mark.parametrize(
    ("batch", "name", "words"),
    [
        ({"x": torch.zeros(ROWS, 3, 2)}, "x", r"x has shape \(4, 3, 2\); expected \(B, 2, 3\)"),
        ({"x": torch.zeros(ROWS, 6)}, "x", r"x has shape \(4, 6\); expected \(B, 2, 3\)"),
        ({"y": torch.zeros(5)}, "y", r"y has shape \(5,\); expected \(B, 5\)"),
        ({"a": torch.zeros(())}, "a", r"a has shape \(\); expected \(B,\)"),
        (
            {"x[1]": torch.zeros(ROWS, 3), "x[2]": torch.zeros(ROWS, 4)},
            "x",
            r"x\[2\] has shape \(4, 4\); expected \(B, 3\)",
        ),
        (
            {"x[1]": torch.zeros(ROWS, 3), "x[2]": torch.zeros(1, 3)},
            "x",
            r"x\[2\] has shape \(1, 3\); expected \(4, 3\): x\[1\] has 4 rows",
        ),
    ],
)
def test_a_wrong_shape_is_refused(
    model: Everything, batch: dict[str, Tensor], name: str, words: str
) -> None:
    for observe in (model.observe, model.observe_some):
        with pytest.raises(ShapeMismatch, match=words):
            observe(batch, name)


@pytest.mark.parametrize("flag", [(ROWS,), (ROWS, 3), (1, 2)], ids=str)
def test_a_flag_of_the_wrong_shape_is_refused(model: Everything, flag: tuple[int, ...]) -> None:
    batch = {"x": values(2, 3), "seen(x)": torch.ones(flag, dtype=torch.bool)}
    with pytest.raises(ShapeMismatch, match=r"seen\(x\) has shape"):
        model.observe_some(batch, "x")


def test_what_is_missing_is_named_with_what_is_there(model: Everything) -> None:
    with pytest.raises(MissingInput) as problem:
        model.observe({"X[1]": values(3), "y": values(5)}, "x")
    assert str(problem.value) == (
        "x is missing: expected `x` of shape (B, 2, 3), or all of `x[1]`, `x[2]`; "
        "given: `X[1]` (did you mean `x[1]`?), `y`"
    )
    with pytest.raises(MissingInput, match="given: nothing"):
        model.observe_some({}, "y")


def test_one_missing_member_is_missing(model: Everything) -> None:
    with pytest.raises(MissingInput, match=r"all of `x\[1\]`, `x\[2\]`; given: `x\[1\]`$"):
        model.observe({"x[1]": values(3)}, "x")


def test_a_mistake_can_say_where_in_the_spec(model: Everything) -> None:
    with pytest.raises(ShapeMismatch) as problem:
        model.observe({"y": values(6)}, "y")
    placed = problem.value.in_term("I_q(z ; y)", spec="vib.mib:9")
    assert str(placed) == "in I_q(z ; y) (vib.mib:9): y has shape (4, 6); expected (B, 5)"
    assert isinstance(placed, ObjectiveError)


def test_every_way_to_miss_a_view_is_the_same(model: Everything) -> None:
    x = values(2, 3)
    spoilt = x.clone()
    spoilt[:, 1] = torch.nan
    flag = torch.tensor([True, False]).expand(ROWS, 2)
    ways: list[dict[str, Tensor]] = [
        {"x[1]": x[:, 0]},
        {"x": spoilt},
        {"x": spoilt, "seen(x)": flag},
        {"x": spoilt, "seen(x)": torch.ones_like(flag)},
        {"x": x, "seen(x)": flag},
        {"x": x, "seen(x)": flag.int()},
        {"x[1]": x[:, 0], "x[2]": spoilt[:, 1]},
        {"x[1]": x[:, 0], "x[2]": x[:, 1], "seen(x[2])": flag[:, 1]},
        {"x[1]": x[:, 0], "x[2]": x[:, 1], "seen(x)": flag},
        {"x": x, "seen(x[2])": flag[:, 1]},
        {"x": x, "seen(x[1])": flag[:, 0], "seen(x)": flag},
    ]
    for way in ways:
        value, seen = model.observe_some(way, "x")
        assert torch.equal(seen, flag)
        assert torch.equal(value[:, 0], x[:, 0])
        assert not value[:, 1].any()


def test_one_nan_hides_a_view_in_its_row_alone(model: Everything) -> None:
    x = values(2, 3)
    x[1, 0, 2] = torch.nan
    value, seen = model.observe_some({"x": x}, "x")
    assert torch.equal(
        seen, torch.tensor([[True, True], [False, True], [True, True], [True, True]])
    )
    assert torch.isfinite(value).all()


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_with_its_rows(model: Everything, garbage: float) -> None:
    x = torch.zeros(ROWS, 2, 3)
    x[1, 0, 2] = garbage
    with pytest.raises(NotFinite, match=r"x\[1\] is NaN or infinite in the row 1: .* `optional`"):
        model.observe({"x": x}, "x")
    if math.isnan(garbage):  # a value that is not there
        assert not model.observe_some({"x": x}, "x")[1][1, 0]
    else:
        with pytest.raises(NotFinite):
            model.observe_some({"x": x}, "x")
    large = torch.full((ROWS, 2, 3), 3e38)  # whose sum alone is infinite
    assert torch.equal(model.observe({"x": large}, "x"), large)


def test_a_variable_on_its_own_may_be_missing(model: Everything) -> None:
    value, seen = model.observe_some({"x": values(2, 3)}, "y")
    assert value.shape == (ROWS, 5)
    assert torch.equal(seen, torch.zeros(ROWS, dtype=torch.bool))
    assert model.observe_some({"a": values()}, "a")[1].all()


def test_all_seen_is_what_observe_gives(model: Everything) -> None:
    x = values(2, 3)
    value, seen = model.observe_some({"x": x}, "x")
    assert torch.equal(value, model.observe({"x": x}, "x"))
    assert seen.all()


def test_a_translation_does_not_read_its_answer(model: Everything) -> None:
    x, y = values(2, 3), values(5)
    # z = [x[1] seen, x[2] seen, y seen, sum x[1], sum x[2], sum y]
    predicted = model.translate(
        {"x": x, "y": y, "seen(x)": torch.ones(ROWS, 2) > 0}, to=["x[2]", "y"]
    )
    assert set(predicted) == {"x[2]", "y"}
    assert torch.equal(predicted["y"][0, [0, 1, 2, 4, 5]], torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0]))
    assert torch.equal(predicted["y"][:, 3], x[:, 0].sum(dim=1))
    assert torch.equal(predicted["x[2]"], predicted["y"][:, 3:])
    filled = model.translate({"x[1]": x[:, 0], "y": y}, to=["x"])["x"]
    assert torch.equal(filled[0, 0], torch.tensor([1.0, 0.0, 1.0]))


def test_a_translation_goes_to_names_that_exist(model: Everything) -> None:
    with pytest.raises(UnknownName, match=r"`x2` \(did you mean `x\[2\]`\?\)"):
        model.translate({"y": values(5)}, to=["x2"])
    with pytest.raises(UnknownName, match="no observed variable `z`"):
        model.translate({"y": values(5)}, to=["z"])


def test_noise_has_the_shape_of_every_latent(model: Everything) -> None:
    noise = model.draw_noise(values(2, 3).double())
    assert {name: tuple(tensor.shape) for name, tensor in noise.items()} == {
        "z": (ROWS, 6),
        "u": (ROWS, 10),
    }
    assert noise["z"].dtype == torch.float64
    assert model.draw_noise(torch.zeros(ROWS, dtype=torch.int64))["z"].dtype == torch.float32


def test_noise_is_standard_normal_and_seeded(model: Everything) -> None:
    torch.manual_seed(7)
    noise = model.draw_noise(torch.zeros(100_000))["z"]
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01
    torch.manual_seed(7)
    assert torch.equal(model.draw_noise(torch.zeros(100_000))["z"], noise)


@pytest.mark.parametrize("beta", [0.4, 8.1, float("nan"), float("inf")])
def test_a_weight_outside_its_range_is_refused(beta: float) -> None:
    with pytest.raises(OutOfRange, match=r"beta = .* is outside its range 0.5..8.0"):
        Everything(beta=beta)


def test_networks_go_by_name() -> None:
    own = mlp([(5,)], (), 12)
    assert Everything(networks={"q(z|y)": own}).q_z is own


def test_a_network_of_another_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as problem:
        Everything(networks={"q(z|Y)": nn.Identity()})
    assert str(problem.value) == (
        "there is no network `q(z|Y)` (did you mean `q(z|y)`?); "
        "the names are: `q(z|y)`, `q(u[1]|x[1],z)`, `q(u[2]|x[2],z)`"
    )


def test_a_family_wants_all_its_networks_or_none() -> None:
    with pytest.raises(MissingNetwork, match=r"but not for `q\(u\[1\]\|x\[1\],z\)`"):
        Everything(networks={"q(u[2]|x[2],z)": nn.Identity()})


def test_a_familys_own_networks_get_their_own_and_the_shared_parents() -> None:
    networks = {f"q(u[{i}]|x[{i}],z)": mlp([(3,), (6,)], (), 2) for i in (1, 2)}
    before = torch.get_rng_state()
    model = Everything(networks={**networks, "q(z|y)": nn.Identity()})
    # Nothing was built for the networks that the caller brought.
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(model.q_u, Each)
    x, z = values(2, 3), values(6)
    for i, network in enumerate(networks.values()):
        assert torch.equal(model.q_u(x, z)[:, i], network(x[:, i], z))
    assert not [p for p in model.parameters() if p.is_meta]


def test_a_model_prints_its_variables_and_weights(model: Everything) -> None:
    text = str(model)
    for line in ("observed x[1..2] : real[3]", "observed a : real", "latent u[1..10] : real"):
        assert line in text
    model.beta = 2.0
    assert "beta = 2.0" in str(model)


def test_one_player_minimises_the_loss() -> None:
    loss, rate = torch.tensor(3.0), torch.tensor(1.0)
    assert Losses(loss, terms={"rate": rate}).players == {"model": loss}
    players = {"model": loss, "critic": rate}
    assert Losses(loss, terms={}, players=players).players == players


def test_one_group_holds_every_parameter(model: Everything) -> None:
    groups = model.parameter_groups()
    assert set(groups) == {"model"}
    assert {id(p) for p in groups["model"]} == {id(p) for p in model.parameters()}


def test_what_a_module_has_not_is_said(model: Everything) -> None:
    with pytest.raises(NotImplementedError, match="Everything has no forward"):
        model({})
    with pytest.raises(NotImplementedError, match="Objective has no"):
        Objective().infer({})
    with pytest.raises(NotImplementedError, match="Objective has no"):
        Objective().decode({})


def test_a_variable_of_another_name_is_refused(model: Everything) -> None:
    with pytest.raises(UnknownName, match="no variable `w`"):
        model.observe({"w": values(1)}, "w")


@pytest.mark.parametrize(
    "problem",
    [
        ShapeMismatch("x", expected=("B", 2), got=(3,)),
        UnknownName("network", "q", known=["p"]),
        OutOfRange("beta", 0.0, low=1.0, high=2.0),
    ],
)
def test_a_mistake_is_one_line(problem: ObjectiveError) -> None:
    assert "\n" not in str(problem)


def test_a_trained_module_can_be_pickled(model: Everything) -> None:
    model.rows = 100
    copy = pickle.loads(pickle.dumps(model))
    assert copy.rows == 100
    assert Everything()._rows is None
    for ours, theirs in zip(model.parameters(), copy.parameters(), strict=True):
        assert torch.equal(ours, theirs)
