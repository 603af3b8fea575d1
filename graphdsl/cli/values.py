"""`--const` and `--param`: exact numbers for names that the spec declares."""

from __future__ import annotations

__all__ = ["values"]

from collections.abc import Iterable, Mapping
from fractions import Fraction

from graphdsl.api.numbers import exact_text
from graphdsl.cli.console import fail, shown
from graphdsl.diagnostics import Source, nearest


def values(
    source: Source, const: list[str] | None, param: list[str] | None
) -> tuple[Mapping[str, Fraction], Mapping[str, Fraction]]:
    """The values of --const and --param; a name that the spec lacks is wrong usage."""
    from graphdsl.syntax import ast, parse

    constants, parameters = _pairs("--const", const), _pairs("--param", param)
    if constants or parameters:
        statements = parse(source)[0].statements
        known = [one.name.text for one in statements if isinstance(one, ast.Constant)]
        _known("--const", constants, known, source)
        known = [one.name.text for one in statements if isinstance(one, ast.Parameter)]
        _known("--param", parameters, known, source)
    return constants, parameters


def _pairs(option: str, written: list[str] | None) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for pair in written or ():
        name, equals, value = pair.partition("=")
        number = exact_text(value) if equals else None
        if number is None:
            fail(f"graphdsl: {option} takes NAME=VALUE with a number, not {pair[:100]!r}", code=2)
        if name.strip() in found:
            fail(f"graphdsl: {option} gives `{shown(name.strip())}` twice; leave one out", code=2)
        found[name.strip()] = number
    return found


def _known(option: str, given: Iterable[str], known: list[str], source: Source) -> None:
    for name in given:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean `{close}`?" if close else f"there are: {', '.join(known) or '-'}"
            fail(f"graphdsl: {option}: {source.name} declares no `{shown(name)}`; {hint}", code=2)
