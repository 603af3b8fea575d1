"""What a spec asks for: its objective as a weighted sum, its players, choices and assertions.

`resolve` walks the statements once and gathers every mistake that it meets. Names, indices and
networks are those of `declare`. The room knows the abstract syntax, and no library.
"""

__all__ = ["Resolution", "resolve"]

from graphdsl.resolve.resolve import Resolution, resolve
