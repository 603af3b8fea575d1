"""`docs/results/models.md`: a row for each spec that has been trained."""

from __future__ import annotations

__all__ = ["write_row"]

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from study.experiments import Row

_HEAD = """\
# Models, trained

Each row is made by `make study SPEC=NAME`: the shipped spec on scikit-learn's digits, four fifths
to train on and the rest to judge by, or on data of its own kind (sources, coloured digits); Adam,
batches of 128; against a control that ignores the structure. Mean over the seeds, with their
standard deviation. Terms are means over the last 50 steps, in nats per row, without their weights.
Step times are of whatever else the machine did: `step_time.md` has those that were measured for it.

| spec | figure | model | control | the control | seeds | steps | ms a step | terms at the end |
| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |
"""


def write_row(page: Path, rows: Sequence[Row], steps: int) -> str:
    """Put the row of a spec in its place, and give it."""
    line = _line(rows, steps)
    text = page.read_text(encoding="utf-8") if page.is_file() else _HEAD
    known = [one for one in text.splitlines() if one.startswith("| `")]
    kept = [one for one in known if not one.startswith(f"| `{rows[0].spec}` ")]
    page.write_text(_HEAD + "\n".join(sorted([*kept, line])) + "\n", encoding="utf-8")
    return line


def _line(rows: Sequence[Row], steps: int) -> str:
    first = rows[0]
    names = first.trained.terms
    terms = "; ".join(
        f"{name} {mean(one.trained.terms[name] for one in rows):.3g}" for name in names
    )
    cells = [
        f"`{first.spec}`",
        first.figure,
        _spread([one.model for one in rows]),
        _spread([one.control for one in rows]),
        first.against,
        str(len(rows)),
        str(steps),
        f"{mean(one.trained.milliseconds for one in rows):.1f}",
        terms,
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f}" + (f" +- {stdev(values):.3f}" if len(values) > 1 else "")
