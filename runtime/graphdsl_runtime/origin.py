"""Where a class comes from: the spec that it was compiled from, and the values it was given."""

from __future__ import annotations

__all__ = ["EMITTED_FORMAT", "Origin"]

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The format of emitted modules that this runtime runs: `docs/runtime.md` says when it rises.
EMITTED_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What makes a class again.

    >>> Origin(spec="model m", name="m.mib", sha256="", compiler="0.1.0").constants
    {}
    """

    spec: str  #: the text of the spec
    name: str  #: that messages call it by
    sha256: str  #: of the spec, as emitted modules carry it
    compiler: str  #: its version
    constants: Mapping[str, str] = field(default_factory=dict)  #: all of them, exact, as text
