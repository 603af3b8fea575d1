"""What a sweep is to do: the record that `sweep.toml` keeps, written before anything runs."""

from __future__ import annotations

__all__ = ["Plan", "differences"]

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphdsl.runs.papers import Plain, toml_table, versions
from graphdsl.sweeps.grid import Grid, Kind
from graphdsl.sweeps.rule import Rule

_FORMAT = "graphdsl.sweep/1"
_KINDS: tuple[Kind, ...] = ("param", "const")
_WHAT = "# What this sweep is: `graphdsl sweep` reads it to go on, and refuses to do anything else."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A sweep: the spec, the data, the grid, the rule, and how each run is trained."""

    model: str
    spec: str  #: the name of its file, which the sweep's folder has a copy of
    spec_sha256: str
    data: str
    grid: Grid
    rule: Rule
    validation: float  #: the fraction of the training rows that the rule looks at
    samples: int  #: importance weights of each held-out row, after the choice
    threads: int  #: of each run: the last bits of a sum depend on them
    training: tuple[str, ...] = ()  #: other options of `graphdsl train`

    def tables(self) -> dict[str, dict[str, Plain]]:
        """Give it as the tables of a TOML file."""
        axes = self.grid.axes
        return {
            "sweep": {
                "format": _FORMAT,
                "model": self.model,
                "spec": self.spec,
                "spec_sha256": self.spec_sha256,
                "data": self.data,
                "select": str(self.rule),
                "seeds": self.grid.seeds,
                "validation": self.validation,
                "samples": self.samples,
                "threads": self.threads,
                "training": list(self.training),
            },
            **{
                kind: {axis.name: list(axis.values) for axis in axes if axis.kind == kind}
                for kind in _KINDS
            },
        }

    def toml(self) -> str:
        """Write it, with the versions that it began with."""
        tables: dict[str, Mapping[str, Plain]] = {**self.tables(), "versions": versions()}
        return "\n".join((_WHAT, *map(toml_table, tables.items())))


def differences(plan: Plan, written: str) -> Iterator[str]:
    """Say how a plan differs from the one that a `sweep.toml` holds, a line for each entry.

    >>> from graphdsl.sweeps.grid import Axis
    >>> from graphdsl.sweeps.rule import read_rule
    >>> def plan(*values: str) -> Plan:
    ...     axis = Axis(kind="param", name="beta", values=values)
    ...     return Plan(model="vae", spec="vae.mib", spec_sha256="", data="digits",
    ...                 grid=Grid(axes=(axis,), seeds=2), rule=read_rule("loss")[0],
    ...                 validation=0.2, samples=64, threads=1)
    >>> list(differences(plan("1"), plan("1").toml()))
    []
    >>> list(differences(plan("1", "4"), plan("1").toml()))
    ['param beta: 1 in the folder, 1, 4 here']

    Raises `ValueError` if it holds none.
    """
    there = tomllib.loads(written)
    for name, entries in plan.tables().items():
        table = there.get(name, {})
        if not isinstance(table, Mapping):
            raise ValueError(f"`{name}` is no table")
        for key in dict.fromkeys((*table, *entries)):
            if table.get(key) != entries.get(key):
                label = key if name == "sweep" else f"{name} {key}"
                both = (_shown(table.get(key)), _shown(entries.get(key)))
                yield f"{label}: {both[0]} in the folder, {both[1]} here"


def _shown(value: object) -> str:
    if value is None or value == []:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
