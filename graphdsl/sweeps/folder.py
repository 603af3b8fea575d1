"""A sweep's folder: where the plan, the runs, their results, the choice and the report are.

- ``sweep.toml``, and the spec under its own name: the plan, from before the first run on;
- ``runs/beta=1,latents=4/seed_0/``: a run, as `graphdsl train` writes it; beside it
  ``seed_0.log``, what it prints, and ``seed_0.json``, its validation figures when it is finished;
- ``choice.json``: the setting that the rule chose;
- ``runs/.../seed_0.test.json``: figures on held-out rows, after the choice alone;
- ``report.md``, ``sweep.svg``, ``sweep.parquet``.
"""

from __future__ import annotations

__all__ = ["Run", "SweepFolder"]

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graphdsl.sweeps.grid import Grid, Setting
from graphdsl.sweeps.mistakes import Mistake, SweepRefused, refused
from graphdsl.sweeps.plan import Plan, differences
from graphdsl_files import TooLarge, held, read_at_most, refusal, write_whole

_MOST = 2**20  # bytes of a plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One setting with one seed, and its files."""

    setting: Setting
    seed: int
    folder: Path  #: that `graphdsl train` writes

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def result(self) -> Path:
        """Its validation figures: it is there when the run is finished."""
        return self.folder.with_name(f"{self.folder.name}.json")

    @property
    def test(self) -> Path:
        """Its figures on held-out rows."""
        return self.folder.with_name(f"{self.folder.name}.test.json")

    def __str__(self) -> str:
        return f"{self.setting}, seed {self.seed}"


class SweepFolder:
    """The folder that a sweep writes."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.plan = self.path / "sweep.toml"
        self.choice = self.path / "choice.json"
        self.report, self.plot = self.path / "report.md", self.path / "sweep.svg"

    def runs(self, grid: Grid) -> tuple[Run, ...]:
        """All runs of a grid: the first seed of every setting, then the second, and so on."""
        return tuple(
            Run(
                setting=setting,
                seed=seed,
                folder=self.path / "runs" / setting.folder / f"seed_{seed}",
            )
            for seed in range(grid.seeds)
            for setting in grid.settings
        )

    def refuse_another(self, plan: Plan) -> None:
        """Refuse a folder that holds something else than this sweep.  Raises `SweepRefused`."""
        try:
            written = read_at_most(self.plan, _MOST).decode("utf-8")
            lines = list(differences(plan, written))
        except FileNotFoundError:
            if self.path.is_dir() and any(self.path.iterdir()):
                raise refused(
                    "SWEEP08",
                    str(self.path),
                    "is not empty, and holds no sweep",
                    "give a folder of its own with -o",
                ) from None
            return
        except OSError as problem:
            raise refused("SWEEP08", str(self.path), refusal(problem)) from None
        except (TooLarge, ValueError):
            raise refused("SWEEP08", str(self.plan), "is no record of a sweep") from None
        if lines:
            raise SweepRefused(
                [
                    *(Mistake("SWEEP08", str(self.path), difference) for difference in lines),
                    Mistake(
                        "SWEEP08",
                        str(self.path),
                        "holds another sweep",
                        "repeat its options to go on, or give another folder with -o",
                    ),
                ]
            )

    @contextmanager
    def begun(self, plan: Plan, spec: str) -> Iterator[None]:
        """Write the plan and the spec, unless they are there, and keep other processes out.

        Raises `SweepRefused`, and `OSError` where the folder cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with held(self.path) as free:
            if not free:
                raise refused(
                    "SWEEP09", str(self.path), "another process works on this sweep", "wait for it"
                )
            self.refuse_another(plan)
            if not self.plan.exists():
                write_whole(self.path / plan.spec, spec.encode("utf-8"))
                write_whole(self.plan, plan.toml().encode("utf-8"))
            yield
