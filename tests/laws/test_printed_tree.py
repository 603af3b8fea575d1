"""Printed code is the code of its tree, for emitted modules and for trees at random."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from itertools import chain
from pathlib import Path

import graphdsl_runtime
from graphdsl.codegen.printer import WIDTH, printed_lines
from graphdsl.codegen.render import module_class
from graphdsl.codegen.tree import words
from graphdsl.slots.words import OF_THE_RUNTIME
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


#: The batch has w, which the loss does not read: a local name of it would be in vain.
UNREAD = """
model unread
observed x : real[2]
given w : categorical(3)
latent z : real[2] ~ normal
q { x -> z }
p { z -> x; w -> z }
minimize CE(x | z)
"""
#: A tuple of 86 letters: it would fit on a line by itself, and ruff still has a line for each item.
PLAYERS = """
model players
observed x[1..2] : real optional
observed y : binary[4]
latent z[1..2] : real ~ normal
latent u : real[2] ~ laplace
q { y -> z; y, x, z -> u }
p { z -> x; u -> y; u -> z }
minimize CE(x | z, u) + 2 * H(y | z) + 0.5 * H(x | u) for p, q, predictors
"""
SUBSETS = """
model many_subsets
observed x[1..4] : binary[16]
latent z : real[8] ~ normal
latent u[1..4] : real[4] ~ normal
q { x -> z by poe; x[i] -> u[i] for i in 1..4 }
p { z, u[i] -> x[i] for i in 1..4 }
minimize KL(q || p) + expect(S in bipartitions(1..4)) D(q || {(x[S]) -> z -> (x[not S])})
"""


def test_modules_are_formatted(tmp_path: Path) -> None:
    """As ruff formats a file, and without a name that is not used."""
    ours = [Case("many_subsets", SUBSETS), Case("unread", UNREAD), Case("players", PLAYERS)]
    for case, module in compiling(chain(shipped(), ours, generated("printed", share=20))):
        tmp_path.joinpath(f"{case.name}.py").write_text(module.text, encoding="utf-8")
    width = f"--line-length={WIDTH}"
    for command in (["format", "--diff"], ["check", "--select=F,E,UP,B,RET,SIM,PIE"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", width, "."]
        found = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert not found.returncode, found.stdout + found.stderr


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
