"""Text to abstract syntax: the only room that knows Lark.

`parse` reads a spec statement by statement, keeps every place, and gathers all the syntax errors
that it holds. What it returns is frozen and of our own making.
"""

__all__ = ["ast", "declarations", "declared", "nodes", "parse", "renamed"]

from graphdsl.syntax import ast
from graphdsl.syntax.parse import parse
from graphdsl.syntax.renaming import declared, renamed
from graphdsl.syntax.walk import declarations, nodes
