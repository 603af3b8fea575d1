"""A derivation does not hang on names, on the order of declarations, or on what else there is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdsl.compiler import canonical_forms, check_spec
from graphdsl.diagnostics import Source
from graphdsl.graphs import topological_orders
from graphdsl.ir.information import (
    Atom,
    Entropy,
    Information,
    ProjectionDerivation,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.networks import Network
from graphdsl.symbolic import derive_projection
from tests.conftest import SPECS

by_name = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
DECLARED = re.compile(r"^(observed|latent|given)\s+(\w+)", re.MULTILINE)

Rename = Callable[[str], str]


def derivations(text: str) -> dict[str, ProjectionDerivation]:
    """Each D of a spec, by the distribution and the shape of the network."""
    checked = check_spec(Source("spec.mib", text))
    canons = canonical_forms(checked)
    return {
        _network(one.under, one.network, _same): derive_projection(
            one.network,
            topological_orders(one.network, checked.model),
            one.weight,
            canons[one.under].within(frozenset(one.network.variables)),
        )
        for one in checked.model.projections
    }


def shape(one: ProjectionDerivation, rename: Rename) -> dict[str, object]:
    """A derivation without orders: the terms of every form, and the steps, under other names."""
    return {
        "entropies": terms(one.entropies, rename),
        "named": terms(one.simplified, rename),
        "constant": terms(one.constant, rename),
    }


def steps(one: ProjectionDerivation, rename: Rename) -> Counter[object]:
    return Counter(
        (step.rule, _frozen(step.before, rename), _frozen(step.after, rename)) for step in one.steps
    )


def terms(several: tuple[Term, ...], rename: Rename) -> Counter[object]:
    return Counter((str(one.weight), _atom(one.atom, rename)) for one in several)


def _frozen(several: tuple[Term, ...], rename: Rename) -> frozenset[object]:
    return frozenset(terms(several, rename).items())


def _atom(atom: Atom, rename: Rename) -> object:
    def named(names: tuple[str, ...]) -> frozenset[str]:
        return frozenset(rename(name) for name in names)

    match atom:
        case Entropy(of, given):
            return "H", named(of), named(given)
        case Information(left, right, given):
            return "I", frozenset({named(left), named(right)}), named(given)
        case TotalCorrelation(parts, given):
            return "I", frozenset(map(named, parts)), named(given)
        case _:
            raise TypeError(atom)


def _network(under: str, network: Network, rename: Rename) -> str:
    nodes = [sorted(map(rename, node)) for node in network.nodes]
    edges = sorted((nodes[a], nodes[b]) for a, b in network.edges)
    return f"{under} {sorted(nodes)} {edges}"


def _same(name: str) -> str:
    return name


@by_name
def test_a_renamed_spec_is_derived_alike(path: Path) -> None:
    text = _plain(path)
    heads = list(dict.fromkeys(found[1] for found in DECLARED.findall(text)))
    new = {head: f"v{chr(ord('y') - place)}" for place, head in enumerate(sorted(heads))}
    renamed = re.sub(r"\b[A-Za-z_]\w*\b", lambda found: new.get(found[0], found[0]), text)
    assert renamed != text
    back = {name: head for head, name in new.items()}

    def original(name: str) -> str:
        return re.sub(r"^\w+", lambda found: back[found[0]], name)

    first = derivations(text)
    second = _by_old_names(derivations(renamed), original)
    _compare(first, second, original)


@by_name
@pytest.mark.parametrize("turn", [1, 2, -1])
def test_a_spec_whose_declarations_are_permuted_is_derived_alike(path: Path, turn: int) -> None:
    text = _plain(path)
    lines = text.splitlines()
    places = [place for place, line in enumerate(lines) if DECLARED.match(line)]
    turned = places[turn:] + places[:turn] if turn > 0 else places[::-1]
    for place, source in zip(places, turned, strict=True):
        lines[place] = text.splitlines()[source]
    _compare(derivations(text), derivations("\n".join(lines)), _same)


@by_name
def test_a_spec_within_a_larger_model_is_derived_alike(path: Path) -> None:
    """With data that the latents never see, and a latent of all that there is."""
    text = _plain(path)
    families = DECLARED.findall(text)
    data = [name for role, name in families if role != "latent"]
    latents = [name for role, name in families if role == "latent"]
    if not re.search(r"^q\b", text, re.MULTILINE):
        pytest.skip("what is added to p would be inferred by none of its networks")
    aside = "observed aside : binary\nlatent above : real ~ normal\n"
    larger = re.sub(r"^(?=observed)", aside, text, count=1, flags=re.MULTILINE)
    inferred = f"{', '.join([*data, *latents, 'aside'])} -> above"
    larger = re.sub(r"^q\s*\{", f"q {{\n    {inferred}\n", larger, count=1, flags=re.MULTILINE)
    if re.search(r"^p\b", text, re.MULTILINE):
        larger = re.sub(r"^p\s*\{", "p {\n    above -> aside\n", larger, count=1, flags=re.M)
    small, large = derivations(text), derivations(larger)
    kept = {name: one for name, one in small.items() if name in large}
    own = {"G(p)", "G(q)"}  # networks that are larger now themselves
    assert kept or {one.network.name for one in small.values()} <= own
    _compare(kept, {name: large[name] for name in kept}, _same)


def _compare(
    first: dict[str, ProjectionDerivation], second: dict[str, ProjectionDerivation], back: Rename
) -> None:
    assert first.keys() == second.keys()
    for name, one in first.items():
        assert shape(second[name], back) == shape(one, _same), name
        assert len(second[name].steps) == len(one.steps)
        assert len(second[name].local_markov) == len(one.local_markov)


def _by_old_names(
    found: dict[str, ProjectionDerivation], back: Rename
) -> dict[str, ProjectionDerivation]:
    return {_network(one.under, one.network, back): one for one in found.values()}


def _plain(path: Path) -> str:
    """A spec without comments and assertions of more than distributions."""
    return re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))
