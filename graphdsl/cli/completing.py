"""What a shell offers where a spec or a code is to be typed."""

from __future__ import annotations

__all__ = ["completed_code", "completed_spec"]

from pathlib import Path


def completed_spec(incomplete: str) -> list[str]:
    """Specs that ship, and the specs and folders that are here, which begin like this.

    >>> completed_spec("wyn")
    ['wyner']
    """
    from graphdsl.api.sources import shipped

    folder, slash, start = incomplete.rpartition("/")
    here = Path(folder or slash or ".")
    files = sorted(here.iterdir()) if here.is_dir() else []
    paths = [
        f"{folder}{slash}{file.name}{'/' * file.is_dir()}"
        for file in files
        if file.name.startswith(start) and (file.suffix == ".mib" or file.is_dir())
    ]
    return [*(one.stem for one in shipped() if one.stem.startswith(incomplete)), *paths]


def completed_code(incomplete: str) -> list[str]:
    """Codes of diagnostics that begin like this.

    >>> completed_code("MIB10")[:2]
    ['MIB101', 'MIB102']
    """
    from graphdsl.diagnostics import explained

    return [one for one in explained() if one.startswith(incomplete)]
