"""Laws that the oracles obey before they may judge the compiler, and controls that must fail.

Every law is held against a formula written down here from scratch (entropies by a loop over cells,
log-determinants of plain submatrices), once for tables and once for Gaussians.
"""

import ast
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import networkx as nx
import numpy as np
import pytest

from tests.oracles import discrete, gaussian, graphs, networks
from tests.oracles.graphs import Block, Graph, Parents

EXACT = 1e-12
SEEN = 1e-3  #: a wrong formula has to be wrong by this much to be called wrong

#: A network with everything in it: dependent data, a latent chain, a latent collider.
PARENTS: Parents = {"x1": (), "x2": (), "x3": (), "z1": ["x1", "x2"], "z2": ["x3", "z1"]}
DATA = ("x1", "x2", "x3")


@dataclass(frozen=True)
class Against:
    """A random model p that follows G, seen from q."""

    kl: float
    cross_entropies: tuple[float, ...]  #: one per node, -E_q log p(v | Pa_v)


@dataclass(frozen=True)
class Judged:
    """One distribution with its oracle's words, and the entropy by hand."""

    names: tuple[str, ...]
    entropy: Callable[[Sequence[str]], float]
    conditional_entropy: Callable[[Sequence[str], Sequence[str]], float]
    information: Callable[[Sequence[str], Sequence[str], Sequence[str]], float]
    total_correlation: Callable[[Sequence[Sequence[str]], Sequence[str]], float]
    divergence: Callable[[Graph], float]
    random_model: Callable[[Graph, np.random.Generator], Against]
    projected_model: Callable[[Graph], Against]
    by_hand: Callable[[tuple[str, ...]], float]

    def h(self, names: Sequence[str], given: Sequence[str] = ()) -> float:
        """H(names | given) by hand."""
        return self.by_hand(_set(names, given)) - self.by_hand(_set(given))

    def i(self, a: Sequence[str], b: Sequence[str], given: Sequence[str] = ()) -> float:
        """I(a; b | given) by hand."""
        return self.h(a, given) - self.h(a, _set(b, given))

    def tc(self, names: Sequence[str]) -> float:
        """TC of single variables by hand."""
        return sum(self.h([name]) for name in names) - self.h(names)


Draw = Callable[[Parents, Sequence[str], int], Judged]
Conditional = TypeVar("Conditional")


def seen_by(
    kl_between: Callable[[Graph, Mapping[Block, Conditional]], float],
    cross_entropy: Callable[[Block, Block, Conditional], float],
    graph: Graph,
    model: Mapping[Block, Conditional],
) -> Against:
    return Against(
        kl_between(graph, model),
        tuple(cross_entropy(v, graphs.flatten(above), model[v]) for v, above in graph.items()),
    )


def posteriors(
    posterior_model: Callable[[Block, Block], Conditional], graph: Graph
) -> dict[Block, Conditional]:
    return {v: posterior_model(v, graphs.flatten(above)) for v, above in graph.items()}


def draw_discrete(parents: Parents, observed: Sequence[str], seed: int) -> Judged:
    rng = np.random.default_rng(seed)
    cards = {name: int(rng.integers(2, 4 if len(parents) < 6 else 3)) for name in parents}
    return judge_table(discrete.random_joint(parents, observed, cards, rng))


def judge_table(q: discrete.Joint) -> Judged:
    cards = dict(zip(q.names, q.table.shape, strict=True))
    seen = partial(seen_by, partial(discrete.kl_between, q), partial(discrete.cross_entropy, q))
    tight = partial(posteriors, partial(discrete.posterior_model, q))
    return Judged(
        names=q.names,
        entropy=partial(discrete.entropy, q),
        conditional_entropy=partial(discrete.conditional_entropy, q),
        information=partial(discrete.mutual_information, q),
        total_correlation=partial(discrete.total_correlation, q),
        divergence=partial(discrete.projection_divergence, q),
        random_model=lambda graph, rng: seen(graph, discrete.random_model(graph, cards, rng)),
        projected_model=lambda graph: seen(graph, tight(graph)),
        by_hand=cache(partial(_cells_entropy, q)),
    )


