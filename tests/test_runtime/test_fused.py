"""Fused kernels say what the plain path says: on a GPU where there is one, else interpreted."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from graphdsl_runtime import (
    Gaussian,
    MissingTriton,
    fused_kernels,
    information_leave_in,
    information_loo,
    total_correlation_loo,
    total_correlation_mss,
    total_correlation_mws,
)
from graphdsl_runtime.estimators import fused as room
from graphdsl_runtime.estimators import mixtures as plain
from graphdsl_runtime.estimators.fused import fused_for
from graphdsl_runtime.estimators.mixtures import log_sums

HERE = "cuda" if torch.cuda.is_available() else "cpu"
WORDS = (
    total_correlation_mss,
    total_correlation_mws,
    total_correlation_loo,
    information_loo,
    information_leave_in,
)
#: Log-weights of a sample's own row, for z whole and for its factors: left in, weighed, left out.
WEIGHTS = [(0.0, 0.0), (-1.3, -1.3), (0.0, -math.inf), (-math.inf, -math.inf), (0.7, -0.4)]


@pytest.fixture
def fused() -> Iterator[ModuleType]:
    """Take the kernels throughout a test."""
    pytest.importorskip("triton")
    from graphdsl_runtime.estimators.fused import mixtures

    with fused_kernels():
        assert fused_for(torch.zeros(1, device=HERE)) is mixtures.fused_log_sums
        yield mixtures


def posteriors(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Gaussian]:
    """Give posteriors that overlap, and a sample of each."""
    mean, log_var, noise = torch.randn(3, *shape, dtype=dtype, device=HERE).unbind()
    return moved(mean, log_var, noise)


def moved(mean: Tensor, log_var: Tensor, noise: Tensor) -> tuple[Tensor, Gaussian]:
    q = Gaussian(mean.requires_grad_(), log_var.requires_grad_())
    return q.sample(noise).detach().requires_grad_(), q


def assert_same(
    call: Callable[[], Sequence[Tensor]], z: Tensor, q: Gaussian, rtol: float, atol: float
) -> None:
    """Hold values and gradients, for random upstream gradients, against the plain path's."""
    with fused_kernels(False):
        theirs = call()
    ours = call()
    assert_close(ours, theirs, rtol=rtol, atol=atol)
    upstream = [torch.randn_like(value) for value in theirs]
    inputs = [z, q.mean, q.log_var]
    slopes = [torch.autograd.grad(values, inputs, upstream) for values in (ours, theirs)]
    assert_close(*slopes, rtol=rtol, atol=atol)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize("shape", [(7, 3), (5, 2, 3), (5, 1, 9)], ids=str)
