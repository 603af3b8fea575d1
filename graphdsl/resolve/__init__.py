"""Words to things that exist: names, indices, shapes, and the objective as a weighted sum.

`resolve` walks the statements once and gathers every mistake that it meets. It knows the abstract
syntax and the model that comes out of it, and no library.
"""

__all__ = ["Resolution", "resolve"]

from graphdsl.resolve.resolve import Resolution, resolve
