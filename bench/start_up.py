"""Hold `graphdsl compile`, as a whole process, against the imports it needs; the target is 1.5.

python -m bench.start_up --spec specs/wyner.mib
"""

__all__ = ["main"]

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from bench.measure import Step, compare, disturbed, table

TARGET = 1.5
IMPORTS = "import lark, networkx, sympy, jinja2"
COMPILE = "from graphdsl.cli import main; main()"


def main() -> None:
    """Run both processes in turn, print the ratio and write it to a markdown file."""
    arguments = _arguments()
    with TemporaryDirectory() as folder:
        output = str(Path(folder) / "module.py")
        timings = compare(
            {
                "the four imports": _process(IMPORTS, ()),
                "graphdsl compile": _process(COMPILE, ("compile", arguments.spec, "-o", output)),
            },
            [torch.empty(0)],
            arguments.rounds,
        )
    ratio = timings[1].ratio
    verdict = "met" if ratio <= TARGET else "MISSED"
    lines = [
        "# Start-up of the compiler",
        f"Made by `python -m bench.start_up --spec {arguments.spec} --rounds {arguments.rounds}`.",
        "A whole process that compiles the spec, beside one that imports lark, networkx, sympy and "
        "jinja2 and does nothing else; both run once in every round, in turning order. Python's "
        "bytecode cache is on, as it is for a user.",
        table(timings),
        f"Target: a ratio of at most {TARGET}: {verdict}.",
    ]
    if disturbed(timings):
        lines.append("The machine was doing other work: these ratios are worth little.")
    text = "\n\n".join(lines) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


def _process(program: str, words: Sequence[str]) -> Step:
    """Make a step that runs the program in a Python of its own and waits for its end."""
    command = [sys.executable, "-c", program, *words]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run(_: Tensor) -> None:
        subprocess.run(command, check=True, capture_output=True, env=environment)

    return run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", default="specs/wyner.mib")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--output", type=Path, default=Path("docs/results/start_up.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