def draw_gaussian(parents: Parents, observed: Sequence[str], seed: int) -> Judged:
    rng = np.random.default_rng(seed)
    dims = {name: int(rng.integers(1, 3)) for name in parents}
    q = gaussian.random_linear_gaussian(parents, observed, dims, rng)
    seen = partial(seen_by, partial(gaussian.kl_between, q), partial(gaussian.cross_entropy, q))
    tight = partial(posteriors, partial(gaussian.posterior_model, q))
    return Judged(
        names=q.names,
        entropy=partial(gaussian.entropy, q),
        conditional_entropy=partial(gaussian.conditional_entropy, q),
        information=partial(gaussian.mutual_information, q),
        total_correlation=partial(gaussian.total_correlation, q),
        divergence=partial(gaussian.projection_divergence, q),
        random_model=lambda graph, rng: seen(graph, gaussian.random_model(graph, dims, rng)),
        projected_model=lambda graph: seen(graph, tight(graph)),
        by_hand=cache(partial(_submatrix_entropy, q)),
    )


both_oracles = pytest.mark.parametrize(
    "draw", [pytest.param(draw_discrete, id="discrete"), pytest.param(draw_gaussian, id="gaussian")]
)
seeds = pytest.mark.parametrize("seed", range(12))


# Entropies and informations


def test_entropy_of_a_small_table_is_the_one_on_paper() -> None:
    xy = discrete.Joint(names=("x", "y"), table=np.array([[1 / 2, 1 / 4], [1 / 8, 1 / 8]]))
    assert discrete.entropy(xy, ["x", "y"]) == pytest.approx(7 / 4 * math.log(2), abs=EXACT)
    assert discrete.entropy(xy, ["x"]) == pytest.approx(
        2 * math.log(2) - 3 / 4 * math.log(3), abs=EXACT
    )
    assert discrete.conditional_entropy(xy, ["x"], ["x"]) == 0.0
    assert discrete.entropy(xy, []) == 0.0


def test_parity_is_seen_only_by_all_three() -> None:
    table = np.zeros((2, 2, 2))
    for x, y in itertools.product(range(2), repeat=2):
        table[x, y, x ^ y] = 1 / 4
    parity = discrete.Joint(names=("x", "y", "s"), table=table)
    assert discrete.mutual_information(parity, ["x"], ["s"]) == pytest.approx(0, abs=EXACT)
    assert discrete.mutual_information(parity, ["x"], ["s"], ["y"]) == pytest.approx(
        math.log(2), abs=EXACT
    )
    assert discrete.total_correlation(parity, [["x"], ["y"], ["s"]]) == pytest.approx(
        math.log(2), abs=EXACT
    )


def test_information_of_correlated_normals_is_the_one_on_paper() -> None:
    rho = 0.6
    covariance = np.array([[4.0, 2 * rho], [2 * rho, 1.0]])
    xy = gaussian.LinearGaussian(names=("x", "y"), dims=(1, 1), covariance=covariance)
    unit = math.log(2 * math.pi * math.e) / 2
    assert gaussian.entropy(xy, ["x"]) == pytest.approx(unit + math.log(2), abs=EXACT)
    assert gaussian.conditional_entropy(xy, ["y"], ["x"]) == pytest.approx(
        unit + math.log(0.8), abs=EXACT
    )
    assert gaussian.mutual_information(xy, ["x"], ["y"]) == pytest.approx(-math.log(0.8), abs=EXACT)


@both_oracles
@seeds
def test_every_word_agrees_with_entropies_by_hand(draw: Draw, seed: int) -> None:
    pair = networks.random_pair(np.random.default_rng(seed), 5)
    q = draw(pair.parents_q, pair.observed, seed)
    a, b, c, d, e = (q.names[i] for i in np.random.default_rng(seed).permutation(5))
    assert q.entropy([a, c]) == pytest.approx(q.h([a, c]), abs=EXACT)
    assert q.conditional_entropy([a, b], [c]) == pytest.approx(q.h([a, b], [c]), abs=EXACT)
    assert q.information([a, b], [c], [d, e]) == pytest.approx(q.i([a, b], [c], [d, e]), abs=EXACT)
    by_hand = q.h([a, b], [e]) + q.h([c], [e]) + q.h([d], [e]) - q.h([a, b, c, d], [e])
    assert q.total_correlation([[a, b], [c], [d]], [e]) == pytest.approx(by_hand, abs=EXACT)


