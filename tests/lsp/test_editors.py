"""What `editors/` holds: colours with the words of the grammar, and an extension that works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphdsl.diagnostics import Source
from tests.conftest import ROOT
from tests.syntax.test_lexers import BEFORE_BRACKETS, GRAMMAR_WORDS, lexed

VIM = ROOT / "editors" / "vim"
VSCODE = ROOT / "editors" / "vscode"
SYNTAX = (VIM / "syntax" / "mib.vim").read_text(encoding="utf-8")
#: What each group of the syntax file is to Pygments.
CLASSES = {
    "mibDeclaration": "Keyword",
    "mibStatement": "Keyword",
    "mibModifier": "Keyword",
    "mibRunning": "Keyword",
    "mibNumber": "Number",
    "mibOperator": "Operator",
    "mibComment": "Comment",
    "mibName": "Name",
    "mibFunctional": "Name",
}


def test_vim_has_the_words_of_the_grammar() -> None:
    listed = re.findall(r"^syntax keyword \w+ (.+)$", SYNTAX, re.MULTILINE)
    words = {word for line in listed for word in line.split()}
    assert words | {"q", "p", "subject to", *BEFORE_BRACKETS} == set(GRAMMAR_WORDS)


@pytest.mark.skipif(shutil.which("vim") is None, reason="Vim is not installed")
def test_vim_colours_what_pygments_does(tmp_path: Path) -> None:
    spec = ROOT / "specs" / "wyner.mib"
    script = f"""
set runtimepath^={VIM}
edit {spec}
set filetype=mib
syntax enable
let found = []
for line in range(1, line("$"))
  for column in range(1, len(getline(line)))
    call add(found, synIDattr(synID(line, column, 0), "name"))
  endfor
endfor
call writefile([json_encode(found)], "{tmp_path}/found.json")
qall!
"""
    (tmp_path / "script.vim").write_text(script, encoding="utf-8")
    command = ["vim", "-u", "NONE", "-i", "NONE", "-es", "-S", str(tmp_path / "script.vim")]
    subprocess.run(command, timeout=60, check=False, stdin=subprocess.DEVNULL)
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    text = Source.read(spec).text
    kinds = {}
    for at, kind, written in lexed(text):
        for offset in range(at, at + len(written)):
            kinds[offset] = str(kind)
    letters = [offset for offset, letter in enumerate(text) if letter != "\n"]
    assert len(found) == len(letters)
    for offset, group in zip(letters, found, strict=True):
        if not text[offset].isspace() and group:
            assert CLASSES[group] in kinds[offset], (text[offset : offset + 20], group)
    assert {"mibDeclaration", "mibStatement", "mibComment", "mibFunctional"} <= set(found)


@pytest.mark.slow
def test_the_extension_passes_its_tests() -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    ready = subprocess.run([npm, "ci"], cwd=VSCODE, capture_output=True, text=True, check=False)
    if ready.returncode:
        pytest.skip("npm cannot fetch the client library")
    program = {**os.environ, "GRAPHDSL": str(Path(sys.executable).with_name("graphdsl"))}
    done = subprocess.run(
        [npm, "test"], cwd=VSCODE, env=program, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout


def test_the_extension_fetches_from_no_place_of_its_own() -> None:
    locked = (VSCODE / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in locked
