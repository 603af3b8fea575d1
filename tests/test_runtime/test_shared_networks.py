"""Networks that several conditionals share, and networks that the caller passes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from typer.testing import CliRunner

from graphdsl.cli import app
from graphdsl_runtime import (
    NetworkNeeded,
    NotOneNetwork,
    Objective,
    ShapeMismatch,
    Shared,
    Tied,
    UnknownName,
    mlp,
    mlps,
)
from tests.emitted import emitted_class

ROWS = 5

SHARED = """
model tied
observed x[1..3] : real[6] ~ normal(scale = learned)
observed y       : categorical(4)
observed im[1..2] : binary[1, 8, 8]
observed a : real[6]
latent   u[1..3] : real[2] ~ normal
latent   z : real[5] ~ normal
latent   h[1..3] : real[4] ~ normal
latent   w[1..2] : real[3] ~ normal
q {
    x[i], y      -> u[i]  via shared mlp(7)  for i in 1..3
    x, a         -> z     via shared mlp(9)  by poe
    x[1]         -> h[1]
    x[t], h[t-1] -> h[t]  via shared mlp(8)  for t in 2..3
    im[i]        -> w[i]  via shared conv    for i in 1..2
}
p {
    h[t-1]        -> h[t]   via shared mlp(5)  for t in 2..3
    z, u[i], h[i] -> x[i]   via shared mlp(6)  for i in 1..3
    w[i], z       -> im[i]  via shared conv    for i in 1..2
    z             -> a
    z             -> y
}
minimize KL(q || p) + 0.5 * I(z; x[1])
"""


def batch_of(objective: Objective) -> dict[str, Tensor]:
    torch.manual_seed(3)
    found = {}
    for one in objective.variables:
        if one.role == "observed":
            shape = (ROWS, *one.tensor_shape)
            drawn = torch.randint(4, shape) if one.kind == "categorical" else torch.randn(shape)
            found[one.name] = (drawn > 0).double() if one.kind == "binary" else drawn
    return {name: v.double() if v.is_floating_point() else v for name, v in found.items()}


def names_of(objective: Objective) -> list[str]:
    return sorted(objective._network_names)


def untied(objective: Objective, attribute: str) -> nn.Module:
    """The network that an attribute holds, out of what runs it on many members."""
    network = objective.get_submodule(attribute)
    return network.module if isinstance(network, Tied) else network


def test_what_is_shared_is_one_network_given_many_times() -> None:
    """The same loss and gradients as of a spec without the word, given one module for each."""
    one = emitted_class(SHARED)().double()
    apart_of = emitted_class(SHARED.replace("shared ", ""))
    bare = {
        "q(u[{}]|x[{}],y)": untied(one, "q_u"),
        "q(z|x[{}])": untied(one, "q_z"),
        "p(x[{}]|z,u[{}],h[{}])": untied(one, "p_x"),
        "q(w[{}]|im[{}])": untied(one, "q_w"),
        "p(im[{}]|w[{}],z)": untied(one, "p_im"),
    }
    given = {
        pattern.replace("{}", str(i)): network
        for pattern, network in bare.items()
        for i in ((1, 2) if "im" in pattern else (1, 2, 3))
    }
    given |= {"q(z|a)": untied(one, "q_z"), "q(h[1]|x[1])": untied(one, "q_h")}
    given |= {"p(a|z)": untied(one, "p_a"), "p(y|z)": untied(one, "p_y")}
    given |= {f"q(h[{t}]|x[{t}],h[{t - 1}])": untied(one, "q_h_2") for t in (2, 3)}
    given |= {f"p(h[{t}]|h[{t - 1}])": untied(one, "p_h") for t in (2, 3)}
    apart = apart_of(networks=given).double()
    assert names_of(apart) == sorted(given)
    with torch.no_grad():
        for objective in (one, apart):
            objective.get_parameter("log_var_p_x").fill_(0.7)
    batch = batch_of(one)
    noise = one.draw_noise(batch["x"])
    assert_close(one(batch, noise).terms, apart(batch, noise).terms)
    names = ("q_u", "q_z", "q_h_2", "p_h", "p_x", "q_w", "p_im")
    weights = [weight for name in names for weight in untied(one, name).parameters()]
    ours = torch.autograd.grad(one(batch, noise).loss, weights)
    assert_close(ours, torch.autograd.grad(apart(batch, noise).loss, weights))


def test_a_shared_network_is_there_once() -> None:
    objective = emitted_class(SHARED)()
    sizes = {
        name: sum(weight.numel() for weight in untied(objective, name).parameters())
        for name in ("q_u", "q_z", "q_h_2", "p_h", "p_x")
    }
    counted = {"q_u": (10, 7, 4), "q_z": (6, 9, 10), "q_h_2": (10, 8, 8), "p_h": (4, 5, 8)}
    for name, (inputs, hidden, outputs) in (counted | {"p_x": (11, 6, 6)}).items():
        assert sizes[name] == (inputs + 1) * hidden + (hidden + 1) * outputs
    assert objective.get_parameter("log_var_p_x").shape == ()


def test_what_is_shared_infers_and_generates() -> None:
    objective = emitted_class(SHARED)().double()
    batch = batch_of(objective)
    shapes = {name: tuple(q.mean.shape) for name, q in objective.infer(batch).items()}
    assert shapes == {"u": (ROWS, 3, 2), "z": (ROWS, 5), "h": (ROWS, 3, 4), "w": (ROWS, 2, 3)}
    made = objective.generate(2)
    assert tuple(made["x"].shape) == (2, 3, 6)


@pytest.mark.parametrize("inputs", [[(4,)], [(4,), Shared(3)], [Shared(3), (2, 2)]], ids=str)
def test_tied_members_are_rows(inputs: list[tuple[int, ...]]) -> None:
    plain = [tuple(one) for one in inputs]
    network = mlp(plain, (7,), (2, 3)).double()
    shared = [isinstance(one, Shared) for one in inputs]
    parents = [
        torch.randn(*((ROWS,) if isinstance(one, Shared) else (ROWS, 4)), *one).double()
        for one in inputs
    ]
    answer = Tied(network, shared)(*parents)
    for member in range(4):
        own = [p if alike else p[:, member] for p, alike in zip(parents, shared, strict=True)]
        assert_close(answer[:, member], network(*own))


FURTHER = """
model twins
observed x[1..2] : real[6]
observed y[1..3] : binary[4]
latent z : real[5] ~ normal
latent v : real[3] ~ normal
infer r(i) { x[i] -> z via shared mlp(7) }
infer s(S) { y[S] -> v via shared mlp(8) by poe }
p { z -> x[i] for i in 1..2; v -> y }
minimize
    sum(i in 1..2) KL(r(i)(x[i], z) || p(x[i], z))
  + KL(r(1)(z | x[1]) || r(2)(z | x[2]))
  + sum(S in subsets(1..3)) KL(s(S)(v | y[S]) || p(v))
