"""The language server protocol: each feature that an editor can ask for."""

from __future__ import annotations

__all__ = ["serve"]

import asyncio
from collections.abc import Sequence
from importlib.metadata import version
from typing import BinaryIO

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams, PyglsError
from pygls.lsp.server import LanguageServer

from graphdsl.diagnostics import Diagnostic, Source, SpecError
from graphdsl.fmt import format_spec
from graphdsl.lsp.completions import What, proposals
from graphdsl.lsp.editor import Editor
from graphdsl.lsp.fixes import Edit, fixes
from graphdsl.lsp.hovers import hover
from graphdsl.lsp.names import Occurrence, occurrence_at, same_name
from graphdsl.lsp.outline import outline
from graphdsl.lsp.places import Places
from graphdsl.lsp.renames import Refused, rename, renamed_name

_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}
_KINDS: dict[What, types.CompletionItemKind] = {
    "keyword": types.CompletionItemKind.Keyword,
    "name": types.CompletionItemKind.Variable,
    "kind": types.CompletionItemKind.TypeParameter,
    "law": types.CompletionItemKind.Class,
    "estimator": types.CompletionItemKind.Method,
    "functional": types.CompletionItemKind.Function,
    "network": types.CompletionItemKind.Module,
}


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer an editor on two streams until it goes."""
    make_server().start_io(questions, answers)


class Server(LanguageServer):
    """The server and the texts that are open in it."""

    def __init__(self) -> None:
        super().__init__(
            "graphdsl",
            version("graphdsl"),
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
        )
        self.editor = Editor(self._publish, self._report, self._fail)

    def places(self, source: Source) -> Places:
        """The places of a text, in the units that the client counts in."""
        return Places(source, self.workspace.position_codec)

    def diagnostic(self, one: Diagnostic, places: Places) -> types.Diagnostic:
        """A diagnostic as the protocol has it."""
        return types.Diagnostic(
            range=places.range(one.span),
            message=f"{one.message}\nHint: {one.advice}",
            severity=_SEVERITIES[one.severity],
            code=one.code,
            source="graphdsl",
        )

    def _publish(self, uri: str, source: Source, diagnostics: Sequence[Diagnostic]) -> None:
        places = self.places(source)
        shown = [self.diagnostic(diagnostic, places) for diagnostic in diagnostics]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=shown)
        )

    def report_server_error(self, error: Exception, source: object) -> None:
        """Say that something is a bug of ours, in one line; a refusal is an answer."""
        if isinstance(error, JsonRpcInvalidParams):
            return
        words = " ".join(str(error).split())[:300]
        self.window_show_message(
            types.ShowMessageParams(
                type=types.MessageType.Error,
                message=f"graphdsl: a bug of ours: {type(error).__name__}: {words}. "
                "Please report it with the spec.",
            )
        )

    def _fail(self, problem: Exception) -> None:
        self.report_server_error(problem, PyglsError)

    def _report(self, line: str) -> None:
        self.window_log_message(types.LogMessageParams(type=types.MessageType.Log, message=line))


def make_server() -> Server:
    """A server with every feature that it has."""
    server = Server()
    _add_texts(server)
    _add_answers(server)
    _add_names(server)
    _add_renames(server)
    _add_edits(server)
    return server


def _add_texts(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def _(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        ls.editor.change(params.text_document.uri, params.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def _(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        ls.editor.change(uri, ls.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def _(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        ls.editor.close(params.text_document.uri)


def _add_answers(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def _(ls: Server, params: types.HoverParams) -> types.Hover | None:
        analysis = ls.editor.analysis(params.text_document.uri)
        if analysis is None:
            return None
        line, column = ls.places(analysis.source).place(params.position)
        found = await ls.editor.derivation(analysis)
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(ls.editor.pool, hover, analysis, found, line, column)
        markup = types.MarkupContent(kind=types.MarkupKind.Markdown, value=text)
        return types.Hover(contents=markup) if text else None

    options = types.CompletionOptions(trigger_characters=["~", ":", "|", "(", "[", " "])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    def _(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
        analysis = ls.editor.analysis(params.text_document.uri)
        if analysis is None:
            return []
        offset = ls.places(analysis.source).offset(params.position)
        return [
            types.CompletionItem(
                label=proposal.text, kind=_KINDS[proposal.what], detail=proposal.detail or None
            )
            for proposal in proposals(analysis, offset)
        ]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def _(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        analysis = ls.editor.analysis(params.text_document.uri)
        return [] if analysis is None else outline(analysis, ls.places(analysis.source))


def _add_names(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def _(ls: Server, params: types.DefinitionParams) -> list[types.Location]:
        found = _locations(ls, params.text_document.uri, params.position)
        return [place for one, place in found if one.declares]

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def _(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
        found = _locations(ls, params.text_document.uri, params.position)
        return [
            place for one, place in found if not one.declares or params.context.include_declaration
        ]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def _(ls: Server, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        found = _locations(ls, params.text_document.uri, params.position)
        return [types.DocumentHighlight(range=place.range) for _, place in found]


def _add_renames(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def _(ls: Server, params: types.PrepareRenameParams) -> types.Range | None:
        analysis = ls.editor.analysis(params.text_document.uri)
        if analysis is None:
            return None
        places = ls.places(analysis.source)
        try:
            return places.exact(renamed_name(analysis, *places.place(params.position)).span)
        except Refused as reason:
            raise JsonRpcInvalidParams(str(reason)) from None

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def _(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
        uri = params.text_document.uri
        analysis = ls.editor.analysis(uri)
        if analysis is None:
            return None
        places = ls.places(analysis.source)
        try:
            edits = rename(analysis, *places.place(params.position), params.new_name)
        except Refused as reason:
            raise JsonRpcInvalidParams(str(reason)) from None
        return types.WorkspaceEdit(changes={uri: _edits(edits, places)})


def _add_edits(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def _(ls: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        analysis = ls.editor.analysis(params.text_document.uri)
        if analysis is None:
            return None
        try:
            text = format_spec(analysis.source)
        except SpecError:  # its mistakes are on display
            return None
        if text == analysis.source.text:
            return []
        return [types.TextEdit(range=ls.places(analysis.source).whole(), new_text=text)]

    options = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    def _(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        analysis = ls.editor.analysis(uri)
        if analysis is None:
            return []
        places = ls.places(analysis.source)
        return [
            types.CodeAction(
                title=fix.title,
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[ls.diagnostic(one, places)],
                edit=types.WorkspaceEdit(changes={uri: _edits(fix.edits, places)}),
            )
            for one in ls.editor.known(analysis)
            if _touch(places.range(one.span), params.range)
            for fix in fixes(analysis, one)
        ]


def _locations(
    ls: Server, uri: str, position: types.Position
) -> list[tuple[Occurrence, types.Location]]:
    """Where the name at a place occurs."""
    analysis = ls.editor.analysis(uri)
    if analysis is None:
        return []
    places = ls.places(analysis.source)
    here = occurrence_at(analysis.occurrences, *places.place(position))
    if here is None:
        return []
    return [
        (one, types.Location(uri=uri, range=places.exact(one.span)))
        for one in same_name(analysis.occurrences, here)
    ]


def _edits(edits: Sequence[Edit], places: Places) -> list[types.TextEdit]:
    return [types.TextEdit(range=places.exact(edit.span), new_text=edit.text) for edit in edits]


def _touch(one: types.Range, other: types.Range) -> bool:
    """Whether two ranges have a place in common."""
    return _at(one.start) <= _at(other.end) and _at(other.start) <= _at(one.end)


def _at(position: types.Position) -> tuple[int, int]:
    return position.line, position.character