@both_oracles
@seeds
def test_total_correlation_groups(draw: Draw, seed: int) -> None:
    """P13: TC(all) = TC(groups) + sum_g TC(inside g)."""
    q = draw(PARENTS, DATA, seed)
    groups = [["x1", "z2"], ["x2", "x3", "z1"]]
    inside = sum(q.total_correlation([[name] for name in group], ()) for group in groups)
    between = q.total_correlation(groups, ())
    whole = q.total_correlation([[name] for name in q.names], ())
    assert whole == pytest.approx(between + inside, abs=EXACT)
    assert abs(whole - between) > SEEN


def test_a_variable_shares_its_entropy_with_itself() -> None:
    q = discrete.random_joint({"x": (), "y": ["x"]}, ["x"], 3, np.random.default_rng(0))
    assert discrete.mutual_information(q, ["x"], ["x"]) == pytest.approx(
        discrete.entropy(q, ["x"]), abs=EXACT
    )
    assert discrete.mutual_information(q, ["x", "y"], ["x"], ["y"]) == pytest.approx(
        discrete.conditional_entropy(q, ["x"], ["y"]), abs=EXACT
    )
    assert discrete.mutual_information(q, ["x"], ["y"], ["x"]) == pytest.approx(0, abs=EXACT)


# The M-projection


@both_oracles
@seeds
@pytest.mark.parametrize("n", range(3, 8))
def test_four_forms_of_the_divergence_agree(draw: Draw, n: int, seed: int) -> None:
    """P1, blocks and subset networks included."""
    pair = networks.random_pair(np.random.default_rng(100 * n + seed), n)
    q = draw(pair.parents_q, pair.observed, seed)
    divergence = q.divergence(pair.graph)
    assert entropy_form(q, pair.graph) == pytest.approx(divergence, abs=EXACT)
    assert multi_information_form(q, pair.graph) == pytest.approx(divergence, abs=EXACT)
    order = graphs.topological_order(pair.graph)
    assert sum(local_markov_form(q, pair.graph, order)) == pytest.approx(divergence, abs=EXACT)


@both_oracles
def test_the_total_keeps_its_value_under_another_order_and_the_summands_do_not(draw: Draw) -> None:
    """P1: pred(v) may come from any topological order."""
    q = draw(PARENTS, DATA, 0)
    graph: Graph = {("x1",): (), ("x2",): (), ("x3",): (), ("z1",): [("x1",)]}
    orders = [
        order
        for order in itertools.permutations(graph)
        if order.index(("x1",)) < order.index(("z1",))
    ]
    summands = [local_markov_form(q, graph, order) for order in orders]
    for some in summands:
        assert sum(some) == pytest.approx(q.divergence(graph), abs=EXACT)
    assert max(abs(max(some) - max(summands[0])) for some in summands) > SEEN


@both_oracles
@seeds
def test_plausible_wrong_forms_are_told_from_the_right_one(draw: Draw, seed: int) -> None:
    q = draw(PARENTS, DATA, seed)
    graph: Graph = {
        ("x1",): (),
        ("x2",): [("x1",)],
        ("z1",): [("x1",)],
        ("z2",): [("z1",), ("x2",)],
    }
    order = graphs.topological_order(graph)
    right = q.divergence(graph)
    names = graphs.flatten(order)
    unconditional = sum(
        q.i(v, sorted(set(graphs.flatten(order[:k])) - set(graphs.flatten(graph[v]))))
        for k, v in enumerate(order)
    )
    marginals_only = q.tc(names)
    whole_of_q = sum(q.h(v, graphs.flatten(graph[v])) for v in order) - q.h(q.names)
    reverse = sum(q.i(v, graphs.flatten(graph[v])) for v in order) - q.tc(names)
    assert entropy_form(q, graph) == pytest.approx(right, abs=EXACT)
    for wrong in (unconditional, marginals_only, whole_of_q, reverse):
        assert abs(wrong - right) > SEEN


