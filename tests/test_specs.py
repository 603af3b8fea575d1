"""Every shipped spec: its golden derivation and code, and its loss against the published one.

Laws that train or that torch compiles take a share of the specs; `make fuzz` takes all.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import graphdsl_runtime
from graphdsl.compiler import check_spec, compile_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.report import audit_text
from graphdsl_runtime import Objective
from study.data import digits_batch
from tests.by_hand import ROWS_OF_DATA
from tests.compiled_graphs import assert_compiled_is_eager
from tests.conftest import ROOT, SPECS, Golden
from tests.corpus import some
from tests.emitted import emitted_class, emitted_text
from tests.published import PUBLISHED
from tests.random_rows import random_batch
from tests.rounds import assert_a_round_is_of_own_steps

by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


def some_by_name(law: str, share: int) -> pytest.MarkDecorator:
    """A share of the specs, another one for each law and each commit."""
    return pytest.mark.parametrize("path", some(law, SPECS, share), ids=lambda path: path.stem)


@by_name
def test_golden_derivation(path: Path, golden: Golden) -> None:
    audit = read(derive(check_spec(Source.read(path))))
    golden(audit_text(audit), path.stem, "terms.txt")


@by_name
def test_golden_code(path: Path, golden: Golden) -> None:
    golden(emitted_text(path), path.stem, "loss.py")


@by_name
def test_code_uses_words_of_the_runtime_alone(path: Path) -> None:
    tree = ast.parse(emitted_text(path))
    imported = {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    plain = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    words = {name for module, name in imported if module == "graphdsl_runtime"}
    assert plain == {"torch"}
    assert {module for module, _ in imported} - {"torch"} == {"__future__", "graphdsl_runtime"}
    assert words <= set(graphdsl_runtime.__all__)


def test_code_is_formatted_and_typed(tmp_path: Path) -> None:
    for path in SPECS:
        (tmp_path / f"{path.stem}.py").write_text(emitted_text(path))
    ruff = [sys.executable, "-m", "ruff"]
    line = ["--isolated", "--line-length=88", str(tmp_path)]
    subprocess.run([*ruff, "format", "--check", *line], check=True)
    subprocess.run([*ruff, "check", "--select=E,F,W,B,UP", *line], check=True)


def test_same_spec_same_bytes(tmp_path: Path) -> None:
    """Another folder, another hash seed, another working directory: the same files."""
    specs = some("bytes", SPECS, 6)
    copies = [tmp_path / "elsewhere" / path.name for path in specs]
    copies[0].parent.mkdir()
    for path, copy in zip(specs, copies, strict=True):
        copy.write_text(path.read_text())
    expected = "".join(map(emitted_text, specs))
    program = (
        "import sys; from pathlib import Path; from graphdsl import Source, compile_spec\n"
        "for path in sys.argv[1:]: print(compile_spec(Source.read(Path(path))).text, end='')"
    )
    for seed, paths in (("1", specs), ("2", copies)):
        command = [sys.executable, "-c", program, *map(str, paths)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            command, check=True, capture_output=True, env=environment, cwd=tmp_path
        )
        assert done.stdout == expected.encode()


@some_by_name("graph breaks", 5)
def test_compiles_without_graph_breaks(path: Path) -> None:
    objective = emitted_class(path)()
    batch = random_batch(objective, 4)
    assert_compiled_is_eager(objective, batch, all_noise(objective, batch["x"]))


@pytest.mark.skipif("FUZZ" not in os.environ, reason="`make fuzz` compiles with Inductor: 20 s")
@pytest.mark.skipif(shutil.which("g++") is None, reason="Inductor needs a C++ compiler")
def test_sets_of_views_have_the_same_gradients_under_inductor() -> None:
    """Inductor reads what a scatter writes before it is written, and the loss does not show it."""
    objective = emitted_class(ROOT / "specs" / "mvae.mib")()
    batch = random_batch(objective, 8)
    noise = all_noise(objective, batch["x"])
    assert_compiled_is_eager(objective, batch, noise, backend="inductor", within=1e-5)


@some_by_name("falling", 10)
def test_every_player_falls_in_twenty_steps_on_real_data(path: Path) -> None:
    """Judged on digits and noise that stay as they are, each player while the others hold still.

    The model learns from other digits, with other noise. Its opponents do not: an untrained
    encoder's latents, say, are independent already, and a critic can only learn them by heart.
    """
    made = emitted_class(path)
    for player in made().parameter_groups():
        torch.manual_seed(0)
        objective = made()
        objective.rows = 1_000
        order = torch.randperm(1_000)
        judged = digits_batch(objective, order[:256])
        noise = all_noise(objective, judged["x"])
        before = objective(judged, noise).players[player].item()
        optimizer = torch.optim.Adam(objective.parameter_groups()[player], 1e-3)
        for step in range(20):
            rows = order[256 + 64 * (step % 11) :][:64]
            others = player == "model"
            seen = (digits_batch(objective, rows), None) if others else (judged, noise)
            optimizer.zero_grad()
            objective(*seen).players[player].backward()
            optimizer.step()
        assert objective(judged, noise).players[player].item() < before, player


@by_name
def test_a_round_moves_every_player_by_its_own_steps(path: Path) -> None:
    """No gradient leaks: nothing but a player's own loss moves its parameters, in its own turns."""
    torch.manual_seed(5)
    objective = emitted_class(path)().double()
    objective.rows = ROWS_OF_DATA
    batch = random_batch(objective, 16)
    last = list(objective.parameter_groups())[-1]
    assert_a_round_is_of_own_steps(objective, batch, {last: 2})


def all_noise(objective: Objective, like: Tensor) -> dict[str, Tensor]:
    """All that a pass draws: noise of the latents, samples of their priors, orders of rows."""
    noise = objective.draw_noise(like)
    for one in objective.variables:
        if one.role == "latent":
            noise[f"prior({one.name})"] = torch.randn_like(noise[one.name])
            members = () if one.members is None else one.tensor_shape[:1]
            noise[f"permuted({one.name})"] = torch.rand(len(like), *members)
        else:
            noise[f"permuted({one.name})"] = torch.rand(len(like))
    return noise


@by_name
def test_equals_the_published_loss(path: Path) -> None:
    """From the same encoders and the same noise: each player's value and gradients."""
    torch.manual_seed(3)
    objective = emitted_class(path)().double()
    objective.rows = ROWS_OF_DATA
    batch = random_batch(objective, 16)
    noise = all_noise(objective, batch["x"])
    emitted = objective(batch, noise).players
    by_hand = PUBLISHED[path.stem](objective, batch, noise)
    players = {"model": by_hand} if isinstance(by_hand, Tensor) else by_hand
    assert emitted.keys() == players.keys()
    for player, parameters in objective.parameter_groups().items():
        ours, theirs = emitted[player], players[player]
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
        gradients = [
            torch.autograd.grad(one, parameters, retain_graph=True) for one in (ours, theirs)
        ]
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@by_name
def test_a_shipped_spec_has_no_warning(path: Path) -> None:
    """What ships passes `--strict`: no gap stays open, no network is untrained, no sign changes."""
    assert compile_spec(Source.read(path)).compiled.warnings == ()
