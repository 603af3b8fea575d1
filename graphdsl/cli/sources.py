"""Specs: those that a user names by a path, and those that ship."""

from __future__ import annotations

__all__ = ["open_source", "shipped"]

from pathlib import Path

from graphdsl.cli.console import fail
from graphdsl.diagnostics import Source, nearest


def open_source(spec: str) -> Source:
    """The spec at a path, or the one of that name that ships; code 2 if there is none."""
    path = Path(spec)
    if not path.exists() and path.suffix != ".mib" and path.name == spec:
        known = {one.stem: one for one in shipped()}
        if spec not in known:
            close = nearest(spec, known)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
            fail(f"graphdsl: no spec `{spec}` ships; {hint}", code=2)
        path = known[spec]
    try:
        return Source.read(path)
    except OSError as problem:
        fail(f"graphdsl: {spec} cannot be read: {problem.strerror}", code=2)
    except UnicodeDecodeError:
        fail(f"graphdsl: {spec} is no text in UTF-8")


def shipped() -> list[Path]:
    """The specs of a wheel lie inside the package, those of a checkout beside it."""
    package = Path(__file__).parent.parent
    folder = package / "specs"
    return sorted((folder if folder.is_dir() else package.parent / "specs").glob("*.mib"))
