"""`graphdsl sweep` as a user meets it: grids, choices, resumption, and what is refused."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch

from graphdsl.cli.worker import carry_out
from graphdsl.sweeps import planning, processes
from graphdsl.sweeps.jobs import Done, Job
from graphdsl.sweeps.mistakes import CODES, SweepRefused
from graphdsl_files import held
from tests.command_line import Ended, run
from tests.laws.checkpoints import content

ROOT = Path(__file__).parents[2]
SPEC = """model tiny
const latents = 2
param beta = 1
observed x : real[3]
latent   z : real[latents] ~ normal
q { x -> z  via mlp(4) }
p { z -> x  via mlp(4) }
minimize CE(x | z) + beta * KL(q(z | x) || p(z))
"""
GRID = ("--param", "beta=0.5,2", "--const", "latents=1,2", "--seeds", 2)
RULE = ("--select", "min(reconstruction_x + rate_z)")
ROWS = 60
SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Here:
    """Jobs carried out in the process of the test; ``before`` is called with each."""

    before: Callable[[Job], None] = lambda job: None
    names: list[str] = field(default_factory=list)  #: of the jobs, in order

    def carry_out(self, jobs: Sequence[Job]) -> Iterator[Done]:
        for job in jobs:
            self.before(job)
            self.names.append(job.name)
            log = Path(job.steps[0].log)
            log.parent.mkdir(parents=True, exist_ok=True)
            with (
                log.open("a") as text,
                contextlib.redirect_stdout(text),
                contextlib.redirect_stderr(text),
            ):
                code = carry_out(job)
            yield Done(job=job, code=code, seconds=0.0)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """A folder with a spec and data, and jobs that run in this process."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.mib").write_text(SPEC)
    write_rows("rows.csv", held_out_times=1.0)
    workers = Here()
    monkeypatch.setattr(planning, "workers_of", lambda place, **_: workers)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield workers
    torch.set_num_threads(threads)


def write_rows(name: str, held_out_times: float) -> None:
    """Write a table whose held-out rows are multiplied by a factor."""
    x = np.random.RandomState(0).normal(size=(ROWS, 3)) @ np.array(
        [[1, 2, 0], [0, 1, 1], [0, 0, 1]]
    )
    held_out = np.arange(ROWS) % 5 == 0
    x[held_out] *= held_out_times
    table = pd.DataFrame(x, columns=["x_0", "x_1", "x_2"])
    table.assign(part=np.where(held_out, "test", "train")).to_csv(name, index=False)


def sweep(*words: object, data: str = "rows.csv", out: str = "s", spec: str = "tiny.mib") -> Ended:
    options = ("--map", "x=x_*", "--split", "column:part", "--epochs", 2, "--batch-size", 16)
    return run("sweep", spec, "--data", data, *options, "-o", out, *words)


def files(folder: str) -> dict[str, bytes]:
    """What a sweep came to: everything but logs, and paths that the runs' records name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.suffix in (".md", ".svg", ".parquet", ".csv", ".json")
    }


def test_a_sweep_comes_to_what_its_runs_came_to(here: Here) -> None:
    """The table, the choice and the Parquet file agree with the runs' own metrics."""
    ended = sweep(*GRID, *RULE)
    assert ended.code == 0, ended.err
    table = pd.read_parquet("s/sweep.parquet")
    assert len(table) == 8
    means = {}
    for beta in ("0.5", "2"):
        for latents in ("1", "2"):
            figures = []
            for seed in (0, 1):
                folder = Path(f"s/runs/beta={beta},latents={latents}/seed_{seed}")
                metrics = pd.read_csv(folder / "metrics.csv")
                chosen = metrics.iloc[metrics["held_out/loss"].argmin()]
                figures.append(chosen["held_out/reconstruction_x"] + chosen["held_out/rate_z"])
                (row,) = table[
                    (table.beta == beta) & (table.latents == latents) & (table.seed == seed)
                ].to_dict("records")
                for part, prefix in (("train", "train"), ("held_out", "validation")):
                    for term in ("loss", "reconstruction_x", "rate_z"):
                        assert row[f"{prefix}/{term}"] == chosen[f"{part}/{term}"]
            means[beta, latents] = statistics.mean(figures)
            spread = f"{means[beta, latents]:.4f} ± {statistics.stdev(figures):.4f}"
            (line,) = [one for one in ended.out.splitlines() if f"| {beta} | {latents} |" in one]
            assert spread in line
    best = min(means, key=means.__getitem__)
    assert json.loads(Path("s/choice.json").read_text())["chosen"] == dict(
        zip(("beta", "latents"), best, strict=True)
    )
    assert f"chose **beta={best[0]}, latents={best[1]}**" in ended.out
    assert ended.out == Path("s/report.md").read_text()
    chosen_rows = table[table.chosen == 1]
    assert set(zip(chosen_rows.beta, chosen_rows.latents, strict=True)) == {best}
    assert table["held_out/loss"].notna().tolist() == (table.chosen == 1).tolist()
    measured = statistics.mean(chosen_rows["held_out/loss"])
    assert f"| loss | {measured:.4f} ±" in ended.out
    _check_plot(Path("s/sweep.svg"), table.chosen.size)
    here.names.clear()
    again = sweep(*GRID, *RULE)
    assert (again.code, again.out) == (0, ended.out)
    assert here.names == []  # all of it was done


