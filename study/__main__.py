"""`python -m study SPEC`: train it and its control, and write the row."""

from __future__ import annotations

import argparse
from pathlib import Path

from study.experiments import run
from study.table import write_row


def main() -> None:
    """Train one spec over some seeds."""
    parser = argparse.ArgumentParser(prog="python -m study", description=__doc__)
    parser.add_argument("spec", help="the name of a spec that ships")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--page", type=Path, default=Path("docs/results/models.md"))
    asked = parser.parse_args()
    rows = []
    for seed in range(asked.seeds):
        rows.append(run(asked.spec, asked.steps, seed))
        print(f"seed {seed}: {rows[-1].model:.4f}, control {rows[-1].control:.4f}", flush=True)
    print(write_row(asked.page, rows, asked.steps))


main()
