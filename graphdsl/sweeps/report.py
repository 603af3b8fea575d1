"""What a sweep came to: a table with means and deviations, and a row for every run."""

from __future__ import annotations

__all__ = ["Columns", "Test", "report", "run_columns"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from graphdsl.sweeps.choice import Choice, Spread, spread
from graphdsl.sweeps.folder import Run
from graphdsl.sweeps.plan import Plan
from graphdsl.sweeps.results import Result

#: What runs came to on held-out rows.
Test: TypeAlias = Mapping[Run, Mapping[str, float]]
Columns: TypeAlias = dict[str, list[float] | list[int] | list[str]]


def report(plan: Plan, results: Sequence[Result], choice: Choice, tests: Test) -> str:
    """Write the report of a sweep as Markdown; it depends on the figures alone."""
    seeds = "1 seed" if plan.grid.seeds == 1 else f"{plan.grid.seeds} seeds"
    lines = [
        f"# A sweep of {plan.model}",
        "",
        f"{len(plan.grid.settings)} settings, {seeds} each, trained on {plan.data}. Figures are "
        "means over seeds ± their standard deviation, in nats per row.",
        "",
        "## Validation rows",
        "",
        *_validation(plan, results, choice),
        "",
        f"The rule {choice.rule} chose **{choice.setting}**.",
        "",
        "![the figure of the rule for each setting](sweep.svg)",
        "",
        "## Held-out rows",
        "",
        f"Of {choice.setting}, computed after the choice.",
        "",
        *_held_out(tests),
    ]
    return "\n".join(lines) + "\n"


def run_columns(plan: Plan, results: Sequence[Result], choice: Choice, tests: Test) -> Columns:
    """Give a column for each value, figure and choice, with a row for each run.

    Figures on held-out rows are NaN for all runs but those of the chosen setting.
    """
    names = [axis.name for axis in plan.grid.axes]
    columns: Columns = {
        name: [result.run.setting.values[name] for result in results] for name in names
    }
    columns["seed"] = [result.run.seed for result in results]
    columns["epoch"] = [result.epoch for result in results]
    for part in ("train", "validation"):
        for term in _terms(result.validation for result in results):
            columns[f"{part}/{term}"] = [
                getattr(result, part).get(term, _NONE) for result in results
            ]
    for term in _terms(tests.values()):
        columns[f"held_out/{term}"] = [
            tests.get(result.run, {}).get(term, _NONE) for result in results
        ]
    columns["chosen"] = [int(result.run.setting == choice.setting) for result in results]
    return columns


_NONE = float("nan")


def _validation(plan: Plan, results: Sequence[Result], choice: Choice) -> Iterator[str]:
    rule = plan.rule.expression
    terms = _terms(result.validation for result in results)
    others = [term for term in terms if term != rule]
    known = dict(choice.figures)
    header = [*(axis.name for axis in plan.grid.axes), rule, *others]
    yield _row(header)
    yield _row("---" if place < len(plan.grid.axes) else "---:" for place in range(len(header)))
    for setting in plan.grid.settings:
        of_setting = [result.validation for result in results if result.run.setting == setting]
        cells = [_spread(of_setting, term) for term in others]
        mark = "**" if setting == choice.setting else ""
        figure = f"{mark}{known[setting]}{mark}" if setting in known else "not finished"
        yield _row([*setting.values.values(), figure, *cells])


def _held_out(tests: Test) -> Iterator[str]:
    yield _row(("term", "mean over seeds"))
    yield _row(("---", "---:"))
    for term in _terms(tests.values()):
        yield _row((term, _spread(list(tests.values()), term)))


def _spread(figures: Sequence[Mapping[str, float]], term: str) -> str:
    values = [figure[term] for figure in figures if term in figure]
    return str(spread(values)) if values else ""


def _terms(figures: Iterable[Mapping[str, float]]) -> list[str]:
    """The names of all figures, in order of appearance."""
    return list(dict.fromkeys(name for figure in figures for name in figure))


def _row(cells: Iterable[str | Spread]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
