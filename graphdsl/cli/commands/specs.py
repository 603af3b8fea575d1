"""`graphdsl specs`: what ships."""

from __future__ import annotations

__all__ = ["command"]

from graphdsl.cli.sources import shipped


def command() -> None:
    """List the specs that ship."""
    paths = shipped()
    width = max(len(path.stem) for path in paths)
    for path in paths:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        print(f"{path.stem:<{width}}  {first.lstrip('# ')}")
