"""Hold the training step of emitted modules against the hand-written one; the target is 1.05.

graphdsl compile specs/vae.mib -o build/vae.py
python -m bench.step_time --vae build/vae.py --tcvae build/beta_tcvae.py
"""

__all__ = ["main"]

import argparse
import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from bench.handwritten import (
    ROWS,
    HandWrittenBetaTcvae,
    HandWrittenVae,
    adam_step,
    random_batches,
)
from bench.measure import Timing, compare, disturbed, table

TARGET = 1.05


class Losses(Protocol):
    """What an emitted module returns, as far as a step needs it."""

    @property
    def loss(self) -> Tensor:
        """Nats per row."""


class Emitted(Protocol):
    """An emitted module, as far as a step needs it."""

    rows: int | None  #: rows of the training set, which sampling weights depend on

    def __call__(self, batch: Mapping[str, Tensor]) -> Losses:
        """The losses of a batch."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All that Adam moves."""


def main() -> None:
    """Measure what was asked for, print it and write it to a markdown file."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    sections = []
    if arguments.vae:
        sections.append(_section(arguments.vae, "Vae", HandWrittenVae(), arguments.rounds))
    if arguments.tcvae:
        contender = HandWrittenBetaTcvae()
        sections.append(_section(arguments.tcvae, "BetaTcvae", contender, arguments.rounds))
    page = "\n\n".join([_opening(arguments), *sections]) + "\n"
    print(page)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page, encoding="utf-8")


def _section(path: Path, name: str, handwritten: nn.Module, rounds: int) -> str:
    """One table: a hand-written module and the emitted one that does the same."""
    emitted = _emitted_module(path, name)
    _require_same_work(path, handwritten, emitted)
    timings = compare(
        {
            "hand-written": adam_step(handwritten, handwritten.parameters()),
            "emitted": adam_step(lambda x: emitted({"x": x}).loss, emitted.parameters()),
        },
        random_batches(),
        rounds,
    )
    return f"## {name}\n\n{table(timings)}\n\n{_verdict(timings)}"


def _require_same_work(path: Path, handwritten: nn.Module, emitted: Emitted) -> None:
    """Refuse an emitted module whose loss is another one at equal weights and equal noise.

    The weights are those of some training, at which every term counts.
    """
    train = adam_step(handwritten, handwritten.parameters())
    batches = random_batches(100)
    for batch in batches:
        train(batch)
    ours, theirs = list(handwritten.parameters()), list(emitted.parameters())
    if [parameter.shape for parameter in ours] != [parameter.shape for parameter in theirs]:
        raise SystemExit(f"{path.name}: its networks have other sizes than the hand-written ones")
    with torch.no_grad():
        for source, target in zip(ours, theirs, strict=True):
            target.copy_(source)
        torch.manual_seed(0)
        expected = float(handwritten(batches[0]))
        torch.manual_seed(0)
        loss = float(emitted({"x": batches[0]}).loss)
    if not math.isclose(loss, expected, rel_tol=1e-5):
        raise SystemExit(f"{path.name}: its loss is {loss:.4f}, the hand-written {expected:.4f}")


def _verdict(timings: Sequence[Timing]) -> str:
    target = f"Target: a ratio of at most {TARGET}"
    if disturbed(timings):
        return f"{target}: undecided, the machine was busy with other work."
    return f"{target}: {'met' if timings[-1].ratio <= TARGET else 'missed'}."


def _emitted_module(path: Path, name: str) -> Emitted:
    """Import an emitted file by its path and build its class with default networks."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    file = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(file)
    emitted = cast(Callable[[], Emitted], getattr(file, name))()
    emitted.rows = ROWS
    return emitted


def _opening(arguments: argparse.Namespace) -> str:
    files = [
        f" --{option} build/{path.name}"
        for option, path in (("vae", arguments.vae), ("tcvae", arguments.tcvae))
        if path
    ]
    return (
        "# Step time of emitted modules\n\n"
        f"Made by `python -m bench.step_time{''.join(files)} --rounds {arguments.rounds} "
        f"--threads {arguments.threads}` with torch {torch.__version__} on a CPU.\n\n"
        "One training step (forward, backward, fused Adam) on batches of 128 x 784 binary pixels. "
        "Both modules run once in every round, in turning order, in one process; the ratio is the "
        "median over the rounds of emitted / hand-written."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="step time of emitted modules")
    parser.add_argument("--vae", type=Path, help="emitted file with the class Vae")
    parser.add_argument("--tcvae", type=Path, help="emitted file with the class BetaTcvae")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/results/step_time.md"))
    arguments = parser.parse_args()
    if not (arguments.vae or arguments.tcvae):
        parser.error("name an emitted file: --vae build/vae.py, --tcvae build/beta_tcvae.py")
    return arguments


if __name__ == "__main__":
    main()
