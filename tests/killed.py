"""A process that is killed at a moment of the test's choosing: no later call has an effect."""

from __future__ import annotations

__all__ = ["CALLS", "Killed", "killed_at"]

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

#: What changes something on a disk.
CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "chmod")


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(moment: int) -> Iterator[list[str]]:
    """Raise `Killed` at the call of that number that changes the disk, and at all later ones.

    Gives the names of the calls that were made. A write that is killed has written half.
    """
    made: list[str] = []
    originals = {name: getattr(os, name) for name in CALLS}

    def interrupted(name: str) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            if len(made) >= moment:
                if len(made) == moment and name == "write":
                    descriptor, content = args
                    originals["write"](descriptor, bytes(content)[: len(bytes(content)) // 2])  # type: ignore[call-overload]
                made.append(name)
                raise Killed
            made.append(name)
            return originals[name](*args, **named)

        return call

    def no_more(*args: object, **named: object) -> None:
        if len(made) > moment:
            raise Killed
        rmtree(*args, **named)  # type: ignore[arg-type]

    rmtree = shutil.rmtree
    with ExitStack() as patches:
        for name in CALLS:
            patches.enter_context(patch.object(os, name, interrupted(name)))
        patches.enter_context(patch.object(shutil, "rmtree", no_more))
        yield made
