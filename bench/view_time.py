"""Hold a training step of emitted multi-view modules against two written by hand.

graphdsl compile specs/mvae.mib --const views=2 --const pixels=784 -o build/mvae_2.py
graphdsl compile specs/mvae.mib --const views=3 --const pixels=784 -o build/mvae_3.py
graphdsl compile specs/jmvae.mib --const pixels=784 -o build/jmvae_2.py
graphdsl compile bench/jmvae_3.mib -o build/jmvae_3.py
python -m bench.view_time --threads 1 --clock cpu    # or on a quiet machine, by the wall clock

At most 0.85 of the step that runs each sub-objective separately, and at most 1.05 of the tightest
that shares its encoders: see `bench.handwritten_views` for both.
"""

__all__ = ["main"]

import argparse
import importlib.util
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, process_time
from typing import Protocol

import torch
from torch import Tensor, nn

from bench.handwritten import BATCH, PIXELS, adam_step
from bench.handwritten_views import (
    LATENTS,
    JmvaeSeparate,
    JmvaeTight,
    MvaeSeparate,
    MvaeTight,
    Views,
)
from bench.measure import Step, Timing, compare, disturbed, table

#: What a step's time is told by.
CLOCKS: Mapping[str, Callable[[], float]] = {"wall": perf_counter, "cpu": process_time}
TARGETS = {"separate": 0.85, "tight": 1.05}  #: of emitted / hand-written

#: Name of the emitted class -> its file, how many views, what it is held to, its encoders.
CASES: Mapping[str, tuple[str, int, Mapping[str, Callable[[int], Views]], str]] = {
    "Mvae, 2 views": ("mvae_2.py", 2, {"separate": MvaeSeparate, "tight": MvaeTight}, "r_z"),
    "Mvae, 3 views": ("mvae_3.py", 3, {"separate": MvaeSeparate, "tight": MvaeTight}, "r_z"),
    "Jmvae, 2 views": ("jmvae_2.py", 2, {"separate": JmvaeSeparate, "tight": JmvaeTight}, "q_z"),
    "Jmvae, 3 views": ("jmvae_3.py", 3, {"separate": JmvaeSeparate, "tight": JmvaeTight}, "q_z"),
}


class Losses(Protocol):
    """What an emitted module returns, as far as a step needs it."""

    @property
    def loss(self) -> Tensor:
        """Nats per row."""


def main() -> None:
    """Measure all cases, print them and write them to a markdown file."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    # Where a posterior has collapsed to the prior, the gradients of its encoder are denormal
    # numbers, and the processor is many times slower on those, whoever wrote the step.
    torch.set_flush_denormal(True)
    sections = [_section(name, arguments) for name in CASES]
    page = "\n\n".join([_opening(arguments), *sections]) + "\n"
    print(page)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page, encoding="utf-8")


def _section(name: str, arguments: argparse.Namespace) -> str:
    """One table: an emitted module, and the two written by hand that do the same."""
    file, views, contenders, encoders = CASES[name]
    emitted = _emitted(arguments.build / file, name.split(",")[0])
    batches = _batches(views)
    lines = []
    for kind, build_one in contenders.items():
        by_hand = build_one(views)
        _require_same_work(name, by_hand, emitted, encoders, batches)
        steps: dict[str, Step] = {
            kind: adam_step(by_hand, by_hand.parameters()),
            "emitted": adam_step(lambda x: emitted({"x": x}).loss, emitted.parameters()),
        }
        timings = compare(steps, batches, arguments.rounds, CLOCKS[arguments.clock])
        lines += [table(timings), _verdict(kind, timings)]
    return "\n\n".join([f"## {name}", *lines])


def _require_same_work(
    name: str, by_hand: Views, emitted: nn.Module, encoders: str, batches: list[Tensor]
) -> None:
    """Give the emitted module the hand-written weights; refuse it where its loss is another one."""
    with torch.no_grad():
        for attribute, networks in ((encoders, by_hand.encoders), ("p_x", by_hand.decoders)):
            for place in (0, 2, 4):
                linears = [one.get_submodule(str(place)) for one in networks]
                stacked = emitted.get_submodule(f"{attribute}.layers.{place}")
                for key, to in stacked.named_parameters():
                    of_views = torch.stack([one.get_parameter(key) for one in linears])
                    to.copy_(of_views.transpose(1, 2) if key == "weight" else of_views[:, None])
        noise = torch.randn(len(batches[0]), LATENTS)
        expected = float(by_hand(batches[0], noise))
        loss = float(emitted({"x": batches[0]}, {"z": noise}).loss)
    if not math.isclose(loss, expected, rel_tol=1e-5):
        raise SystemExit(f"{name}: its loss is {loss:.4f}, the hand-written {expected:.4f}")


def _verdict(kind: str, timings: tuple[Timing, ...]) -> str:
    target = f"Target: a ratio of at most {TARGETS[kind]}"
    if disturbed(timings):
        return f"{target}: undecided, the machine was busy with other work."
    return f"{target}: {'met' if timings[-1].ratio <= TARGETS[kind] else 'missed'}."


def _batches(views: int, count: int = 16) -> list[Tensor]:
    """Draw batches (128, N, 784): a row's views are of one kind, each its own prototype of it."""
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.rand(10, views, PIXELS, generator=generator) < 0.5
    kinds = torch.randint(10, (count, BATCH), generator=generator)
    flips = torch.rand(count, BATCH, views, PIXELS, generator=generator) < 0.1
    return list((prototypes[kinds] ^ flips).float())


def _emitted(path: Path, name: str) -> nn.Module:
    """Import an emitted file by its path and build its class with default networks."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    file = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(file)
    module: nn.Module = getattr(file, file.__all__[0])()
    if not type(module).__name__.startswith(name):
        raise SystemExit(f"{path} has no {name}")
    return module


def _opening(arguments: argparse.Namespace) -> str:
    return (
        "# Step time of emitted multi-view modules\n\n"
        f"Made by `python -m bench.view_time --rounds {arguments.rounds} --threads "
        f"{arguments.threads} --clock {arguments.clock}` with torch {torch.__version__} on a CPU"
        f"{', in time of the processor' * (arguments.clock == 'cpu')}.\n\n"
        "One training step (forward, backward, fused Adam) on batches of 128 rows and 784 binary "
        "pixels per view, with networks 784-400-400-16 and back for each. *Separate* runs each "
        "sub-objective by itself, *tight* runs every network once "
        "(`bench/handwritten_views.py`); all have equal weights and, at equal noise, equal losses. "
        "In a comparison both run once in every round, in turning order, in one process; the "
        "ratio is the median over the rounds of emitted / hand-written. Denormal numbers are "
        "flushed."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="step time of emitted multi-view modules")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where they lie")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="`cpu` leaves out what other processes take; it is for one thread",
    )
    parser.add_argument("--out", type=Path, default=Path("docs/results/view_time.md"))
    arguments = parser.parse_args()
    return arguments


if __name__ == "__main__":
    main()
