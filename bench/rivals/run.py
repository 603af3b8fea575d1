"""Make an environment per rival under a temporary folder, run its script there, write the page.

python -m bench.rivals.run
"""

__all__ = ["main"]

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Timing, disturbed, table

ROOT = Path(__file__).resolve().parents[2]
TORCH = "torch==2.13.0"  # first and pinned: left to a rival's needs, pip takes gigabytes of CUDA
RIVALS = {"pixyz": "pixyz==0.3.3", "pythae": "pythae==0.1.2", "pyro": "pyro-ppl==1.9.1"}


def main() -> None:
    """Measure the chosen rivals; the exit status tells whether all of them ran."""
    arguments = _arguments()
    sections, failed = [], []
    for rival in arguments.only:
        try:
            sections.append(_section(rival, arguments))
        except subprocess.CalledProcessError as problem:
            failed.append(rival)
            sections.append(f"## {RIVALS[rival]}\n\nDid not run: {_last_line(problem.stderr)}")
        print(sections[-1], end="\n\n", flush=True)
    page = "\n\n".join([_opening(arguments), *sections]) + "\n"
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page, encoding="utf-8")
    if failed:
        raise SystemExit(f"did not run: {', '.join(failed)}")


def _section(rival: str, arguments: argparse.Namespace) -> str:
    """Install one rival, run its script, and lay out what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "Scripts" if sys.platform == "win32" else "bin", "python")
        for requirement in (TORCH, RIVALS[rival]):
            _run(python, "-m", "pip", "install", "--quiet", requirement)
        options = (f"--rounds={arguments.rounds}", f"--threads={arguments.threads}")
        measured = json.loads(_run(python, "-m", f"bench.rivals.{rival}_steps", *options))
    tables = [
        _comparison(title, [Timing(**timing) for timing in timings])
        for title, timings in measured.items()
    ]
    return "\n\n".join([f"## {RIVALS[rival]}", *tables])


def _comparison(title: str, timings: Sequence[Timing]) -> str:
    remark = "\n\nThe machine was busy with other work: repeat." if disturbed(timings) else ""
    return f"### {title}\n\n{table(timings)}{remark}"


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def _last_line(stderr: str) -> str:
    """The sentence at the end of a traceback or of pip's complaint."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _opening(arguments: argparse.Namespace) -> str:
    names = list(arguments.only)
    only = "" if names == list(RIVALS) else f" --only {' '.join(names)}"
    return (
        "# Step time of other libraries\n\n"
        f"Made by `python -m bench.rivals.run{only} --rounds {arguments.rounds} "
        f"--threads {arguments.threads}` with {TORCH} on a CPU.\n\n"
        "One training step (forward, backward, fused Adam) on batches of 128 x 784 binary pixels, "
        "in the library's own words, from equal weights and with equal networks. In each "
        "environment the hand-written step runs beside the rival's: once in every round, in "
        "turning order, in one process. The ratio is the median over the rounds of rival / "
        "hand-written."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="step time of other libraries")
    parser.add_argument("--only", nargs="+", choices=list(RIVALS), default=list(RIVALS))
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/results/rivals.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
