"""How the time to compile a spec grows with the spec: ratios to the time of a smaller one.

python -m bench.scale
"""

__all__ = ["main"]

import argparse
from pathlib import Path

import torch
from torch import Tensor

from bench.large import HUNDRED, LARGE
from bench.measure import Step, Timing, compare, table
from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source

SIZES = {
    "views": (10, 20, 40),
    "series": (60, 120, 240),
    "latents": (100, 300, 900),
    "pairs": (12, 25, 50),
    "sums": (1_000, 4_000, 10_000),
    "flat": (100, 400, 1_600),
}


def main() -> None:
    """Compile every kind in several sizes, print the ratios and write them to a markdown file."""
    arguments = _arguments()
    sections = [
        "# Time to compile large specs",
        f"Made by `python -m bench.scale --rounds {arguments.rounds}`.",
        "All sizes of a kind run once in every round, in turning order, in one process that has "
        "compiled before. Ratios are to the first row.",
    ]
    for kind, sizes in SIZES.items():
        text, power = LARGE[kind]
        steps = {f"{kind} of {size:,}": _compiling(text(size)) for size in sizes}
        allowed = (sizes[-1] / sizes[0]) ** (power + 0.2)
        sections += [f"## {kind.capitalize()}", *_result(steps, arguments.rounds, allowed)]
    steps = {"wyner": _compiling(_shipped("wyner")), "a hundred variables": _compiling(HUNDRED)}
    sections += ["## Beside a small spec", *_result(steps, arguments.rounds, None)]
    text_of_all = "\n\n".join(sections) + "\n"
    arguments.output.write_text(text_of_all, encoding="utf-8")
    print(text_of_all)


def _result(steps: dict[str, Step], rounds: int, allowed: float | None) -> list[str]:
    timings: tuple[Timing, ...] = compare(steps, [torch.empty(0)], rounds, warm_up=1)
    lines = [table(timings)]
    if allowed is not None:
        verdict = "met" if timings[-1].ratio <= allowed else "MISSED"
        lines.append(f"Target: a last ratio of at most {allowed:.0f}: {verdict}.")
    return lines


def _compiling(text: str) -> Step:
    source = Source("large.mib", text)

    def run(_: Tensor) -> None:
        compile_spec(source)

    return run


def _shipped(name: str) -> str:
    return (Path("specs") / f"{name}.mib").read_text(encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("docs/results/scale.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
