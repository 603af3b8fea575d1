"""`import graphdsl`: one spec named in several ways, numbers of several types, a notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, MutableMapping
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphdsl
from graphdsl import Source, SpecError, WrongValue, compile_spec
from tests.corpus import shipped, some

ROOT = Path(__file__).parents[2]
SPEC = """model m
const k = 4
const share = 1/2
param beta = 1
observed x : real[k] ~ normal(scale = share)
latent z : real ~ normal
q { x -> z }
p { z -> x }
minimize CE(x | z) + beta * KL(q(z | x) || p(z))
"""


def test_it_compiles_to_what_the_compiler_gives() -> None:
    for case in some("api", list(shipped()), 3):
        made = graphdsl.compile(case.text)
        assert made.code == compile_spec(Source("text.mib", case.text)).text
        assert graphdsl.check(case.text) == made.diagnostics
        name = made.audit.to_dict()["model"]
        assert all(
            name.replace("_", shown) in text
            for text, shown in (
                (made.audit.to_text(), "_"),
                (made.audit.to_html(), "_"),
                (made.audit.to_markdown(), "_"),
                (made.audit.to_latex(), r"\_\allowbreak{}"),
            )
        )


def test_a_spec_is_named_by_a_path_a_text_or_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = ROOT / "specs" / "vae.mib"
    text = Source.read(path).text
    Path("mine.mib").write_text(text)
    Path("odd name").write_text(text)
    ways = ("vae", path, str(path), "mine.mib", "odd name", text, Source("a", text))
    assert len({graphdsl.compile(way).code for way in ways}) == 1
    with pytest.raises(FileNotFoundError, match="did you mean `vae`"):
        graphdsl.compile("vea")
    with pytest.raises(FileNotFoundError):
        graphdsl.compile("absent.mib")


@pytest.mark.parametrize("value", [3, 3.0, "3", Fraction(3), np.int64(3), np.float32(3)])
def test_a_whole_number_may_be_of_any_type(value: Any) -> None:  # noqa: ANN401
    assert graphdsl.compile(SPEC, k=value).code == graphdsl.compile(SPEC, k=3).code


@pytest.mark.parametrize("value", [0.1, "0.1", "1/10", "1e-1", Fraction(1, 10)])
def test_a_float_is_the_decimal_that_it_prints_as(value: Any) -> None:  # noqa: ANN401
    found = graphdsl.compile(SPEC, share=value).module.compiled.checked.model.constants
    assert dict(found)["share"] == Fraction(1, 10)


@pytest.mark.parametrize(
    "value", ["", "x", float("nan"), float("inf"), True, None, 1j, "1" * 19, "1/0", [3], 1e300]
)
def test_what_is_no_number_is_refused_with_its_name(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(WrongValue, match=r"^k is .*; expected a number, such as"):
        graphdsl.compile(SPEC, k=value)


def test_a_constant_that_the_spec_lacks_is_refused() -> None:
    with pytest.raises(WrongValue, match=r"`beta` is a parameter.*\.objective\(beta=2\)"):
        graphdsl.compile(SPEC, beta=2)
    with pytest.raises(WrongValue, match="declares no constant `kk`; did you mean `k`"):
        graphdsl.compile(SPEC, kk=2)
    with pytest.raises(WrongValue, match="declares no constant"):
        graphdsl.check(SPEC, kk=2)


def test_mistakes_are_raised_or_given() -> None:
    wrong = SPEC.replace("CE(x | z)", "CE(w | z)")
    with pytest.raises(SpecError) as found:
        graphdsl.compile(wrong)
    assert graphdsl.check(wrong) == found.value.diagnostics
    assert found.value.diagnostics[0].span.line == 9


def test_two_specs_of_one_name_have_classes_of_their_own() -> None:
    small, large = graphdsl.compile(SPEC, k=2), graphdsl.compile(SPEC, k=5)
    assert small.objective is small.objective
    assert small.objective.__module__ != large.objective.__module__
    assert small.objective(beta=3).variables[0].shape == (2,)
    assert large.objective().variables[0].shape == (5,)


def test_a_notebook_shows_an_audit_in_a_frame_of_its_own() -> None:
    class Frames(HTMLParser):
        found: list[dict[str, str | None]] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.append({"tag": tag, **dict(attrs)})

    audit = graphdsl.compile(SPEC).audit
    parser = Frames()
    parser.feed(audit._repr_html_())
    (frame,) = parser.found
    assert frame["tag"] == "iframe"
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == audit.to_html()


class Shell:
    """What an extension is given."""

    def __init__(self) -> None:
        self.user_ns: MutableMapping[str, Any] = {}
        self.magics: dict[str, Callable[..., object]] = {}

    def register_magic_function(
        self, func: Callable[..., object], magic_kind: str, magic_name: str
    ) -> None:
        """Keep it."""
        self.magics[f"{magic_kind} {magic_name}"] = func


def test_the_cell_magic_compiles_a_cell(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    graphdsl.load_ipython_extension(shell)
    magic = shell.magics["cell mib"]
    assert isinstance(magic("", SPEC), graphdsl.AuditView)
    assert shell.user_ns["m"].objective().variables[0].shape == (4,)
    magic("mine k=7 share=1/3", SPEC)
    assert shell.user_ns["mine"].objective().variables[0].shape == (7,)
    assert capsys.readouterr() == ("", "")
    for line, cell, said in (
        ("mine", SPEC.replace("CE(x", "CE(w"), "in cell:9"),
        ("mine k=x", SPEC, "k is 'x'; expected a number"),
        ("mine other", SPEC, "usage: %%mib NAME"),
        ("mine kk=1", SPEC, "declares no constant `kk`"),
    ):
        assert magic(line, cell) is None
        assert said in capsys.readouterr().err
    assert shell.user_ns["mine"].objective().variables[0].shape == (7,)


def test_torch_is_imported_when_something_needs_it() -> None:
    code = (
        "import sys, graphdsl; made = graphdsl.compile('vae'); made.code, made.audit.to_text()\n"
        "assert not {'torch', 'sklearn', 'numpy', 'graphdsl_runtime'} & sys.modules.keys()\n"
        "print(graphdsl.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Decimal(done.stdout.split(".")[0]) >= 0
