"""From what a command line asks for to a plan, or to all that is wrong with it."""

from __future__ import annotations

__all__ = ["Asked", "plan_of", "workers_of"]

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import TYPE_CHECKING

from graphdsl.diagnostics import Source, SpecError
from graphdsl.sweeps.grid import Axis, Grid, Kind, Setting, read_axes
from graphdsl.sweeps.mistakes import Mistake, SweepRefused, refused
from graphdsl.sweeps.plan import Plan
from graphdsl.sweeps.rule import LOSS, Rule, read_rule

if TYPE_CHECKING:
    from graphdsl.compiler import GeneratedModule
    from graphdsl.sweeps.jobs import Workers

_AT_ONCE = 1000  # jobs that a cluster is given at once, which has its own queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a command line asks for, as it was written."""

    data: str
    param: tuple[str, ...]
    const: tuple[str, ...]
    select: str
    seeds: int
    validation: float
    samples: int
    threads: int
    training: tuple[str, ...]


def plan_of(
    source: Source, asked: Asked, of_training: Iterable[Mistake] = ()
) -> tuple[Plan, list[Mistake]]:
    """Give the plan of a sweep, and what is worth knowing about it.

    Raises `SweepRefused` with all that is wrong, the mistakes in the options `of_training` too.
    """
    declared = _declared(source)
    axes, mistakes = read_axes({"param": asked.param, "const": asked.const}, declared)
    mistakes += of_training
    grid = Grid(axes=axes, seeds=asked.seeds)
    modules, wrong = _compiled(source, grid if not mistakes else Grid(axes=(), seeds=1))
    mistakes += wrong
    terms = None if wrong else _terms(modules)
    rule, wrong_rule = read_rule(asked.select, terms)
    mistakes += wrong_rule
    if mistakes:
        raise SweepRefused(mistakes)
    model = modules[0].compiled.checked.model
    plan = Plan(
        model=model.name,
        spec=f"{PurePath(source.name).stem}.mib",
        spec_sha256=source.sha256,
        data=asked.data,
        grid=grid,
        rule=rule,
        validation=asked.validation,
        samples=asked.samples,
        threads=asked.threads,
        training=asked.training,
    )
    return plan, list(_worth_knowing(axes, rule, terms or ()))


def workers_of(place: str, *, jobs: int, threads: int, gpus: float) -> Workers:
    """Give whoever carries out the runs: processes here, or a cluster.

    Without a number of ``jobs``, there are as many as there are GPUs or cores for.
    Raises `SweepRefused`.
    """
    if not place:
        from graphdsl.sweeps.processes import LocalProcesses

        return LocalProcesses(jobs=jobs, threads=threads)
    kind, _, address = place.partition(":")
    if kind != "ray":
        raise refused("SWEEP10", f"--on {place}", "is no place to run", "write ray or ray:ADDRESS")
    from graphdsl.sweeps.cluster import cluster_at

    cores = max(1, (os.cpu_count() or 1) // threads)
    most = jobs or (_AT_ONCE if address else cores)
    return cluster_at(address, jobs=most, threads=threads, gpus=gpus)


def _declared(source: Source) -> dict[Kind, list[str]]:
    """List the parameters and the constants that a spec declares; none where it has no form."""
    from graphdsl.syntax import ast, parse

    try:
        statements = parse(source)[0].statements
    except SpecError:
        statements = ()
    return {
        "param": [
            statement.name.text for statement in statements if isinstance(statement, ast.Parameter)
        ],
        "const": [
            statement.name.text for statement in statements if isinstance(statement, ast.Constant)
        ],
    }


def _compiled(source: Source, grid: Grid) -> tuple[list[GeneratedModule], list[Mistake]]:
    """Compile the spec with every value of every name at least once."""
    from graphdsl.compiler import compile_spec

    modules: list[GeneratedModule] = []
    mistakes: dict[str, Mistake] = {}
    for setting in grid.samples:
        try:
            modules.append(compile_spec(source, *_values(setting)))
        except SpecError as problem:
            for diagnostic in problem.diagnostics:
                reason = f"{diagnostic.code}: {diagnostic.message} (line {diagnostic.span.line})"
                where = f"{source.name} with {setting}"
                mistakes.setdefault(reason, Mistake("SWEEP07", where, reason, diagnostic.advice))
    return modules, list(mistakes.values())


def _values(setting: Setting) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Give the constants and the parameters of a setting."""
    numbers = {
        kind: {axis.name: Fraction(axis.values[0]) for axis in setting.axes if axis.kind == kind}
        for kind in ("const", "param")
    }
    return numbers["const"], numbers["param"]


def _terms(modules: Sequence[GeneratedModule]) -> list[str]:
    """List what the losses of all modules have: the loss, and the terms."""
    of_each = [[term.name for term in module.compiled.module.terms] for module in modules]
    return [LOSS, *(name for name in of_each[0] if all(name in one for one in of_each))]


def _worth_knowing(axes: Sequence[Axis], rule: Rule, terms: Sequence[str]) -> Iterator[Mistake]:
    moved = [axis.name for axis in axes if axis.kind == "param" and len(axis.values) > 1]
    if moved and LOSS in rule.weights:
        names = ", ".join(moved)
        reason = f"the loss of another value of {names} is another quantity"
        others = [name for name in terms if name != LOSS]
        hint = f"choose by terms, such as --select 'min({' + '.join(others)})'" if others else ""
        yield Mistake("SWEEP21", f"--select {rule}", reason, hint)
