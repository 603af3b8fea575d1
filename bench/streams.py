"""Time and memory of the estimators that are streamed, beside what one would write by hand.

python -m bench.streams            # B = 4096, D = 16: some two minutes, and 7 GB for the naive one
python -m bench.streams --rows 1024

Each is written naively, with a broadcast of B x B x D numbers in memory; streamed, a chunk of rows
at a time, whose gradients are taken at once and added up; and as the runtime's word. Inner products
need no broadcast: their table of B x B scores is a fourth. All of them run once in every round, in
turning order, in one process; the ratio is the median over rounds. Memory is how far the peak of a
process that does nothing else rises over its inputs.
"""

__all__ = ["Contender", "main", "section"]

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from graphdsl_runtime import Gaussian, contrast, info_nce, total_correlation_mss

DATA = 100_000  #: rows of the data set that sampling weights stand for
CHUNK = 2**18  #: numbers that a streamed one has in a table: of 2^17 to 2^21 the fastest
MEGABYTES, SHARE = 64, 0.25  #: what the word may take: memory above its inputs, of the naive's time

#: Inputs: z, mean and log-variance of stratified sampling; two tables of features of InfoNCE.
Contender: TypeAlias = Callable[[Sequence[Tensor]], Tensor]


def naive_mss(inputs: Sequence[Tensor]) -> Tensor:
    """Total correlation by stratified sampling, of all B x B x D log-densities at once."""
    z, mean, log_var = inputs
    joint, factors = _log_sums(z, mean, log_var, 0)
    return (joint - factors).mean()