def _check_plot(path: Path, runs: int) -> None:
    """There is a dot for each run, and the mean of a row's dots is where its mean is drawn."""
    rows = [one for one in ElementTree.parse(path).iter(f"{SVG}g")]
    dots = [
        [float(one.attrib["cx"]) for one in row.iter(f"{SVG}circle") if one.get("class") == "seed"]
        for row in rows
    ]
    assert sum(map(len, dots)) == runs
    for row, places in zip(rows, dots, strict=True):
        (mean,) = [
            float(one.attrib["cx"])
            for one in row.iter(f"{SVG}circle")
            if one.get("class") == "mean"
        ]
        assert mean == pytest.approx(statistics.mean(places), abs=0.11)
    assert [row.get("class") for row in rows].count("chosen") == 1


def test_a_run_is_what_train_makes_of_the_same_options() -> None:
    assert sweep("--param", "beta=0.5", "--seeds", 1).code == 0
    options = ("--map", "x=x_*", "--split", "column:part", "--epochs", 2, "--batch-size", 16)
    ended = run(
        *("train", "tiny.mib", "--data", "rows.csv", *options, "--validation", 0.2),
        *("--param", "beta=0.5", "--seed", 0, "-o", "alone", "--quiet"),
    )
    assert ended.code == 0, ended.err
    run_of_sweep = Path("s/runs/beta=0.5/seed_0")
    assert content(run_of_sweep / "last") == content(Path("alone/last"))
    assert (run_of_sweep / "metrics.csv").read_bytes() == Path("alone/metrics.csv").read_bytes()


def test_a_sweep_that_was_stopped_ends_as_an_unbroken_one(here: Here) -> None:
    """It keeps finished runs, goes on with half of one, and writes the same bytes."""
    grid = ("--const", "latents=1,2", "--seeds", 2)
    assert sweep(*grid, out="whole").code == 0

    def stop_at_third(job: Job) -> None:
        if len(here.names) == 2:
            half = [*job.steps[0].words]
            half[half.index("--epochs") + 1] = "1"
            assert run(*half).code == 0  # the process was killed after an epoch of two
            Path(job.steps[0].folder, "run.toml").unlink()
            raise KeyboardInterrupt

    here.names.clear()
    here.before = stop_at_third
    ended = sweep(*grid)
    assert ended.code == 130
    assert "repeat the command to go on" in ended.err
    assert not Path("s/choice.json").exists()
    finished = {path: path.stat().st_mtime_ns for path in Path("s/runs").glob("*/*.json")}
    assert len(finished) == 2
    here.before = lambda job: None
    here.names.clear()
    ended = sweep(*grid)
    assert ended.code == 0, ended.err
    assert "2 of 4 runs are finished already" in ended.err
    assert len([name for name in here.names if "held-out" not in name]) == 2
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert files("s") == files("whole")


