"""Names are things: they keep their parts, and nothing cuts a printed name to find them again."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdsl.compiler import check_spec
from graphdsl.diagnostics import Source
from graphdsl.ir.symbols import DrawnBlock, IndexSet, NetworkName, Selector, Variable, variable
from tests.conftest import SPECS

ROOT = Path(__file__).parents[2]
PACKAGES = ("graphdsl", "graphdsl_files", "runtime/graphdsl_runtime")
#: Methods of a text, and functions of `re`, that take it apart.
CUTS = (
    "endswith", "find", "findall", "finditer", "fullmatch", "lstrip", "match", "partition",
    "removeprefix", "removesuffix", "rfind", "rpartition", "rsplit", "rstrip", "search", "split",
    "startswith", "strip", "sub",
)  # fmt: skip
COMPILED = ("compile",)
#: With one of these in its pattern, a cut may be that of a name: `x[1]`, `r({1,2})`, `q.z`, `x'`.
SIGNS = ("[", "]", "(", ")", "{", "}", "'", "selector_", "seen_", "label_", "q.", "r.", "p.")
ESCAPED = (r"\[", r"\]", r"\(", r"\)", r"\{", "'", "selector_", "seen_", "label_")  #: of a pattern
#: Whole rooms, and files, whose texts are no names that the compiler printed.
EXEMPT = {
    "graphdsl/syntax": "text of specs",
    "graphdsl/fmt": "text of specs",
    "graphdsl/lsp": "text of specs, and of messages about them",
    "runtime/graphdsl_runtime/data": "columns of users' files",
    "graphdsl/ir/symbols.py": "prints names, and reads those of batches and users",
    "graphdsl/api/likelihood.py": "emitted Python",
    "graphdsl/cli/dress.py": "colours of finished reports",
    "graphdsl/notation/formula.py": "LaTeX of formulas",
    "graphdsl/report/header.py": "comments of specs",
    "graphdsl/report/lines.py": "line breaks of finished reports",
    "graphdsl/report/markdown.py": "Markdown's own signs",
    "graphdsl/suggesting/from_data.py": "columns of a user's file",
    "graphdsl/sweeps/results.py": "columns of a table of runs",
    "graphdsl/sweeps/rule.py": "rules that users write",
    "runtime/graphdsl_runtime/in_use/blocks.py": "strings of emitted methods",
}
#: Further files with regular expressions, for texts that are no names or formulas.
EXPRESSIONS = {
    "graphdsl/api/numbers.py": "numbers that users write",
    "graphdsl/cli/commands/new.py": "names that users write",
    "graphdsl/diagnostics/explanation.py": "pages of explanations",
    "graphdsl/report/page_listings.py": "emitted Python",
    "graphdsl/report/unified.py": "text of specs",
    "graphdsl/resolve/resolve.py": "comments of specs",
    "graphdsl_files/whole.py": "names of files",
    "runtime/graphdsl_runtime/calling.py": "names of functions that users write",
    "runtime/graphdsl_runtime/training/stopping.py": "durations that users write",
}


def cuts(code: str) -> Iterator[int]:
    """The lines of a module that may take a name apart."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
        if node.func.attr not in (CUTS if not of_re else (*CUTS, *COMPILED)):
            continue
        given = [part for argument in node.args for part in ast.walk(argument)]
        texts = [one.value for one in given if isinstance(one, ast.Constant)]
        signs = ESCAPED if of_re else SIGNS
        known = any(isinstance(one, str) and any(sign in one for sign in signs) for one in texts)
        prefix = node.func.attr in ("removeprefix", "removesuffix", "partition", "rpartition")
        if known or (prefix and not texts):
            yield node.lineno


