"""Specs by path, by text, or by the name of one that ships."""

from __future__ import annotations

__all__ = ["Spec", "shipped", "source_of"]

import errno
import os
from pathlib import Path
from typing import TypeAlias

from graphdsl.diagnostics import Source, nearest

Spec: TypeAlias = str | os.PathLike[str] | Source


def source_of(spec: Spec) -> Source:
    r"""Give the spec at a path, the spec that a text is, or the one of that name that ships.

    A string with a newline is the text of a spec.
    Raises `FileNotFoundError` where there is none, and what `Source.read` raises.

    >>> source_of("vae").name
    'vae.mib'
    >>> source_of("model tiny\n").text
    'model tiny\n'
    """
    if isinstance(spec, Source):
        return spec
    if isinstance(spec, str) and "\n" in spec:
        return Source("text.mib", spec)
    path = Path(spec)
    if not isinstance(spec, str) or not _is_name(spec, path):
        return Source.read(path)
    known = {one.stem: one for one in shipped()}
    if spec not in known:
        close = nearest(spec, known)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
        said = f"there is no such file, and no spec of that name ships; {hint}"
        raise FileNotFoundError(errno.ENOENT, said, spec)
    return Source.read(known[spec])


def shipped() -> list[Path]:
    """The specs of a wheel lie inside the package, those of a checkout beside it."""
    package = Path(__file__).parent.parent
    folder = package / "specs"
    return sorted((folder if folder.is_dir() else package.parent / "specs").glob("*.mib"))


def _is_name(spec: str, path: Path) -> bool:
    return path.suffix != ".mib" and path.name == spec and not os.path.exists(spec)  # noqa: PTH110  # no error for a long name
