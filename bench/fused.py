"""Fused Triton kernels beside the plain path, on a GPU: time, and memory above the inputs.

python -m bench.fused              # B = 1024 and 4096, D = 16; where there is no GPU it says so
python -m bench.fused --rows 4096 --dimensions 64

Total correlation by stratified sampling, forward and backward, in float32. The plain path's own
chunks are meant for a CPU's cache: what the kernels are held to does large ones. All run once in
every round, in turning order, in one process; memory is the peak of what torch has allocated.
"""

__all__ = ["main"]

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bench.measure import Step, compare, disturbed, table
from graphdsl_runtime import Gaussian, fused_kernels, total_correlation_mss

DATA = 100_000  #: rows of the data set that sampling weights stand for
CHUNK_BYTES = 2**28  #: of one table of the plain path with large chunks
TOLERANCE = 1e-3  #: of gradients in float32, relative to the largest entry


def main() -> None:
    """Measure, print a page and write it to a markdown file; or say that there is no GPU."""
    arguments = _arguments()
    if not torch.cuda.is_available():
        print("no GPU here: the fused kernels were not timed")
        return
    sections = [_section(rows, arguments.dimensions, arguments.rounds) for rows in arguments.rows]
    page = "\n\n".join([_opening(arguments), *sections]) + "\n"
    print(page)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page, encoding="utf-8")


def _section(rows: int, dimensions: int, rounds: int) -> str:
    inputs = _inputs(rows, dimensions)
    steps = _steps(inputs)
    expected = [_run(step, inputs) for step in steps.values()]
    apart = max(_apart(ours, expected[0]) for ours in expected)
    if not apart <= TOLERANCE:
        raise SystemExit(f"another gradient than the plain path's: {apart:.1e} of the largest")
    timings = compare(steps, [torch.empty(0)], rounds)
    memory = "; ".join(f"{name}: {_megabytes(step):.0f} MB" for name, step in steps.items())
    lines = [
        f"## B = {rows}, D = {dimensions}",
        table(timings),
        f"Memory above the inputs: {memory}. "
        f"Gradients differ by at most {apart:.1e} of the largest.",
    ]
    if disturbed(timings):
        lines.append("The machine was doing other work: these ratios are worth little.")
    return "\n\n".join(lines)


def _steps(inputs: list[Tensor]) -> Mapping[str, Step]:
    z, mean, log_var = inputs
    large = max(1, CHUNK_BYTES // (mean.numel() * mean.element_size()))

    def step(chunk: int | None, fused: bool) -> Step:
        def run(_: Tensor) -> None:
            with fused_kernels(fused):
                value = total_correlation_mss(z, Gaussian(mean, log_var), DATA, chunk)
            torch.autograd.backward(value, inputs=inputs)
            torch.cuda.synchronize()

        return run

    return {
        "plain, large chunks": step(large, fused=False),
        "plain, its own chunks": step(None, fused=False),
        "fused": step(None, fused=True),
    }


def _run(step: Step, inputs: list[Tensor]) -> list[Tensor]:
    """Give the gradients of one step."""
    for tensor in inputs:
        tensor.grad = None
    step(inputs[0])
    return [tensor.grad for tensor in inputs if tensor.grad is not None]


def _apart(ours: list[Tensor], theirs: list[Tensor]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return max(float((own - other).abs().max() / other.abs().max()) for own, other in pairs)


def _megabytes(step: Step) -> float:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step(torch.empty(0))
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _inputs(rows: int, dimensions: int) -> list[Tensor]:
    """A sample of posteriors as in training, their means and their log-variances."""
    torch.manual_seed(0)
    mean, log_var, noise = torch.randn(3, rows, dimensions, device="cuda")
    log_var = 0.5 * log_var - 1.0
    z = mean + torch.exp(0.5 * log_var) * noise
    return [tensor.requires_grad_() for tensor in (z, mean, log_var)]


def _opening(arguments: argparse.Namespace) -> str:
    return (
        "# Fused kernels on a GPU\n\n"
        f"Made by `python -m bench.fused --rows {' '.join(map(str, arguments.rows))} --dimensions "
        f"{arguments.dimensions} --rounds {arguments.rounds}` with torch {torch.__version__} on "
        f"{torch.cuda.get_device_name()}.\n\n"
        "Total correlation by minibatch stratified sampling, forward and backward, in float32. "
        f"The plain path runs with tables of {CHUNK_BYTES >> 20} MiB, and with the chunks that it "
        "takes by itself, which are meant for a CPU. The ratio is the median over the rounds of "
        "a step / the plain one's with large chunks."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="fused kernels beside the plain path, on a GPU")
    parser.add_argument("--rows", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--dimensions", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("docs/results/fused.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
