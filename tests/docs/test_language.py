"""The pages on the language say what the compiler does: every spec, message and table of theirs."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from typer.testing import CliRunner

from graphdsl.catalog.laws import Kind, laws_of
from graphdsl.catalog.methods import METHODS
from graphdsl.cli import app
from graphdsl.compiler import Compiled, compile_spec, read
from graphdsl.diagnostics import Source, SpecError, explained, render
from graphdsl.ir.notation import weight_text
from graphdsl.notation.gaps import bound_latex
from graphdsl_runtime import Objective
from tests.emitted import built, emitted_class
from tests.random_rows import rows_of

ROOT = Path(__file__).parents[2]
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
ROWS = 16

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What stands right behind a spec of what the compiler says; the command, and what it adds.
SAID = re.compile(r"(\$ graphdsl check .+\n)?(error|warning)\[")
FRAME = re.compile(r"^\$ graphdsl check .+\n|^\w+\.mib: \d+ mistakes?\n", re.MULTILINE)
#: A row of a table: its cells.
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Spec:
    """A spec of a page, and the messages that the page shows of it."""

    name: str
    text: str
    said: str

    @property
    def source(self) -> Source:
        """The spec as the file that the messages name."""
        return Source(f"{self.name}.mib", self.text)


def specs(page: str) -> list[Spec]:
    """Every ```mib block; right behind it may stand what the compiler says, or `check` prints."""
    found: list[Spec] = []
    end = -1
    for fence in FENCE.finditer(page):
        language, text = fence.groups()
        if language == "mib":
            name = re.search(r"^model (\w+)", text, re.MULTILINE)
            found.append(Spec(name[1] if name else "spec", text, ""))
        elif found and not page[end : fence.start()].strip() and SAID.match(text):
            found[-1] = replace(found[-1], said=FRAME.sub("", text))
        end = fence.end()
    return found


def section(title: str) -> str:
    """What stands under a heading of the language's page, up to the next one."""
    return LANGUAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells(row: str) -> list[str]:
    """The cells of a row, code without its marks."""
    plain = html.unescape(re.sub(r"</?code>|`", "", row.replace("|", "\0")))
    return [cell.strip() for cell in plain.split("\0")]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables of a section, without their heads."""
    bare = [row for row in ROW.findall(text) if not set(row) <= set("-| ")]
    heads = re.findall(r"^\| (.+) \|\n\| ---", text, re.MULTILINE)
    return [cells(row) for row in bare if row not in heads]


def told(spec: Spec) -> tuple[str, Compiled | None]:
    """All that the compiler says of a spec, as it is printed, and what came of it."""
    try:
        compiled = compile_spec(spec.source).compiled
    except SpecError as found:
        return _printed(found.diagnostics, spec), None
    return _printed(compiled.warnings, spec), compiled


def _printed(diagnostics: tuple[object, ...], spec: Spec) -> str:
    return "\n\n".join(render(one, spec.source) for one in diagnostics)  # type: ignore[arg-type]


SPECS = [*specs(LANGUAGE), *specs(TUTORIAL)]
WHOLE = [spec for spec in SPECS if not spec.said.startswith("error")]

by_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
by_whole = pytest.mark.parametrize("spec", WHOLE, ids=lambda spec: spec.name)


@by_spec
def test_the_compiler_says_what_the_page_shows_and_nothing_else(spec: Spec) -> None:
    assert told(spec)[0].strip() == spec.said.strip()


@by_whole
def test_assertions_are_proved_unless_the_page_shows_a_warning(spec: Spec) -> None:
    compiled = told(spec)[1]
    assert compiled is not None
    open_ones = [one for one in compiled.proofs if one.status != "proved"]
    assert len(open_ones) == spec.said.count("MIB412")


@by_whole
def test_every_form_of_every_projection_is_equal(spec: Spec) -> None:
    compiled = told(spec)[1]
    assert compiled is not None
    assert len(read(compiled).projections) == len(compiled.checked.model.projections)


@by_whole
def test_the_loss_is_finite_and_trains_every_network(spec: Spec) -> None:
    torch.manual_seed(0)
    objective = built(emitted_class(spec.text))
    objective.rows = ROWS
    losses = objective(rows_of(objective, ROWS))
    assert losses.loss.isfinite()
    for loss in losses.players.values() or [losses.loss]:
        loss.backward(retain_graph=True)
    for name, parameter in objective.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert not idle(objective)


def idle(objective: Objective) -> list[str]:
    """Members of families of networks, stacked along the first axis, that no gradient reaches."""
    return [
        f"{name}[{place}]"
        for name, parameter in objective.named_parameters()
        if parameter.dim() == 3
        for place, gradient in enumerate(
            torch.zeros(1) if parameter.grad is None else parameter.grad
        )
        if not gradient.any()
    ]


@pytest.mark.parametrize("weight", ["1", "i"])
def test_every_predictor_of_a_variable_is_trained(weight: str) -> None:
    objective = emitted_class(f"""
    model predictors
    observed x : binary[4]
    observed y : binary
    latent z[1..3] : real[2] ~ normal
    q {{ x -> z }}
    p {{ z -> x }}
    minimize KL(q || p) + sum(i in 1..3) {weight} * CE(y | z[i])
    """)()
    objective(rows_of(objective, ROWS)).loss.backward()
    assert not idle(objective)


ONE, TWO = "q { x -> u }\np { u -> x }", "q { x -> u, w }\np { u, w -> x }"
VACUOUS = [  # networks, objective, a term of its loss, and what the term's gap holds
    (ONE, "KL(q || p) + I(u; a)", "2 rate_u", "I(u; x \\mid a)"),
    (TWO, "KL(q || p) - I(u; w)", "1.5 rate_w", "I(w; x)"),
    (ONE, "KL(q || p) - I(u; a)", "1 prediction_a", "KL"),
    ("q { x -> u }", "I(u; x) - 2 * H(u)", "-2 entropy_u", "I(u; x)"),
    (ONE.replace("u -> x }", "a, u -> x }"), "KL(q || p) + I(u; a)", "2 reconstruction_x", "KL"),
    (ONE, "KL(q || p) + D(q || {x -> u -> a})", "1 prediction_a", "KL"),
    (ONE, "KL(q || p) + D(q || {a -> u -> x})", "2 reconstruction_x", "KL"),
]


@pytest.mark.parametrize(("networks", "objective", "term", "gap"), VACUOUS)
def test_bounds_that_say_nothing(networks: str, objective: str, term: str, gap: str) -> None:
    """The list of the page: the weight of what a term becomes, and its gap."""
    head = "model gaps\nobserved x : binary[32]\nobserved a : binary\n"
    latents = "".join(f"latent {u} : real[8] ~ normal\n" for u in "uw" if u in networks)
    text = f"{head}{latents}{networks}\nminimize {objective}"
    module = compile_spec(Source("gaps.mib", text)).compiled.module
    found = {f"{weight_text(one.weight)} {one.name}": one for one in module.terms}
    assert module.relation == "upper"
    assert gap in " ".join(bound_latex(bound) for bound in found[term].bounds)


# ---- tables --------------------------------------------------------------------------------------


def test_every_functional_has_a_row() -> None:
    written = " ".join(row[0] for row in rows(section("Statements")))
    for functional in ("KL(", "D(", "I(", "TC(", "H(", "CE(", "information(", "frozen("):
        assert functional in written


def test_the_relations_are_those_of_the_audit() -> None:
    schema = json.loads((ROOT / "graphdsl" / "report" / "audit.schema.json").read_text("utf-8"))
    table = {
        name.strip()
        for row in rows(section("What the compiler does with it"))
        for name in row[0].split(",")
    }
    assert table >= set(schema["$defs"]["relation"]["enum"])  # beside the kinds of gradients


def test_commands_and_codes_are_those_there_are() -> None:
    commands = set(re.findall(r"^graphdsl (\w+)", section("Command line"), re.MULTILINE))
    assert commands == {str(command.name) for command in app.registered_commands}
    assert set(re.findall(r"MIB\d{3}", LANGUAGE + TUTORIAL)) <= set(explained())


# ---- the tutorial --------------------------------------------------------------------------------

CONSOLE = re.compile(r"^\$ graphdsl (check|audit) (.+)\n")


def test_the_console_shows_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what `...` stands for; training is shown as it went, once."""
    monkeypatch.chdir(tmp_path)
    commands = 0
    for language, text in FENCE.findall(TUTORIAL):
        if language == "mib":
            (tmp_path / "halves.mib").write_text(text, encoding="utf-8")
        typed = CONSOLE.match(text) if language == "console" else None
        if typed is not None:
            done = CliRunner().invoke(app, [typed[1], *typed[2].split()])
            said = done.stdout + done.stderr
            for part in re.split(r"^\.\.\.$", text[typed.end() :], flags=re.MULTILINE):
                assert part.strip("\n") in said
            commands += 1
    assert commands == 7


def test_the_line_of_code_is_in_the_module() -> None:
    made = compile_spec(specs(TUTORIAL)[-1].source)
    shown, used = (text for language, text in FENCE.findall(TUTORIAL) if language == "python")
    assert shown in made.text
    assert f"import {made.class_name} " in used


def test_the_table_of_kinds_names_the_laws_of_each() -> None:
    rows = re.findall(r"^\| `(\w+)(?:\(k\))?` \| .* \| (`~.*) \|$", LANGUAGE, re.MULTILINE)
    named = {kind: re.findall(r"`~ (\w+)`", cell) for kind, cell in rows}
    assert named == {kind: list(laws_of(kind)) for kind in get_args(Kind)}


def test_the_tables_of_estimators_name_every_method() -> None:
    cells = " ".join(re.findall(r"^\| (`[^|]*|`KL.*?) \|", LANGUAGE, re.MULTILINE))
    known = {one.word for one in METHODS.values() if "information" in one.targets}
    assert known <= set(re.findall(r"`(\w+)`", cells))
    assert all(f"with {word}" in LANGUAGE or f"`{word}`" in LANGUAGE for word in METHODS)
