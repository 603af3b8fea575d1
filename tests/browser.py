"""A headless Chromium, driven through a pipe: what a page does when it is looked at."""

from __future__ import annotations

__all__ = ["CHROMIUM", "Browser"]

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


class Browser:
    """One tab. It is closed at the end of its `with`."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        requests, to_browser = os.pipe()
        from_browser, answers = os.pipe()
        self._in, self._out = os.fdopen(from_browser, "rb"), os.fdopen(to_browser, "wb")
        self._running = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank",
            ],
            pass_fds=(3, 4),  # where it reads and writes
            preexec_fn=lambda: _as_three_and_four(requests, answers),  # no threads
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(requests)
        os.close(answers)
        self._number, self._rest, self.events = 0, b"", list[dict[str, Any]]()
        self._session = ""
        tabs = self.call("Target.getTargets")["targetInfos"]
        tab = next(one["targetId"] for one in tabs if one["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.terminate()
        self._running.wait()
        self._in.close()
        self._out.close()

    def call(self, method: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
        """Ask for something, and wait for the answer; events that come before are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, page: Path, width: int, dark: bool = False) -> None:
        """Show a file in a window of this width, and wait until it is there."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            self.events.append(self._read())

    def value(self, script: str) -> Any:  # noqa: ANN401  # whatever the script gives
        """What an expression is worth in the page."""
        given = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in given, given
        return given["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **text,
            )  # fmt: skip

    def complaints(self) -> list[str]:
        """What was logged, thrown or fetched since the page was opened."""
        found = []
        for one in self.events:
            method, given = one.get("method", ""), one.get("params", {})
            if method in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                found.append(json.dumps(given))
            if method == "Network.requestWillBeSent":
                address = given["request"]["url"]
                if not address.startswith("file:"):
                    found.append(address)
        return found

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._in.fileno(), 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


def _as_three_and_four(requests: int, answers: int) -> None:
    """Give two descriptors these numbers, whichever they had."""
    kept = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (requests, answers)]
    os.dup2(kept[0], 3)
    os.dup2(kept[1], 4)
