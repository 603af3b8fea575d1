"""How the program ends: the exit codes, and a report of what is a bug of ours."""

from __future__ import annotations

__all__ = ["INTERRUPTED", "TERMINATED", "Terminated", "ended"]

import errno
import io
import os
import platform
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from graphdsl.cli.console import say, silence_stdout
from graphdsl_files import refusal

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM

_FRAMES = 5  # of our own files, from where the exception was raised outwards
#: What an `OSError` says of the machine and its files, rather than of us.
_REFUSALS = frozenset(
    getattr(errno, name)
    for name in (
        "EACCES EDQUOT EEXIST EFBIG EINVAL EIO EISDIR ELOOP EMFILE ENAMETOOLONG ENFILE ENODEV "
        "ENOENT ENOMEM ENOSPC ENOTDIR ENOTEMPTY ENXIO EPERM EROFS ESTALE ETXTBSY"
    ).split()
    if hasattr(errno, name)
)
_PACKAGES = frozenset({"graphdsl", "graphdsl_files", "graphdsl_grammar", "graphdsl_runtime"})


class Terminated(BaseException):
    """SIGTERM came: whoever has something to put in order does so on the way out."""


def ended(work: Callable[[], object], words: list[str]) -> int:
    """Do the work of a command line, and say how it ended: the exit code.

    No traceback reaches a user, whatever is raised.
    """
    _prepare_streams()
    try:
        with _terminable():
            work()
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        return _flushed(end.exit_code)
    except click.ClickException as misuse:
        said = io.StringIO()
        misuse.show(said)
        say(said.getvalue().rstrip("\n"))
        return misuse.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("graphdsl: stopped")
        return INTERRUPTED
    except Terminated:
        say("graphdsl: stopped by SIGTERM")
        return TERMINATED
    except BrokenPipeError:
        silence_stdout()
        return 0
    except MemoryError:
        say("graphdsl: there is not enough memory for this")
        return 1
    except Exception as problem:
        return _of_exception(problem, words)
    return 0


def _of_exception(problem: Exception, words: list[str]) -> int:
    if isinstance(problem, OSError) and problem.errno in _REFUSALS and not _is_ours(problem):
        silence_stdout()  # which may be what was refused: a full disk
        say(f"graphdsl: {refusal(problem)}")
        return 1
    say(_report(problem, words))
    return 70


def _is_ours(problem: OSError) -> bool:
    """Whether it is a file of the package that is missing or unreadable."""
    package = str(Path(__file__).resolve().parent.parent)
    return isinstance(problem.filename, str) and problem.filename.startswith(package)


def _report(problem: Exception, words: list[str]) -> str:
    """What a developer needs to know, in a few lines that can be sent as they are."""
    from importlib.metadata import version

    said = " ".join(str(problem).split())[:300]
    places = [
        f"{Path(*_from_package(Path(one.filename)))}:{one.lineno} in {one.name}"
        for one in traceback.extract_tb(problem.__traceback__)
        if _from_package(Path(one.filename))
    ]
    return "\n    ".join(
        (
            f"graphdsl: a bug of ours: {type(problem).__name__}: {said}\n"
            "Please report it, with the spec and these lines:",
            f"graphdsl {version('graphdsl')}, Python {platform.python_version()}, "
            f"{platform.system()} {platform.machine()}",
            shlex.join(["graphdsl", *words]),
            *places[-_FRAMES:],
        )
    )


def _from_package(path: Path) -> tuple[str, ...]:
    """A path from the package on: where it is installed is nobody's business."""
    for place, part in enumerate(path.parts):
        if part in _PACKAGES and path.parts[place + 1 : place + 2] != (part,):
            return path.parts[place:]
    return ()


@contextmanager
def _terminable() -> Iterator[None]:
    """Make SIGTERM an exception, so that files in the making are put away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _prepare_streams() -> None:
    """Print what the terminal's encoding lacks as escapes, and nothing where there is no stream."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as problem:
        silence_stdout()
        say(f"graphdsl: standard output: {refusal(problem)}")
        return code or 1
    return code
