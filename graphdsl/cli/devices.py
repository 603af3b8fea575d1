"""`--device`: where a trained model computes."""

from __future__ import annotations

__all__ = ["device_of", "lacks_memory"]

from typing import TYPE_CHECKING

from graphdsl.cli.console import fail
from graphdsl_files import shown

if TYPE_CHECKING:
    import torch

#: What torch says where an allocation fails, on whichever device.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_KINDS = ("cpu", "cuda", "mps")


def device_of(name: str) -> torch.device:
    """Give the device of a name; stops with a line where the machine has none of that name.

    ``auto`` is the first GPU, and the CPU of a machine without one.
    """
    import torch

    if name == "auto":
        has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        return torch.device(next((kind for kind, there in has.items() if there), "cpu"))
    kind, colon, number = name.partition(":")
    right = kind in _KINDS and (not colon or (number.isascii() and number.isdigit()))
    if not right:
        fail(
            f"graphdsl: --device {shown(name)} is no device; write cpu, cuda, cuda:1, mps or auto",
            code=2,
        )
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[kind]
    if int(number or 0) >= count:
        fail(
            f"graphdsl: --device {name}: torch finds {count} devices of the kind {kind} here; "
            "write --device cpu"
        )
    return torch.device(name)


def lacks_memory(problem: RuntimeError) -> bool:
    """Whether torch says that a device has not enough memory.

    >>> lacks_memory(RuntimeError("CUDA out of memory."))
    True
    """
    return any(words in str(problem) for words in _NO_MEMORY)
