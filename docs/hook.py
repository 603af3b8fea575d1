"""The pages of the site that are made, not written: MkDocs calls `on_files` before it builds.

They come from what they are about: the README, the help of the commands, and the explanations. So
none of them can fall behind.
"""

from __future__ import annotations

__all__ = ["navigation", "on_config", "on_files", "on_page_content", "pages"]

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
import typer

from graphdsl.catalog.laws import LAWS, Law
from graphdsl.catalog.methods import ESTIMATORS, METHODS, UNREACHABLE
from graphdsl.cli import app
from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import (
    Diagnostic,
    Explanation,
    Source,
    SpecError,
    explained,
    explanation,
    render,
)

sys.path.insert(0, str(Path(__file__).parent.parent))

from docs.architecture import architecture_page
from docs.finishing import finished
from docs.gallery import gallery_page, reports
from docs.mathematics import math_fence
from docs.notebook_pages import notebook_pages
from docs.reference import reference_pages
from docs.start import start_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_ROOT = Path(__file__).parent.parent

_SPECS = sorted((_ROOT / "specs").glob("*.mib"))

#: The pages at the root of the project, and what they are called in the site.
_ROOT_PAGES = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}

_TITLES = {"README.md": "About"}  #: in the navigation, where not the heading

#: What a hundred of the codes is about.
_HUNDREDS = {
    "MIB1": "Writing",
    "MIB2": "Names, shapes and terms",
    "MIB3": "Networks",
    "MIB4": "Bounds and assertions",
    "MIB5": "Estimators",
}

#: The order of the navigation: pages and folders; what is not named here comes last.
_ORDER = (
    "index.md",
    "overview.md",
    "tutorial.md",
    "gallery.md",
    "how-to",
    "notebooks",
    "language.md",
    "distributions.md",
    "estimators.md",
    "command-line.md",
    "editor.md",
    "runtime.md",
    "your-data.md",
    "training.md",
    "your-loop.md",
    "in-use.md",
    "sweeps.md",
    "reference",
    "unified-table.md",
    "comparing.md",
    "paper-audit.md",
    "models",
    "diagnostics",
    "results",
    "contributing.md",
    "contributing",
    "architecture.md",
    "decisions",
    "releasing.md",
)

_COLUMNS = 96  # of the commands' help


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set formulas, wherever a fence of Markdown holds one."""
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "math", "class": "math", "format": math_fence}]
    return config


def on_page_content(html: str, **_: object) -> str:
    """Do what Markdown leaves undone."""
    return finished(html)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and put all pages in the order of the navigation."""
    from mkdocs.structure.files import File

    for uri, text in pages().items():
        files.append(File.generated(config, uri, content=text))
    for uri, text in reports(_SPECS).items():
        files.append(File.generated(config, uri, content=text))
    config.nav = navigation(file.src_uri for file in files.documentation_pages())
    return files


def pages() -> dict[str, str]:
    """The Markdown of every page that is made, by its place in the site."""
    return {
        **{uri: _root_page(name) for name, uri in _ROOT_PAGES.items()},
        "index.md": start_page(),
        "gallery.md": gallery_page(_SPECS),
        **notebook_pages(),
        "command-line.md": _command_line(),
        "distributions.md": _distributions(),
        "estimators.md": _estimators(),
        **reference_pages(),
        "architecture.md": architecture_page(),
        **dict(_diagnostics()),
    }


def navigation(uris: Iterable[str]) -> list[str | dict[str, list[str]]]:
    """The pages by their folders, each folder with its first page first.

    >>> navigation(["a.md", "results/b.md", "index.md", "results/a.md"])
    ['index.md', {'Results': ['results/a.md', 'results/b.md']}, 'a.md']
    """
    found: list[str | dict[str, list[str]]] = []
    for top, pages in groupby(sorted(uris, key=_place), key=lambda uri: uri.partition("/")[0]):
        title = top.replace("-", " ").capitalize()
        found.append(top if top.endswith(".md") else {title: list(pages)})
    return found


def _place(uri: str) -> tuple[int, str, bool, str]:
    top = uri.partition("/")[0]
    known = _ORDER.index(top) if top in _ORDER else len(_ORDER)
    return known, top, not uri.endswith("/index.md"), uri


def _root_page(name: str) -> str:
    """A page at the root of the project; its links lead to where things are in the site."""
    text = (_ROOT / name).read_text(encoding="utf-8")
    for source, target in _ROOT_PAGES.items():
        text = text.replace(f"]({source})", f"]({target})")
    text = re.sub(r"^```\n(?=model )", "```mib\n", text, flags=re.MULTILINE)  # coloured in the site
    title = f"---\ntitle: {_TITLES[name]}\n---\n\n" if name in _TITLES else ""
    return title + text.replace("](docs/", "](")


def _command_line() -> str:
    """The help of every command, as it shows itself."""
    program = typer.main.get_group(app)
    parts = ["# Command line", _help(program, "graphdsl")]
    for name, command in program.commands.items():
        parts += [f"## graphdsl {name}", _help(command, f"graphdsl {name}")]
    parts.append(
        "Exit codes: 0 fine, 1 the spec or the run is at fault, 2 wrong usage, 70 a bug of the "
        "compiler's. Messages go to stderr, results to stdout."
    )
    return _joined(parts)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=_COLUMNS)
    return _block("text", command.get_help(context))


