"""`--const` and `--param`: exact numbers for names that the spec declares."""

from __future__ import annotations

__all__ = ["Numbers", "Values", "values", "values_of_each"]

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from graphdsl.api.numbers import exact_text
from graphdsl.cli.console import fail
from graphdsl.diagnostics import Source, nearest
from graphdsl_files import shown

Numbers: TypeAlias = Mapping[str, Fraction]
Values: TypeAlias = tuple[Numbers, Numbers]  #: of --const, and of --param


def values(source: Source, const: list[str] | None, param: list[str] | None) -> Values:
    """The values of --const and --param; a name that the spec lacks is wrong usage."""
    return values_of_each([source], const, param)[0]


def values_of_each(
    sources: Sequence[Source], const: list[str] | None, param: list[str] | None
) -> list[Values]:
    """For each spec the values of what it declares; a name that all lack is wrong usage."""
    from graphdsl.syntax import ast, parse

    constants, parameters = _pairs("--const", const), _pairs("--param", param)
    if not constants and not parameters:
        return [({}, {}) for _ in sources]
    found: list[tuple[list[str], list[str]]] = []
    for source in sources:
        statements = parse(source)[0].statements
        found.append(
            (
                [one.name.text for one in statements if isinstance(one, ast.Constant)],
                [one.name.text for one in statements if isinstance(one, ast.Parameter)],
            )
        )
    _known("--const", constants, [name for names, _ in found for name in names], sources)
    _known("--param", parameters, [name for _, names in found for name in names], sources)
    return [(_among(constants, fixed), _among(parameters, movable)) for fixed, movable in found]


def _among(given: Mapping[str, Fraction], names: list[str]) -> dict[str, Fraction]:
    return {name: value for name, value in given.items() if name in names}


def _pairs(option: str, written: list[str] | None) -> dict[str, Fraction]:
    pairs: dict[str, Fraction] = {}
    for pair in written or ():
        name, equals, value = pair.partition("=")
        number = exact_text(value) if equals else None
        if number is None:
            fail(f"graphdsl: {option} takes NAME=VALUE with a number, not {pair[:100]!r}", code=2)
        if name.strip() in pairs:
            fail(f"graphdsl: {option} gives `{shown(name.strip())}` twice; leave one out", code=2)
        pairs[name.strip()] = number
    return pairs


def _known(option: str, given: Iterable[str], known: list[str], sources: Sequence[Source]) -> None:
    for name in given:
        if name not in known:
            close = nearest(name, known)
            there = ", ".join(dict.fromkeys(known)) or "-"
            hint = f"did you mean `{close}`?" if close else f"there are: {there}"
            whole = " and ".join(dict.fromkeys(source.name for source in sources))
            declare = "declares" if len(sources) == 1 else "declare"
            fail(f"graphdsl: {option}: {whole} {declare} no `{shown(name)}`; {hint}", code=2)