@both_oracles
@seeds
def test_divergence_is_zero_when_the_joint_follows_the_network(draw: Draw, seed: int) -> None:
    pair = networks.random_pair(np.random.default_rng(seed), 5)
    q = draw(pair.parents_q, pair.observed, seed)
    follows = networks.inference_graph(pair.parents_q, pair.observed)
    assert q.divergence(follows) == pytest.approx(0, abs=EXACT)


@seeds
def test_divergence_of_the_projection_is_zero(seed: int) -> None:
    """q^G follows G, whatever G is, blocks included."""
    rng = np.random.default_rng(seed)
    pair = networks.random_pair(rng, 6)
    table = discrete.random_joint(pair.parents_q, pair.observed, 2, rng)
    projected = discrete.projection(table, pair.graph)
    assert discrete.projection_divergence(projected, pair.graph) == pytest.approx(0, abs=EXACT)
    normal = gaussian.random_linear_gaussian(pair.parents_q, pair.observed, 2, rng)
    rebuilt = gaussian.projection(normal, pair.graph)
    assert gaussian.projection_divergence(rebuilt, pair.graph) == pytest.approx(0, abs=EXACT)


@seeds
def test_divergence_is_zero_only_when_the_joint_follows_the_network(seed: int) -> None:
    """Pinsker: D >= |q - q^G|^2 / 2, so that D = 0 leaves no room for another table."""
    rng = np.random.default_rng(seed)
    pair = networks.random_pair(rng, 4)
    q = discrete.random_joint(pair.parents_q, pair.observed, 2, rng)
    projected = discrete.projection(q, pair.graph)
    distance = np.abs(discrete.marginal(q, projected.names).table - projected.table).sum()
    assert discrete.projection_divergence(q, pair.graph) >= distance**2 / 2 - EXACT


@both_oracles
def test_divergence_is_positive_when_an_edge_is_missing(draw: Draw) -> None:
    """The negative control of the two laws above."""
    whole = networks.inference_graph(PARENTS, DATA)
    q = draw(PARENTS, DATA, 0)
    for child, parents in whole.items():
        for parent in parents:
            assert q.divergence(without_edge(whole, parent, child)) > SEEN


@both_oracles
@seeds
def test_projection_does_not_move_what_the_network_keeps(draw: Draw, seed: int) -> None:
    """q^G has q's families q(v, Pa_v): its cross-entropies are entropies, and KL(q||q^G) = D."""
    pair = networks.random_pair(np.random.default_rng(seed), 5)
    q = draw(pair.parents_q, pair.observed, seed)
    own = q.projected_model(pair.graph)
    assert own.kl == pytest.approx(q.divergence(pair.graph), abs=EXACT)
    for ce, (v, above) in zip(own.cross_entropies, pair.graph.items(), strict=True):
        assert ce == pytest.approx(q.h(v, graphs.flatten(above)), abs=EXACT)


@both_oracles
@seeds
@pytest.mark.parametrize("n", [3, 5, 6])
def test_pythagoras(draw: Draw, n: int, seed: int) -> None:
    """P4: KL(q||p) = D(q||G) + sum_v E KL(q(v|Pa) || p(v|Pa)) for every p that follows G."""
    rng = np.random.default_rng(100 * n + seed)
    pair = networks.random_pair(rng, n)
    q = draw(pair.parents_q, pair.observed, seed)
    model = q.random_model(pair.graph, rng)
    gaps = [
        ce - q.h(v, graphs.flatten(above))
        for ce, (v, above) in zip(model.cross_entropies, pair.graph.items(), strict=True)
    ]
    assert min(gaps) >= -EXACT
    assert max(gaps) > SEEN
    assert model.kl == pytest.approx(q.divergence(pair.graph) + sum(gaps), abs=EXACT)


@both_oracles
@seeds
def test_markov_equivalent_networks_have_equal_divergence(draw: Draw, seed: int) -> None:
    """P5: turning a covered edge keeps skeleton and v-structures."""
    rng = np.random.default_rng(seed)
    pair = networks.random_pair(rng, 6)
    q = draw(pair.parents_q, pair.observed, seed)
    divergence = q.divergence(pair.graph)
    for parent, child in covered_edges(pair.graph):
        turned = turn_edge(pair.graph, parent, child)
        assert q.divergence(turned) == pytest.approx(divergence, abs=EXACT)


