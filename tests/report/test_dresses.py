"""Audits in LaTeX and in Markdown: no text of a spec is a command, and every term is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from graphdsl.cli.app import program
from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.ir.audit import Audit
from graphdsl.notation.gaps import gap_latex
from graphdsl.report import audit_latex, audit_markdown
from graphdsl.report.latex import latex_text
from graphdsl.report.markdown import markdown_text
from tests.conftest import SPECS
from tests.corpus import some
from tests.report.test_pages import HOSTILE, PLAIN

by_name = pytest.mark.parametrize("path", some("dresses", SPECS, 12), ids=lambda path: path.stem)


def audited(source: Source) -> Audit:
    return read(derive(check_spec(source), keep_refuted=True))


def hostile(text: str) -> Audit:
    spec = PLAIN.format(title=text, remark=text, comment=text)
    return audited(Source(f"{text[:40].replace('/', '')}.mib", spec))


def tokens(page: str) -> list[Token]:
    """What a reader of Markdown, with tables and bare addresses, makes of a page."""
    found = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(page)
    return [inner for one in found for inner in (one, *(one.children or ()))]


# ---- Markdown ------------------------------------------------------------------------------------

OURS = {
    "heading_open", "heading_close", "inline", "text", "code_inline", "paragraph_open",
    "paragraph_close", "fence", "bullet_list_open", "bullet_list_close", "list_item_open",
    "list_item_close", "strong_open", "strong_close", "text_special",
}  # fmt: skip


@by_name
def test_markdown_has_every_term_and_nothing_unmeant(path: Path) -> None:
    audit = audited(Source.read(path))
    found = tokens(audit_markdown(audit))
    assert {one.type for one in found} <= OURS
    codes = [one.content for one in found if one.type == "code_inline"]
    for term in audit.module.terms:
        assert term.name in codes
        for gap in gap_latex(term):
            assert any(gap in code for code in codes)
    assert all(proof.assertion.text in codes for proof in audit.proofs)
    fences = [one.content.strip() for one in found if one.type == "fence" and one.info == "math"]
    assert audit.module.objective in fences


MORE = (
    "[x](javascript:alert(1)) ![y](http://z) http://a.b www.a.b <http://c.d>",
    "# a heading", "- a list", "1. a list", "> a quote", "    code", "---", "***", "a `b` ``c``",
    "| a | b |", "&lt;b&gt; &amp;", "$`x`$ $$y$$", "*a* _b_ ~~c~~", "\\*a\\*",
)  # fmt: skip


@pytest.mark.parametrize("text", [*HOSTILE, *MORE])
def test_no_text_is_markdown(text: str) -> None:
    found = tokens(markdown_text(text))
    assert {one.type for one in found} <= {
        "paragraph_open", "paragraph_close", "inline", "text", "text_special",
    }  # fmt: skip
    shown = "".join(one if one.isprintable() else "\ufffd" for one in text).strip()
    assert "".join(one.content for one in found if one.type.startswith("text")) == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_spec_is_text_in_markdown(text: str) -> None:
    page = audit_markdown(hostile(text))
    assert {one.type for one in tokens(page)} <= OURS
    assert all(one.isprintable() or one == "\n" for one in page)


# ---- LaTeX ---------------------------------------------------------------------------------------


def test_no_text_is_latex() -> None:
    """Every command in escaped text is one of ours, and braces are balanced."""
    ours = {
        "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar",
        "textquotedbl", "textquotesingle", "textasciigrave", "allowbreak", "sum", "mathbb", "dots",
        "to",
    }  # fmt: skip
    every = "".join(map(chr, range(0x250))) + "\u202e\u0304−‖∑𝔼…→\u4e2d\U0001f600"
    for text in (every, *HOSTILE, *MORE):
        written = latex_text(text)
        assert set(re.findall(r"\\([A-Za-z]+)", written)) <= ours
        bare = re.sub(r"\\[A-Za-z]+(?:\{\})?|\\[{}$&#%_]|\$[^$]*\$", "", written)
        assert not set(bare) & set("\\$&#%_^~\n\0\x1b"), text
        assert bare.count("{") == bare.count("}")


@by_name
def test_latex_has_every_term_as_a_numbered_equation(path: Path) -> None:
    audit = audited(Source.read(path))
    page = audit_latex(audit)
    for term in audit.module.terms:
        assert rf"\texttt{{{latex_text(term.name)}}}" in page
        for gap in gap_latex(term):
            assert gap in page
    displays = re.findall(r"\\begin\{align\}(.*?)\\end\{align\}", page, re.DOTALL)
    assert len(displays) >= 2 + len(audit.module.terms)
    for one in displays:  # one number each, and one place to align at in every line
        rows = one.split(r"\\" + "\n")
        assert all(row.rstrip().endswith(r"\notag") for row in rows[:-1])
        assert all(row.count("&") == 1 for row in rows)
    assert page.count(r"\begin{tikzpicture}") == page.count(r"\end{tikzpicture}") > 0


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_spec_gives_no_command(text: str) -> None:
    plain = audit_latex(
        audited(Source("plain.mib", PLAIN.format(title="a", remark="b", comment="")))
    )
    page = audit_latex(hostile(text))

    def commands(written: str) -> set[str]:
        return set(re.findall(r"\\[A-Za-z]+", written))

    ours = commands(plain) | commands(latex_text(text + "\\"))  # a control is shown as \x1b
    extra = commands(page) - ours
    assert not extra
    assert all(one.isprintable() or one == "\n" for one in page)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.slow
@pytest.mark.parametrize("name", [*(path.stem for path in SPECS), *map(str, range(len(HOSTILE)))])
def test_pdflatex_compiles_it(name: str, tmp_path: Path) -> None:
    if name.isdecimal():
        audit = hostile(HOSTILE[int(name)])
    else:
        audit = audited(Source.read(next(path for path in SPECS if path.stem == name)))
    (tmp_path / "audit.tex").write_text(audit_latex(audit), encoding="utf-8")
    words = [
        "pdflatex",
        "-no-shell-escape",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "audit.tex",
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "audit.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(("name", "start"), [("latex", "\\documentclass"), ("markdown", "# Audit")])
def test_the_command_writes_them(name: str, start: str, tmp_path: Path) -> None:
    target = tmp_path / "report"
    assert program(["audit", "wyner", "--format", name, "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8").startswith(start)