"""


def test_networks_of_one_statement_share_what_their_line_shares() -> None:
    """`infer r(i)`: one network for r(1) and r(2), and one expert for all of `infer s(S)`."""
    one = emitted_class(FURTHER)().double()
    assert names_of(one) == sorted(
        [f"r(z|x[{i}])" for i in (1, 2)] + [f"s(v|y[{i}])" for i in (1, 2, 3)]
        + [f"p(x[{i}]|z)" for i in (1, 2)] + ["p(y|v)"]
    )  # fmt: skip
    given: dict[str, nn.Module] = {f"r(z|x[{i}])": untied(one, "r_z") for i in (1, 2)}
    given |= {f"s(v|y[{i}])": untied(one, "s_v") for i in (1, 2, 3)}
    apart = emitted_class(FURTHER.replace("shared ", ""))(networks=given).double()
    for name in ("p_x", "p_y"):
        apart.get_submodule(name).load_state_dict(one.get_submodule(name).state_dict())
    torch.manual_seed(4)
    batch = {
        "x": torch.randn(ROWS, 2, 6).double(),
        "y": (torch.rand(ROWS, 3, 4) > 0.5).double(),
    }
    noise = one.draw_noise(batch["x"])
    assert_close(one(batch, noise).terms, apart(batch, noise).terms)


# ---- the caller's own ----------------------------------------------------------------------------

OWN = """
model own
observed x[1..2] : real[6]
observed y : categorical(4)
latent z : real[5] ~ normal
latent u[1..2] : real[3] ~ normal
q {
    x, y    -> z     via trunk
    x[i], y -> u[i]  via shared backbone  for i in 1..2
}
p {
    z       -> x[i]  via head  for i in 1..2
    u[i], z -> y
}
minimize KL(q || p)
"""


def networks() -> dict[str, nn.Module]:
    return {
        "q(z|x,y)": mlp([(2, 6), (4,)], (7,), 10),
        "q(u[2]|x[2],y)": mlp([(6,), (4,)], (8,), 6),
        "p(x[1]|z)": mlp([(5,)], (9,), 6),
        "p(x[2]|z)": mlp([(5,)], (9,), 6),
    }


OWN_SPEC = OWN.replace("u[i], z -> y", "u, z    -> y")


def test_own_networks_are_run_as_the_default_ones() -> None:
    own = networks()
    objective = emitted_class(OWN_SPEC)(networks=own).double()
    default = OWN_SPEC.replace("via trunk", "").replace("via head", "").replace("backbone", "mlp")
    twin = emitted_class(default)(networks=own).double()
    twin.get_submodule("p_y").load_state_dict(objective.get_submodule("p_y").state_dict())
    batch = batch_of(objective)
    noise = objective.draw_noise(batch["x"])
    assert_close(objective(batch, noise).terms, twin(batch, noise).terms)


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("q(z|x,y)", "(B, 2, 6), (B, 4) and answers with (B, 10): means, then log-variances"),
        ("q(u[2]|x[2],y)", "(B, 6), (B, 4) and answers with (B, 6): means, then log-variances"),
        ("p(x[2]|z)", "(B, 5) and answers with (B, 6): means"),
    ],
)
def test_a_network_that_is_not_passed_is_asked_for(missing: str, told: str) -> None:
    own = networks()
    del own[missing]
    with pytest.raises(NetworkNeeded, match=r"Own\(networks=") as found:
        emitted_class(OWN_SPEC)(networks=own)
    assert told in str(found.value)


def test_the_shape_of_its_answer_is_tried() -> None:
    own = networks() | {"q(z|x,y)": mlp([(2, 6), (4,)], (7,), 5)}
    with pytest.raises(ShapeMismatch, match=r"q\(z\|x,y\) has shape \(2, 5\); expected \(B, 10\)"):
        emitted_class(OWN_SPEC)(networks=own)


def test_trying_a_network_leaves_no_trace() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(12)
            self.still = nn.Dropout(0.5).eval()
            self.last = nn.Linear(16, 10)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            answer: Tensor = self.last(self.still(torch.cat([self.norm(x.flatten(1)), y], dim=1)))
            return answer

    normed = Normed()
    emitted_class(OWN_SPEC)(networks=networks() | {"q(z|x,y)": normed})
    assert normed.norm.training
    assert not normed.still.training
    assert normed.norm.num_batches_tracked == 0


def test_several_networks_for_what_is_shared() -> None:
    own = networks() | {"q(u[1]|x[1],y)": mlp([(6,), (4,)], (8,), 6)}
    with pytest.raises(NotOneNetwork, match="share one network"):
        emitted_class(OWN_SPEC)(networks=own)


def test_a_slip_in_a_name() -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        emitted_class(SHARED)(networks={"q(u[1]|x[1])": mlps(2, [(3,)], (), 4)})


def test_the_command_line_says_which_networks_to_pass(tmp_path: Path) -> None:
    spec = tmp_path / "own.mib"
    spec.write_text(OWN_SPEC, encoding="utf-8")
    done = CliRunner().invoke(app, ["train", str(spec), "--data", "digits"])
    assert done.exit_code == 1
    own = [("q(z|x,y)", "trunk"), ("p(x[1]|z)", "head"), ("p(x[2]|z)", "head")]
    for name, word in own:
        assert f"{name} `via {word}`" in done.stderr
        assert f'"{name}": {word}' in done.stderr
    assert "--networks nets:make" in done.stderr
