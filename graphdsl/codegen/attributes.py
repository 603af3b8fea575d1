"""The attributes of an emitted class: its versions, variables and players, and what it draws."""

from __future__ import annotations

__all__ = ["class_attributes"]

from collections.abc import Iterable, Iterator

from graphdsl.codegen import tree as py
from graphdsl.codegen.versions import COMPILED_BY, EMITTED_FORMAT
from graphdsl.codegen.words import assign, runtime, shape
from graphdsl.ir.draws import Draw
from graphdsl.ir.loss import LossModule, VariableSlot
from graphdsl.ir.statements import Sample


def class_attributes(module: LossModule) -> Iterator[py.Assign]:
    """The attributes of the class, those alone that say something."""
    yield assign("compiled_by", py.Literal(COMPILED_BY))
    yield assign("emitted_format", py.Literal(EMITTED_FORMAT))
    yield assign("variables", py.Tuple(tuple(map(_variable, module.variables)), tall=True))
    if module.draws:
        draws = tuple(map(_draw, module.draws))
        yield assign("draws", py.Tuple(draws, tall=len(draws) > 1))
    if strata := _strata(module):
        yield assign("strata", _dict((name, py.Literal(count)) for name, count in strata.items()))
    if samples := max((term.code.times for term in module.terms), default=0):
        yield assign("samples", py.Literal(samples))
    if module.players:
        trained = ((player.name, _texts(player.attributes)) for player in module.players)
        yield assign("players", _dict(trained, tall=True))
    if module.turns:
        yield assign("turns", _dict((name, py.Literal(count)) for name, count in module.turns))
    if module.critics:
        yield assign("critics", _texts(module.critics))


def _variable(one: VariableSlot) -> py.Expression:
    named: dict[str, py.Expression] = {"role": py.Literal(one.role), "kind": py.Literal(one.kind)}
    if one.classes is not None:
        named["classes"] = py.Literal(one.classes)
    if one.members is not None:
        counts = one.members
        named["members"] = py.Literal(counts[0]) if len(counts) == 1 else shape(counts)
    if one.shape:
        named["shape"] = shape(one.shape)
    if one.optional:
        named["optional"] = py.Literal(True)
    if one.inferred:
        named["inferred"] = py.Literal(True)
    if one.interior:
        named["interior"] = py.Literal(True)
    return runtime("Variable", py.Literal(one.name), **named)


def _draw(one: Draw) -> py.Expression:
    """A set that every pass draws anew."""
    proper: dict[str, py.Expression] = {}
    if one.kind == "bipartitions":
        proper["proper"] = py.Literal(True)
    return runtime("Subset", py.Literal(one.name), of=py.Literal(one.count), **proper)


def _strata(module: LossModule) -> dict[str, int]:
    """The latents that are sampled from each expert of a mixture, and how many these are."""
    strata: dict[str, int] = {}
    for statement in module.forward:
        if isinstance(statement, Sample) and statement.each and not statement.times:
            strata[statement.latent] = max(statement.each, strata.get(statement.latent, 0))
    return strata


def _texts(values: Iterable[str]) -> py.Tuple:
    return py.Tuple(tuple(map(py.Literal, values)))


def _dict(entries: Iterable[tuple[str, py.Expression]], tall: bool = False) -> py.Dict:
    return py.Dict(tuple(py.Entry(name, value) for name, value in entries), tall)
