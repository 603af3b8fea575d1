"""Which compiler wrote a module, and in which format: what the runtime checks.

`docs/runtime.md` says what may change between versions, and what needs another format. Tests hold
both against the package and the runtime.
"""

from __future__ import annotations

__all__ = ["COMPILED_BY", "EMITTED_FORMAT"]

COMPILED_BY = "graphdsl 0.1.0"
EMITTED_FORMAT = 1
