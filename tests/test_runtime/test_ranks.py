"""Two processes with half a batch each: the loss and the gradients of one with the whole batch."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch.testing import assert_close

from graphdsl_runtime.ranks import alone, first_row, gathered, mean_over_ranks, own_rows, ranks
from tests.test_runtime.halves import (
    RANKS,
    SPECS,
    Found,
    losses,
    on_the_whole,
    played,
    share,
    start,
)
from tests.test_runtime.words import WORDS

#: Means over rows, which halves have as the whole has, whoever gathers what.
MEANS_OF_ROWS = {
    "adversarial_js",
    "adversarial_js_non_saturating",
    "adversarial_kl",
    "barber_agakov",
    "bernoulli_information",
    "gradient_penalty_r1",
    "importance_of_experts",
    "importance_weighted",
    "infogan_bound",
    "jensen_shannon_information",
    "lmifr",
    "wyner",
}


@pytest.fixture(scope="module")
def of_halves(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Found]:
    return start(tmp_path_factory.mktemp("ranks"))


def test_halves_add_up_to_the_whole(of_halves: Mapping[str, Found]) -> None:
    """For every estimator, and for emitted modules under DistributedDataParallel."""
    whole = {name: on_the_whole(*given) for name, given in losses().items()}
    assert whole.keys() == {*WORDS, *SPECS, "bent"}
    for name, (value, gradients) in whole.items():
        ours, of_ranks = of_halves[name]
        said = {"loss": ours, **of_ranks}
        for key, one in {"loss": value, **gradients}.items():
            assert_close(said.pop(key), one, rtol=1e-9, atol=1e-11, msg=f"{name}: {key}")
        assert not said, name


def test_a_game_of_halves_is_that_of_the_whole(of_halves: Mapping[str, Found]) -> None:
    """Both ranks' turns, from the first's weights on: the critic's by itself are averaged too."""
    ends = played()
    of_ranks = dict(of_halves["played"][1])
    for name, end in ends.items():
        assert_close(of_ranks.pop(name), end, rtol=1e-9, atol=1e-11, msg=name)
    assert not of_ranks


def test_noise_of_the_whole_batch_is_the_first_ranks(of_halves: Mapping[str, Found]) -> None:
    assert torch.equal(of_halves["one draw of all"][0], torch.ones(3 * RANKS))


def test_halves_alone_are_something_else() -> None:
    """What a word that did not gather would find: the test above would notice."""
    same = set()
    for name, (loss, rows) in losses().items():
        with torch.no_grad():
            value = torch.stack([loss(share(rows, rank)) for rank in range(RANKS)]).mean()
            if torch.isclose(value, loss(rows), rtol=1e-6, atol=1e-8):
                same.add(name)
    assert same == MEANS_OF_ROWS


def test_one_process_has_the_whole_batch() -> None:
    rows = torch.randn(4, 3)
    assert ranks() == 1
    assert first_row(4) == 0
    for one in (gathered(rows), own_rows(rows), mean_over_ranks(rows)):
        assert one is rows or torch.equal(one, rows)
    with alone():
        assert ranks() == 1
