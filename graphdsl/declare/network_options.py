"""The sizes and settings in the brackets of a network, as in `via mlp(400, act = gelu)`."""

from __future__ import annotations

__all__ = ["check_arguments", "check_norm", "options_of"]

from collections.abc import Sequence
from fractions import Fraction

from graphdsl.catalog.architectures import ARCHITECTURES, Architecture, Option, OptionValue
from graphdsl.declare.indices import NO_INDICES, number
from graphdsl.declare.scope import Scope
from graphdsl.declare.setting_errors import NetworkArguments, NetworkOption
from graphdsl.declare.via_errors import BatchNormOfSome, BatchNormShared
from graphdsl.diagnostics import nearest
from graphdsl.ir.networks import Conditional
from graphdsl.syntax import ast


def options_of(
    scope: Scope, architecture: Architecture, choice: ast.Choice
) -> tuple[tuple[str, OptionValue], ...]:
    """The settings of a network whose values are not the default ones, in a fixed order."""
    given = {setting.name.text: setting for setting in choice.settings}
    options = []
    for option in architecture.options:
        if option.name in given:
            value = _value(scope, option, given[option.name])
            if value is not None and value != option.default:
                options.append((option.name, value))
    return tuple(options)


def check_arguments(scope: Scope, choice: ast.Choice) -> None:
    """Note sizes and settings that a network does not take."""
    name = choice.name.text
    architecture = ARCHITECTURES.get(name)
    if architecture is None:
        reason = "it is built where you pass it, in Python"
        for one in (*choice.arguments, *choice.settings)[:1]:
            _note(scope, one, name, "sizes", reason, name)
        return
    usage, most = architecture.usage, architecture.most_sizes
    if most is not None and len(choice.arguments) > most:
        excess = choice.arguments[most]
        if most:
            _note(scope, excess, name, "second size", "its blocks have one width", usage)
        else:
            _note(scope, excess, name, "sizes", architecture.no_sizes, usage)
    for setting in choice.settings:
        if architecture.option(setting.name.text) is None:
            known = ", ".join(f"`{option.name}`" for option in architecture.options)
            reason = f"its settings are {known}" if known else "it has no settings"
            _note(scope, setting, name, f"setting `{setting.name}`", reason, usage)


def _note(
    scope: Scope, at: ast.Argument | ast.Setting, name: str, what: str, reason: str, usage: str
) -> None:
    scope.note(NetworkArguments(span=at.span, name=name, what=what, reason=reason, usage=usage))


def check_norm(scope: Scope, conditional: Conditional, lines: Sequence[ast.Line]) -> None:
    """Note batch normalisation over rows of which some are not those of the network's data."""
    if ("norm", "batch") not in conditional.via.options:
        return
    span = next(line.via.span for line in lines if line.via is not None)
    names = (*conditional.parents, *conditional.children)
    optional = next((name for name in names if scope.family_of(name).optional), None)
    if optional is not None:
        scope.note(BatchNormOfSome(span=span, name=str(optional)))
    elif conditional.via.shared:
        scope.note(BatchNormShared(span=span))


def _value(scope: Scope, option: Option, setting: ast.Setting) -> OptionValue | None:
    """The value of a setting; None, and a note, if it cannot have it."""
    written = setting.value
    if option.words:
        word = written.text if isinstance(written, ast.Word) else ""
        if option.admits(word):
            return word
        meant = nearest(word, option.words) or option.words[1]
        _refuse(scope, option, setting, meant)
        return None
    value = number(scope, written, NO_INDICES)
    if value is None:
        return None
    counts = isinstance(option.default, int) and value.denominator == 1
    exact = int(value) if counts else value
    if option.admits(exact):
        return exact
    _refuse(scope, option, setting, "0.1" if isinstance(option.default, Fraction) else "2")
    return None


def _refuse(scope: Scope, option: Option, setting: ast.Setting, meant: str) -> None:
    scope.note(
        NetworkOption(
            span=setting.span,
            option=option.name,
            allowed=option.allowed,
            instead=f"write `{option.name} = {meant}`",
        )
    )
