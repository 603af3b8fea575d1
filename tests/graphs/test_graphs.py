"""DAGs and what they guarantee: against networkx, and against brute force."""

from __future__ import annotations

import random
from itertools import chain, combinations, pairwise
from pathlib import Path

import networkx as nx
import pytest

from graphdsl.compiler import check_spec
from graphdsl.diagnostics import Diagnostic, Source, SpecError
from graphdsl.graphs import Separation, build_dag, check_model, inference_dag, topological_orders
from graphdsl.graphs.errors import CyclicNetwork, EdgeIntoObserved, LatentHasNoEncoder
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import Variable
from tests.conftest import SPECS

by_seed = pytest.mark.parametrize("seed", range(40))


def random_dag(
    seed: int, most: int = 8
) -> tuple[nx.DiGraph[Variable], list[Variable], list[Variable]]:
    """A random DAG, its nodes in an order, and the first few of them as data, completed."""
    rng = random.Random(seed)
    size = rng.randint(3, most)
    names = [Variable(f"v{k}") for k in range(size)]
    rng.shuffle(names)
    data = names[: rng.randint(0, size // 2)]
    density = rng.random()
    graph: nx.DiGraph[Variable] = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from(
        (a, b)
        for a, b in combinations(names, 2)
        if b in data or rng.random() < density  # every two of the data have an edge
    )
    return graph, names, data


def separation(
    graph: nx.DiGraph[Variable], order: list[Variable], data: list[Variable]
) -> Separation:
    return Separation(
        tuple(order), {name: frozenset(graph.predecessors(name)) for name in order}, data
    )


def subsets(names: list[Variable]) -> list[frozenset[Variable]]:
    sizes = range(len(names) + 1)
    return [frozenset(one) for one in chain.from_iterable(combinations(names, k) for k in sizes)]


# ---- d-separation --------------------------------------------------------------------------------


@by_seed
def test_separation_is_that_of_networkx(seed: int) -> None:
    graph, order, data = random_dag(seed)
    ours = separation(graph, order, data)
    rng = random.Random(seed)
    for _ in range(60):
        shuffled = rng.sample(order, len(order))
        first, second = sorted(rng.choices(range(1, len(order)), k=2))
        a, b = set(shuffled[:first]), set(shuffled[first : second + 1])
        given = {name for name in shuffled[second + 1 :] if rng.random() < 0.5}
        assert ours.separated(a, b, given) == nx.is_d_separator(graph, a, b, given)


@by_seed
def test_separation_is_symmetric_and_of_pairs(seed: int) -> None:
    graph, order, data = random_dag(seed)
    ours = separation(graph, order, data)
    rng = random.Random(seed)
    for _ in range(20):
        shuffled = rng.sample(order, len(order))
        a, b, given = shuffled[:1], shuffled[1:3], set(shuffled[3:5])
        assert ours.separated(a, b, given) == ours.separated(b, a, given)
        pairs = [ours.separated({x}, {y}, given) for x in a for y in b]
        assert ours.separated(a, b, given) == all(pairs)


def test_what_is_given_is_apart_from_anything() -> None:
    graph, order, data = random_dag(1)
    ours = separation(graph, order, data)
    for name in order:
        assert ours.separated({name}, set(order) - {name}, {name})
        assert not ours.separated({name}, {name}, ())


@by_seed
def test_nodes_are_apart_from_the_past_given_their_parents(seed: int) -> None:
    graph, order, data = random_dag(seed)
    ours = separation(graph, order, data)
    for place, name in enumerate(order):
        parents = ours.parents(name)
        assert ours.separated({name}, set(order[:place]) - parents, parents)


@pytest.mark.parametrize("seed", range(20))
def test_boundary_is_the_smallest_and_the_only_one(seed: int) -> None:
    graph, order, data = random_dag(seed, most=6)
    ours = separation(graph, order, data)
    for name in order:
        for given in subsets([other for other in order if other != name]):
            enough = [
                kept
                for kept in subsets(sorted(given))
                if given == kept or nx.is_d_separator(graph, {name}, set(given - kept), set(kept))
            ]
            smallest = min(map(len, enough))
            assert [kept for kept in enough if len(kept) == smallest] == [
                ours.boundary(name, given)
            ]
            assert all(ours.boundary(name, given) <= kept for kept in enough)


# ---- G^q -----------------------------------------------------------------------------------------


def model_of(text: str) -> Model:
    return check_spec(Source("test.mib", text)).model


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_data_come_first_and_are_completed(spec: Path) -> None:
    model = check_spec(Source.read(spec)).model
    order, parents = inference_dag(model, model.inference)
    data = [name for name in order if name in model.observed()]
    assert list(order[: len(data)]) == data
    for place, name in enumerate(data):
        assert parents[name] == frozenset(data[:place])
    seen: set[Variable] = set()
    for name in order:
        assert parents[name] <= seen
        seen.add(name)


def test_the_edges_of_q_are_those_written() -> None:
    text = """
        model test
        observed x[1..2] : real
        latent a : real ~ normal
        latent b : real ~ normal
        q { x[1], b -> a; x -> b }
        minimize H(a)
    """
    model = model_of(text)
    order, parents = inference_dag(model, model.inference)
    assert order == ("x[1]", "x[2]", "b", "a")
    assert parents[Variable("a")] == {"x[1]", "b"}
    assert parents[Variable("b")] == {"x[1]", "x[2]"}


# ---- orders --------------------------------------------------------------------------------------

HEAD = """
model test
observed x[1..3] : real
latent z[1..3] : real ~ normal
q { x -> z }
"""


def networks(body: str) -> tuple[Model, Network]:
    model = model_of(f"{HEAD}minimize D(q || {{ {body} }})")
    return model, model.projections[0].network


@pytest.mark.parametrize(
    "body", ["z -> x", "x -> z", "x[1] -> z -> x[2..3]", "(x) -> z[1]; z[2]", "x; z", "(z) -> (x)"]
)
def test_orders_are_topological_and_keep_the_edges(body: str) -> None:
    model, network = networks(body)
    for dag in topological_orders(network, model):
        assert all(parent < place for place, above in enumerate(dag.parents) for parent in above)
        edges = {(dag.nodes[a], dag.nodes[b]) for b, above in enumerate(dag.parents) for a in above}
        assert edges == {
            (frozenset(network.nodes[a]), frozenset(network.nodes[b])) for a, b in network.edges
        }
        assert sorted(map(sorted, dag.nodes)) == sorted(map(sorted, network.nodes))


def test_orders_put_data_first_and_latents_first() -> None:
    model, network = networks("z; x")
    data_first, latents_first = topological_orders(network, model)
    names = [name for node in data_first.nodes for name in node]
    assert names == ["x[1]", "x[2]", "x[3]", "z[1]", "z[2]", "z[3]"]
    assert [name for node in latents_first.nodes for name in node] == names[3:] + names[:3]
    assert data_first == build_dag(network, model)


def test_one_order_is_told_once() -> None:
    model, network = networks("x[1] -> z[1]")
    assert len(topological_orders(network, model)) == 1


# ---- mistakes ------------------------------------------------------------------------------------


def mistakes(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as found:
        check_spec(Source("test.mib", text))
    return found.value.diagnostics


@by_seed
def test_cycles_are_those_of_networkx(seed: int) -> None:
    rng = random.Random(seed)
    names = [f"x[{k}]" for k in range(1, 4)] + [f"z[{k}]" for k in range(1, 4)]
    drawn = [(a, b) for a, b in (rng.sample(names, 2) for _ in range(rng.randint(2, 6)))]
    body = "; ".join(f"{a} -> {b}" for a, b in drawn)
    graph: nx.DiGraph[str] = nx.DiGraph(drawn)
    text = f"{HEAD}minimize D(q || {{ {body} }})"
    if nx.is_directed_acyclic_graph(graph):
        assert check_spec(Source("test.mib", text)).dags
        return
    (mistake,) = mistakes(text)
    assert isinstance(mistake, CyclicNetwork)
    walk = mistake.cycle.split(" -> ")
    assert walk[0] == walk[-1]
    assert all(graph.has_edge(a, b) for a, b in pairwise(walk))
    column = mistake.span.column - 1
    written = text.splitlines()[mistake.span.line - 1][column : mistake.span.end_column - 1]
    assert tuple(written.split(" -> ")) in set(pairwise(walk))


def test_a_cycle_is_told_once_for_a_network() -> None:
    text = f"{HEAD}network g(i, j) {{ x[i] -> z[j] -> x[i] }}\n"
    (mistake,) = mistakes(text + "minimize sum(i, j in pairs(1..3)) D(q || g(i, j))")
    assert isinstance(mistake, CyclicNetwork)
    assert mistake.network == "g(1,2)"


def test_an_edge_into_data_is_no_circle_as_well() -> None:
    text = HEAD.replace("x -> z }", "x -> z; z[1] -> x[1] }") + "minimize H(z)"
    (mistake,) = mistakes(text)
    assert isinstance(mistake, EdgeIntoObserved)


def test_of_an_incomplete_model_nothing_is_missed() -> None:
    text = HEAD.replace("x -> z }", "x -> z[1..2] }") + "minimize H(z)"
    (mistake,) = mistakes(text)
    assert isinstance(mistake, LatentHasNoEncoder)
    assert mistake.node == "z[3]"
    (other,) = mistakes(text.replace("q {", "q { x[1] z[3];"))
    assert other.code == "MIB102"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_shipped_specs_have_no_mistakes(spec: Path) -> None:
    checked = check_spec(Source.read(spec))
    assert check_model(checked.model, [one.network for one in checked.model.projections]) == ()
