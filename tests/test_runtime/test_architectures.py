"""Networks that a spec asks for: the emitted ones compute what torch's own layers compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from graphdsl.catalog.architectures import ARCHITECTURES, MLP, RESNET
from graphdsl.diagnostics import Source
from graphdsl.syntax import ast, parse, renamed
from graphdsl.syntax.walk import nodes
from graphdsl_runtime import Each, FamilyNetwork, Objective, Shared, mlp, mlps
from tests.by_hand import cost, halves, rate, sampled
from tests.emitted import emitted_text, objective_of

ROWS = 6
SPEC = """
model nets
observed x[1..2] : binary[5]
latent   z : real[3] ~ normal
q {{ x -> z  via {encoder} }}
p {{ z -> x[i]  via {decoder}  for i in 1..2 }}
minimize KL(q || p)
"""
ACTS: dict[str, nn.Module] = {
    "relu": nn.ReLU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "tanh": nn.Tanh(),
    "elu": nn.ELU(),
    "leaky_relu": nn.LeakyReLU(),
    "softplus": nn.Softplus(),
}


class Block(nn.Module):
    """A residual block, in torch's own layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Dropout(0.5),
            nn.Linear(width, width),
            nn.Dropout(0.5),
        )

    def forward(self, values: Tensor) -> Tensor:
        answer: Tensor = values + self.branch(values)
        return answer


def by_hand(inputs: int, outputs: int) -> dict[str, nn.Module]:
    """The networks of `via`, in torch's own layers."""
    norms: dict[str, list[nn.Module]] = {
        "none": [],
        "layer": [nn.LayerNorm(8)],
        "batch": [nn.BatchNorm1d(8)],
    }
    hidden = {
        f"mlp(8, act = {word}, norm = {norm}, dropout = 0.5)": nn.Sequential(
            nn.Linear(inputs, 8), *norms[norm], act, nn.Dropout(0.5), nn.Linear(8, outputs)
        )
        for (word, act), norm in zip(
            ACTS.items(), ["none", "layer", "batch", "none", "layer", "batch", "none"], strict=True
        )
    }
    residual = nn.Sequential(
        nn.Linear(inputs, 8),
        Block(8),
        Block(8),
        Block(8),
        nn.LayerNorm(8),
        nn.SiLU(),
        nn.Linear(8, outputs),
    )
    return {
        **hidden,
        "linear": nn.Linear(inputs, outputs),
        "resnet(8, blocks = 3, act = silu, norm = layer, dropout = 0.5)": residual,
    }


WORDS = tuple(by_hand(2, 2))


def stirred(network: nn.Module) -> nn.Module:
    """The network in double precision, with statistics that are not those of the beginning."""
    with torch.no_grad():
        for name, values in network.double().state_dict().items():
            if values.is_floating_point():
                values.copy_(
                    torch.rand_like(values) + 0.5 if "var" in name else torch.randn_like(values) / 2
                )
    return network


def copied(theirs: nn.Module, ours: nn.Module, member: int | None = None) -> None:
    """Give our network the weights of torch's: of one member, where it has a family's."""
    kept = [one for name, one in theirs.state_dict().items() if "tracked" not in name]
    own = [one for name, one in ours.state_dict().items() if "tracked" not in name]
    assert len(kept) == len(own)
    with torch.no_grad():
        for value, other in zip(kept, own, strict=True):
            if member is None:
                other.copy_(value)
            else:
                row = value.t() if value.ndim == 2 else value[None]
                other[member].copy_(row)


def loss_by_hand(encoder: nn.Module, decoders: list[nn.Module], x: Tensor, noise: Tensor) -> Tensor:
    mean, log_var = halves(encoder(x.flatten(1)))
    z = sampled(mean, log_var, noise)
    costs = sum(cost(decoder(z), x[:, i]) for i, decoder in enumerate(decoders))
    return (costs + rate(mean, log_var)).mean()


@pytest.mark.parametrize("word", WORDS)
def test_the_loss_is_that_of_torch_own_layers(word: str) -> None:
    """In evaluation: an encoder, and a family of decoders with weights for each member."""
    objective = objective_of(SPEC.format(encoder=word, decoder=word)).eval()
    encoder = stirred(by_hand(10, 6)[word]).eval()
    decoders = [stirred(by_hand(3, 5)[word]).eval() for _ in range(2)]
    copied(encoder, objective.get_submodule("q_z"))
    family = objective.get_submodule("p_x")
    for member, decoder in enumerate(decoders):
        if isinstance(family, Each):
            copied(decoder, family.each[member])
        else:
            copied(decoder, family, member)
    x = torch.bernoulli(torch.full((ROWS, 2, 5), 0.5, dtype=torch.float64))
    noise = torch.randn(ROWS, 3, dtype=torch.float64)
    ours = objective({"x": x}, noise={"z": noise}).loss
    assert_close(ours, loss_by_hand(encoder, decoders, x, noise))