def streamed_mss(inputs: Sequence[Tensor]) -> Tensor:
    """The same, a chunk of rows at a time."""
    z, mean, log_var = inputs

    def some(start: int, rows: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
        joint, factors = _log_sums(rows, mean, log_var, start)
        return (joint - factors).sum() / len(mean)

    return _streamed(some, CHUNK // mean.numel(), z, mean, log_var)


def word_mss(inputs: Sequence[Tensor]) -> Tensor:
    """The same, by the runtime's word."""
    z, mean, log_var = inputs
    return total_correlation_mss(z, Gaussian(mean, log_var), DATA)


def naive_nce(inputs: Sequence[Tensor]) -> Tensor:
    """InfoNCE, of products by broadcast."""
    left, right = inputs[:2]
    return _nce(left, (left[:, None] * right).sum(dim=2))


def table_nce(inputs: Sequence[Tensor]) -> Tensor:
    """The same, of one matrix product."""
    left, right = inputs[:2]
    return _nce(left, left @ right.T)


def streamed_nce(inputs: Sequence[Tensor]) -> Tensor:
    """The same, a chunk of rows at a time."""
    left, right = inputs[:2]

    def some(start: int, rows: Tensor, right: Tensor) -> Tensor:
        scores = rows @ right.T
        others = torch.logsumexp(scores, dim=1) - math.log(len(right))
        return (scores.diagonal(start) - others).sum() / len(right)

    return _streamed(some, CHUNK // len(right), left, right)


def word_nce(inputs: Sequence[Tensor]) -> Tensor:
    """The same, by the runtime's word."""
    left, right = inputs[:2]
    return info_nce(*contrast(left, right)[:2])


ESTIMATORS: Mapping[str, Mapping[str, Contender]] = {
    "total_correlation_mss": {"naive": naive_mss, "streamed": streamed_mss, "word": word_mss},
    "info_nce": {
        "naive": naive_nce,
        "table": table_nce,
        "streamed": streamed_nce,
        "word": word_nce,
    },
}


def main() -> None:
    """Print the section; or, as a child of oneself, the memory that one contender took."""
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.child:
        estimator, contender = arguments.child
        print(_rise(ESTIMATORS[estimator][contender], arguments.rows, arguments.dimensions))
    else:
        print(section(arguments.rows, arguments.dimensions, arguments.rounds))


def section(rows: int = 4096, dimensions: int = 16, rounds: int = 3) -> str:
    """Measure everything, and write it as a section of a page."""
    lines = [
        "## Memory and speed of the streams",
        "",
        f"Forward and backward on one thread, B = {rows}, D = {dimensions}, float32, by "
        "`python -m bench.streams`. Ratios are medians over "
        f"{rounds} rounds in one process, to the naive one and to the streamed one; memory is the "
        "peak of a process of its own above its inputs.",
        "",
        "| estimator | written | seconds | / naive | / streamed | MB above inputs |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    verdicts = []
    for name, contenders in ESTIMATORS.items():
        seconds = _seconds(contenders, rows, dimensions, rounds)
        memory = {each: _child(name, each, rows, dimensions) for each in contenders}
        to = {
            each: {of: _ratio(seconds[each], seconds[of]) for of in contenders}
            for each in contenders
        }
        lines += [
            f"| {name} | {each} | {median(seconds[each]):.2f} | {to[each]['naive']:.3f} "
            f"| {to[each]['streamed']:.3f} | {memory[each]:.0f} |"
            for each in contenders
        ]
        met = to["word"]["naive"] <= SHARE and memory["word"] <= MEGABYTES
        verdicts.append(f"{name} {'met' if met else 'missed'}")
    target = f"Target of the word: at most {SHARE} of the naive time, and {MEGABYTES} MB"
    return "\n".join([*lines, "", f"{target}: {', '.join(verdicts)}."])


def _log_sums(z: Tensor, mean: Tensor, log_var: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """Log q_hat of some rows, from row ``start`` on: of z whole, and summed over its factors."""
    batch = len(mean)
    log_q = Gaussian(mean, log_var).log_prob(z[:, None])  # (b, B, D)
    weights = log_q.new_full(log_q.shape[:2], math.log((DATA - 1) / (DATA * (batch - 1))))
    weights.diagonal(start).fill_(-math.log(DATA))
    joint = torch.logsumexp(log_q.sum(dim=2) + weights, dim=1)
    return joint, torch.logsumexp(log_q + weights[:, :, None], dim=1).sum(dim=1)


def _nce(left: Tensor, scores: Tensor) -> Tensor:
    return (scores.diagonal() - torch.logsumexp(scores, dim=1)).mean() + math.log(len(left))


def _streamed(some: Callable[..., Tensor], chunk: int, *inputs: Tensor) -> Tensor:
    value: Tensor = _Streamed.apply(some, max(1, chunk), *inputs)  # type: ignore[no-untyped-call]  # torch's own gap
    return value


class _Context(FunctionCtx):
    saved_tensors: tuple[Tensor, ...]


class _Streamed(torch.autograd.Function):
    """A sum over chunks of the first input's rows; each chunk's gradients are taken on the way."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, some: Callable[..., Tensor], chunk: int, *inputs: Tensor
    ) -> Tensor:
        value = inputs[0].new_zeros(())
        gradients = [torch.zeros_like(tensor) for tensor in inputs]
        others = [tensor.detach().requires_grad_() for tensor in inputs[1:]]
        for start in range(0, len(inputs[0]), chunk):
            here = slice(start, start + chunk)
            rows = inputs[0][here].detach().requires_grad_()
            with torch.enable_grad():
                part = some(start, rows, *others)
            value += part.detach()
            of_rows, *of_others = torch.autograd.grad(part, [rows, *others])
            gradients[0][here] = of_rows
            for total, gradient in zip(gradients[1:], of_others, strict=True):
                total += gradient
        ctx.save_for_backward(*gradients)
        return value

    @staticmethod
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(grad * gradient for gradient in ctx.saved_tensors)


def _inputs(rows: int, dimensions: int) -> list[Tensor]:
    """A sample of posteriors as in training, their means and their log-variances."""
    torch.manual_seed(0)
    mean, log_var = torch.randn(rows, dimensions), 0.5 * torch.randn(rows, dimensions) - 1.0
    z = mean + torch.exp(0.5 * log_var) * torch.randn(rows, dimensions)
    return [tensor.requires_grad_() for tensor in (z, mean, log_var)]


def _run(contender: Contender, inputs: Sequence[Tensor]) -> Tensor:
    for tensor in inputs:
        tensor.grad = None
    value = contender(inputs)
    value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return value.detach()


def _seconds(
    contenders: Mapping[str, Contender], rows: int, dimensions: int, rounds: int
) -> dict[str, list[float]]:
    """Time all in turn, A B C, C B A, ..., once they are seen to say the same on fewer rows."""
    few = _inputs(256, dimensions)
    found = torch.stack([_run(contender, few) for contender in contenders.values()])
    if not torch.allclose(found, found[0], rtol=1e-4, atol=1e-4):
        raise SystemExit(f"{list(contenders)} say {found.tolist()}")
    inputs = _inputs(rows, dimensions)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds):
        for name in order:
            start = perf_counter()
            _run(contenders[name], inputs)
            seconds[name].append(perf_counter() - start)
        order.reverse()
    return seconds


def _ratio(own: Sequence[float], other: Sequence[float]) -> float:
    return median(a / b for a, b in zip(own, other, strict=True))


def _rise(contender: Contender, rows: int, dimensions: int) -> float:
    """Say by how many megabytes this process's peak rises, once what is made once is made."""
    _run(contender, _inputs(128, dimensions))
    inputs = _inputs(rows, dimensions)
    before = _peak()
    _run(contender, inputs)
    return _peak() - before


def _peak() -> float:
    """The kernel's high-water mark of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _child(estimator: str, contender: str, rows: int, dimensions: int) -> float:
    command = [sys.executable, "-m", "bench.streams", "--child", estimator, contender]
    sizes = ["--rows", str(rows), "--dimensions", str(dimensions)]
    done = subprocess.run(
        [*command, *sizes],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return float(done.stdout)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="time and memory of streamed estimators")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--dimensions", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, metavar=("ESTIMATOR", "WRITTEN"), help="for itself")
    return parser.parse_args()


if __name__ == "__main__":
    main()
