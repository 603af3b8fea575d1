"""Who imports whom: the contracts of pyproject.toml, that they can break, and what is never loaded.

The contracts read imports as they are written; the other tests run the program with the import of
some libraries refused, whichever way it would come about.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "graphdsl",
    "graphdsl_files",
    "runtime/graphdsl_runtime",
    "grammar/graphdsl_grammar",
)
RUNTIME = ROOT / "runtime" / "graphdsl_runtime"

#: Refuses some imports by an error that no `except ImportError` around an optional one would hide.
REFUSE = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {libraries!r}:
            raise AssertionError(f"{{name}} must not be imported here")

sys.meta_path.insert(0, Refusal())
"""
COMMAND_LINE = """
from graphdsl.cli import main
main()
"""
COMPILER_LIBRARIES = ("graphdsl", "graphdsl_grammar", "jinja2", "lark", "networkx", "sympy")
TRAINING_LIBRARIES = ("lightning", "matplotlib", "sklearn", "tensorboard", "triton")

#: A lost comma, in a spec that is right in all else.
LOST_COMMA = """
model two_views
observed x[1..2] : binary[4]
latent z : real[2] ~ normal
q { x[1] x[2] -> z by poe }
p { z -> x[i] for i in 1..2 }
minimize KL(q || p)
"""


MOST_LINES_OF_A_ROOM, MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 4000, 350, 60

#: The tests of the whole system, of releases, of what tests share and of `study`: all at the root.
OF_NO_ROOM = {
    "test_bad_specs",
    "test_devices",
    "test_explanations",
    "test_extremes",
    "test_formats",
    "test_generated",
    "test_oracles",
    "test_release",
    "test_rooms",
    "test_scale",
    "test_specs",
    "test_study",
    "test_wheel",
}

#: Of `catalog/methods.py`: what has an estimator by default, and what gives that of a method.
OF_METHODS = ("DISTANCES", "MSS", "estimator_of")


def test_estimators_are_chosen_in_one_file() -> None:
    """The others read its records, or what is known of the estimator that they name."""
    rooms = (ROOT / "graphdsl" / room for room in ("lower", "program", "bound", "codegen"))
    choosing = {
        file.name
        for room in rooms
        for file in room.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and any(one.name in OF_METHODS for one in node.names))
        or (isinstance(node, ast.Attribute) and node.attr == "of_experts")
    }
    assert choosing == {"estimator_choice.py"}


def test_no_package_of_the_compiler_is_a_house_by_itself() -> None:
    folders = [one for one in (ROOT / "graphdsl").iterdir() if (one / "__init__.py").is_file()]
    sizes = {one.name: sum(map(_lines, one.rglob("*.py"))) for one in folders}
    assert len(sizes) > 20
    assert {name: size for name, size in sizes.items() if size > MOST_LINES_OF_A_ROOM} == {}


def test_a_long_file_says_why_it_is_long() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    long = [file for file in files if _lines(file) > MOST_LINES_OF_A_FILE]
    assert long, "the syntax tree has a class for each rule"
    unsaid = [
        file.relative_to(ROOT).as_posix()
        for file in long
        if "The file is long because" not in (ast.get_docstring(_tree(file)) or "")
    ]
    assert unsaid == []


def test_tests_lie_in_the_folder_of_their_room() -> None:
    """A room of the runtime has `test_` before it; the laws, and what is no package, are named."""
    rooms = {folder.name for folder in (ROOT / "graphdsl").iterdir() if folder.is_dir()}
    runtime = ("runtime", *(folder.name for folder in RUNTIME.iterdir() if folder.is_dir()))
    allowed = rooms | {f"test_{name}" for name in runtime} | {"docs", "files", "laws"}
    tests = ROOT / "tests"
    used = {file.relative_to(tests).parts[0] for file in tests.glob("*/**/test_*.py")}
    assert len(used) > 20
    assert used - allowed == set()
    assert {file.stem for file in tests.glob("test_*.py")} == OF_NO_ROOM


