"""`python -m study SPEC`: train it and its control, and write its rows."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from study.experiments import experiments_of
from study.rows import Row, Setting
from study.table import line_of, write_row


def main() -> None:
    """Train specs over some seeds."""
    parser = argparse.ArgumentParser(prog="python -m study", description=__doc__)
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="names of specs that ship")
    parser.add_argument("--data", help="of their experiments, those on this data alone")
    parser.add_argument("--mnist", type=Path, help="the folder of MNIST, for images and labels")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="judge on a fold of the rows to train on, and write no row: to choose settings by",
    )
    parser.add_argument("--page", type=Path, default=Path("docs/results/models.md"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for spec in asked.specs:
        for data in experiments_of(spec):
            if asked.data in (None, data):
                rows = _rows(spec, data, asked)
                print(line_of(rows, asked.steps), flush=True)
                if not asked.validate:
                    write_row(asked.page, rows, asked.steps)


def _rows(spec: str, data: str, asked: argparse.Namespace) -> list[Row]:
    rows = []
    for seed in range(asked.first, asked.first + asked.seeds):
        setting = Setting(asked.steps, seed, asked.validate, mnist=asked.mnist)
        rows.append(experiments_of(spec)[data](spec, setting))
        for one in rows[-1].figures:
            print(f"{spec} {seed}: {one.model:.3f} ({one.control:.3f}) {one.said}", flush=True)
    return rows


main()
