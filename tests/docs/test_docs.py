"""The pages of the site that are made: they are whole, they are right, and they name no machine."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import isclass, isfunction
from os.path import normpath
from pathlib import Path
from types import FrameType, ModuleType
from xml.etree import ElementTree

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

import graphdsl
import graphdsl_runtime
from docs.architecture import STAGES, picture
from graphdsl.cli import app
from graphdsl.cli.app import _document
from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source, explained, explanation
from tests.test_bad_specs import GUARDS

ROOT = Path(__file__).parents[2]


def _hook() -> ModuleType:
    found = spec_from_file_location("docs_hook", ROOT / "docs" / "hook.py")
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


HOOK = _hook()
PAGES: dict[str, str] = HOOK.pages()


def test_a_page_is_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    moved = readme.replace("](CONTRIBUTING.md)", "](contributing.md)").replace("](docs/", "](")
    coloured = moved.replace("```\nmodel wyner", "```mib\nmodel wyner")
    assert PAGES["overview.md"].endswith(coloured)


def test_the_readme_shows_what_its_spec_compiles_to(tmp_path: Path) -> None:
    """Its first fences are a spec, an excerpt of its audit and one of its module."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    spec, audit, module = re.findall(r"^```\w*\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[:3]
    path = tmp_path / "wyner.mib"
    path.write_text(spec, encoding="utf-8")
    for command, excerpt in (
        (["audit", str(path)], audit),
        (["compile", str(path), "-o", "-"], module),
    ):
        printed = CliRunner().invoke(app, command).stdout
        for part in re.split(r"^ *\.\.\.\n", excerpt, flags=re.MULTILINE):
            _, shown, printed = printed.partition(part.strip("\n"))
            assert shown, (command, part)


def test_every_command_has_its_help() -> None:
    names = [str(command.name) for command in app.registered_commands]
    assert re.findall("^## graphdsl (.+)$", PAGES["command-line.md"], re.MULTILINE) == names


def test_every_argument_and_option_has_its_help() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    _document(group)
    for name, command in group.commands.items():
        for one in command.params:
            assert getattr(one, "help", None), f"{name} {one.name}"


def test_every_code_is_explained_with_what_is_said_of_it() -> None:
    text = "".join(page for uri, page in PAGES.items() if uri.startswith("diagnostics/mib"))
    assert re.findall(r"^## (MIB\d{3}):", text, re.MULTILINE) == list(explained())
    for code in explained():
        page = explanation(code)
        assert page.meaning in text
        assert page.right in text
        said = re.search(rf"^(error|warning)\[{code}\] {page.title} in wrong.mib:", text, re.M)
        assert (said is None) == (code in GUARDS)


def test_links_between_made_pages_lead_somewhere() -> None:
    docs = ROOT / "docs"
    written = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    models = {uri: (docs / uri).read_text(encoding="utf-8") for uri in written}
    written |= {path.relative_to(docs).as_posix() for path in docs.rglob("*.svg")}
    written |= {path.relative_to(docs).as_posix() for path in docs.rglob("*.ipynb")}
    written |= {path.relative_to(docs).as_posix() for path in docs.rglob("*.png")}
    written |= {f"reports/{path.stem}.html" for path in (ROOT / "specs").glob("*.mib")}
    for uri, page in {**PAGES, **models}.items():
        text = re.sub(r"```.*?```|`[^`]*`", "", page, flags=re.DOTALL)  # I[p](x; z) is no link
        for link in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
            assert normpath(Path(uri).parent / link) in {*PAGES, *written}, (uri, link)


def test_the_first_page_shows_a_drawing_a_derivation_and_a_loss() -> None:
    page = PAGES["index.md"]
    assert "](models/mib.svg)" in page
    assert page.count("<math>") >= 8
    assert "loss = self.beta * reconstruction_y + rate_t" in page


def test_the_gallery_has_every_spec_and_its_report() -> None:
    for path in (ROOT / "specs").glob("*.mib"):
        assert f"![The networks of {path.stem}](models/{path.stem}.svg)" in PAGES["gallery.md"]
        assert f"](reports/{path.stem}.html)" in PAGES["gallery.md"]
    (report,) = HOOK.reports([ROOT / "specs" / "vae.mib"]).values()
    assert "Content-Security-Policy" in report


def test_every_spec_of_a_page_is_coloured() -> None:
    docs = ROOT / "docs"
    texts = {path.name: path.read_text(encoding="utf-8") for path in docs.rglob("*.md")}
    for uri, page in {**PAGES, **texts}.items():
        for language, text in re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
            assert language in ("mib", "python") or not re.match(r"(#.*\n)*model \w+\n", text), uri


def test_no_page_names_a_machine() -> None:
    text = "".join(PAGES.values())
    assert str(ROOT) not in text
    assert str(Path.home()) not in text


def test_the_examples_of_the_hook() -> None:
    assert doctest.testmod(HOOK).failed == 0
    assert doctest.testmod(importlib.import_module("docs.finishing")).failed == 0


def test_formulas_are_set_without_a_script() -> None:
    finished = importlib.import_module("docs.finishing").finished
    page = finished("<p>so $<code>I(x; z)</code>$ is</p>")
    assert page.startswith("<p>so <math>")
    assert "$" not in re.sub(r"<annotation.*?</annotation>", "", page)
    fence = importlib.import_module("docs.mathematics").math_fence
    assert fence("H_q(y \\mid t)").startswith(
        '<p class="formula" tabindex="0"><math display="block">'
    )


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="the docs extra is not installed")
def test_the_site_builds_strictly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES)
    assert not list(tmp_path.rglob("*.py"))
    assert not any(str(ROOT) in page.read_text(encoding="utf-8") for page in pages)


