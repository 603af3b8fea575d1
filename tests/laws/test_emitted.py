"""Of every spec that compiles: what is emitted, and what its audit says of it, is well formed."""

from __future__ import annotations

import ast
import json
from itertools import chain

import jsonschema

import graphdsl_runtime
from graphdsl.compiler import compile_spec, read
from graphdsl.report import audit_json, audit_schema
from tests.corpus import compiling, documented, generated, shipped

ALLOWED = {"__future__", "torch", "graphdsl_runtime"}


def imports(emitted: str) -> tuple[set[str], set[str]]:
    """The packages that a module imports, and the words that it takes from the runtime."""
    packages: set[str] = set()
    words: set[str] = set()
    for node in ast.walk(ast.parse(emitted)):
        if isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").partition(".")[0])
            words |= {name.name for name in node.names if node.module == "graphdsl_runtime"}
        elif isinstance(node, ast.Import):
            packages |= {name.name.partition(".")[0] for name in node.names}
    return packages, words


def test_a_module_is_python_and_imports_torch_and_the_runtime_alone() -> None:
    known = set(graphdsl_runtime.__all__)
    for _, module in compiling(chain(shipped(), documented(), generated("imports", 20))):
        packages, words = imports(module.text)
        assert packages <= ALLOWED
        assert words <= known


def test_an_audit_follows_its_schema() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(audit_schema()))
    for _, module in compiling(chain(shipped(), documented(), generated("audits", 15))):
        schema.validate(json.loads(audit_json(read(module.compiled))))


def test_the_same_spec_gives_the_same_bytes() -> None:
    """Nothing that a process has compiled before is left in what it compiles next."""
    for case, module in compiling(generated("bytes", 25)):
        assert compile_spec(case.source, case.constants).text == module.text
