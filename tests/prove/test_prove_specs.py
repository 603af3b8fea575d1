"""Assertions of specs: verdicts on the command line, in the audit's text and in its JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.report import audit_json, audit_schema, audit_text
from tests.oracles import discrete

SPEC = """
model pair
param beta = 2 in 1..inf
observed x[1..2] : binary[8]
observed label : binary
latent u : real[4] ~ normal
latent z : real[4] ~ normal
q {{ x -> u; x[1] -> z }}
p {{ u, z -> x; u -> label }}
minimize KL(q || p)
assert {assertion}
"""

PROVED = (
    "I(u; z) <= I(x[1]; z)",  # what is processed holds no more
    "I(x; u) <= H(x)",
    "beta * I(x; u) >= I(x[1]; u)",
    "D(q || {u; z; (x, label)}) >= I(label; z)",
    "TC(x[1]; u; z) <= I(x; u) + I(x[1]; z)",
    "D(q || {u; z; x}) >= D(q || {x -> u; z})",  # fewer edges are farther away
)
REFUTED = (
    "I(x[1]; u) >= I(x[2]; u)",
    "I(x; u) >= beta * I(u; z)",
    "I(x; u) <= H(label)",
    "I(x[1]; x[2]) <= I(x[1]; x[2] | u)",
    "I(x; u) <= H(u)",  # u is real
    "D(q || {u; z; x}) == TC(u; z)",
)
UNKNOWN = ("I(x; u | label) <= I(x; u) + KL(q || p)",)


def audited(assertion: str) -> Compiled:
    source = Source("pair.mib", SPEC.format(assertion=assertion))
    return derive(check_spec(source), keep_refuted=True)


def verdict(result: Compiled) -> dict[str, Any]:  # JSON, as a reader of it has it
    content = json.loads(audit_json(read(result)))
    jsonschema.validate(content, json.loads(audit_schema()))
    (found,) = content["assertions"]
    assert isinstance(found, dict)
    return found


def joint(tables: list[dict[str, Any]]) -> discrete.Joint:
    """The JSON's tables, multiplied."""
    sizes: dict[str, int] = {}
    for table in tables:
        for place, name in enumerate(table["of"]):
            sizes[name] = 1 + max(row["values"][place] for row in table["rows"])
    names = tuple(sizes)
    cells: dict[tuple[int, ...], Fraction] = {}
    for index in np.ndindex(*sizes.values()):
        state = dict(zip(names, index, strict=True))
        mass = Fraction(1)
        for table in tables:
            here = [[state[name] for name in table[side]] for side in ("given", "of")]
            rows = table["rows"]
            found = [row for row in rows if [row["given"], row["values"]] == here]
            mass *= Fraction(found[0]["probability"]) if found else 0
        cells[index] = mass
    assert sum(cells.values()) == 1
    whole = np.zeros(list(sizes.values()))
    for index, mass in cells.items():
        whole[index] = float(mass)
    return discrete.Joint(names=names, table=whole)


def value(terms: list[dict[str, Any]], table: discrete.Joint, parameters: dict[str, str]) -> float:
    """A sum of the JSON under a table; variables that it lacks are constant."""
    known = {name: float(Fraction(text)) for name, text in parameters.items()}
    total = 0.0
    for term in terms:
        weight = eval(term["coefficient"], {"__builtins__": {}}, known)
        total += weight * _atom(term["atom"], table)
    return total


def _atom(atom: dict[str, Any], table: discrete.Joint) -> float:
    def kept(names: list[str]) -> list[str]:
        return [name for name in names if name in table.names]

    if atom["type"] == "H":
        return discrete.conditional_entropy(table, kept(atom["of"]), kept(atom["given"]))
    left, right = atom["between"]
    return discrete.mutual_information(table, kept(left), kept(right), kept(atom["given"]))


@pytest.mark.parametrize("assertion", PROVED)
def test_proved_with_a_certificate_that_adds_up(assertion: str) -> None:
    result = audited(assertion)
    found = verdict(result)
    assert found["status"] == "proved"
    assert found["counterexample"] == {}
    certificate = found["certificate"]
    assert certificate["rule"] == "Shannon-type"
    parents = {"x[1]": (), "x[2]": (), "label": (), "u": ("x[1]", "x[2]"), "z": ("x[1]",)}
    rng = np.random.default_rng(0)
    for beta in ("1", "7/2"):
        table = discrete.random_joint(parents, ["x[1]", "x[2]", "label"], 2, rng)
        uses = [use["term"] for use in certificate["uses"]]
        claimed = value(certificate["nonnegative"], table, {"beta": beta})
        assert value(uses, table, {"beta": beta}) == pytest.approx(claimed, abs=1e-10)
        assert all(value([use], table, {"beta": beta}) > -1e-12 for use in uses)
    text = audit_text(read(result))
    assert f"proved  {assertion}" in text
    assert "      + " in text


@pytest.mark.parametrize("assertion", REFUTED)
def test_refuted_with_a_distribution(assertion: str) -> None:
    result = audited(assertion)
    found = verdict(result)
    assert found["status"] == "refuted"
    assert found["certificate"] == {}
    example = found["counterexample"]
    if all(width == "1" for width in example["cells"].values()):
        exact = value(example["nonnegative"], joint(example["tables"]), example["parameters"])
        assert exact == pytest.approx(example["value"]["nats"], abs=1e-10)
    assert example["value"]["nats"] < -1e-6 or ("==" in assertion and example["value"]["nats"])
    assert set(example["cells"]) <= {"u", "z"}
    text = audit_text(read(result))
    assert f"refuted  {assertion}" in text
    assert "nats under" in text
    with pytest.raises(SpecError, match=r"MIB41[13]"):
        derive(result.checked)


@pytest.mark.parametrize("assertion", UNKNOWN)
def test_unknown_with_a_reason(assertion: str) -> None:
    found = verdict(audited(assertion))
    assert found["status"] == "unknown"
    assert found["because"]
    assert found["certificate"] == found["counterexample"] == {}


def test_a_single_bit_has_two_states() -> None:
    found = verdict(audited("H(label) <= H(x[1])"))
    assert found["status"] == "refuted"
    for table in found["counterexample"]["tables"]:
        if "label" in table["of"]:
            place = table["of"].index("label")
            assert {row["values"][place] for row in table["rows"]} <= {0, 1}


@pytest.fixture
def no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = [name for name in sys.modules if name.partition(".")[0] == "scipy"]
    for name in ("graphdsl.prove.shannon", *loaded):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "scipy", None)


@pytest.mark.usefixtures("no_scipy")
@pytest.mark.parametrize("assertion", ["I(x; u) >= 0", "I(x[1]; u) >= I(x[2]; u)"])
def test_a_missing_solver_is_an_error_and_no_verdict(assertion: str) -> None:
    with pytest.raises(SpecError, match="MIB421: to decide this, `scipy` is needed"):
        audited(assertion)


def test_the_audit_of_a_refuted_assertion_is_written_and_fails(tmp_path: Path) -> None:
    spec = tmp_path / "pair.mib"
    spec.write_text(SPEC.format(assertion=REFUTED[0]))
    seen = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "graphdsl", "audit", str(spec), "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.returncode == 1
        assert "MIB413" in done.stderr
        assert json.loads(done.stdout)["assertions"][0]["status"] == "refuted"
        seen.add(done.stdout)
    assert len(seen) == 1  # the same search in every run
