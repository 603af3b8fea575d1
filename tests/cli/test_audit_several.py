"""`graphdsl audit` of several specs: one table that says of each what its own audit says."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.command_line import run
from tests.conftest import ROOT

NAMES = ("vae", "wyner", "fair_mmd")


class Rows(HTMLParser):
    """The texts of the cells of a page's tables."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "br":
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def audits() -> dict[str, dict[str, object]]:
    found = json.loads(run("audit", *NAMES, "--format", "json").out)
    assert found["schema"] == "graphdsl.audits/1"
    return {one["model"]: one for one in found["audits"]}


def test_each_audit_is_that_of_its_spec(audits: dict[str, dict[str, object]]) -> None:
    assert tuple(audits) == NAMES
    assert audits["wyner"] == json.loads(run("audit", "wyner", "--format", "json").out)


def test_the_markdown_is_that_of_the_page_of_all_specs() -> None:
    page = (ROOT / "docs" / "unified-table.md").read_text(encoding="utf-8")
    for section in run("audit", *NAMES, "--format", "markdown").out.split("\n## "):
        assert section.removeprefix("## ").strip() in page


def relations(audits: dict[str, dict[str, object]]) -> list[str]:
    found = [audit["objective"] for audit in audits.values()]
    return [f"{one['relation']}: {one['reason']}" for one in found if isinstance(one, dict)]


def test_the_text_says_of_each_what_its_loss_is(audits: dict[str, dict[str, object]]) -> None:
    paragraphs = run("audit", *NAMES).out.split("\n\n")
    for name, said, paragraph in zip(NAMES, relations(audits), paragraphs, strict=True):
        assert paragraph.startswith(f"{name}\n")
        assert f"relation {said}" in " ".join(paragraph.split())


def test_the_page_has_a_row_for_each_with_all_its_terms(
    audits: dict[str, dict[str, object]],
) -> None:
    parser = Rows()
    page = run("audit", *NAMES, "--format", "html").out
    parser.feed(page)
    head, *rows = [[cell.strip() for cell in row] for row in parser.rows]
    assert head == ["model", "networks", "objective", "loss", "relation"]
    assert [row[0] for row in rows] == list(NAMES)
    assert rows[0][2] == "KL(q || p)"
    for row, said in zip(rows, relations(audits), strict=True):
        assert row[4].startswith(said)
    assert page.count("<math") == 2 + 4 + 5
    assert "<script" not in page


def test_the_latex_has_as_many_cells_in_each_row_as_columns() -> None:
    text = run("audit", *NAMES, "--format", "latex").out
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 3
    assert {len(re.findall(r"(?<!\\)&", row)) for row in text.splitlines() if "\\\\" in row} == {4}
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_no_line_of_the_text_is_wider_than_a_hundred_columns() -> None:
    assert max(map(len, run("audit", *NAMES, "structured_mm").out.splitlines())) <= 100


def test_values_reach_the_specs_that_declare_them() -> None:
    done = run(
        "audit", "vae", "beta_vae", "--const", "pixels=9", "--param", "beta=2", "--format", "json"
    )
    shapes = [one["variables"][0]["shape"] for one in json.loads(done.out)["audits"]]
    assert shapes == [[9], [9]]
    assert run("audit", "vae", "beta_vae", "--param", "gamma=2").code == 2


def test_the_mistakes_of_all_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        Path(f"{name}.mib").write_text(f"model {name}\nobserved x : real\nminimize H(y)\n")
    done = run("audit", "one.mib", "vae", "two.mib")
    assert (done.code, done.out) == (1, "")
    assert "one.mib: 2 mistakes" in done.err
    assert "two.mib: 2 mistakes" in done.err


def test_an_assertion_that_is_refuted_is_said_and_the_table_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "specs" / "vae.mib").read_text(encoding="utf-8")
    Path("wrong.mib").write_text(f"{text}assert I(x; u) == 0\n")
    done = run("audit", "vae", "wrong.mib")
    assert done.code == 1
    assert "wrong.mib: 1 assertion refuted" in done.err
    assert done.out.startswith("vae\n")


def test_what_is_for_one_spec_is_refused_for_two() -> None:
    for option in ("--verify", "--full"):
        assert run("audit", "vae", "wyner", option).code == 2