def test_no_function_of_the_product_is_long() -> None:
    """From `def` to its last line, the options of a command among them."""
    lengths = {
        f"{file.relative_to(ROOT).as_posix()}:{node.lineno} {node.name}": _length(node)
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(lengths) > 4000
    assert {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_the_contracts_hold() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_no_two_modules_import_each_other() -> None:
    """Whatever is imported first, it can be: no chain of imports leads back to where it began."""
    found = grimp.build_graph(*map(_name_of, PACKAGES), exclude_type_checking_imports=True)
    graph = nx.DiGraph(
        (module, other)
        for module in found.modules
        for other in found.find_modules_directly_imported_by(module)
    )
    assert graph.number_of_nodes() > 300
    circles = [sorted(one) for one in nx.strongly_connected_components(graph) if len(one) > 1]
    assert circles == []


def _name_of(package: str) -> str:
    return package.rpartition("/")[2]


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        (
            "graphdsl/ir/planted.py",
            "import torch",
            "diagnostics, ir and catalog know the standard library only",
        ),
        (
            "graphdsl/ir/planted.py",
            "import graphdsl.diagnostics",
            "the compiler knows the stages, no stage knows another",
        ),
        (
            "graphdsl/graphs/planted.py",
            "import graphdsl.symbolic",
            "the compiler knows the stages, no stage knows another",
        ),
        (
            "graphdsl/lower/planted.py",
            "def late() -> None:\n    import torch",
            "no stage of the compiler imports torch",
        ),
        (
            "graphdsl/codegen/planted.py",
            "import graphdsl_runtime",
            "no stage of the compiler imports the runtime",
        ),
        ("graphdsl/lower/planted.py", "import sympy", "sympy is for symbolic"),
        ("graphdsl/symbolic/planted.py", "import scipy.optimize", "scipy is for prove"),
        (
            "graphdsl/prove/planted.py",
            "import graphdsl.symbolic",
            "the compiler knows the stages, no stage knows another",
        ),
        (
            "graphdsl/verify/planted.py",
            "import torch",
            "no stage of the compiler imports torch",
        ),
        (
            "graphdsl/verify/planted.py",
            "import graphdsl.prove",
            "the compiler knows the stages, no stage knows another",
        ),
        (
            "graphdsl/report/planted.py",
            "import numpy",
            "numpy is for prove, for verify, for data, for training and for the files of results",
        ),
        ("graphdsl/resolve/planted.py", "from lark import Tree", "lark is for syntax"),
        (
            "graphdsl/newroom/__init__.py",
            "",
            "the compiler knows the stages, no stage knows another",
        ),
        (
            "runtime/graphdsl_runtime/planted.py",
            "import sympy",
            "the runtime knows torch, and nothing of the compiler",
        ),
        (
            "runtime/graphdsl_runtime/planted.py",
            "import sklearn.datasets",
            "scikit-learn is for its data sets, for the estimator and for probes",
        ),
        ("runtime/graphdsl_runtime/planted.py", "import triton", "triton is for fused kernels"),
        ("grammar/graphdsl_grammar/planted.py", "import lark", "the grammar imports nothing"),
        (
            "graphdsl_files/planted.py",
            "import torch",
            "files are written by the command line and by training, and need the standard library "
            "alone",
        ),
        (
            "graphdsl/lower/planted.py",
            "import graphdsl_files",
            "no stage reads or writes files",
        ),
    ],
)
def test_a_planted_violation_breaks_its_contract(
    file: str, line: str, contract: str, tmp_path: Path
) -> None:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f"{line}\n", encoding="utf-8")
    done = _lint(tmp_path)
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout


@pytest.mark.parametrize(
    "words", [["--help"], ["specs"], ["explain", "MIB204"], ["fmt", "--check", "wyner"]]
)
def test_what_compiles_nothing_loads_no_stage_that_is_heavy(words: list[str]) -> None:
    done = _command_line(["jinja2", "networkx", "sympy", "torch", "numpy", "scipy"], *words)
    assert done.returncode == 0, done.stderr


