"""`a + b - c` is three summands side by side: a list in the tree, however long it is."""

from __future__ import annotations

__all__ = ["flatten_chains"]

from lark import Token, Tree

#: The rules of two operands, with the chain that they are part of, and the sign that joins them.
_JOINS = {
    "add": ("sum", "+"),
    "subtract": ("sum", "-"),
    "multiply": ("product", "*"),
    "divide": ("product", "/"),
}


def flatten_chains(tree: Tree[Token]) -> Tree[Token]:
    """Replace sums of sums and products of products by one node each: operand, sign, operand, ...

    The parser reads from left to right: of 200 summands the first is 199 levels deep, and nothing
    is nested. Only the left operand is merged, so that brackets on the right stay.

    >>> tree = Tree("add", [Tree("subtract", [Token("A", "a"), Token("B", "b")]), Token("C", "c")])
    >>> print(*flatten_chains(tree).children)
    a - b + c
    """
    for node in tree.iter_subtrees():  # the children before their parents
        if node.data not in _JOINS:
            continue
        chain, sign = _JOINS[node.data]
        left, right = node.children
        merged = left.children if isinstance(left, Tree) and left.data == chain else [left]
        merged += [Token("SIGN", sign), right]
        node.data, node.children = chain, merged
    return tree
