"""Options of `graphdsl train` that a sweep passes on to its runs."""

from __future__ import annotations

__all__ = ["mistakes_in_training"]

from collections.abc import Iterator, Sequence

import click
from click.core import ParameterSource

from graphdsl.sweeps.mistakes import Mistake

#: Options of `graphdsl train` that a sweep gives each run itself.
_OWN = (
    *("seed", "out", "resume", "force", "check_data", "const", "param", "validation", "quiet"),
    "config",
)
_SEVERAL = ("devices", "nodes")


def mistakes_in_training(
    data: str, options: Sequence[str], train: click.Command
) -> Iterator[Mistake]:
    """Find options that `graphdsl train` does not have, or that a sweep gives itself."""
    words = ["SPEC", "--data", data, *options]
    try:
        with train.make_context("train", words) as context:
            given = {name for name in context.params if _is_given(context, name) and name in _OWN}
            options_of_many = [name for name in _SEVERAL if (context.params.get(name) or 1) > 1]
    except click.UsageError as problem:
        yield Mistake("SWEEP06", "options of a run", problem.format_message().rstrip("."))
        return
    for name in sorted(given):
        option = f"--{name.replace('_', '-')}"
        yield Mistake("SWEEP06", option, "is what a sweep gives each run itself", "leave it out")
    for name in options_of_many:
        reason = "is more than 1, and each run of a sweep trains in one process"
        yield Mistake("SWEEP06", f"--{name}", reason, "leave it out, or use graphdsl train")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
