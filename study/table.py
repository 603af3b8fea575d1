"""`docs/results/models.md`: a row for each spec that has been trained, and what is said below."""

from __future__ import annotations

__all__ = ["line_of", "write_row"]

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from study.rows import WEIGHTS, Row

_HEAD = """\
# Models, trained

Each row is made by `make study SPEC=NAME`: the shipped spec on scikit-learn's digits, four fifths
to train on and the rest to judge by, or on data of its own kind; against a control that ignores the
structure. Mean over the seeds, with their standard deviation; of the control in parentheses where
there are more figures than one. Terms are means over the last 50 steps, in nats per row, without
their weights. A step's time is that of one core, beside whatever else ran: `step_time.md` has those
that were measured for it.

| spec | data | figure | model | control | the control | more | seeds | steps | ms a step | terms |
| --- | --- | --- | ---: | ---: | --- | --- | ---: | ---: | ---: | --- |
"""


def write_row(page: Path, rows: Sequence[Row], steps: int) -> None:
    """Put the row of a spec in its place; what stands below the table is kept."""
    line, text = line_of(rows, steps), page.read_text(encoding="utf-8") if page.is_file() else ""
    known = [one for one in text.splitlines() if one.startswith("| `")]
    below = text.split(known[-1], 1)[1].strip() if known else ""
    kept = [one for one in known if _key(one) != _key(line)]
    table = "\n".join(sorted([*kept, line], key=_key))
    page.write_text(_HEAD + table + (f"\n\n{below}\n" if below else "\n"), encoding="utf-8")


def _key(line: str) -> tuple[str, str]:
    """The spec and its data."""
    spec, data, *_ = line.split(" | ")
    return spec.split("`")[1], data


def line_of(rows: Sequence[Row], steps: int) -> str:
    """The row of a spec, of all its seeds."""
    first = rows[0]
    figures = list(zip(*(one.figures for one in rows), strict=True))
    more = "; ".join(
        f"{each[0].said} {_spread([one.model for one in each])}"
        f" ({_spread([one.control for one in each])})"
        for each in figures[1:]
    )
    terms = "; ".join(
        f"{name} {mean(one.trained.terms[name] for one in rows):.3g}"
        for name in first.trained.terms
    )
    cells = [
        f"`{first.spec}`" + _with(WEIGHTS.get(first.spec, {})),
        first.data,
        first.figures[0].said,
        _spread([one.model for one in figures[0]]),
        _spread([one.control for one in figures[0]]),
        first.against,
        more,
        str(len(rows)),
        str(steps),
        f"{mean(one.trained.milliseconds for one in rows):.1f}",
        terms,
    ]
    return f"| {' | '.join(cells)} |"


def _with(weights: Mapping[str, float]) -> str:
    return "".join(f", {name} = {weight:g}" for name, weight in weights.items())


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")
