"""An editor without a window: pygls' own client, which drives `graphdsl lsp` over its pipes."""

from __future__ import annotations

__all__ = ["URI", "Client"]

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

Result = TypeVar("Result")

URI = "file:///spec.mib"
_SECONDS = 60


class Client:
    """A running server, with one file open in it; calls wait for their answers."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.shown: list[types.PublishDiagnosticsParams] = []  #: every set of diagnostics so far
        self.logged: list[str] = []
        self.messages: list[str] = []
        self._version = 0
        self._news = asyncio.Event()
        self._client = LanguageClient("tests", "1")
        self._listen()

    def start(self) -> types.InitializeResult:
        """Start the server and greet it."""
        command = ("-c", "from graphdsl.cli import main; main()", "lsp")
        self.wait(self._client.start_io(sys.executable, *command))
        return self.wait(
            self._client.initialize_async(
                types.InitializeParams(capabilities=types.ClientCapabilities())
            )
        )

    def stop(self) -> int | None:
        """Say goodbye, and give the server's exit code."""
        self.wait(self._client.shutdown_async(None))
        self._client.exit(None)
        self.wait(self._client.stop())  # type: ignore[no-untyped-call]  # pygls has no type there
        server = self._client._server
        self.loop.close()
        return None if server is None else server.returncode

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run until that is answered."""
        return self.loop.run_until_complete(asyncio.wait_for(work, _SECONDS))

    # ---- texts -----------------------------------------------------------------------------------

    def open(self, text: str) -> list[types.Diagnostic]:
        """Open the file with a text, and wait for its first diagnostics."""
        count = len(self.shown)
        document = types.TextDocumentItem(uri=URI, language_id="mib", version=0, text=text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return self._diagnostics(count)

    def type(self, text: str) -> list[types.Diagnostic]:
        """Give the file another text, and wait for its first diagnostics."""
        count = len(self.shown)
        self.send(text)
        return self._diagnostics(count)

    def send(self, text: str) -> None:
        """Give the file another text, and wait for nothing."""
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(uri=URI, version=self._version)
        change = types.TextDocumentContentChangeWholeDocument(text=text)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def close(self) -> None:
        """Close the file."""
        document = types.TextDocumentIdentifier(URI)
        self._client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    def settle(self, derivations: int) -> None:
        """Wait until so many derivations were logged in all, and their diagnostics came."""

        async def until() -> None:
            while self.derivations < derivations:
                self._news.clear()
                await self._news.wait()
            await asyncio.sleep(0.05)

        self.wait(until())

    @property
    def processor_seconds(self) -> float:
        """How long the server has computed so far; zero where the system does not tell."""
        server = self._client._server
        stat = Path(f"/proc/{0 if server is None else server.pid}/stat")
        if not stat.is_file():
            return 0.0
        user, system = stat.read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def idle(self, seconds: float) -> None:
        """Let time pass, and hear what the server says meanwhile."""
        self.wait(asyncio.sleep(seconds))

    @property
    def derivations(self) -> int:
        """How many times the server derived anything."""
        return sum(line.startswith("derived ") for line in self.logged)

    # ---- questions -------------------------------------------------------------------------------

    def hover(self, text: str, word: str, *, behind: str = "") -> str:
        """What is shown at the first such word behind some text."""
        answer = self.wait(
            self._client.text_document_hover_async(
                types.HoverParams(self._file(), place(text, word, behind))
            )
        )
        if answer is None:
            return ""
        assert isinstance(answer.contents, types.MarkupContent)
        return answer.contents.value

    def completions(self, text: str, offset: int) -> list[str]:
        """What may be written at a place."""
        answer = self.wait(
            self._client.text_document_completion_async(
                types.CompletionParams(self._file(), position(text, offset))
            )
        )
        assert isinstance(answer, list)
        return [item.label for item in answer]

    def definition(self, text: str, word: str, *, behind: str = "") -> list[str]:
        """The lines in which the name at a place is declared."""
        answer = self.wait(
            self._client.text_document_definition_async(
                types.DefinitionParams(self._file(), place(text, word, behind))
            )
        )
        assert isinstance(answer, list)
        lines = text.split("\n")
        return [lines[one.range.start.line] for one in answer if isinstance(one, types.Location)]

    def rename(self, text: str, word: str, name: str, *, behind: str = "") -> str:
        """The text after a name is renamed.  Raises what the server answers to a refused one."""
        answer = self.wait(
            self._client.text_document_rename_async(
                types.RenameParams(self._file(), place(text, word, behind), name)
            )
        )
        assert answer is not None
        assert answer.changes is not None
        return edited(text, answer.changes[URI])

    def format(self, text: str) -> str:
        """The text after formatting; the same where the server leaves it alone."""
        answer = self.wait(
            self._client.text_document_formatting_async(
                types.DocumentFormattingParams(
                    self._file(), types.FormattingOptions(tab_size=4, insert_spaces=True)
                )
            )
        )
        return edited(text, answer or [])

    def fixes(self, text: str, one: types.Diagnostic) -> dict[str, str]:
        """What each code action for a diagnostic is called, and the text that it makes."""
        answer = self.wait(
            self._client.text_document_code_action_async(
                types.CodeActionParams(self._file(), one.range, types.CodeActionContext([one]))
            )
        )
        found = {}
        for action in answer or []:
            assert isinstance(action, types.CodeAction)
            assert action.edit is not None
            assert action.edit.changes is not None
            found[action.title] = edited(text, action.edit.changes[URI])
        return found

    # ---- the rest --------------------------------------------------------------------------------

    def _file(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(URI)

    def _listen(self) -> None:
        @self._client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def _(params: types.PublishDiagnosticsParams) -> None:
            self.shown.append(params)
            self._news.set()

        @self._client.feature(types.WINDOW_LOG_MESSAGE)  # type: ignore[untyped-decorator]
        def _(params: types.LogMessageParams) -> None:
            self.logged.append(params.message)
            self._news.set()

        @self._client.feature(types.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]
        def _(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

    def _diagnostics(self, count: int) -> list[types.Diagnostic]:
        async def until() -> None:
            while len(self.shown) <= count:
                self._news.clear()
                await self._news.wait()

        self.wait(until())
        return list(self.shown[count].diagnostics)


def position(text: str, offset: int) -> types.Position:
    """A place as the protocol counts it: lines from zero, UTF-16 units."""
    before = text[:offset].split("\n")
    return types.Position(len(before) - 1, len(before[-1].encode("utf-16-le")) // 2)


def place(text: str, word: str, behind: str) -> types.Position:
    """Where the first such word behind some text begins."""
    return position(text, text.index(word, text.index(behind)))


def edited(text: str, edits: Sequence[types.TextEdit]) -> str:
    """A text after edits, of which none touches another."""
    starts = {(one.range.start.line, one.range.start.character): one for one in edits}
    assert len(starts) == len(edits)
    for start in sorted(starts, reverse=True):
        one = starts[start]
        text = (
            text[: _offset(text, one.range.start)]
            + one.new_text
            + text[_offset(text, one.range.end) :]
        )
    return text


def _offset(text: str, place: types.Position) -> int:
    lines = text.split("\n")
    units = lines[place.line].encode("utf-16-le")[: 2 * place.character]
    return sum(len(line) + 1 for line in lines[: place.line]) + len(units.decode("utf-16-le"))
