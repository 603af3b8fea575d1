"""The open texts of an editor: each change is read at once, and derived once it rests."""

from __future__ import annotations

__all__ = ["Editor"]

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.lsp.analysis import Analysis, Derived, Shelf, derived

#: Seconds without a change after which a text is derived.
QUIET = 0.15
_KEPT = 16  #: derivations that are kept, each with its text

Publish = Callable[[str, Source, tuple[Diagnostic, ...]], None]
Report = Callable[[str], None]


@dataclass
class Editor:
    """What is open, what is known of it, and what is being derived."""

    publish: Publish  #: shows diagnostics beside a text
    report: Report  #: writes a line to the editor's log
    fail: Callable[[Exception], None]  #: says that something is a bug of ours
    open: dict[str, Source] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    pool: Executor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    _derivations: OrderedDict[Source, asyncio.Future[Derived]] = field(default_factory=OrderedDict)
    _waiting: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def change(self, uri: str, text: str) -> None:
        """Take the text of a file: show its mistakes, and derive it later if it has none."""
        source = Source.decoded(_name_of(uri), text.encode(errors="replace"))
        if self.open.get(uri) == source:
            return
        self.open[uri] = source
        self._forget(uri)
        analysis = self.shelf.analysis(source)
        known = self._known(analysis)
        self.publish(uri, source, known.diagnostics if known else analysis.diagnostics)
        if known is None:
            self._waiting[uri] = asyncio.create_task(self._rest(uri, analysis))

    def close(self, uri: str) -> None:
        """Forget a file, and take its diagnostics away."""
        source = self.open.pop(uri, None)
        self._forget(uri)
        if source is not None:
            self.publish(uri, source, ())

    def analysis(self, uri: str) -> Analysis | None:
        """What is known of an open file without a derivation."""
        source = self.open.get(uri)
        return None if source is None else self.shelf.analysis(source)

    async def derivation(self, analysis: Analysis) -> Derived:
        """The derivation of a text, made once."""
        known = self._known(analysis)
        if known is not None:
            return known
        source = analysis.source
        if source not in self._derivations:
            loop = asyncio.get_running_loop()

            def report(line: str) -> None:
                loop.call_soon_threadsafe(self.report, line)

            work = partial(_derive, analysis, report)
            self._derivations[source] = loop.run_in_executor(self.pool, work)
            while len(self._derivations) > _KEPT:
                self._derivations.popitem(last=False)
        return await asyncio.shield(self._derivations[source])

    def known(self, analysis: Analysis) -> tuple[Diagnostic, ...]:
        """Every diagnostic of a text that is known by now."""
        derivation = self._known(analysis)
        return analysis.diagnostics if derivation is None else derivation.diagnostics

    def _known(self, analysis: Analysis) -> Derived | None:
        """The derivation, where it is made already or cannot be made."""
        if analysis.checked is None:
            return Derived(None, analysis.diagnostics)
        future = self._derivations.get(analysis.source)
        if future is None or not future.done() or future.exception() is not None:
            return None
        return future.result()

    async def _rest(self, uri: str, analysis: Analysis) -> None:
        """Wait until nobody types, derive, and show what that tells."""
        await asyncio.sleep(QUIET)
        try:
            found = await self.derivation(analysis)
        except Exception as problem:  # a keystroke later it may be gone
            self.fail(problem)
            return
        if self.open.get(uri) == analysis.source:
            self.publish(uri, analysis.source, found.diagnostics)

    def _forget(self, uri: str) -> None:
        waiting = self._waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()


def _derive(analysis: Analysis, report: Callable[[str], object]) -> Derived:
    start = time.perf_counter()
    derivation = derived(analysis)
    spent = time.perf_counter() - start
    report(f"derived {analysis.source.name} in {spent * 1000:.0f} ms")
    return derivation


def _name_of(uri: str) -> str:
    """The last part of an address."""
    return PurePosixPath(unquote(urlsplit(uri).path)).name or "spec.mib"