def test_every_option_has_a_network_by_hand() -> None:
    options = {option.name: option for option in RESNET.options}
    assert set(ARCHITECTURES) == {"mlp", "linear", "resnet", "conv"}
    assert set(options) == {"act", "norm", "dropout", "blocks"}
    assert tuple(ACTS) == options["act"].words
    assert set(MLP.options) < set(RESNET.options)


@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("members", [None, [0], [2, 0], [1, 2]], ids=str)
def test_a_stacked_family_trains_as_its_members(norm: str, members: list[int] | None) -> None:
    """Values, gradients and running statistics, in training: those of a member are its own."""
    torch.manual_seed(0)
    inputs = [(4,), Shared(3)]
    family: FamilyNetwork = mlps(3, inputs, (8, 7), 5, norm=norm).double()  # type: ignore[arg-type]
    apart = [mlp([(4,), (3,)], (8, 7), 5, norm=norm).double() for _ in range(3)]  # type: ignore[arg-type]
    for member, one in enumerate(apart):
        stirred(one)
        copied(one, family, member)
    which = list(range(3)) if members is None else members
    own = torch.randn(ROWS, len(which), 4, dtype=torch.float64, requires_grad=True)
    shared = torch.randn(ROWS, 3, dtype=torch.float64, requires_grad=True)
    ours = family(own, shared, members=members)
    theirs = torch.stack([apart[m](own[:, i], shared) for i, m in enumerate(which)], dim=1)
    assert_close(ours, theirs)
    upstream = torch.randn_like(ours)
    assert_close(
        torch.autograd.grad(ours, [own, shared], upstream),
        torch.autograd.grad(theirs, [own, shared], upstream),
    )
    ours_after, after = (
        family.eval()(own, shared, members=members),
        torch.stack([apart[m].eval()(own[:, i], shared) for i, m in enumerate(which)], dim=1),
    )
    assert_close(ours_after, after)


def test_batch_normalisation_of_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1 row"):
        mlps(2, [(4,)], (8,), 5, norm="batch")(torch.zeros(1, 2, 4))


def test_dropout_is_of_training_alone() -> None:
    """In training two passes differ, with the same noise; in evaluation they are one."""
    objective: Objective = objective_of(
        SPEC.format(encoder="mlp(64, dropout = 0.5)", decoder="linear")
    )
    x = torch.ones(ROWS, 2, 5, dtype=torch.float64)
    noise = {"z": torch.zeros(ROWS, 3, dtype=torch.float64)}
    training = [objective({"x": x}, noise=noise).loss for _ in range(2)]
    objective.eval()
    evaluated = [objective({"x": x}, noise=noise).loss for _ in range(2)]
    assert training[0] != training[1]
    assert evaluated[0] == evaluated[1]


def test_defaults_are_not_written() -> None:
    """A setting with its default value is the same network, and the same text."""
    plain, spelled = (
        emitted_text(SPEC.format(encoder="mlp(8)", decoder=decoder))
        for decoder in ("mlp(8)", "mlp(8, act = relu, norm = none, dropout = 0)")
    )
    assert plain.split("from __future__")[1] == spelled.split("from __future__")[1]


def test_sizes_may_be_constants() -> None:
    text = emitted_text(
        "const width = 16\n" + SPEC.format(encoder="mlp(width, 2 * width)", decoder="resnet(width)")
    )
    assert "(16, 32)" in text
    assert "resnet([(3,)], 16, 5)" in text


def test_a_word_of_a_setting_is_renamed_with_nothing() -> None:
    """A constant that is called like an activation function is exchanged alone."""
    text = "const gelu = 8\nq { x -> z  via mlp(gelu, act = gelu) }\n"
    spec, _ = parse(Source("a.mib", text))
    after, _ = renamed(spec, {"gelu": "width"})
    (via,) = (one for one in nodes(after) if isinstance(one, ast.Choice))
    assert [str(one) for one in via.arguments] == ["width"]
    assert [str(one.value) for one in via.settings] == ["gelu"]
