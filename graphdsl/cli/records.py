"""Options that are the fields of frozen records: declared there, and nowhere again."""

from __future__ import annotations

__all__ = ["Given", "with_settings"]

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, TypeAlias

import typer

from graphdsl_files import Setting, settings_of

#: What a command line says of a record: the fields that it has options for, and their values.
Given: TypeAlias = Mapping[str, Any]


def with_settings(
    **records: type[Any],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of records, each in the place of the parameter of its name.

    A parameter that is annotated as the record takes the record. Any other is a mapping of the
    options that the command line has: what it lacks is for a file, or for the record, to say.
    An option that the command declares itself is none of a record.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters
        settings = {
            place: {name: one for name, one in settings_of(record).items() if name not in own}
            for place, record in records.items()
        }

        @wraps(command)
        def wrapper(**options: Any) -> None:  # noqa: ANN401  # of whichever types
            given = {
                place: {name: _plain(options.pop(name)) for name in known}
                for place, known in settings.items()
            }
            asked = {place: _asked(values) for place, values in given.items()}
            for place, record in records.items():
                if own[place].annotation is record:
                    asked[place] = record(**asked[place])
            command(**options, **asked)

        parameters: list[Parameter] = []
        for name, parameter in own.items():
            if name in settings:
                parameters += map(_option, settings[name].values())
            else:
                parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapper

    return decorate


def _option(one: Setting) -> Parameter:
    kind = one.plain_kind
    option = typer.Option(
        *_names(one, kind),
        help=_help(one),
        show_default=False,
        min=one.low,
        metavar=one.metavar,
    )
    taken = list[str] if kind == tuple[str, ...] else kind
    return Parameter(
        one.name,
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[taken | None, option],
    )


def _names(one: Setting, kind: object) -> tuple[str, ...]:
    name = one.key.replace("_", "-")
    if kind is bool:
        return (f"--{name}/--no-{name}",)
    return (f"--{name}",) if one.option else ()


def _help(one: Setting) -> str:
    """The help of an option, with its default where it has one."""
    if one.default is None or one.default is False or one.default == ():
        return one.help
    return f"{one.help} [{one.default}]"


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _asked(values: Given) -> Given:
    return {name: value for name, value in values.items() if value is not None}