def test_the_page_of_the_runtime_says_what_it_does() -> None:
    """Each message on it is the one that is raised."""
    found = doctest.testfile(
        str(ROOT / "docs" / "runtime.md"),
        module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE,
    )
    assert found.attempted > 20
    assert found.failed == 0


def test_the_page_of_trained_models_says_what_it_does() -> None:
    found = doctest.testfile(
        str(ROOT / "docs" / "in-use.md"),
        module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE,
    )
    assert found.attempted > 8
    assert found.failed == 0


# ---- the architecture ----------------------------------------------------------------------------


def test_the_stages_return_in_the_order_of_the_picture() -> None:
    """A spec is compiled under a profiler: each function of the picture is called, in its order."""
    codes = {stage.function.__code__: stage.function.__name__ for stage in STAGES}
    seen: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code in codes:
            seen.append(codes[frame.f_code])

    text = (ROOT / "specs" / "wyner.mib").read_text(encoding="utf-8")
    sys.setprofile(profile)
    try:
        compile_spec(Source("wyner.mib", text))
    finally:
        sys.setprofile(None)
    assert list(dict.fromkeys(seen)) == [stage.function.__name__ for stage in STAGES]


def test_the_architecture_names_every_package() -> None:
    page = PAGES["architecture.md"]
    packages = {path.parent.name for path in (ROOT / "graphdsl").glob("*/__init__.py")}
    assert {name for name in packages if not re.search(rf"\b{name}\b", page)} == set()
    drawn = ElementTree.fromstring(picture())  # well-formed
    texts = [one.text or "" for one in drawn.iter() if one.tag == "text"]
    assert texts[::2] == [f"{stage.room}.{stage.function.__name__}" for stage in STAGES]
    assert texts[1::2] == [f"returns {stage.gives}" for stage in STAGES]


# ---- the reference -------------------------------------------------------------------------------


def test_the_reference_has_an_entry_for_every_public_name() -> None:
    text = PAGES["reference/graphdsl.md"] + PAGES["reference/graphdsl_runtime.md"]
    entries = re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    assert len(entries) == len(set(entries))
    for package in (graphdsl, graphdsl_runtime):
        for name in package.__all__:
            thing = getattr(package, name)
            if isclass(thing) or isfunction(thing):
                assert f"{thing.__module__}.{thing.__qualname__}" in entries, name
    for entry in entries:
        module, _, name = entry.rpartition(".")
        assert inspect.getdoc(getattr(importlib.import_module(module), name)), entry


def test_decisions_are_numbered_one_by_one() -> None:
    paths = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in paths] == [f"{k:04}" for k in range(1, len(paths) + 1)]
    for path in paths:
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]}: "), path.name