def test_the_choice_does_not_depend_on_held_out_rows(here: Here) -> None:
    """Other held-out rows change the figures on them, and nothing that came before."""
    measured_before_choice = []

    def look(job: Job) -> None:
        if "evaluate" in job.steps[0].words and not Path("s/choice.json").exists():
            measured_before_choice.append(job.name)

    here.before = look
    first = sweep("--param", "beta=0.5,2", "--seeds", 1, *RULE)
    choice = Path("s/choice.json").read_bytes()
    Path("s").rename("first")
    write_rows("rows.csv", held_out_times=10.0)
    second = sweep("--param", "beta=0.5,2", "--seeds", 1, *RULE)
    assert (first.code, second.code) == (0, 0)
    assert measured_before_choice == []
    assert Path("s/choice.json").read_bytes() == choice
    parts = [one.out.split("## Held-out rows") for one in (first, second)]
    assert parts[0][0] == parts[1][0]
    assert parts[0][1] != parts[1][1]
    held_out = Path("first/report.md").read_text().split("## Held-out rows")[1]
    figures = re.findall(r"\d+\.\d{4}", held_out)
    assert len(figures) == 4  # the loss, its two terms, and the bound of -log p
    for log in (*Path("first/runs").glob("*/*.log"), Path("first/choice.json")):
        training = log.read_text().split("held-out rows")[0]
        assert not any(figure in training for figure in figures)


def test_another_grid_in_the_same_folder_is_refused_with_the_difference() -> None:
    assert sweep("--param", "beta=0.5", "--seeds", 1).code == 0
    before = content(Path("s"))
    ended = sweep(
        "--param", "beta=0.5,2", "--seeds", 2, "--const", "latents=1", "--select", "rate_z"
    )
    assert ended.code == 1
    for line in (
        "param beta: 0.5 in the folder, 0.5, 2 here",
        "const latents: nothing in the folder, 1 here",
        "seeds: 1 in the folder, 2 here",
        "select: min(loss) in the folder, min(rate_z) here",
    ):
        assert f"SWEEP08  {Path('s').absolute()}: {line}" in ended.err
    assert content(Path("s")) == before
    Path("tiny.mib").write_text(SPEC.replace("mlp(4)", "mlp(5)"))
    assert "spec_sha256" in sweep("--param", "beta=0.5", "--seeds", 1).err


def test_a_folder_that_holds_something_else_is_left_alone() -> None:
    Path("s").mkdir()
    Path("s/thesis.tex").write_text("all of it")
    ended = sweep("--param", "beta=0.5")
    assert ended.code == 1
    assert "is not empty, and holds no sweep" in ended.err
    assert [one.name for one in Path("s").iterdir()] == ["thesis.tex"]


def test_two_processes_do_not_work_on_one_sweep() -> None:
    Path("s").mkdir()
    with held(Path("s")):
        ended = sweep("--param", "beta=0.5")
    assert ended.code == 1
    assert "SWEEP09" in ended.err
    assert not any(Path("s").iterdir())


def test_all_mistakes_are_reported_at_once(here: Here) -> None:
    ended = sweep(
        *("--param", "gamma=1", "--param", "latents=1", "--param", "beta=a,1,1.0"),
        *("--const", "latents", "--select", "median(loss)", "--seed", 3),
    )
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "graphdsl: this sweep cannot be carried out",
        "SWEEP02  --param: the spec has no parameter `gamma`; there are: beta",
        "SWEEP02  --param: the spec has no parameter `latents`; write --const latents=...",
        "SWEEP01  --param beta: 'a' is no number; such as 0.1",
        "SWEEP03  --param beta: has the value 1 twice (1.0 is 1); leave one out",
        "SWEEP01  --const: takes NAME=VALUE,VALUE,..., not 'latents'; such as --const latents=4,8",
        "SWEEP06  --seed: is what a sweep gives each run itself; leave it out",
        "SWEEP04  --select: 'median(loss)' is no rule; such as min(loss), max(rate_z) or "
        "min(reconstruction_x + rate_z)",
    ]
    assert not Path("s").exists()
    assert here.names == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--param", "beta=1", "--param", "beta=2"), 2, "SWEEP03  --param beta: is given twice"),
        (("--select", "min(rate)"), 2, "the loss has no term `rate`; did you mean `rate_z`?"),
        (("--select", "max(rate_z + rate_z)"), 2, "SWEEP04  --select: names `rate_z` twice"),
        (("--select", ""), 2, "SWEEP04"),
        (("--no-such-option",), 2, "SWEEP06  options of a run: No such option"),
        (("--devices", 2), 2, "SWEEP06  --devices: is more than 1"),
        (("--const", "latents=1,0"), 1, "SWEEP07  tiny.mib with latents=0: MIB"),
        (("--map", "y=x_0"), 1, "DATA04"),
    ],
)
def test_a_mistake_is_refused_before_anything_runs(
    words: Sequence[object], code: int, message: str, here: Here
) -> None:
    ended = sweep(*words)
    assert ended.code == code
    assert message in ended.err
    assert here.names == []


