"""Models of several views: each encodes a view once, and takes any pattern of missing ones."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from graphdsl.diagnostics import SpecError
from graphdsl_runtime import Gaussian, Objective
from study.data import digits_batch
from tests.conftest import ROOT, SPECS
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)

#: The specs whose views are the members of one family, and how many there are to be.
VIEWS = {
    "bivcca": 2,
    "jmvae": 2,
    "jmvae_cross": 2,
    "mvae": 3,
    "vcca": 2,
    "vcca_private": 2,
    "wyner": 2,
}
by_views = pytest.mark.parametrize("name", VIEWS)


def encoders(objective: Objective) -> list[str]:
    """The attributes of the networks that infer latents: `q_z`, `r_z_2`."""
    latents = [one.name for one in objective.variables if one.role == "latent"]
    return [
        name
        for name, _ in objective.named_children()
        if name[:2] in ("q_", "r_", "s_") and name[2:].split("_")[0] in latents
    ]


def calls_in_a_step(objective: Objective, batch: dict[str, Tensor]) -> dict[str, int]:
    """How often each encoder runs."""
    counts = dict.fromkeys(encoders(objective), 0)

    def counter(name: str) -> Callable[..., None]:
        def count(*_: object) -> None:
            counts[name] += 1

        return count

    for name in counts:
        objective.get_submodule(name).register_forward_hook(counter(name))
    objective(batch)
    return counts


@by_name
def test_every_encoder_runs_once_in_a_step(path: Path) -> None:
    objective = emitted_class(path)()
    counts = calls_in_a_step(objective, digits_batch(objective, torch.arange(8)))
    # The encoder of a VampPrior runs once more, at the pseudo-inputs.
    assert set(counts.values()) <= ({2} if path.stem == "vamp_vae" else {1})
    assert counts or path.stem in ("gan", "infogan")


@pytest.mark.parametrize("views", [2, 3, 4])
def test_one_pass_serves_every_subset_of_the_views(views: int) -> None:
    objective = emitted_class("mvae", {"views": views, "pixels": 64 // views // 4 * 4})()
    batch = {"x": torch.rand(8, views, 64 // views // 4 * 4)}
    assert calls_in_a_step(objective, batch) == {"r_z": 1}


# ---- missing views -------------------------------------------------------------------------------


def with_missing(name: str) -> tuple[Objective, dict[str, Tensor], Tensor]:
    """A spec whose views may be missing, and rows of digits with every pattern of them."""
    views = VIEWS[name]
    text = (ROOT / "specs" / f"{name}.mib").read_text(encoding="utf-8")
    written = re.sub(r"(observed x\[.*binary\[pixels\])( optional)?", r"\1 optional", text)
    pixels = 64 // views // 4 * 4
    constants = {"views": views, "pixels": pixels} if "const views" in text else {"pixels": pixels}
    objective = emitted_class(written, constants)()
    seen = torch.tensor(list(product([True, False], repeat=views)))
    x = load_digits().data[: len(seen), : views * pixels].reshape(-1, views, pixels) / 16
    return objective, {"x": torch.as_tensor(x)}, seen


#: Of the specs of several views, those that can be had of rows that lack some.
OPTIONAL = [name for name in VIEWS if name != "jmvae"]
by_optional = pytest.mark.parametrize("name", OPTIONAL)


def test_a_mediator_that_rows_may_lack_is_refused() -> None:
    """JMVAE's network separates a view from z by the other one, which a row may lack."""
    with pytest.raises(SpecError) as refused:
        with_missing("jmvae")
    assert {one.code for one in refused.value.diagnostics} == {"MIB424"}


@by_optional
def test_each_row_has_the_bound_of_the_views_that_it_has(name: str) -> None:
    objective, batch, seen = with_missing(name)
    noise = objective.draw_noise(batch["x"])
    together = objective({**batch, "seen(x)": seen}, noise).loss
    alone = [
        objective(
            {"x": batch["x"][row, None], "seen(x)": seen[row, None]},
            {key: one[row, None] for key, one in noise.items()},
        ).loss
        for row in range(len(seen))
    ]
    torch.testing.assert_close(together, torch.stack(alone).mean())


@by_optional
def test_what_a_missing_view_would_have_been_changes_no_bit(name: str) -> None:
    objective, batch, seen = with_missing(name)
    noise = objective.draw_noise(batch["x"])
    found = []
    for fill in (0.0, 1.0, math.nan):
        x = torch.where(seen[..., None], batch["x"], fill)
        objective.zero_grad()
        loss = objective({"x": x, "seen(x)": seen}, noise).loss
        loss.backward()
        slopes = [one.grad for one in objective.parameters() if one.grad is not None]
        found.append([loss.detach(), *slopes])
    for other in found:
        assert all(one.isfinite().all() for one in other)
        assert all(map(torch.equal, found[0], other))


@by_views
def test_posteriors_and_translations_from_any_pattern(name: str) -> None:
    """As the spec is shipped: every latent has a posterior, every view a prediction."""
    objective = emitted_class(name)()
    whole = digits_batch(objective, torch.arange(4))["x"]
    for pattern in product([True, False], repeat=2):
        batch = {f"x[{i + 1}]": whole[:, i] for i in range(2) if pattern[i]}
        batch["seen(x[1])"] = torch.full((4,), pattern[0])
        posterior = objective.infer(batch)
        latents = {one.name for one in objective.variables if one.role == "latent"}
        assert posterior.keys() == latents
        for q in posterior.values():
            assert q.mean.isfinite().all()
        made = objective.translate(batch, to=["x[1]", "x[2]"])
        assert all(one.isfinite().all() for one in made.values())


def test_without_any_view_a_posterior_is_the_prior() -> None:
    for name in ("jmvae", "mvae", "wyner"):
        objective = emitted_class(name)()
        nothing = torch.zeros(4, dtype=torch.bool)
        q = objective.infer({"seen(x[1])": nothing})["z"]
        assert isinstance(q, Gaussian)
        assert torch.equal(q.mean, torch.zeros(4, 16))
        assert torch.equal(q.log_var, torch.zeros(4, 16))