# ---- distributions and estimators ----------------------------------------------------------------


def _distributions() -> str:
    """Every distribution that a spec can name, from its record."""
    head = ("written", "kind", "values", "a network predicts", "scale", "role", "samples")
    rows = [
        (
            f"`~ {law}`",
            law.kind,
            law.support,
            ", ".join(law.output.parameters) or "the distribution itself",
            _scale(law),
            ", ".join(_roles(law)),
            {"pathwise": "differentiable", "relaxed": "relaxed", "none": "not differentiable"}[
                law.gradient
            ],
        )
        for law in LAWS
    ]
    details = ("written", "class of the runtime", "links", "closed form of", "reference")
    known = [
        (f"`~ {law}`", f"`{law.runtime}`", law.link, _closed(law), law.reference) for law in LAWS
    ]
    lead = "Every distribution that a spec can name after `~`. The first of a kind is its default."
    return _joined(["# Distributions", lead, _table(head, rows), _table(details, known)])


def _scale(law: Law) -> str:
    """What a spec may say of a parameter that the network need not predict."""
    if law.scale is None:
        return ""
    if law.scale.is_always_learned:
        return f"`{law.scale.word}`: learned, or for each class (`learned(group)`)"
    each = "for each coordinate" if law.scale.each else "for each variable or coordinate (`each`)"
    default = ", the default" if law.scale.default == "learned" else ""
    learned = f"learned {each}{default}, or for each class (`learned(group)`)"
    return f"`{law.scale.word}`: fixed, {learned}, or predicted (`network`)"


def _roles(law: Law) -> Iterator[str]:
    if law.declared:
        yield "likelihood"
    if law.latent and law.declared:
        yield "prior"
    if law.gradient != "none":
        yield "posterior" if law.latent else "posterior of labels"


def _closed(law: Law) -> str:
    """What has a closed form."""
    entropy = ["entropy"] if law.entropy else []
    return ", ".join((*entropy, *(f"KL to `{other}`" for other in law.divergences)))


def _estimators() -> str:
    """Every word after `with`, every estimator that a term may have, and what no spec reaches."""
    methods = [
        (
            f"`with {one.word}{one.example if () not in one.settings else ''}`",
            ", ".join(_TARGETS[target] for target in one.targets) + ", `TC`" * bool(one.factors),
            one.brackets,
        )
        for one in METHODS.values()
    ]
    terms = [
        (f"`{one.word}`", one.relation, one.named.format("samples")) for one in ESTIMATORS.values()
    ]
    unreached = [(f"`{word}`", reason) for word, reason in UNREACHABLE.items()]
    return _joined(
        [
            "# Estimators",
            "The words that may follow `with`, in a term or on an `estimate` line.",
            _table(("written", "estimates", "takes"), methods),
            "The function of the runtime that computes each term, and how its expectation relates "
            "to what the term stands for.",
            _table(("function", "relation", "in the audit"), terms),
            "The estimators of the runtime that no spec reaches.",
            _table(("function", "why"), unreached),
        ]
    )


_TARGETS = {
    "information": "`I`",
    "joint": "`KL(q || p)` of data and latents",
    "KL": "`KL` of marginals",
    "JS": "`JS` of marginals",
}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = ([one.replace("|", r"\|") for one in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells))


# ---- diagnostics ---------------------------------------------------------------------------------


def _diagnostics() -> Iterator[tuple[str, str]]:
    """An index of all codes, and a page for each hundred of them."""
    rows = ["| code | |", "| --- | --- |"]
    for hundred, codes in groupby(explained(), key=lambda code: code[:4]):
        title = _HUNDREDS.get(hundred, f"{hundred}xx")
        parts = [f"# {title}"]
        for page in map(explanation, codes):
            rows.append(
                f"| [{page.code}]({hundred.lower()}xx.md#{page.code.lower()}) | {page.title} |"
            )
            parts += _explained(page)
        yield f"diagnostics/{hundred.lower()}xx.md", _joined(parts)
    said = (
        "Every mistake has a stable code. `graphdsl explain MIB204` shows these pages one by one."
    )
    yield "diagnostics/index.md", _joined(["# Diagnostics", said, "\n".join(rows)])


def _explained(page: Explanation) -> list[str]:
    parts = [f"## {page.code}: {page.title} {{ #{page.code.lower()} }}", page.meaning]
    if page.wrong:
        parts += ["**Wrong:**", _block("mib", page.wrong), _block("text", _said(page.wrong))]
        parts += ["**Right:**", _block("mib", page.right)]
    return [*parts, page.remark] if page.remark else parts


def _said(text: str) -> str:
    """What the compiler says of a spec."""
    source = Source("wrong.mib", text)
    found: tuple[Diagnostic, ...]
    try:
        found = compile_spec(source).compiled.warnings
    except SpecError as problem:
        found = problem.diagnostics
    return "\n\n".join(render(one, source) for one in found)


# ---- Markdown ------------------------------------------------------------------------------------


def _block(language: str, text: str) -> str:
    lines = text.strip("\n")
    return f"```{language}\n{lines}\n```"


def _joined(parts: list[str]) -> str:
    return "\n\n".join(parts) + "\n"
