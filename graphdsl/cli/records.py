"""Options that are the fields of a frozen record: declared there, and nowhere again."""

from __future__ import annotations

__all__ = ["with_settings"]

import inspect
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, get_args

import typer

from graphdsl_files import Setting, settings_of

_NAME = "given"  # the parameter of a command that takes what was asked for


def with_settings(record: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each field of a record.

    The command takes them in its parameter ``given``, a mapping of the options that the command
    line has: what it lacks is for a file, or the record, to say.
    """
    settings = settings_of(record)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters

        @wraps(command)
        def wrapper(**options: Any) -> None:  # noqa: ANN401  # of whichever types
            given = {name: options.pop(name) for name in settings}
            known = {name: _plain(value) for name, value in given.items() if value is not None}
            command(**options, **{_NAME: known})

        parameters: list[Parameter] = []
        for name, parameter in own.items():
            if name == _NAME:
                parameters += map(_option, settings.values())
            else:
                parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapper

    return decorate


def _option(one: Setting) -> Parameter:
    kind = next((each for each in get_args(one.kind) if each is tuple[str, ...]), one.kind)
    several = kind == tuple[str, ...]
    names = () if kind is not bool else (f"--{one.name}/--no-{one.name}",)
    option = typer.Option(
        *names, help=_help(one), show_default=False, min=one.low, metavar=one.metavar
    )
    return Parameter(
        one.name,
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[(list[str] if several else kind) | None, option],
    )


def _help(one: Setting) -> str:
    """The help of an option, with its default where it has one."""
    if one.default in (None, False, ()):
        return one.help
    return f"{one.help} [{one.default}]"


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
