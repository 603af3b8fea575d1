"""Drawings: each means one network alone, nothing covers anything, and nothing runs in them."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from graphdsl.cli.app import program
from graphdsl.compiler import check_spec
from graphdsl.diagnostics import Source, SpecError
from graphdsl.draw import drawable, png_or_pdf, sheet_of, svg, tikz
from graphdsl.draw.layout import Drawing, laid_out
from graphdsl.draw.picture import Picture
from graphdsl.draw.pictured import pictured
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Variable
from tests.corpus import Case, generated, shipped

SVG = "{http://www.w3.org/2000/svg}"

#: Families that are alike in all but one edge, or one learned edge, or one mixture.
ALMOST = """
model almost
const N = 4
observed x[1..N] : binary[3]
observed y[1..N] : binary[3]
latent z[1..N] : real ~ normal
latent u[1..N] : real ~ normal
latent w[1..2, 1..3] : real ~ normal
mask M[1..N] : learned bernoulli(0.9)
q {
    x[i] -> z[i] for i in 1..N
    y[1], x[1] -> u[1] by mixture
    y[i], x[i] -> u[i] for i in 2..N
    y[2] -> w
}
p {
    z[1], u[1], w -> x[1]
    z[i] -> x[i] for i in 2..N
    u[i] -> y[i] if M[i] for i in 1..N
}
minimize KL(q || p)
"""


@cache
def models(law: str, share: int) -> tuple[Model, ...]:
    return tuple(_models(law, share))


def _models(law: str, share: int) -> Iterator[Model]:
    for case in chain(shipped(), [Case("almost", ALMOST)], generated(law, share)):
        try:
            yield check_spec(case.without_assertions().source).model
        except SpecError:
            continue


def meaning(picture: Picture) -> set[tuple[Variable, Variable]]:
    """The edges between variables that a drawing says there are, by the rules of plates."""
    plates = {mark: plate for plate in picture.plates for mark in plate.marks}
    edges = set()
    for arrow in picture.arrows:
        if arrow.tone == "removed":
            continue
        start, end = picture.marks[arrow.start], picture.marks[arrow.end]
        same = arrow.start in plates and plates.get(arrow.start) == plates.get(arrow.end)
        pairs = product(start.variables, end.variables)
        edges |= {(a, b) for a, b in pairs if not same or a.member == b.member}
    return edges


def stated(network: Network) -> set[tuple[Variable, Variable]]:
    """The edges between variables of different nodes, those to copies and of selectors too."""
    edges = {
        (a, b)
        for start, end in network.edges
        for a in network.nodes[start]
        for b in network.nodes[end]
    }
    node_of = {name: node for node in network.nodes for name in node}
    for copy in network.variables:
        if copy.copy and copy.original in node_of:
            edges |= set(product(node_of[copy.original], node_of[copy]))
    for one in network.conditionals:
        edges |= {(one.selector, child) for child in one.children if one.mixes}
    return edges


def test_a_drawing_means_its_network_and_no_other() -> None:
    folded = 0
    for model in models("drawing", 12):
        for network in drawable(model):
            picture = pictured(network, model)
            blocks = [mark.variables for mark in picture.marks if mark.variables]
            cliques = {
                (a, b)
                for block in blocks
                for a, b in product(block, block)
                if (a, b) in stated(network)
            }
            outside = stated(network) - cliques
            assert meaning(picture) - cliques == outside, (model.name, network.name)
            folded += len(picture.plates)
    assert folded > 20


def test_a_block_of_single_nodes_is_a_clique() -> None:
    """What is inside of a block may have any joint distribution, and nothing tells it apart."""
    blocks = 0
    for model in models("drawing", 12):
        for network in drawable(model):
            own = {node for node in network.nodes if len(node) > 1}
            picture = pictured(network, model)
            plated = {mark for plate in picture.plates for mark in plate.marks}
            for place, mark in enumerate(picture.marks):
                if place in plated or len(mark.variables) == 1 or mark.variables in own:
                    continue
                if mark.kind == "selector":
                    continue
                blocks += 1
                edges = stated(network)
                for k, a in enumerate(mark.variables):
                    assert all((a, b) in edges for b in mark.variables[k + 1 :])
    assert blocks


def test_almost_alike_is_not_folded() -> None:
    model = check_spec(Source("almost.mib", ALMOST)).model
    q, p = (pictured(one, model) for one in drawable(model)[:2])
    assert [mark.text for mark in q.marks if mark.kind == "selector"] == ["selector_u_1"]
    assert "i = 1..2, j = 1..3" in [plate.label for plate in q.plates]
    names = {mark.text for mark in q.marks}
    assert {"u[1]", "u[2]", "u[3]", "u[4]"} <= names
    assert {"x[1]", "x[2]"} <= {mark.text for mark in p.marks}
    assert sum(arrow.learned for arrow in p.arrows) == 4  # u[1] alone has another child


def test_full_draws_every_member() -> None:
    for model in models("drawing", 12):
        for network in drawable(model):
            picture = pictured(network, model, full=True)
            chosen = {one.selector for one in network.conditionals if one.mixes}
            assert not picture.plates
            assert len(picture.marks) == len(network.nodes) + len(chosen)


def test_nothing_covers_anything() -> None:
    for model in models("drawing", 12):
        for network in drawable(model)[:4]:
            drawing = laid_out(pictured(network, model))
            _no_two_marks_meet(drawing)
            _plates_hold_their_own(drawing)
            for spot in drawing.spots:
                assert min(spot.box.left, spot.box.top) >= 0
                assert spot.box.right <= drawing.width + 0.1
                assert spot.box.bottom <= drawing.height + 0.1


def test_data_are_at_the_bottom_and_arrows_run_one_way() -> None:
    for model in models("drawing", 12):
        for network in drawable(model)[:2]:
            drawing = laid_out(pictured(network, model))
            for arrow in drawing.picture.arrows:
                start, end = (drawing.spots[k].middle.y for k in (arrow.start, arrow.end))
                if arrow.tone != "removed":
                    assert start > end if drawing.picture.upwards else start < end


def _no_two_marks_meet(drawing: Drawing) -> None:
    spots = drawing.spots
    for k, one in enumerate(spots):
        assert not any(one.box.meets(other.box) for other in spots[:k])


def _plates_hold_their_own(drawing: Drawing) -> None:
    for plate, box in drawing.plates:
        for place, spot in enumerate(drawing.spots):
            assert box.meets(spot.box) == (place in plate.marks)
    boxes = [box for _, box in drawing.plates]
    assert not any(box.meets(other) for k, box in enumerate(boxes) for other in boxes[:k])


def test_svg_has_every_variable_once() -> None:
    for model in models("drawing", 12):
        for network in drawable(model)[:3]:
            root = ElementTree.fromstring(svg(sheet_of([network], model), model.name))
            nodes = [one for one in root.iter(f"{SVG}g") if "data-variables" in one.attrib]
            names = [name for one in nodes for name in one.attrib["data-variables"].split("|")]
            selectors = {one.selector for one in network.conditionals if one.mixes}
            assert sorted(names) == sorted([*network.variables, *selectors])


def test_no_text_becomes_markup() -> None:
    model = models("drawing", 12)[0]
    title = '</title><script>alert(1)</script>"\x1b[31m\x00'
    root = ElementTree.fromstring(svg(sheet_of(drawable(model), model), title))
    kinds = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert kinds <= {"svg", "style", "title", "g", "rect", "path", "text", "tspan"}
    said = root.find(f"{SVG}title")
    assert said is not None
    assert (said.text or "").startswith("</title><script>alert(1)</script>")


def test_the_same_spec_gives_the_same_bytes() -> None:
    script = (
        "from pathlib import Path; from graphdsl.compiler import check_spec\n"
        "from graphdsl.diagnostics import Source; from graphdsl.draw import *\n"
        "m = check_spec(Source.read(Path('specs/structured_mm.mib'))).model\n"
        "s = sheet_of(drawable(m), m); print(svg(s, m.name), tikz(s))\n"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(written) == 1


def test_tikz_draws_every_mark_and_arrow() -> None:
    for model in models("drawing", 12):
        sheet = sheet_of(drawable(model)[:3], model)
        text = tikz(sheet)
        pictures = [drawing.picture for drawing, _ in sheet.drawings]
        marks = sum(len(one.marks) for one in pictures)
        labels = len(pictures) + sum(len(one.plates) for one in pictures)
        assert text.count(r"\node[") == marks + labels
        lines = sum(len(one.arrows) + len(one.plates) for one in pictures)
        assert text.count(r"\draw[") == lines
        assert text.count("{") == text.count("}")


def run(*words: str) -> int:
    return program(["draw", *words])


def test_the_ending_of_the_file_says_what_it_is(tmp_path: Path) -> None:
    starts = {"svg": b"<svg", "tikz": b"% \\usepackage", "png": b"\x89PNG", "pdf": b"%PDF"}
    for ending, start in starts.items():
        target = tmp_path / f"wyner.{ending}"
        assert run("wyner", "-o", str(target)) == 0
        assert target.read_bytes().startswith(start)


def test_png_is_the_same_twice() -> None:
    model = models("drawing", 12)[0]
    sheet = sheet_of(drawable(model), model)
    assert png_or_pdf(sheet, "pdf") == png_or_pdf(sheet, "pdf")
    assert png_or_pdf(sheet, "png") == png_or_pdf(sheet, "png")


def test_one_network_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("wyner", "--network", "through_z(1,2)") == 0
    drawn = ElementTree.fromstring(capsys.readouterr().out)
    assert [one.text for one in drawn.iter(f"{SVG}text") if one.get("class") == "name"] == [
        "through_z(1,2)"
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("wyner", "-o", "a.gif"), 2, "has to end with .svg, .tikz, .png or .pdf"),
        (("wyner", "--network", "through"), 2, "wyner has no network `through`"),
        (("wyner", "--network", "Q"), 2, "did you mean `q`?"),
    ],
)
def test_wrong_usage(
    words: Sequence[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("library", "said"),
    [("fast_sugiyama", "needs fast-sugiyama"), ("matplotlib", "needs matplotlib")],
)
def test_a_library_that_is_missing_is_named(
    library: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    before = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as builtins has it
        if name.partition(".")[0] == library:
            raise ImportError(name)
        return before(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert run("wyner", "-o", str(tmp_path / "wyner.png")) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "graphdsl[draw]" in error
