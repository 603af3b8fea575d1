"""Gaps of factors by hand, and views that are translated by networks that are known."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import graphdsl
from graphdsl.api.coherence import Coherence, Part, coherence, views_of
from graphdsl.api.gaps import gap
from graphdsl.api.targets import Targets
from graphdsl_runtime import Objective
from graphdsl_runtime.in_use import Drawn
from tests.command_line import run

Numbers: TypeAlias = np.ndarray[Any, np.dtype[Any]]

# Two factors, of four and of three values, in all combinations.
FOUR, THREE = (one.ravel() for one in np.indices((4, 3)))
LOG2, LOG3, LOG4 = math.log(2), math.log(3), math.log(4)


def codes(*units: Numbers) -> dict[str, Drawn]:
    means = torch.from_numpy(np.stack(units, axis=1).astype(float))
    return {"z": Drawn(means, means)}


@pytest.mark.parametrize(
    ("units", "factor", "unit", "best", "second", "entropy"),
    [
        ((FOUR, THREE), FOUR, "z_0", LOG4, 0.0, LOG4),  # each factor has a unit of its own
        ((FOUR, THREE), THREE, "z_1", LOG3, 0.0, LOG3),
        ((FOUR, -2.5 * FOUR), FOUR, "z_0", LOG4, LOG4, LOG4),  # two units have the same
        ((FOUR // 2, FOUR), FOUR, "z_1", LOG4, LOG2, LOG4),
        ((FOUR // 2, FOUR % 2), FOUR, "z_0", LOG2, LOG2, LOG4),
        ((THREE, FOUR // 2), FOUR, "z_1", LOG2, 0.0, LOG4),
        ((FOUR + 4 * THREE,), THREE, "z_0", LOG3, 0.0, LOG3),  # one unit that has both
    ],
)
def test_gaps_are_those_by_hand(
    units: tuple[Numbers, ...],
    factor: Numbers,
    unit: str,
    best: float,
    second: float,
    entropy: float,
) -> None:
    found = gap("v", codes(*units), factor)
    assert found.unit == unit
    assert found.information == pytest.approx(best, abs=1e-9)
    assert found.second == pytest.approx(second, abs=1e-9)
    assert found.gap == pytest.approx((best - second) / entropy, abs=1e-9)


def test_a_category_is_one_unit_and_a_constant_no_factor() -> None:
    probabilities = torch.nn.functional.one_hot(torch.from_numpy(FOUR), 4).double()
    found = gap("v", {"c": Drawn(probabilities, torch.from_numpy(FOUR))}, FOUR // 2)
    assert found.unit == "c_0"
    assert found.gap == pytest.approx(1.0)
    with pytest.raises(ValueError, match="all rows have the same v"):
        gap("v", codes(FOUR), 0 * FOUR)


SPEC = """model pair
observed x[1..2] : real[2] optional
observed y : categorical(3) optional
latent z : real[2] ~ normal
q { x[i] -> z by poe for i in 1..2 }
p { z -> x[i] for i in 1..2
    z -> y via mlp(4) }