def test_failed_runs_are_left_out_only_if_one_says_so(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No choice is made while runs fail, so that held-out rows cannot be looked at meanwhile."""

    def spoil(job: Job) -> None:
        if job.name == "beta=0.5, seed 1":
            Path(job.steps[0].folder).mkdir(parents=True, exist_ok=True)
            Path(job.steps[0].folder, "metrics.csv").write_text("not of this run")

    here.before = spoil
    ended = sweep("--param", "beta=0.5,2", "--seeds", 2, *RULE)
    assert ended.code == 1
    assert "1 run failed, so nothing is chosen" in ended.err
    assert "holds a run already" in ended.err
    assert not Path("s/choice.json").exists()
    ended = sweep("--param", "beta=0.5,2", "--seeds", 2, *RULE, "--without-failed")
    assert ended.code == 0, ended.err
    assert "chose **beta=2**" in ended.out
    assert "| 0.5 | not finished |" in ended.out


def test_the_page_has_a_sweep_that_can_be_planned_and_every_code(here: Here) -> None:
    def stop(job: Job) -> None:
        raise KeyboardInterrupt

    here.before = stop
    page = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    command = page.partition("```console\n$ graphdsl ")[2].partition("```")[0]
    ended = run(*shlex.split(command.replace("\\\n", " ")))
    assert ended.code == 130, ended.err
    assert Path("sweeps/beta/sweep.toml").exists()
    assert dict(re.findall(r"^\| (SWEEP\d\d) \| (.*) \|$", page, re.MULTILINE)) == CODES


@pytest.mark.parametrize(("jobs", "gpus"), [(0, ["3", "5"]), (1, ["3", "5"]), (2, [])])
def test_processes_take_turns_on_the_gpus(
    jobs: int, gpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many at a time as are asked for, or as there are GPUs, each on a GPU that is free."""
    running: list[str] = []

    class Process:
        returncode = 0

        def __init__(self, job: Job, environment: Mapping[str, str]) -> None:
            self.device = environment.get("CUDA_VISIBLE_DEVICES", "any")
            assert self.device == "any" or self.device not in running
            running.append(self.device)
            assert len(running) <= (jobs or len(gpus))
            self.looks = 0

        def poll(self) -> int | None:
            self.looks += 1
            return 0 if self.looks > 2 else None

    monkeypatch.setattr(processes, "_gpus", lambda: gpus)
    monkeypatch.setattr(processes, "_PAUSE", 0.0)
    monkeypatch.setattr(processes, "started", Process)
    monkeypatch.setattr(processes, "stop", lambda process: running.remove(process.device))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = [f"run {number}" for number in range(5)]
    workers = processes.LocalProcesses(jobs=jobs, threads=1)
    done = list(workers.carry_out([Job(name=name, steps=()) for name in names]))
    assert sorted(one.job.name for one in done) == names


def test_without_ray_a_sweep_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SweepRefused, match=r"SWEEP10 .* pip install \"graphdsl\[scale\]\""):
        planning.workers_of("ray", jobs=1, threads=1, gpus=0.0)
    with pytest.raises(SweepRefused, match="write ray or ray:ADDRESS"):
        planning.workers_of("slurm", jobs=1, threads=1, gpus=0.0)


def test_a_rule_over_losses_of_different_parameters_is_remarked_on(here: Here) -> None:
    def stop(job: Job) -> None:
        raise KeyboardInterrupt

    here.before = stop
    ended = sweep("--param", "beta=0.5,2", "--seeds", 1)
    assert "SWEEP21  --select min(loss): the loss of another value of beta is another" in ended.err
    ended = sweep("--const", "latents=1,2", "--seeds", 1, out="other")
    assert "SWEEP21" not in ended.err
