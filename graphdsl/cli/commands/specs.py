"""`graphdsl specs`: what ships."""

from __future__ import annotations

__all__ = ["command"]

from graphdsl.cli.sources import shipped


def command() -> None:
    """List the specs that ship."""
    for path in shipped():
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        print(f"{path.stem:<12} {first.lstrip('# ')}")
