"""Audits as text: no line is too wide, nothing is cut in silence, and it reads at a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from graphdsl.cli.dress import in_unicode
from graphdsl.compiler import check_spec, derive, read
from graphdsl.diagnostics import Source
from graphdsl.ir.audit import Audit
from graphdsl.report import audit_text
from graphdsl.report.lines import laid, outer_summands
from tests.corpus import Case, compiling, generated, shipped, some

ROOT = Path(__file__).parents[2]

#: Families of twenty, and a chain whose links have different weights: they are no family.
LONG = """# A spec with long sums, and a title that fits into no line of a terminal, however
# wide it may be: an audit is written in a hundred columns.
model long
observed x[1..20] : binary[4]
latent z[1..20] : real[2] ~ normal
latent w : real[2] ~ normal
q {{
    x -> w
    x[i], w -> z[i] for i in 1..20
}}
p {{
    w -> z[1]
    z[i-1], w -> z[i] for i in 2..20
    z[i] -> x[i] for i in 1..20
}}
minimize KL(q || p) + {links}
    + sum(i in 2..20) D(q || {{x[1] -> w -> x[i]}})
""".format(links=" + ".join(f"{k} * I(z[{k}]; z[{k + 1}] | w)" for k in range(1, 20)))


def audits(law: str, share: int) -> Iterator[Audit]:
    long = Case("long", LONG)
    several = chain(some(law, [*shipped()], 6), [long], generated(law, share))
    cases = (case.without_assertions() for case in several)
    for _, module in compiling(cases, at_least=0.3):
        yield read(module.compiled)


@cache
def shipped_audits() -> tuple[Audit, ...]:
    paths = some("audits", sorted((ROOT / "specs").glob("*.mib")), 6)
    return tuple(read(derive(check_spec(Source.read(path)), keep_refuted=True)) for path in paths)


def test_no_shipped_audit_is_wider_than_a_hundred_columns() -> None:
    """Another test holds these files to the audits."""
    found = [*(ROOT / "tests" / "golden").glob("*/terms.txt")]
    assert len(found) == len([*(ROOT / "specs").glob("*.mib")])
    for path in found:
        assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 100, path


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_asked(width: int) -> None:
    for audit in chain(shipped_audits(), audits("width", share=2)):
        for full in (False, True):
            for line in audit_text(audit, width=width, full=full).splitlines():
                assert len(line) <= width, line
                assert len(in_unicode(line)) <= len(line)
                assert line == line.rstrip()


def test_every_name_is_written_as_in_the_spec() -> None:
    """Parameters are `beta_1`, not a letter with an index: in gaps too, which were LaTeX."""
    for audit in chain(shipped_audits(), audits("width", share=2)):
        text = audit_text(audit, full=True)
        assert not re.search("[α-ωΑ-Ω\\\\]", text)
        for term in audit.module.terms:
            named = {name for bound in term.bounds for name in bound.weight.parameters}
            section = text.partition(f"{term.name} = ")[2].partition("\n\n")[0]
            gap = section.partition("    gap ")[2]
            assert named <= set(re.findall(r"\w+", gap)), f"{term.name}\n{section}"


def test_width_changes_no_word() -> None:
    """Lines break elsewhere, and that is all."""
    for audit in audits("width", share=2):
        texts = (audit_text(audit, width=width) for width in (70, 10_000))
        narrow, wide = ("".join(text.split()) for text in texts)
        assert narrow == wide


def test_what_is_left_out_is_said_and_written_in_full() -> None:
    seen = 0
    for audit in audits("width", share=0):
        short, full = (audit_text(audit, full=full) for full in (False, True))
        assert "--full" not in full
        assert full.count("(definition, P1)") == len(audit.projections)
        shown = short.count("(definition, P1)")
        left = re.search(r"and (\d+) more: `--full`", short)
        alike = re.findall(r"The other (one|\d+) (?:is|are) alike", short)
        counted = shown + sum(1 if one == "one" else int(one) for one in alike)
        assert counted == len(audit.projections) or left is not None
        seen += counted > shown
    assert seen


def test_a_long_sum_says_how_many_summands_it_leaves_out() -> None:
    audit = next(one for one in audits("width", share=2) if one.model.name == "long")
    short, full = (" ".join(audit_text(audit, full=full).split()) for full in (False, True))
    counted = re.findall(r"\+ \.\.\. \((\d+) more summands: `--full` shows them\)", short)
    assert counted
    shown = re.search(r"= ((?:(?! = ).)*?) \+ \.\.\. \((\d+) more", short)
    assert shown is not None
    start = full.index(shown[1])
    whole = re.match(r"(?:(?! = | \((?:definition|multi|equal)|: chain rule).)*", full[start:])
    assert whole is not None
    summands = len(outer_summands(whole[0].strip()))
    assert summands - len(outer_summands(shown[1])) == int(shown[2])


def test_a_piece_that_is_too_long_breaks_behind_its_commas() -> None:
    names = ", ".join(f"z[{k}]" for k in range(1, 20))
    lines = list(laid("    = ", [f"H({names})", "- H(x)"], 6, 40))
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(" ".join(lines).split()) == f"= H({names}) - H(x)"
    assert lines[0].endswith(",")


def test_a_terminal_gets_signs_and_a_pipe_gets_what_a_spec_reads() -> None:
    words = [sys.executable, "-m", "graphdsl", "audit", "wyner"]
    piped = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "sum(i in 1..2)" in piped
    assert "\x1b" not in piped
    main, other = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm", "PYTHONUTF8": "1"}
    with subprocess.Popen(words, cwd=ROOT, stdout=other, env=environment) as running:
        os.close(other)
        shown = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        assert running.wait() == 0
    os.close(main)
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert "\x1b" not in text
    assert "∑(i ∈ 1..2) 𝔼_q" in text or "∑(i ∈ 1..2) cross 𝔼_q" in text
    assert "\x1b[1m" in shown.decode()
    assert max(map(len, text.splitlines())) <= 80


def test_control_characters_of_a_spec_do_not_reach_a_terminal() -> None:
    text = "# \x1b]0;owned\x07 \x1b[31m\nmodel m\nobserved x : binary\nlatent z : real ~ normal\n"
    text += "q { x -> z }\np { z -> x }\nminimize KL(q || p)\n"
    words = [sys.executable, "-m", "graphdsl", "audit", "-"]
    main, other = pty.openpty()
    done = subprocess.run(words, cwd=ROOT, input=text.encode(), stdout=other, check=True)
    os.close(other)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert done.returncode == 0
    assert "\x1b]0;" not in shown
    assert "\x1b[31m" not in shown
    assert r"\x1b]0;owned\x07" in shown
