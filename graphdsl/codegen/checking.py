"""What every emitted file has to be before it is written: Python in which a name is one thing.

A file that fails here is a bug of the compiler, and is never the user's fault.
"""

from __future__ import annotations

__all__ = ["check_emitted"]

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator

from graphdsl.diagnostics import CompilerBug


def check_emitted(text: str) -> None:
    """Refuse a file that is no Python, or in which one name stands for two things.

    Raises:
        CompilerBug: If the text does not parse, if a function or class body assigns a name or an
            attribute twice, assigns an imported name, reads a name before it is assigned, or
            writes a key twice.
    """
    tree = _parsed(text)
    imported = {*_imported(tree)}
    known = {*dir(builtins), *imported}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef():
                _refuse_imported(node, imported)
                _check_body(node.name, node.body, known, _arguments(node))
            case ast.ClassDef():
                _refuse_twice(node.name, _targets(node.body))
            case ast.Dict():
                keys = (str(key.value) for key in node.keys if isinstance(key, ast.Constant))
                _refuse_twice("a dictionary", keys)


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        where = text.splitlines()[(error.lineno or 1) - 1].strip()
        raise CompilerBug(f"the emitted file is no Python: {error.msg}: {where}") from error


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name.asname or name.name for name in node.names)


def _arguments(function: ast.FunctionDef) -> set[str]:
    return {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}


def _refuse_imported(function: ast.FunctionDef, imported: set[str]) -> None:
    """No local name hides one that the file imports."""
    for name in sorted(imported & {*_arguments(function), *_targets(function.body)}):
        raise CompilerBug(f"{function.name} assigns {name}, which the file imports")


def _check_body(
    where: str, body: Iterable[ast.stmt], known: Iterable[str], arguments: Iterable[str]
) -> None:
    """A function is straight-line code: what a statement reads, an earlier one has assigned."""
    bound, statements = {*known, *arguments}, list(body)
    _refuse_twice(where, _targets(statements))
    for statement in statements:
        for name in _read(statement) - bound:
            raise CompilerBug(f"{where} reads {name} before it is assigned")
        bound.update(_targets([statement]))


def _read(tree: ast.AST) -> set[str]:
    """The names that are read; those of comprehensions are their own."""
    own = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.comprehension)
        for name in _named(node.target)
    }
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Load)} - own


def _targets(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _named(target)


def _named(target: ast.expr) -> Iterator[str]:
    """The names in the target of an assignment, and the attributes."""
    if isinstance(target, ast.Tuple):
        for one in target.elts:
            yield from _named(one)
    else:
        yield ast.unparse(target)


def _refuse_twice(where: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise CompilerBug(f"{where} assigns {name} {count} times")
