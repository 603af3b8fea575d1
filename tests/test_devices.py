"""Everything is where the data are, on a machine without an accelerator.

The device is "meta", which has shapes and no values: a pass that reads one, for which a host would
have to wait for its GPU, fails as well. As its kernels let some mixtures of devices pass that those
of a GPU refuse, every operation is looked at, forward and backward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from graphdsl_runtime import Objective, critic
from tests.conftest import SPECS
from tests.corpus import generated
from tests.emitted import emitted_class, emitted_objectives
from tests.random_rows import random_batch, rows_of
from tests.test_runtime.words import COLUMNS, OF_THE_CRITIC, WORDS, drawn

#: What goes from one device to another, and indices, which a GPU takes from the host.
ACROSS = ("_to_copy", "copy_", "index", "index_put", "_index_put_impl_")


class OneDevice(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Refuse an operation on tensors of two devices; a number may be anywhere."""

    def __torch_dispatch__(
        self,
        func: OpOverload[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor) and one.ndim]
        across = func.overloadpacket.__name__ in ACROSS
        assert across or len({one.device.type for one in given}) <= 1, f"{func} across devices"
        return func(*args, **(kwargs or {}))


@pytest.fixture(autouse=True)
def autocast_knows_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words turn autocast off on their data's device, and "meta" has none to turn off."""
    on_device = torch.autocast

    def autocast(device_type: str, *, enabled: bool) -> torch.autocast:
        return on_device("cpu" if device_type == "meta" else device_type, enabled=enabled)

    monkeypatch.setattr(torch, "autocast", autocast)


def assert_on_one_device(objective: Objective, batch: Mapping[str, Tensor]) -> None:
    """A step of every player, and what the trained model is asked for."""
    objective.to("meta")
    moved = {name: value.to("meta") for name, value in batch.items()}
    with OneDevice():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        players = objective(moved).players
        for player, own in objective.parameter_groups().items():
            torch.autograd.grad(players[player], own, retain_graph=True, materialize_grads=True)
        objective.infer(moved)
        given = {name: value[:2] for name, value in moved.items()}
        made = objective.generate(2, given=given)
    assert {one.device.type for one in made.values()} <= {"meta"}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_module_is_where_its_weights_are(path: Path) -> None:
    objective = emitted_class(path)()
    objective.rows = 1_000
    assert_on_one_device(objective, random_batch(objective, 6))


def test_generated_modules_are_where_their_weights_are() -> None:
    for _, objective in emitted_objectives(generated("devices", 20)):
        assert_on_one_device(objective, rows_of(objective))


@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_where_its_samples_are(name: str) -> None:
    network = critic([(COLUMNS,)], (8,)).to("meta")
    here = drawn(network, 1.0)
    parts = ("z", "mean", "log_var", "keys", "groups")
    case = replace(here, **{part: getattr(here, part).to("meta") for part in parts})
    with OneDevice():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        value = WORDS[name](case)
        reached = [*network.parameters()] if name in OF_THE_CRITIC else [case.mean, case.log_var]
        torch.autograd.grad(value, reached, allow_unused=True)
    assert value.device.type == "meta"


@pytest.mark.parametrize("mixed", [torch.matmul, torch.add, torch.nn.functional.linear])
def test_the_look_sees_what_meta_lets_pass(mixed: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises((AssertionError, RuntimeError)), OneDevice():  # type: ignore[no-untyped-call]
        mixed(torch.ones(2, 2, device="meta"), torch.ones(2, 2))
