"""Every shipped spec: its golden derivation and code, and its loss against the published one."""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

import graphdsl_runtime
from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.report import audit_text
from graphdsl_runtime import Objective
from tests.conftest import SPECS, Golden
from tests.emitted import emitted_class, emitted_text

by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


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
    assert {module for module, _ in imported} == {"__future__", "graphdsl_runtime"}
    assert words <= set(graphdsl_runtime.__all__)


@by_name
def test_code_is_formatted_and_typed(path: Path, tmp_path: Path) -> None:
    file = tmp_path / f"{path.stem}.py"
    file.write_text(emitted_text(path))
    tool = [sys.executable, "-m"]
    line = ["--isolated", "--line-length=88"]
    subprocess.run([*tool, "ruff", "format", "--check", *line, str(file)], check=True)
    subprocess.run([*tool, "ruff", "check", "--select=E,F,W,B,UP", *line, str(file)], check=True)


@by_name
def test_same_spec_same_bytes(path: Path, tmp_path: Path) -> None:
    """Another folder, another hash seed, another working directory: the same file."""
    copy = tmp_path / "elsewhere.mib"
    copy.write_text(path.read_text())
    texts = set()
    for seed, spec in (("1", path), ("2", copy), ("3", path)):
        command = [sys.executable, "-m", "graphdsl", "compile", str(spec), "-o", "-"]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            command, check=True, capture_output=True, env=environment, cwd=tmp_path
        )
        texts.add(done.stdout)
    assert texts == {emitted_text(path).encode()}


@by_name
def test_compiles_without_graph_breaks(path: Path) -> None:
    objective = emitted_class(path)()
    batch = random_batch(objective, 4)
    noise = objective.draw_noise(batch["x"])
    whole = torch.compile(objective, fullgraph=True, backend="eager")
    assert torch.equal(whole(batch, noise).loss, objective(batch, noise).loss)


@by_name
def test_every_player_falls_in_twenty_steps(path: Path) -> None:
    torch.manual_seed(0)
    objective = emitted_class(path)()
    objective.rows = 64
    batch = random_batch(objective, 64)
    noise = objective.draw_noise(batch["x"])
    before = objective(batch, noise).loss.item()
    optimizer = torch.optim.Adam(objective.parameters(), 1e-3)
    for _ in range(20):
        optimizer.zero_grad()
        objective(batch).loss.backward()
        optimizer.step()
    assert objective(batch, noise).loss.item() < before


def random_batch(objective: Objective, rows: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        one.name: (torch.rand(rows, *one.tensor_shape, generator=generator) > 0.5).to(
            next(objective.parameters()).dtype
        )
        for one in objective.variables
        if one.role == "observed"
    }


# ---- the published losses, by hand, in plain torch ----------------------------------------------


def run(m: Objective, name: str, *parents: Tensor) -> Tensor:
    answer: Tensor = m.get_submodule(name)(*parents)
    return answer


def halves(parameters: Tensor) -> tuple[Tensor, Tensor]:
    mean, log_var = parameters.chunk(2, dim=-1)
    return mean, log_var


def sampled(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    return mean + (0.5 * log_var).exp() * noise


def rate(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)), summed over all but the rows."""
    return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).flatten(1).sum(1)


def cost(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z) for bits, summed over all but the rows."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def single_view(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> tuple[Tensor, ...]:
    mean, log_var = halves(run(m, "q_u", x))
    u = sampled(mean, log_var, noise["u"])
    return cost(run(m, "p_x", u), x), rate(mean, log_var), u, mean, log_var


def vae(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """-ELBO: Kingma and Welling 2014, eq. 10."""
    reconstruction, rate_u, *_ = single_view(m, x, noise)
    return (reconstruction + rate_u).mean()


def beta_vae(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """Higgins et al. 2017, eq. 4, beta = 4."""
    reconstruction, rate_u, *_ = single_view(m, x, noise)
    return (reconstruction + 4.0 * rate_u).mean()


def beta_tcvae(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """Chen et al. 2018, eq. 4, as rec + rate + (beta - 1) TC, beta = 6; N = 100 rows of data."""
    reconstruction, rate_u, u, mean, log_var = single_view(m, x, noise)
    rows, data = x.shape[0], 100
    distance = u[:, None] - mean[None]
    log_q = -0.5 * (distance**2 / log_var.exp() + log_var + math.log(2 * math.pi))
    weights = torch.full((rows, rows), (data - 1) / (data * (rows - 1)), dtype=x.dtype)
    weights.fill_diagonal_(1 / data)
    joint = (weights.log() + log_q.sum(-1)).logsumexp(1)
    marginals = (weights.log()[..., None] + log_q).logsumexp(1).sum(-1)
    return (reconstruction + rate_u + 5.0 * (joint - marginals)).mean()


def fused(mean: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor]:
    """The corrected eq. 13 with all experts and the prior."""
    precision = 1 + (-log_var).exp().sum(1)
    return (mean * (-log_var).exp()).sum(1) / precision, -precision.log()


def kl(mean: Tensor, log_var: Tensor, other: Tensor, other_log_var: Tensor) -> Tensor:
    square = (mean - other) ** 2 + log_var.exp()
    return 0.5 * (square / other_log_var.exp() - 1 + other_log_var - log_var).flatten(1).sum(1)


def two_views(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> tuple[Tensor, ...]:
    means, log_vars = halves(run(m, "q_z", x))
    mean, log_var = fused(means, log_vars)
    single = [fused(means[:, [i]], log_vars[:, [i]]) for i in range(2)]
    cross = sum(kl(mean, log_var, *one) for one in single)
    return sampled(mean, log_var, noise["z"]), rate(mean, log_var), cross  # type: ignore[return-value]  # a sum of tensors


def jmvae(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """Suzuki et al. 2017, eq. 5, alpha = 0.1."""
    z, rate_z, cross = two_views(m, x, noise)
    return (cost(run(m, "p_x", z), x) + rate_z + 0.1 * cross).mean()


def wyner(m: Objective, x: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """The objective in the spec's header, common = 0.1 and cross = 1."""
    z, rate_z, cross = two_views(m, x, noise)
    mean, log_var = halves(run(m, "q_u", x, z))
    u = sampled(mean, log_var, noise["u"])
    reconstruction = cost(run(m, "p_x", z, u), x)
    return (2 * reconstruction + 1.1 * rate_z + cross + 2 * rate(mean, log_var)).mean()


PUBLISHED: dict[str, Callable[[Objective, Tensor, dict[str, Tensor]], Tensor]] = {
    "vae": vae,
    "beta_vae": beta_vae,
    "beta_tcvae": beta_tcvae,
    "jmvae": jmvae,
    "wyner": wyner,
}


@by_name
def test_equals_the_published_loss(path: Path) -> None:
    """From the same encoders and the same noise: value and gradients."""
    torch.manual_seed(3)
    objective = emitted_class(path)().double()
    objective.rows = 100
    batch = random_batch(objective, 16)
    noise = objective.draw_noise(batch["x"])
    parameters = list(objective.parameters())
    emitted = objective(batch, noise).loss
    by_hand = PUBLISHED[path.stem](objective, batch["x"], noise)
    assert emitted.item() == pytest.approx(by_hand.item(), rel=1e-9)
    ours = torch.autograd.grad(emitted, parameters)
    theirs = torch.autograd.grad(by_hand, parameters)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
