"""A spec with other names, as if it had been written with them."""

from __future__ import annotations

__all__ = ["declared", "renamed"]

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from graphdsl.catalog.architectures import OPTIONS_OF_WORDS
from graphdsl.syntax import ast
from graphdsl.syntax.walk import declarations, nodes

_Tree = TypeVar("_Tree")

#: Fields whose words are of the language, or of no other statement.
_KEPT = {
    ast.Choice: ("name",),
    ast.Function: ("name",),
    ast.Information: ("functional",),
    ast.Divergence: ("functional",),
    ast.Kind: ("name",),
    ast.Line: ("by",),
    ast.ModelName: ("name",),
    ast.Setting: ("name",),
    ast.Total: ("sign",),
}


def declared(spec: ast.Spec) -> tuple[str, ...]:
    """The names that a spec declares, each once, `q` and `p` apart."""
    return tuple(
        name
        for name, declaration in declarations(spec).items()
        if not (
            isinstance(declaration, ast.NetworkBlock)
            and declaration.role in ("inference", "generation")
        )
    )


def renamed(spec: ast.Spec, names: Mapping[str, str]) -> tuple[ast.Spec, dict[str, str]]:
    """The spec with names exchanged, all at once, and every name that changed.

    Whatever else has a name that is given away, an index too, gets a free one.

    Args:
        spec: The spec.
        names: Some of the names that it declares, and what they are to be called.
    """
    mine = (*declared(spec), *_indices(spec))
    taken = {*mine, *names.values()}
    every = dict(names)
    for name in mine:
        if name not in every and name in names.values():
            every[name] = next(free for free in _fresh(name) if free not in taken)
            taken.add(every[name])
    return _renamed(spec, every), every


def _renamed(tree: _Tree, names: Mapping[str, str]) -> _Tree:
    if isinstance(tree, tuple):
        return type(tree)(_renamed(one, names) for one in tree)
    if isinstance(tree, ast.Word):
        return replace(tree, text=names.get(tree.text, tree.text))
    if not is_dataclass(tree) or isinstance(tree, type):
        return tree
    kept = ("span", *_KEPT.get(type(tree), ()), *("value",) * _is_word(tree))
    changed = {}
    for field in fields(tree):
        before = getattr(tree, field.name)
        after = before if field.name in kept else _renamed(before, names)
        if after is not before:
            changed[field.name] = after
    return replace(tree, **changed) if changed else tree


def _is_word(tree: object) -> bool:
    """Whether it is a setting whose value is a word of the language: `act = gelu`."""
    return isinstance(tree, ast.Setting) and tree.name.text in OPTIONS_OF_WORDS


def _indices(spec: ast.Spec) -> Iterator[str]:
    """The names of indices and of drawn sets, those of networks' arguments too."""
    for node in nodes(spec):
        if isinstance(node, ast.Comprehension):
            yield from map(str, node.names)
        if isinstance(node, ast.NetworkBlock):
            yield from map(str, node.formals)


def _fresh(name: str) -> Iterator[str]:
    return (f"{name}_{count}" for count in range(2, 10_000))