@pytest.mark.usefixtures("fused")
def test_the_kernels_say_what_the_plain_path_says(
    shape: tuple[int, ...], weights: tuple[float, float]
) -> None:
    z, q = posteriors(*shape)
    assert_same(lambda: log_sums(z, q, *weights), z, q, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("programs", [1, 12])
@pytest.mark.parametrize("weights", [(0.0, 0.0), (0.0, -math.inf)], ids=str)
def test_neither_the_split_nor_a_ragged_end_changes_a_thing(
    fused: ModuleType, programs: int, weights: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program meets all the others, tile after tile, or a few; most of its threads may idle."""
    monkeypatch.setattr(fused, "_PROGRAMS", programs)
    z, q = posteriors(37, 2)
    assert_same(lambda: log_sums(z, q, *weights), z, q, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("fused")
def test_batches_have_several_blocks() -> None:
    z, q = posteriors(130, 1)
    assert_same(lambda: log_sums(z, q, 0.5, 0.5), z, q, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("fused")
def test_a_row_alone_is_its_own_density() -> None:
    z, q = posteriors(1, 2)
    assert_close(log_sums(z, q)[1], q.log_prob(z))


@pytest.mark.parametrize("weights", [(-1.3, -1.3), (0.0, -math.inf)], ids=str)
@pytest.mark.usefixtures("fused")
def test_a_rank_has_its_own_rows_of_the_gathered_posteriors(
    weights: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three rows of 20, from the third on: those of other ranks before them and behind."""
    z, q = posteriors(3, 2)
    others = itertools.cycle(torch.randn(2, 17, 2, 1, dtype=z.dtype, device=HERE))

    def gathered(rows: Tensor) -> Tensor:
        rest = next(others)  # means, log-variances, and again
        return torch.cat([rest[:2], rows, rest[2:]])

    monkeypatch.setattr(plain, "gathered", gathered)
    monkeypatch.setattr(plain, "first_row", lambda count: 2)
    assert_same(lambda: log_sums(z, q, *weights), z, q, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.usefixtures("fused")
def test_every_word_says_the_same(word: Callable[[Tensor, Gaussian], Tensor]) -> None:
    z, q = posteriors(6, 2)
    assert_same(lambda: [word(z, q)], z, q, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("fused")
def test_gradients_are_right() -> None:
    z, q = posteriors(3, 2, 2)
    assert torch.autograd.gradcheck(
        lambda z, mean, log_var: log_sums(z, Gaussian(mean, log_var), 0.3, -0.4),
        [z, q.mean, q.log_var],
        fast_mode=True,  # along random directions
    )


@pytest.mark.usefixtures("fused")
def test_single_precision_is_as_exact_as_the_plain_path() -> None:
    z, q = posteriors(40, 3, dtype=torch.float32)
    assert_same(lambda: [total_correlation_mss(z, q, rows=900)], z, q, rtol=1e-5, atol=1e-6)


def assert_same_at_extremes(word: Callable[..., Tensor], z: Tensor, q: Gaussian) -> None:
    """Hold a finite value with finite gradients against the plain path's, a few rows at a time."""
    with fused_kernels(False):
        theirs = word(z, q, chunk=2)
    ours = word(z, q)
    assert torch.isfinite(ours)
    assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    inputs = [z, q.mean, q.log_var]
    slopes = (torch.autograd.grad(one, inputs) for one in (ours, theirs))
    for slope, same in zip(*slopes, strict=True):
        assert torch.isfinite(slope).all()
        assert_close(slope, same, rtol=1e-4, atol=1e-6 * max(1.0, same.abs().max().item()))


@pytest.mark.filterwarnings("ignore:overflow encountered")  # a square of what is out of sight
@pytest.mark.parametrize("log_vars", [(60, -60), (-60, 60), (-60, -60), (60, 60)], ids=str)
@pytest.mark.parametrize("shape", [(4, 2), (4, 1, 2)], ids=str)
@pytest.mark.usefixtures("fused")
def test_extreme_rows_are_those_of_the_plain_path(
    shape: tuple[int, ...], log_vars: tuple[float, float]
) -> None:
    """Where nothing of a row is in another's sight, in single precision too."""
    log_var = torch.full(shape, log_vars[1], dtype=torch.float32, device=HERE)
    log_var[0] = log_vars[0]
    z, q = moved(100 * torch.randn_like(log_var), log_var, torch.randn_like(log_var))
    for word in (total_correlation_mss, total_correlation_loo):
        assert_same_at_extremes(word, z, q)


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:divide by zero")
def test_a_tile_may_be_out_of_sight_altogether(
    fused: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The densities of the first sixteen posteriors are 0 at the last samples."""
    monkeypatch.setattr(fused, "_PROGRAMS", 1)
    log_var = torch.full((18, 2), -60.0, device=HERE)
    z, q = moved(1e8 * torch.randn_like(log_var), log_var, torch.randn_like(log_var))
    assert_same_at_extremes(total_correlation_mss, z, q)


@pytest.mark.usefixtures("fused")
def test_what_lies_beyond_the_last_sample_has_no_share() -> None:
    """A tile is filled up with zeros, of a density that overflows if it is taken for a sample."""
    log_var = torch.full((3, 1, 4), -60.0, device=HERE)
    z, q = moved(torch.zeros_like(log_var), log_var, torch.randn_like(log_var))
    assert q.log_prob(torch.zeros_like(log_var)).sum(-1).exp().isinf().any()
    assert_same_at_extremes(information_leave_in, z, q)


@pytest.mark.usefixtures("fused")
def test_a_second_derivative_is_refused() -> None:
    z, q = posteriors(4, 2)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        torch.autograd.grad(total_correlation_mss(z, q), [z], create_graph=True)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.usefixtures("fused")
def test_kernels_are_one_node_of_a_compiled_graph(backend: str) -> None:
    z, q = posteriors(5, 2)

    def loss(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
        return total_correlation_loo(z, Gaussian(mean, log_var))

    torch.compiler.reset()
    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    inputs = [z, q.mean, q.log_var]
    assert_close(compiled(*inputs), loss(*inputs))
    slopes = [torch.autograd.grad(call(*inputs), inputs) for call in (compiled, loss)]
    assert_close(*slopes)
    nodes = torch._dynamo.explain(loss)(*inputs).graphs[0].graph.nodes
    called = [node for node in nodes if "mixture_log_sums" in str(node.target)]
    assert len(called) == 2  # of z whole, and of its factors


def test_kernels_are_taken_only_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    from graphdsl_runtime.estimators.fused import mixtures

    z = torch.zeros(1)
    assert fused_for(z) is None
    with fused_kernels():
        with fused_kernels(False):
            assert fused_for(z) is None
        monkeypatch.setattr(mixtures, "INTERPRETED", True)
        assert fused_for(z) is mixtures.fused_log_sums
        monkeypatch.setattr(mixtures, "INTERPRETED", False)
        assert fused_for(z) is None  # compiled kernels do not run on a CPU
    with pytest.raises(KeyError), fused_kernels():
        raise KeyError
    assert fused_for(z) is None


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kernels", "mixtures"):
        monkeypatch.delitem(sys.modules, f"{room.__name__}.{name}", raising=False)
        monkeypatch.delattr(room, name, raising=False)
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(MissingTriton, match="pip install triton"), fused_kernels():
        pass


#: Triton's own way to machine code, which needs no GPU.
COMPILE = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from graphdsl_runtime.estimators.fused import kernels

known = {"size": 3, "limit": 2.8e14, "kept": 128, "others": 16, "width": 4}
for kernel in (kernels.log_sums, kernels.sample_gradients, kernels.posterior_gradients):
    types = dict.fromkeys(kernel.arg_names, "*fp32")
    types |= dict.fromkeys(("first", "samples", "posteriors", "span"), "i32")
    types |= {name: "constexpr" for name in known if name in types}
    values = {name: known[name] for name in types if name in known}
    source = ASTSource(kernel, types, values)
    made = compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": 4})
    text = made.asm["ptx"]
    assert made.asm["cubin"] and ".target sm_80" in text
    found = [word for word in ("atom.", "red.", "shfl.", ".f64") if word in text]
    assert not found, (kernel, found)
print("compiled")
"""


def test_the_kernels_compile_and_their_threads_add_up_alone(tmp_path: Path) -> None:
    """The interpreter lets pass what a compiler would not. No atomics, no shuffles, no doubles."""
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "compiled\n", done.stderr


@pytest.mark.skipif(HERE == "cpu", reason="no GPU here: the kernels above were interpreted")
def test_a_gpu_says_what_the_plain_path_says_and_says_it_twice(fused: ModuleType) -> None:
    """In batches that fill it: the same bits at every run, and no table of all pairs."""
    assert not fused.INTERPRETED
    z, q = posteriors(4096, 16, dtype=torch.float32)
    inputs = [z, q.mean, q.log_var]

    def slopes() -> tuple[Tensor, ...]:
        return torch.autograd.grad(total_correlation_mss(z, q, rows=100_000), inputs)

    assert_same(lambda: log_sums(z, q, -2.0, -2.0), z, q, rtol=1e-4, atol=1e-5)
    assert all(map(torch.equal, slopes(), slopes()))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    slopes()
    assert torch.cuda.max_memory_allocated() - before <= 2**26 < 4096 * 4096 * 16