minimize KL(q || p)
"""


class Times(nn.Module):
    """A number times the input; of a code, with a log-scale that leaves no doubt."""

    def __init__(self, factor: float, scales: int = 0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.scales = scales

    def forward(self, *inputs: Tensor) -> Tensor:
        made = self.factor * torch.cat(inputs, dim=-1)
        return torch.cat([made, torch.full_like(made, -20.0)], dim=-1) if self.scales else made


def pair(back: float) -> Objective:
    """A model whose code is the view, and whose second view is the code times a number."""
    torch.manual_seed(0)
    networks = {
        "q(z|x[1])": Times(1.0, 2),
        "q(z|x[2])": Times(1.0, 2),
        "p(x[1]|z)": Times(1.0),
        "p(x[2]|z)": Times(back),
    }
    return graphdsl.compile(SPEC).objective(networks=networks).eval()


def parts(objective: Objective, rows: int = 300) -> tuple[Part, Part]:
    """Views that are the place of one of three classes; every fifth row lacks one."""
    random = np.random.RandomState(0)
    labels = random.randint(3, size=rows)
    places = np.array([[0.0, 3.0], [3.0, -2.0], [-3.0, -2.0]])[labels]
    view = torch.from_numpy(places + 0.1 * random.normal(size=(rows, 2))).float()
    x = torch.stack([view, view], dim=1)
    x[::5, 1] = math.nan
    there = np.ones(rows, dtype=bool)
    cut = rows // 2
    both = slice(None, cut), slice(cut, None)
    first, second = (
        Part({"x": x[part]}, Targets("y", labels[part], there[part], True)) for part in both
    )
    return first, second


def measured(back: float) -> Coherence:
    objective = pair(back)
    return coherence(objective, "x[1]", "x[2]", *parts(objective))


def test_a_translation_that_keeps_the_class_is_coherent_and_one_that_turns_it_is_not() -> None:
    kept, turned = measured(1.0), measured(-1.0)
    assert kept.rows == turned.rows == 120  # every fifth of 150 lacks the view
    assert kept.translated == kept.real == turned.real == 1.0
    assert turned.translated < 0.6
    assert kept.without < 0.6


def test_the_view_that_holds_the_column_is_not_translated() -> None:
    objective = pair(1.0)
    assert views_of(objective, "y") == ("x[1]", "x[2]")
    assert views_of(objective, "label") == ("x[1]", "x[2]", "y")
    objective.data_record = {"columns": {"x[1]": ["a"], "x[2]": ["b"], "y": ["label"]}}
    assert views_of(objective, "label") == ("x[1]", "x[2]")


def test_the_command_measures_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.RandomState(0)
    labels, size = random.randint(3, size=60), random.randint(2, size=60)
    view = (np.eye(3)[labels] + 0.1 * random.normal(size=(60, 3)))[:, :2].astype(np.float32)
    np.savez("rows.npz", x_1=view, x_2=view, y=labels, size=size, depth=view[:, 0])
    Path("pair.mib").write_text(SPEC)
    words = ("train", "pair.mib", "--data", "rows.npz", "--epochs", 1, "--quiet", "-o", "run")
    assert run(*words).code == 0
    measure = ("evaluate", "run", "--data", "rows.npz", "--samples", 0, "-o", "e.json")
    ended = run(*measure, "--factor", "y", "--factor", "size", "--coherence", "y")
    assert ended.code == 0, ended.err
    found = json.loads(Path("e.json").read_text())
    assert [one["of"] for one in found["mutual_information_gaps"]] == ["y", "size"]
    pairs = [(one["from"], one["to"]) for one in found["coherence"]]
    assert pairs == [("x[1]", "x[2]"), ("x[2]", "x[1]")]
    assert "mutual information gap of factors" in ended.out
    assert "  x[1] to x[2]  " in ended.out
    refused = {
        ("--factor", "depth"): "DATA08 --factor: `depth` has more than 50 values",
        ("--factor", "none"): "DATA03 --factor: rows.npz has no column `none`",
        ("--coherence", "none"): "DATA03 --coherence: rows.npz has no column `none`",
    }
    for more, said in refused.items():
        ended = run(*measure, *more)
        assert ended.code == 1
        assert said in " ".join(ended.err.split())


def test_a_translation_says_which_rows_have_nothing_to_translate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    graphdsl.compile(SPEC).objective().save("mine")
    view = np.random.RandomState(0).normal(size=(9, 2))
    whole = view.copy()
    view[[1, 4]] = np.nan
    np.savez("rows.npz", x_1=view, x_2=whole)
    words = ("translate", "mine", "--data", "rows.npz", "-o", "t.npz", "--to", "y")
    ended = run(*words, "--from", "x[1]")
    assert ended.code == 0, ended.err
    assert "2 of 9 rows have none of x[1]" in ended.err
    assert "have none" not in run(*words, "--from", "x").err