def test_a_spec_to_begin_with_is_checked_without_deriving_it() -> None:
    done = _command_line(["jinja2", "sympy", "torch", "numpy", "scipy"], "new", "mine", "-o", "-")
    assert done.returncode == 0, done.stderr


def test_a_slip_of_the_pen_is_told_before_the_heavy_stages_load(tmp_path: Path) -> None:
    spec = tmp_path / "slip.mib"
    spec.write_text(LOST_COMMA, encoding="utf-8")
    done = _command_line(["jinja2", "sympy", "torch", "numpy"], "check", str(spec))
    assert done.returncode == 1
    assert done.stderr.endswith("slip.mib: 1 mistake\n")


@pytest.mark.parametrize("command", ["check", "compile", "audit"])
def test_compiling_needs_no_arrays(command: str, tmp_path: Path) -> None:
    refused = ["graphdsl_runtime", "numpy", "pygments", "scipy", "torch", *TRAINING_LIBRARIES]
    done = _command_line(refused, command, "wyner", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_solver_is_loaded_for_an_inequality_alone(tmp_path: Path) -> None:
    spec = tmp_path / "unequal.mib"
    text = (ROOT / "specs" / "vae.mib").read_text(encoding="utf-8")
    spec.write_text(text + "\nassert I(x; u) >= 0\nassert I(x; u) == I(u; x)\n", encoding="utf-8")
    assert _command_line([], "check", str(spec)).returncode == 0
    done = _command_line(["scipy"], "check", str(spec))
    assert "must not be imported here\n" in done.stderr
    spec.write_text(text + "\nassert I(x; u) == I(u; x)\n", encoding="utf-8")
    assert _command_line(["numpy", "scipy"], "check", str(spec)).returncode == 0


CERTIFICATE = """
from fractions import Fraction
from graphdsl.graphs import Separation
from graphdsl.ir.evidence import Certificate, Use
from graphdsl.ir.information import Information, Term
from graphdsl.ir.symbols import Variable
from graphdsl.ir.weight import ONE
from graphdsl.prove import mistake_in
from graphdsl.symbolic import Canon

x, z = Variable("x"), Variable("z")
atom = Information((x,), (z,))
canon = Canon(Separation((x, z), {x: (), z: (x,)}, {x}))
for times, expected in ((1, None), (2, "the inequalities do not add up to the claim")):
    certificate = Certificate((Use(Fraction(times), atom),))
    assert mistake_in(certificate, [Term(ONE, atom)], canon, frozenset(), {}) == expected
"""


def test_a_certificate_is_checked_without_a_solver() -> None:
    done = _python(REFUSE.format(libraries=["numpy", "scipy"]) + CERTIFICATE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["graphdsl_runtime", "graphdsl_runtime.training"])
def test_the_runtime_needs_no_compiler(module: str) -> None:
    refused = (*COMPILER_LIBRARIES, *TRAINING_LIBRARIES)
    done = _python(REFUSE.format(libraries=refused) + f"import {module}\n")
    assert done.returncode == 0, done.stderr


def test_a_refused_import_is_noticed() -> None:
    done = _command_line(["sympy"], "check", "wyner")
    assert done.returncode == 70
    assert "AssertionError: sympy must not be imported here\n" in done.stderr


def _lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """The contracts, held against the packages of a tree rather than those that are installed."""
    roots = [str((tree / package).parent) for package in PACKAGES]
    code = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    environment = {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": os.pathsep.join(roots)}
    return _python(code, cwd=tree, environment=environment)


def _command_line(
    refused: list[str], *arguments: str, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    code = REFUSE.format(libraries=refused) + COMMAND_LINE
    return _python(code, *arguments, cwd=cwd)


def _python(
    code: str, *arguments: str, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
    )
