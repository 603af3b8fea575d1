"""The statements of a spec as an editor lists them."""

from __future__ import annotations

__all__ = ["outline"]

from lsprotocol.types import DocumentSymbol, SymbolKind

from graphdsl.lsp.analysis import Analysis
from graphdsl.lsp.places import Places
from graphdsl.syntax import ast

_KINDS: dict[type, SymbolKind] = {
    ast.Constant: SymbolKind.Constant,
    ast.Parameter: SymbolKind.Number,
    ast.VariableDeclaration: SymbolKind.Variable,
    ast.MaskDeclaration: SymbolKind.Array,
    ast.NetworkBlock: SymbolKind.Module,
    ast.ModelName: SymbolKind.Class,
}


def outline(analysis: Analysis, places: Places) -> list[DocumentSymbol]:
    """What a spec declares, and its objectives, in the order of the text."""
    symbols = []
    for statement in analysis.spec.statements:
        match statement:
            case (
                ast.Constant(name=word)
                | ast.Parameter(name=word)
                | ast.VariableDeclaration(name=word)
                | ast.MaskDeclaration(name=word)
                | ast.NetworkBlock(name=word)
                | ast.ModelName(name=word)
            ):
                name, kind, inner = word.text, _KINDS[type(statement)], word.span
            case ast.Goal(aim=aim):
                name, kind, inner = aim, SymbolKind.Function, statement.span
            case _:
                continue
        symbols.append(
            DocumentSymbol(
                name=name,
                kind=kind,
                range=places.range(statement.span),
                selection_range=places.range(inner),
            )
        )
    return symbols
