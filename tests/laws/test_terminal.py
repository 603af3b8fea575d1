"""Law: whatever a spec, its name or an exception holds, a terminal is sent plain lines."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from tests.command_line import Ended, run
from tests.conftest import ROOT, SPECS

BAD = tuple(sorted((ROOT / "tests" / "bad").glob("*/*.mib")))

#: Colours and titles of a terminal, a carriage return, a backspace, deletes, eight-bit controls,
#: marks that turn the direction of writing, lines that are none, and what cannot be seen.
HOSTILE = (
    *("\x1b[31m", "\x1b]0;owned\x07", "\r", "\b", "\x7f", "\x9b2J", "\x00", "\t", "\x0b", "\x0c"),
    *("\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\u2029", "\u200b", "\ufeff", "\U000e0041"),
)
SMALL = """# A title{hostile} that goes on
model small
observed x : binary[4]   # a comment{hostile} that goes on
latent   z : real[2] ~ normal
observed w : binary
q {{ x -> z }}
p {{ z -> x }}
minimize KL(q || p)
assert D(q || {{x; z}}) == I(x; z)
"""


def plain(text: str) -> bool:
    """Whether a terminal would show it and do nothing else."""
    signs = set(text) - {"\n"}
    return not any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for one in signs)


def held(ended: Ended) -> None:
    assert plain(ended.out), repr(ended.out)
    assert plain(ended.err), repr(ended.err)
    assert ended.code in {0, 1, 2}, ended.err


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_titles_and_comments_are_shown_escaped(
    hostile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = Path("small.mib")
    spec.write_text(SMALL.format(hostile=hostile), encoding="utf-8", newline="")
    for words in (
        ["check", spec],
        ["compile", spec, "-o", "-"],
        ["audit", spec],
        ["audit", spec, "--format", "json"],
        ["fmt", "--diff", spec],
    ):
        held(run(*words))


@pytest.mark.parametrize("spec", [*SPECS[::8], *BAD[::2]], ids=lambda path: path.name)
def test_echoed_lines_are_shown_escaped(spec: Path, tmp_path: Path) -> None:
    chance = random.Random(spec.name)
    text = spec.read_text(encoding="utf-8-sig")
    place, hostile = chance.randint(0, len(text)), chance.choice(HOSTILE)
    planted = tmp_path / "planted.mib"
    planted.write_text(text[:place] + hostile + text[place:], encoding="utf-8", newline="")
    held(run("check", planted))


@pytest.mark.parametrize("hostile", [one for one in HOSTILE if one != "\x00"], ids=ascii)
def test_names_are_shown_escaped(
    hostile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"a{hostile}\nb"
    Path(f"{name}.mib").write_text("model a\nobserved x : binary\nq { x -> }\n", encoding="utf-8")
    for words in (
        ["check", f"{name}.mib"],
        ["check", f"{name}/none.mib"],
        ["check", name],
        ["compile", "wyner", "-o", f"{name}.py"],
        ["compile", "wyner", "-o", f"{name}.mib/none.py"],
        ["compile", "wyner", "--const", f"{name}=3"],
        ["compile", "wyner", "--const", name],
        ["compile", "wyner", "--emit", name],
        ["fmt", f"{name}.mib"],
        ["explain", name],
        ["new", name],
        [name],
        ["check", f"--{name}"],
        ["train", "wyner", "--data", name],
        ["train", "wyner", "--data", f"mnist:{name}"],
        ["train", "wyner", "--data", "digits-halves", "--epochs", name],
        ["train", "wyner", "--data", "digits-halves", "--resume", name],
    ):
        held(run(*words))


def test_a_bug_of_ours_is_reported_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*anything: object) -> None:
        raise ZeroDivisionError(f"of {''.join(HOSTILE)}")

    monkeypatch.setattr("graphdsl.compiler.derive", broken)
    ended = run("check", "wyner")
    assert ended.code == 70
    assert plain(ended.err), repr(ended.err)


def test_the_law_can_fail() -> None:
    assert not any(plain(hostile) for hostile in HOSTILE)
    assert plain("two lines\nof words, of μ and of 字")
