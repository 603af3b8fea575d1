"""From the words of a command line to a plan, or to all that is wrong with them."""

from __future__ import annotations

__all__ = ["Asked", "plan_of", "workers_of"]

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from graphdsl.cli.sweeps.grid import Axis, Grid, Kind, Setting, read_axes
from graphdsl.cli.sweeps.mistakes import Mistake, SweepRefused, refused
from graphdsl.cli.sweeps.plan import Plan
from graphdsl.cli.sweeps.rule import LOSS, Rule, read_rule
from graphdsl.diagnostics import Source, SpecError

if TYPE_CHECKING:
    from graphdsl.cli.sweeps.jobs import Workers
    from graphdsl.compiler import GeneratedModule

#: Options of `graphdsl train` that a sweep gives each run itself.
_OWN = (
    *("seed", "out", "resume", "force", "check_data", "const", "param", "validation", "quiet"),
    "config",
)
_SEVERAL = ("devices", "nodes")
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


def plan_of(source: Source, asked: Asked, train: click.Command) -> tuple[Plan, list[Mistake]]:
    """Give the plan of a sweep, and what is worth knowing about it.

    Raises `SweepRefused` with all that is wrong.
    """
    declared = _declared(source)
    axes, mistakes = read_axes({"param": asked.param, "const": asked.const}, declared)
    mistakes += _of_training(asked, train)
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
        from graphdsl.cli.sweeps.processes import LocalProcesses

        return LocalProcesses(jobs=jobs, threads=threads)
    kind, _, address = place.partition(":")
    if kind != "ray":
        raise refused("SWEEP10", f"--on {place}", "is no place to run", "write ray or ray:ADDRESS")
    from graphdsl.cli.sweeps.cluster import cluster_at

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
        "param": [one.name.text for one in statements if isinstance(one, ast.Parameter)],
        "const": [one.name.text for one in statements if isinstance(one, ast.Constant)],
    }


def _of_training(asked: Asked, train: click.Command) -> Iterator[Mistake]:
    """Find options that `graphdsl train` does not have, or that a sweep gives itself."""
    words = ["SPEC", "--data", asked.data, *asked.training]
    try:
        with train.make_context("train", words) as context:
            given = {name for name in context.params if _is_given(context, name) and name in _OWN}
            several = [name for name in _SEVERAL if (context.params.get(name) or 1) > 1]
    except click.UsageError as problem:
        yield Mistake("SWEEP06", "options of a run", problem.format_message().rstrip("."))
        return
    for name in sorted(given):
        option = f"--{name.replace('_', '-')}"
        yield Mistake("SWEEP06", option, "is what a sweep gives each run itself", "leave it out")
    for name in several:
        reason = "is more than 1, and each run of a sweep trains in one process"
        yield Mistake("SWEEP06", f"--{name}", reason, "leave it out, or use graphdsl train")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _compiled(source: Source, grid: Grid) -> tuple[list[GeneratedModule], list[Mistake]]:
    """Compile the spec with every value of every name at least once."""
    from graphdsl.compiler import compile_spec

    modules: list[GeneratedModule] = []
    mistakes: dict[str, Mistake] = {}
    for setting in grid.samples:
        try:
            modules.append(compile_spec(source, *_values(setting)))
        except SpecError as problem:
            for one in problem.diagnostics:
                reason = f"{one.code}: {one.message} (line {one.span.line})"
                where = f"{source.name} with {setting}"
                mistakes.setdefault(reason, Mistake("SWEEP07", where, reason, one.advice))
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
    of_each = [[one.name for one in module.compiled.module.terms] for module in modules]
    return [LOSS, *(name for name in of_each[0] if all(name in one for one in of_each))]


def _worth_knowing(axes: Sequence[Axis], rule: Rule, terms: Sequence[str]) -> Iterator[Mistake]:
    moved = [axis.name for axis in axes if axis.kind == "param" and len(axis.values) > 1]
    if moved and LOSS in rule.weights:
        names = ", ".join(moved)
        reason = f"the loss of another value of {names} is another quantity"
        others = [name for name in terms if name != LOSS]
        hint = f"choose by terms, such as --select 'min({' + '.join(others)})'" if others else ""
        yield Mistake("SWEEP21", f"--select {rule}", reason, hint)
