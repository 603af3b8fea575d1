"""Printed code is the code of its tree, for emitted modules and for trees at random."""

from __future__ import annotations

import ast
import random
from itertools import chain

import graphdsl_runtime
from graphdsl.codegen.printer import WIDTH, printed_lines
from graphdsl.codegen.render import module_class
from graphdsl.codegen.tree import words
from graphdsl.ir.words import OF_THE_RUNTIME
from tests.corpus import Case, compiled, compiling, fuzz, generated, shipped
from tests.laws.renamed import declared_names, legal_name, renamed
from tests.laws.trees import dumped, random_body, random_class


def _assert_of_its_tree(text: str, case: Case) -> None:
    """The class of a file reads back as its tree, and imports the words that the tree mentions."""
    module = compiled(case)
    assert module is not None
    tree = module_class(module.compiled.module)
    parsed = ast.parse(text)
    assert ast.dump(ast.Module(parsed.body[-1:], [])) == dumped([tree])
    imported = {
        (node.module, one.name)
        for node in parsed.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for one in node.names
    }
    mentioned = {(word.source, word.name) for word in words(tree)}
    assert imported == mentioned


def test_words_are_those_of_the_runtime() -> None:
    assert OF_THE_RUNTIME - {"Tensor", "torch"} <= {*graphdsl_runtime.__all__}


def test_modules_are_their_trees() -> None:
    cases = chain(shipped(), generated("printed", share=20))
    for case, module in compiling(cases):
        _assert_of_its_tree(module.text, case)
        assert max(map(len, module.text.splitlines())) <= WIDTH


def test_modules_with_long_names_are_their_trees() -> None:
    for case in list(shipped())[::5]:
        chance = random.Random(case.name)
        names = {
            name: f"v{k}{legal_name(chance)}" for k, name in enumerate(declared_names(case.text))
        }
        other = Case(f"{case.name}_renamed", renamed(case.text, names))
        module = compiled(other)
        assert module is not None
        _assert_of_its_tree(module.text, other)


def test_random_trees_read_back() -> None:
    """Whatever the precedence, the length of names, and what strings and comments hold."""
    for seed in range(fuzz(200)):
        tree = [*random_body(random.Random(seed)), random_class(random.Random(-seed))]
        text = "\n".join(line for one in tree for line in printed_lines(one, indent=0))
        assert ast.dump(ast.parse(text)) == dumped(tree), f"seed {seed}:\n{text}"
