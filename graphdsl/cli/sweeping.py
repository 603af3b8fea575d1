"""A sweep from its plan to its report: runs, then the choice, then the held-out rows."""

from __future__ import annotations

__all__ = ["sweep"]

from collections.abc import Sequence
from pathlib import Path

from graphdsl.cli.app import program
from graphdsl.cli.console import fail, say, write, write_bytes
from graphdsl.sweeps.choice import Choice, choose, read_choice
from graphdsl.sweeps.folder import Run, SweepFolder
from graphdsl.sweeps.jobs import Job, Workers, evaluation, training
from graphdsl.sweeps.plan import Plan
from graphdsl.sweeps.plot import plot
from graphdsl.sweeps.report import Columns, Test, report, run_columns
from graphdsl.sweeps.results import Result, figures_on_held_out_rows, read_result
from graphdsl_files import shown

_TABLE = "sweep"


def sweep(
    plan: Plan, folder: SweepFolder, spec: str, workers: Workers, *, without_failed: bool = False
) -> str:
    """Carry out what a sweep lacks, and give its report.

    Runs that are finished are kept, and a run that was stopped goes on. Validation figures alone
    are read until the choice is written down; then the chosen setting is measured on held-out rows.
    Stops with code 1 where runs fail. Raises `SweepRefused`.
    """
    with folder.begun(plan, spec):
        runs = folder.runs(plan.grid)
        choice = read_choice(folder.choice, plan.grid)
        if choice is None:
            failures = _train(plan, folder, runs, workers)
            if failures and not without_failed:
                _stop(failures, folder)
            choice = choose(plan.grid, plan.rule, _finished(runs))
            if choice is None:
                fail("graphdsl: no setting has a figure that is finite for every seed: no choice")
            write_bytes(choice.json(), folder.choice)
        tests = _measure(plan, runs, choice, workers)
        return _written(plan, folder, _finished(runs), choice, tests)


def _train(
    plan: Plan, folder: SweepFolder, runs: Sequence[Run], workers: Workers
) -> dict[str, str]:
    """Train the runs that are not finished; give the last words of those that failed."""
    missing = [run for run in runs if read_result(run) is None]
    if missing:
        _check_data(plan, folder, missing[0])
    done = len(runs) - len(missing)
    if done:
        say(f"{done} of {len(runs)} runs are finished already")
    known = {str(run): run for run in missing}
    failures = {}
    for ended in workers.carry_out(training(missing, plan, folder)):
        run = known[ended.job.name]
        result = read_result(run)
        if ended.code or result is None:
            failures[ended.job.name] = _last_line(run.log)
            say(f"{ended.job.name}: failed: {failures[ended.job.name]}")
            continue
        done += 1
        figure = f"{plan.rule.expression} {plan.rule.value(result.validation):.4f}"
        say(f"{done} of {len(runs)}  {run}: {figure} on validation rows ({ended.seconds:.0f} s)")
    return failures


def _check_data(plan: Plan, folder: SweepFolder, run: Run) -> None:
    """Read the data once as every run will: a mistake in them is shown before anything runs."""
    words = [
        "train",
        str(folder.path / plan.spec),
        "--data",
        plan.data,
        *plan.training,
        *run.setting.words,
    ]
    code = program([*words, "--validation", str(plan.validation), "--check-data"])
    if code:
        fail("graphdsl: no run was started", code=code)


def _measure(plan: Plan, runs: Sequence[Run], choice: Choice, workers: Workers) -> Test:
    """Measure the runs of the chosen setting on held-out rows."""
    chosen = [run for run in runs if run.setting == choice.setting]
    jobs: list[Job] = evaluation([run for run in chosen if not run.test.exists()], plan)
    if jobs:
        say(f"chosen: {choice.setting}; measuring it on held-out rows ...")
    failures = {ended.job.name: "see its log" for ended in workers.carry_out(jobs) if ended.code}
    if failures:
        logs = ", ".join(shown(run.log) for run in chosen if not run.test.exists())
        fail(f"graphdsl: {len(failures)} runs could not be measured on held-out rows: see {logs}")
    return {run: figures_on_held_out_rows(run) for run in chosen}


def _written(
    plan: Plan, folder: SweepFolder, results: Sequence[Result], choice: Choice, tests: Test
) -> str:
    """Write the report, the plot and the table; give the report."""
    text = report(plan, results, choice, tests)
    seeds: dict[int, list[float]] = {}
    for result in results:
        seeds.setdefault(result.run.setting.number, []).append(plan.rule.value(result.validation))
    write(plot(choice, seeds, plan.rule.expression), folder.plot)
    table = _table(folder, run_columns(plan, results, choice, tests))
    write(text, folder.report)
    say(f"in {shown(folder.path)}: report.md, sweep.svg, {table.name}, choice.json, runs/")
    return text


def _table(folder: SweepFolder, columns: Columns) -> Path:
    """Write a row for every run as Parquet, or as CSV where pyarrow is not installed."""
    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.in_use.tables import columns_bytes

    path = folder.path / f"{_TABLE}.parquet"
    try:
        content = columns_bytes(path.suffix, columns)
    except ObjectiveError:
        path = path.with_suffix(".csv")
        content = columns_bytes(path.suffix, columns)
        say('sweep.csv and no sweep.parquet: that needs pyarrow: pip install "graphdsl[data]"')
    write_bytes(content, path)
    return path


def _finished(runs: Sequence[Run]) -> list[Result]:
    """The results of the runs that are finished, setting by setting."""
    results = [result for run in runs if (result := read_result(run)) is not None]
    return sorted(results, key=lambda one: (one.run.setting.number, one.run.seed))


def _stop(failures: dict[str, str], folder: SweepFolder) -> None:
    count = f"{len(failures)} run{'s' if len(failures) > 1 else ''}"
    fail(
        f"graphdsl: {count} failed, so nothing is chosen; their logs are in "
        f"{shown(folder.path / 'runs')}. Repeat the command to try them again, or add "
        "--without-failed to choose among the settings whose runs are all finished"
    )


def _last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it left no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:300]