def has_expressions(code: str) -> bool:
    """Whether a module imports a library of regular expressions."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names):
                libraries = [one.name for one in names]
            case ast.ImportFrom(module=str(module)):
                libraries = [module]
            case _:
                continue
        if {"re", "regex"}.intersection(libraries):
            return True
    return False


def product() -> Iterator[tuple[str, str]]:
    """The files that no reason exempts, and their code."""
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        path = file.relative_to(ROOT)
        if not {path.as_posix(), *map(Path.as_posix, path.parents)} & EXEMPT.keys():
            yield path.as_posix(), file.read_text(encoding="utf-8")


def test_no_stage_cuts_a_name_that_the_compiler_printed() -> None:
    found = {f"{path}:{line}" for path, code in product() for line in cuts(code)}
    assert found == set(), "use the parts of Variable and NetworkName"


def test_regular_expressions_are_for_what_people_write() -> None:
    """What the compiler prints it has as data: terms, gaps, phrases, a tree of Python."""
    found = {path for path, code in product() if has_expressions(code)}
    assert found == EXPRESSIONS.keys()


@pytest.mark.parametrize(
    "code", ["import re", "import ast, re", "def late():\n from re import sub"]
)
def test_an_expression_is_found(code: str) -> None:
    assert has_expressions(code)
    assert not has_expressions(code.replace("re", "html"))


@pytest.mark.parametrize(
    "code",
    [
        'name.partition("[")[0]',
        'network.split("(")',
        'one.startswith("selector_")',
        'node.removeprefix(family.name)',
        'name.rstrip("]")',
        'key.removeprefix("q.")',
        're.fullmatch(r"\\w+\\(\\{(\\d+)\\}\\)", name)',
        're.compile(r"(.+)\\[(.*)\\]")',
    ],
)  # fmt: skip
def test_a_cut_is_found(code: str) -> None:
    assert list(cuts(code)) == [1]


@pytest.mark.parametrize("code", ["name.head", 'text.split(", ")', 'text.partition(": ")'])
def test_other_code_is_left_alone(code: str) -> None:
    assert list(cuts(code)) == []


def test_every_exemption_is_needed() -> None:
    """A file that no longer cuts anything leaves the list."""
    idle = [
        name
        for name in EXEMPT
        if name.endswith(".py") and not list(cuts((ROOT / name).read_text(encoding="utf-8")))
    ]
    assert idle == []


def parts(name: Variable) -> tuple[object, ...]:
    return name.word, name.head, name.member, name.copy, name.block, name.order, name.latex


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_variables_keep_their_parts(spec: Path) -> None:
    """Through pickles, copies and their own printed form."""
    model = check_spec(Source.read(spec)).model
    networks = (*(one.network for one in model.projections), model.inference, *model.further)
    for name in dict.fromkeys(name for network in networks for name in network.variables):
        for again in (pickle.loads(pickle.dumps(name)), copy.deepcopy(name), variable(str(name))):
            assert again == name
            assert parts(again) == parts(name)
        assert variable(str(name.original.copied)).original == name.original


def test_networks_keep_their_parts() -> None:
    drawn = IndexSet((1, 2, 3), (), "S")
    names = [
        NetworkName("q"),
        NetworkName("r", (1, IndexSet((1, 2), (3,)))),
        NetworkName("r", (drawn,)),
        NetworkName("G", (NetworkName("p"),)),
        NetworkName("", body="x -> z"),
    ]
    assert list(map(str, names)) == ["q", "r(1,{1,2})", "r(S)", "G(p)", "{x -> z}"]
    for name in names:
        for again in (pickle.loads(pickle.dumps(name)), copy.copy(name)):
            assert again == name
            assert (again.base, again.arguments) == (name.base, name.arguments)
    assert [name.draws for name in names] == [(), (), ("S",), (), ()]


def test_the_order_of_variables_is_that_of_their_indices() -> None:
    z = [Variable("z", index) for index in ((1, 2), (1, 10), (2, 1))]
    block = Variable("x", block=DrawnBlock("x", "S", outside=True))
    several = [Variable("x"), Variable("x", (2,)), Variable("x", (10,)), block, *z]
    assert sorted(reversed(several), key=lambda one: one.order) == several
    assert Selector.of(z[1]) == "selector_z_1_10"
    assert isinstance(pickle.loads(pickle.dumps(Selector.of(z[0]))), Selector)
