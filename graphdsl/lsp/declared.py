"""What a declared name is: its declaration, its shape and law, and its part in each network."""

from __future__ import annotations

__all__ = ["declaration_text", "described"]

from collections.abc import Iterator

from graphdsl.diagnostics import Source, Span
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family, Network
from graphdsl.ir.notation import Phrase
from graphdsl.ir.symbols import Variable
from graphdsl.lsp.analysis import Analysis
from graphdsl.notation.folding import folded_each
from graphdsl.syntax import ast, declarations

_KINDS = {
    "real": "real numbers",
    "binary": "bits",
    "positive": "positive numbers",
    "unit": "numbers from 0 to 1",
    "count": "counts 0, 1, 2, ...",
    "categorical": "categories",
}


def described(analysis: Analysis, name: str) -> tuple[str, ...]:
    """A declaration as it is written, then what follows from it; nothing of an unknown name."""
    statement = declarations(analysis.spec).get(name)
    if statement is None:
        return ()
    written = declaration_text(analysis.source, statement)
    if analysis.checked is None:
        return (written,)
    model = analysis.checked.model
    match statement:
        case ast.VariableDeclaration():
            return (written, *_variable(model, name))
        case ast.Parameter():
            return (written, *_parameter(model, name))
        case ast.Constant():
            values = dict(model.constants)
            return (written, f"{name} = {values[name]}") if name in values else (written,)
        case _:
            return (written,)


def declaration_text(source: Source, statement: ast.Statement) -> str:
    """A statement as it is written, without comments and the lines of a long network."""
    span = statement.span
    lines = [
        _part(source, span, number).partition("#")[0].rstrip()
        for number in range(span.line, span.end_line + 1)
    ]
    return "\n".join(line for line in lines if line.strip())


def _part(source: Source, span: Span, number: int) -> str:
    line = source.line(number)
    end = span.end_column - 1 if number == span.end_line else len(line)
    start = span.column - 1 if number == span.line else 0
    return line[start:end]


def _variable(model: Model, name: str) -> Iterator[str]:
    for family in model.families:
        if family.head == name and not family.label_of:
            yield _shape(family)
            yield _law(family)
    members = model.members(name)
    networks = (model.inference, model.generation, *model.further)
    for network in networks:
        if network is not None:
            yield from _lines(network, members)


def _shape(family: Family) -> str:
    each = f"{family.classes} {_KINDS['categorical']}" if family.classes else _KINDS[family.kind]
    shape = " x ".join(map(str, family.shape))
    numbers = f"{shape} {each}" if shape else f"one value of {each}"
    count = len(family.nodes)
    members = f"{count} members of " if family.members is not None else ""
    optional = ", which a row may lack" if family.optional else ""
    return f"{family.name}: {family.role}, {members}{numbers}{optional}"


def _law(family: Family) -> str:
    law = family.distribution.law
    return f"law: {family.distribution}, over {law.support}; {law.link}"


def _lines(network: Network, members: tuple[Variable, ...]) -> Iterator[str]:
    """A line for each way in which a network has the variable."""
    lines: list[Phrase] = []
    for member in members:
        conditional = network.conditional_of(member)
        if conditional is not None:
            by = f" by {conditional.by}" if conditional.by != "joint" else ""
            how = f"{by} via {conditional.via}"
            lines.append(Phrase((conditional.parents, " -> ", member, how)))
        elif member in network.variables:
            lines.append(Phrase((member, " has no parents")))
    for line in folded_each(lines):
        yield f"{network.name}: {line}"


def _parameter(model: Model, name: str) -> Iterator[str]:
    for parameter in model.parameters:
        if parameter.name == name:
            yield f"{name} = {parameter.value} in {parameter.range}"
            if parameter.schedule is not None:
                yield f"it goes to {parameter.value} {parameter.schedule}"