def test_covered_edges_are_found() -> None:
    """The law above is not empty."""
    pairs = [networks.random_pair(np.random.default_rng(seed), 6) for seed in range(12)]
    assert sum(len(covered_edges(pair.graph)) for pair in pairs) >= 12


@both_oracles
@seeds
def test_a_collider_is_not_equivalent_to_a_chain(draw: Draw, seed: int) -> None:
    q = draw(PARENTS, DATA, seed)
    chain: Graph = {("x1",): (), ("z1",): [("x1",)], ("x2",): [("z1",)]}
    collider: Graph = {("x1",): (), ("x2",): (), ("z1",): [("x1",), ("x2",)]}
    assert abs(q.divergence(chain) - q.divergence(collider)) > SEEN


@both_oracles
@seeds
def test_removing_an_edge_costs_its_conditional_information(draw: Draw, seed: int) -> None:
    """P4c, with the amount: D(G - (a -> v)) = D(G) + I(v; a | Pa_v - a)."""
    pair = networks.random_pair(np.random.default_rng(seed), 5)
    q = draw(pair.parents_q, pair.observed, seed)
    divergence = q.divergence(pair.graph)
    for v, above in pair.graph.items():
        for a in above:
            fewer = without_edge(pair.graph, a, v)
            cost = q.i(v, a, graphs.flatten(fewer[v]))
            assert cost >= -EXACT
            assert q.divergence(fewer) == pytest.approx(divergence + cost, abs=EXACT)


@both_oracles
@seeds
def test_a_network_on_some_variables_is_its_completion(draw: Draw, seed: int) -> None:
    """P6, and the control: isolating the rest says something else."""
    rng = np.random.default_rng(seed)
    q = draw(PARENTS, DATA, seed)
    kept = [q.names[i] for i in sorted(rng.choice(5, size=3, replace=False).tolist())]
    rest = [name for name in q.names if name not in kept]
    graph: Graph = {(kept[0],): (), (kept[1],): [(kept[0],)], (kept[2],): ()}
    whole = networks.completed(graph, rest)
    assert set(graphs.flatten(list(whole))) == set(q.names)
    assert q.divergence(whole) == pytest.approx(q.divergence(graph), abs=EXACT)
    isolated: Graph = {**graph, **{(name,): () for name in rest}}
    assert q.divergence(isolated) - q.divergence(graph) > SEEN


@both_oracles
@seeds
def test_multi_information_is_the_sum_over_the_completed_network(draw: Draw, seed: int) -> None:
    """P7, and its control: without the observed edges the sum misses the data's TC, exactly."""
    q = draw(PARENTS, DATA, seed)
    complete = networks.inference_graph(PARENTS, DATA)
    bare = graphs.singletons(PARENTS)
    tc = q.tc(q.names)
    assert parent_information(q, complete) == pytest.approx(tc, abs=EXACT)
    assert tc - parent_information(q, bare) > SEEN
    assert parent_information(q, bare) + q.tc(DATA) == pytest.approx(tc, abs=EXACT)


@both_oracles
@seeds
def test_a_block_is_its_complete_subnetwork(draw: Draw, seed: int) -> None:
    """A block says nothing about the inside of the block; separate nodes deny their TC."""
    q = draw(PARENTS, DATA, seed)
    blocks: Graph = {("x1",): (), ("z1", "x2"): [("x1",)], ("x3",): [("z1", "x2")]}
    opened: Graph = {
        ("x1",): (),
        ("z1",): [("x1",)],
        ("x2",): [("x1",), ("z1",)],
        ("x3",): [("x2",), ("z1",)],
    }
    assert q.divergence(blocks) == pytest.approx(q.divergence(opened), abs=EXACT)
    apart = without_edge(opened, ("z1",), ("x2",))
    assert q.divergence(apart) - q.divergence(blocks) > SEEN


# What q does and does not promise


@seeds
@pytest.mark.parametrize("n", [4, 5])
def test_separated_and_independent_are_the_same(n: int, seed: int) -> None:
    """P2 in both directions, with the observed edges completed: q is faithful to G^q."""
    rng = np.random.default_rng(100 * n + seed)
    pair = networks.random_pair(rng, n)
    table = discrete.random_joint(pair.parents_q, pair.observed, 2, rng)
    normal = draw_gaussian(pair.parents_q, pair.observed, seed)
    dag = to_networkx(networks.inference_graph(pair.parents_q, pair.observed))
    for a, b in itertools.combinations(table.names, 2):
        others = [name for name in table.names if name not in (a, b)]
        for given in itertools.chain.from_iterable(
            itertools.combinations(others, size) for size in range(len(others) + 1)
        ):
            separated = nx.is_d_separator(dag, {a}, {b}, set(given))
            assert networks.independent(table, [a], [b], given) == separated
            information = discrete.mutual_information(table, [a], [b], given)
            assert (information < EXACT) == separated
            assert (normal.information([a], [b], given) < EXACT) == separated


def test_without_observed_edges_separation_would_promise_too_much() -> None:
    """The control of the law above: data are not independent because no edge was drawn."""
    q = discrete.random_joint(PARENTS, DATA, 2, np.random.default_rng(0))
    dag = to_networkx(graphs.singletons(PARENTS))
    assert nx.is_d_separator(dag, {"x1"}, {"x3"}, set())
    assert not networks.independent(q, ["x1"], ["x3"])
    assert discrete.mutual_information(q, ["x1"], ["x3"]) > SEEN


def test_independence_of_groups_is_read_from_all_their_cells() -> None:
    """Parity: the sum is independent of either addend, not of the two together."""
    table = np.zeros((2, 2, 2))
    for x, y in itertools.product(range(2), repeat=2):
        table[x, y, x ^ y] = 1 / 4
    parity = discrete.Joint(names=("x", "y", "s"), table=table)
    assert networks.independent(parity, ["s"], ["x"])
    assert not networks.independent(parity, ["s"], ["x", "y"])
    assert not networks.independent(parity, ["s"], ["x"], ["y"])


# Cells without probability


def test_a_copy_makes_the_divergence_a_conditional_entropy() -> None:
    """P15: D(q || x -> z -> x') = H(x | z), although most cells are zero."""
    q = discrete.random_joint({"x": (), "z": ["x"]}, ["x"], 3, np.random.default_rng(0))
    both = discrete.copied(q, "x", "x'")
    chain: Graph = {("x",): (), ("z",): [("x",)], ("x'",): [("z",)]}
    assert discrete.projection_divergence(both, chain) == pytest.approx(
        discrete.conditional_entropy(q, ["x"], ["z"]), abs=EXACT
    )
    assert four_forms_spread(judge_table(both), chain) < EXACT


@seeds
def test_laws_hold_where_parents_never_take_some_values(seed: int) -> None:
    """q(v | Pa) is not defined there, and no law depends on it."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(36)).reshape(3, 3, 2, 2)
    table[0, :, 1], table[1, 1] = 0, 0
    q = judge_table(discrete.Joint(names=tuple("abcd"), table=table / table.sum()))
    collider: Graph = {("a",): (), ("b",): (), ("c",): [("a",), ("b",)], ("d",): [("c",)]}
    assert four_forms_spread(q, collider) < EXACT
    blocks: Graph = {("a", "c"): (), ("d", "b"): [("a", "c")]}
    assert q.divergence(blocks) == pytest.approx(0, abs=EXACT)
    projected = discrete.projection(
        discrete.Joint(names=tuple("abcd"), table=table / table.sum()), collider
    )
    assert projected.table.sum() == pytest.approx(1, abs=EXACT)


def test_a_model_that_rules_out_the_data_is_infinitely_far() -> None:
    q = discrete.Joint(names=("x",), table=np.array([0.5, 0.5]))
    graph: Graph = {("x",): ()}
    sure: dict[Block, discrete.Table] = {("x",): np.array([1.0, 0.0])}
    assert discrete.kl_between(q, graph, sure) == math.inf
    assert discrete.cross_entropy(q, ["x"], [], sure[("x",)]) == math.inf


# Divergences against formulas of another kind


@seeds
def test_table_divergence_is_the_loop_over_cells(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = discrete.random_joint({"x": (), "y": (), "z": ["x", "y"]}, ["x", "y"], 2, rng)
    graph: Graph = {("z",): (), ("x",): [("z",)], ("y",): [("z",), ("x",)]}
    model = discrete.random_model(graph, 2, rng)
    p_z, p_x, p_y = (model[node] for node in graph)
    by_hand = math.fsum(
        mass * math.log(mass / (p_z[z] * p_x[z, x] * p_y[z, x, y]))
        for (x, y, z), mass in np.ndenumerate(q.table)
    )
    assert discrete.kl_between(q, graph, model) == pytest.approx(by_hand, abs=EXACT)


@seeds
def test_gaussian_divergence_is_the_one_of_the_relative_spectrum(seed: int) -> None:
    """KL = sum_i (l_i - 1 - log l_i) / 2 over the eigenvalues of Sigma_p^-1 Sigma_q."""
    rng = np.random.default_rng(seed)
    q = gaussian.random_linear_gaussian({"x": (), "z": ["x"]}, ["x"], 2, rng)
    graph: Graph = {("z",): (), ("x",): [("z",)]}
    p = gaussian.random_model(graph, 2, rng)
    prior, decoder = p[("z",)].noise, p[("x",)]
    across = decoder.weights @ prior
    own = across @ decoder.weights.T + decoder.noise
    sigma_p = np.block([[own, across], [across.T, prior]])
    ratio = np.linalg.eigvals(np.linalg.solve(sigma_p, q.covariance)).real
    by_hand = float(np.sum(ratio - 1 - np.log(ratio))) / 2
    assert gaussian.kl_between(q, graph, p) == pytest.approx(by_hand, abs=EXACT)


# The oracles themselves


@pytest.mark.parametrize("n", range(3, 8))
def test_random_pairs_are_what_they_say(n: int) -> None:
    for seed in range(40):
        pair = networks.random_pair(np.random.default_rng(seed), n)
        assert pair == networks.random_pair(np.random.default_rng(seed), n)
        assert len(pair.parents_q) == n
        assert 1 <= len(pair.observed) <= 4
        for name, above in pair.parents_q.items():
            assert bool(above) != (name in pair.observed)
        assert set(graphs.topological_order(pair.parents_q)) == set(pair.parents_q)
        flat = graphs.flatten(graphs.topological_order(pair.graph))
        assert len(flat) == len(set(flat)) >= 2
        assert set(flat) <= set(pair.parents_q)


def test_random_pairs_reach_every_kind_of_network() -> None:
    pairs = [networks.random_pair(np.random.default_rng(seed), 5) for seed in range(40)]
    used = [[above for parents in pair.graph.values() for above in parents] for pair in pairs]
    counts = {
        "all variables": sum(len(graphs.flatten(list(p.graph))) == 5 for p in pairs),
        "some variables": sum(len(graphs.flatten(list(p.graph))) < 5 for p in pairs),
        "blocks": sum(any(len(node) > 1 for node in p.graph) for p in pairs),
        "isolated nodes": sum(
            any(not above and node not in edges for node, above in p.graph.items())
            for p, edges in zip(pairs, used, strict=True)
        ),
        "latents of latents": sum(
            any(parent.startswith("z") for above in p.parents_q.values() for parent in above)
            for p in pairs
        ),
    }
    assert min(counts.values()) >= 8, counts


def test_oracles_share_no_code_with_the_compiler() -> None:
    allowed = {
        "collections",
        "dataclasses",
        "functools",
        "itertools",
        "math",
        "numpy",
        "tests",
        "typing",
    }
    for path in Path(networks.__file__).parent.glob("*.py"):
        for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(statement, ast.ImportFrom):
                assert (statement.module or "").split(".")[0] in allowed, path.name
                assert statement.level == 0, path.name
            elif isinstance(statement, ast.Import):
                assert {alias.name.split(".")[0] for alias in statement.names} <= allowed


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="sums to one"):
        discrete.Joint(names=("x",), table=np.array([0.5, 0.4]))
    with pytest.raises(ValueError, match="do not name the axes"):
        discrete.Joint(names=("x", "x"), table=np.full((2, 2), 0.25))
    with pytest.raises(ValueError, match="positive definite"):
        gaussian.LinearGaussian(names=("x",), dims=(2,), covariance=np.ones((2, 2)))
    with pytest.raises(ValueError, match="cycle"):
        discrete.random_joint({"a": ["b"], "b": ["a"]}, [], 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no node of the network"):
        graphs.topological_order({"a": ["b"]})
    x = discrete.Joint(names=("x",), table=np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="not among"):
        discrete.entropy(x, ["y"])
    with pytest.raises(ValueError, match="delta"):
        gaussian.mutual_information(
            gaussian.LinearGaussian(names=("x",), dims=(1,), covariance=np.eye(1)), ["x"], ["x"]
        )


def test_a_distribution_cannot_be_changed() -> None:
    x = discrete.Joint(names=("x",), table=np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="read-only"):
        x.table[0] = 1.0


# Formulas written down from scratch


def entropy_form(q: Judged, graph: Graph) -> float:
    """sum_v H(v | Pa_v) - H(V)."""
    local = sum(q.h(v, graphs.flatten(above)) for v, above in graph.items())
    return local - q.h(graphs.flatten(list(graph)))


def multi_information_form(q: Judged, graph: Graph) -> float:
    """TC(V) - sum_v I(v; Pa_v) over blocks (paper eq. 1)."""
    tc = sum(q.h(v) for v in graph) - q.h(graphs.flatten(list(graph)))
    return tc - parent_information(q, graph)


def local_markov_form(q: Judged, graph: Graph, order: Sequence[Block]) -> list[float]:
    """I(v; pred(v) - Pa_v | Pa_v) for every v."""
    return [
        q.i(
            v, graphs.flatten([u for u in order[:k] if u not in graph[v]]), graphs.flatten(graph[v])
        )
        for k, v in enumerate(order)
    ]


def four_forms_spread(q: Judged, graph: Graph) -> float:
    order = graphs.topological_order(graph)
    forms = (
        q.divergence(graph),
        entropy_form(q, graph),
        multi_information_form(q, graph),
        sum(local_markov_form(q, graph, order)),
    )
    return max(forms) - min(forms)


def parent_information(q: Judged, graph: Graph) -> float:
    """sum_v I(v; Pa_v)."""
    return sum(q.i(v, graphs.flatten(above)) for v, above in graph.items())


def without_edge(graph: Graph, parent: Block, child: Block) -> Graph:
    return {
        node: tuple(above for above in parents if (above, node) != (parent, child))
        for node, parents in graph.items()
    }


def covered_edges(graph: Graph) -> list[tuple[Block, Block]]:
    """Edges a -> b with Pa_b = Pa_a + a, which can be turned within the equivalence class."""
    return [
        (a, b) for b, parents in graph.items() for a in parents if set(parents) == {*graph[a], a}
    ]


def turn_edge(graph: Graph, parent: Block, child: Block) -> Graph:
    fewer = without_edge(graph, parent, child)
    return {**fewer, parent: (*fewer[parent], child)}


def to_networkx(graph: Graph) -> "nx.DiGraph[str]":
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(graphs.flatten(list(graph)))
    dag.add_edges_from((a, b) for (b,), above in graph.items() for (a,) in above)
    return dag


def _set(*groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({name for group in groups for name in group}))


def _cells_entropy(q: discrete.Joint, names: tuple[str, ...]) -> float:
    """-sum p log p, one cell after the other."""
    mass: dict[tuple[int, ...], float] = {}
    axes = [q.names.index(name) for name in names]
    for cell, probability in np.ndenumerate(q.table):
        key = tuple(cell[axis] for axis in axes)
        mass[key] = mass.get(key, 0.0) + probability
    return -math.fsum(p * math.log(p) for p in mass.values() if p > 0)


def _submatrix_entropy(q: gaussian.LinearGaussian, names: tuple[str, ...]) -> float:
    """H(S) = log det(2 pi e Sigma_SS) / 2, by eigenvalues."""
    keep = np.repeat([name in names for name in q.names], q.dims)
    spectrum = np.linalg.eigvalsh(q.covariance[np.ix_(keep, keep)])
    return float(np.sum(np.log(2 * math.pi * math.e * spectrum))) / 2
