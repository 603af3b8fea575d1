"""What a spec means: families, blocks, lines and weights, as the design's rules 1 to 3 say."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import permutations

import pytest

from graphdsl.compiler import check_spec, compile_spec, derive
from graphdsl.declare.errors import TooMany, UnknownName
from graphdsl.declare.index_errors import IndexOutOfRange
from graphdsl.declare.number_errors import NumberTooLarge, OutOfRange
from graphdsl.diagnostics import Diagnostic, Source, SpecError
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network, Via
from graphdsl.ir.notation import weight_text
from graphdsl.ir.objective import MultiInformation
from graphdsl.ir.symbols import Variable, variable
from graphdsl.ir.weight import ONE, Weight
from graphdsl.resolve import resolve
from graphdsl.syntax import parse
from tests.effort import calls, peak

HEAD = """
model test
observed x[1..2] : binary[8]
observed y : real[3]
latent z : real[4] ~ normal
latent u[1..3] : real ~ normal
"""
Q = "q { x, y -> z, u }\n"
P = "p { z, u -> x; z, u -> y }\n"


def resolved(text: str, **values: int | str) -> Model:
    """The model of a spec without mistakes, some of its constants and parameters replaced."""
    given = {name: Fraction(value) for name, value in values.items()}
    source = Source("test.mib", text)
    constants = {name: value for name, value in given.items() if f"const {name}" in text}
    parameters = {name: value for name, value in given.items() if f"param {name}" in text}
    assert constants.keys() | parameters.keys() == given.keys()
    resolution = resolve(parse(source)[0], source, constants, parameters)
    assert all(one.severity == "warning" for one in resolution.diagnostics), resolution.diagnostics
    assert resolution.model is not None
    return resolution.model


def mistakes(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as found:
        check_spec(Source("test.mib", text))
    return found.value.diagnostics


def network(body: str) -> Network:
    """The network that a body stands for."""
    model = resolved(f"{HEAD}{Q}minimize D(q || {{ {body} }})")
    return model.projections[0].network


def edges(body: str) -> set[tuple[str, str]]:
    """The edges of a network, each node by the names that it holds."""
    of = network(body)
    return {(",".join(of.nodes[a]), ",".join(of.nodes[b])) for a, b in of.edges}


def conditionals(q: str) -> tuple[Conditional, ...]:
    return resolved(f"{HEAD}q {{ {q} }}\nminimize H(y)").inference.conditionals


def weights(objective: str, declarations: str = "", **values: int | str) -> list[str]:
    """The weights of an objective, term by term."""
    model = resolved(f"{HEAD}{declarations}\n{Q}{P}{objective}", **values)
    return [weight_text(one.weight) for one in model.objective]


# ---- rule 1: networks are over the variables that they name --------------------------------------


def test_a_network_holds_what_it_names() -> None:
    assert network("z; u").variables == ("z", "u[1]", "u[2]", "u[3]")
    assert network("x[1] -> z").variables == ("x[1]", "z")
    assert network("y -> z; u[2]").edges == ((0, 1),)


def test_a_name_on_its_own_is_isolated() -> None:
    assert edges("z; u") == set()
    assert edges("z, u") == set()


def test_a_name_twice_is_one_node() -> None:
    assert network("y; y -> z; z, y").variables == ("y", "z")
    assert edges("y -> z; y -> z") == {("y", "z")}


def test_chains_are_edges_one_by_one() -> None:
    assert edges("x[1] -> z -> y") == {("x[1]", "z"), ("z", "y")}
    assert edges("x[1], x[2] -> z -> y, u[1]") == {
        ("x[1]", "z"), ("x[2]", "z"), ("z", "y"), ("z", "u[1]"),
    }  # fmt: skip


def test_only_q_has_its_data_completed() -> None:
    checked = check_spec(Source("test.mib", f"{HEAD}{Q}minimize D(q || {{ x; y; z }})"))
    assert not checked.independence.separated([variable("x[1]")], [variable("y")], ())
    (dag,) = checked.dags.values()
    assert all(parents == () for parents in dag.parents)


# ---- rule 2: families are several nodes, blocks are one ------------------------------------------


def test_a_bare_name_is_the_whole_family() -> None:
    assert network("y; u").nodes == (("y",), ("u[1]",), ("u[2]",), ("u[3]",))
    assert network("y; u").nodes == network("y; u[1..3]").nodes
    assert edges("y -> u") == {("y", f"u[{j}]") for j in (1, 2, 3)}
    assert edges("u[2..3] -> y") == {("u[2]", "y"), ("u[3]", "y")}


def test_parentheses_make_one_node() -> None:
    assert network("y; (u)").nodes == (("y",), ("u[1]", "u[2]", "u[3]"))
    assert network("(y, z) -> (x)").nodes == (("y", "z"), ("x[1]", "x[2]"))
    assert edges("(y, z) -> u[1..2]") == {("y,z", "u[1]"), ("y,z", "u[2]")}
    assert network("((y), (z, u[1]))").nodes == (("y", "z", "u[1]"),)


def test_a_block_of_one_is_that_one() -> None:
    assert network("(y); z").nodes == network("y; z").nodes


@pytest.mark.parametrize(
    ("body", "informations"),
    [
        ("y; u", "I(y; u) + TC(u)"),
        ("y; (u)", "I(y; u)"),
        ("(y, u)", "0"),
        ("(y) -> (u)", "0"),
        ("y -> u", "TC(u[1]; u[2]; u[3] | y)"),
        ("u -> y", "TC(u)"),
    ],
)
def test_what_families_and_blocks_are_worth(body: str, informations: str) -> None:
    text = f"{HEAD}{Q}{P}minimize KL(q || p)\nassert D(q || {{ {body} }}) == {informations}"
    (proof,) = derive(check_spec(Source("test.mib", text))).proofs
    assert proof.status == "proved"


# ---- rule 3: lines and networks ------------------------------------------------------------------


def test_one_line_is_one_network() -> None:
    (one,) = conditionals("x, y -> z, u")
    assert one.children == ("z", "u[1]", "u[2]", "u[3]")
    assert one.parents == ("x[1]", "x[2]", "y")


def test_one_network_for_each_value_of_an_index() -> None:
    first, second, third = conditionals("y -> u[j] for j in 1..3")
    assert [one.children for one in (first, second, third)] == [("u[1]",), ("u[2]",), ("u[3]",)]
    assert first.lines == second.lines == third.lines


def test_indices_are_computed_with() -> None:
    walk = conditionals("u[t - 1] -> u[t] for t in 2..3")
    assert [(one.parents, one.children) for one in walk] == [
        (("u[1]",), ("u[2]",)),
        (("u[2]",), ("u[3]",)),
    ]
    assert [one.children for one in conditionals("y -> u[4 - j] for j in 1..2")] == [
        ("u[3]",),
        ("u[2]",),
    ]


def test_pairs_are_ordered_and_of_two() -> None:
    made = edges("u[i] -> u[j] for i, j in pairs(1..3)")
    assert made == {(f"u[{i}]", f"u[{j}]") for i, j in permutations((1, 2, 3), 2)}


def test_lines_with_one_child_unite_its_parents() -> None:
    (one,) = conditionals("x[1] -> z\n y -> z\n x[2] -> z")
    assert one.parents == ("x[1]", "y", "x[2]")
    assert one.by == "joint"
    assert len(one.lines) == 3
    (looped,) = conditionals("x[i] -> z for i in 1..2")
    assert looped.parents == ("x[1]", "x[2]")


def test_under_poe_every_parent_is_an_expert() -> None:
    written = (
        "x[1], x[2] -> z by poe",
        "x -> z by poe",
        "x[i] -> z by poe for i in 1..2",
        "x[1] -> z by poe; x[2] -> z by poe",
    )
    for lines in written:
        (one,) = conditionals(lines)
        assert (one.by, one.parents) == ("poe", ("x[1]", "x[2]"))
    text = f"{HEAD}q {{ x -> z by poe }}\np {{ z -> x }}\nminimize KL(q || p)".replace(
        "latent u[1..3] : real ~ normal", ""
    )
    (slot, *_) = derive(check_spec(Source("test.mib", text))).module.networks
    assert slot.names == ("q(z|x[1])", "q(z|x[2])")


def test_children_with_other_lines_have_other_networks() -> None:
    shared, alone = conditionals("y -> z, u[1..2]; x[1] -> z")
    assert (shared.children, shared.parents) == (("z",), ("y", "x[1]"))
    assert (alone.children, alone.parents) == (("u[1]", "u[2]"), ("y",))


def test_via_is_what_the_lines_agree_on() -> None:
    (one,) = conditionals("y -> z via mlp(7, 5); x -> z")
    assert one.via == Via("mlp", (7, 5))
    (default,) = conditionals("y -> z")
    assert default.via == Via("mlp", (400, 400))


# ---- weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("minimize KL(q || p) - H(z)", ["1", "-1"]),
        ("maximize KL(q || p) - H(z)", ["-1", "1"]),
        ("minimize 2 * (H(z) - 3 * H(y)) / 4", ["0.5", "-1.5"]),
        ("minimize -(H(z) + -H(y))", ["-1", "1"]),
        ("minimize (beta - 1) * H(z) * 2", ["2*beta - 2"]),
        ("minimize (1 + beta) * (1 - beta) * H(z)", ["1 - beta*beta"]),
        ("minimize sum(i in 1..3) i * H(u[i])", ["1", "2", "3"]),
        ("minimize sum(i in 1..2) sum(j in 1..2) (i + 10 * j) * H(z)", ["11", "21", "12", "22"]),
        ("minimize (sum(i in 1..3) i) * H(z)", ["6"]),
        ("minimize width / 3 * H(z)", ["4"]),
        ("minimize 0.1 * H(z) + 0.2 * H(z)", ["0.1", "0.2"]),
    ],
)
def test_weights_are_exact(objective: str, expected: list[str]) -> None:
    assert weights(objective, "const width = 12\nparam beta = 2") == expected


def test_sums_of_pairs_of_networks() -> None:
    text = f"{HEAD}{Q}network g(i, j) {{ u[i] -> u[j] }}\n"
    model = resolved(text + "minimize sum(i, j in pairs(1..3)) D(q || g(i, j))")
    names = [one.network.name for one in model.projections]
    assert names == [f"g({i},{j})" for i, j in permutations((1, 2, 3), 2)]
    assert all(one.weight == ONE for one in model.projections)


def test_equal_networks_have_one_weight() -> None:
    text = f"{HEAD}param beta = 1\n{Q}minimize D(q || {{ y; z }}) + beta * D(q || {{ y; z }})"
    (only,) = resolved(text).projections
    assert only.weight == ONE + Weight.parameter("beta")


def test_a_total_correlation_of_a_family_is_of_its_members() -> None:
    (one,) = resolved(f"{HEAD}{Q}minimize TC(u)").objective
    (other,) = resolved(f"{HEAD}{Q}minimize TC(u[1]; u[2]; u[3])").objective
    assert one.functional == other.functional
    assert one.functional == MultiInformation(
        tuple(frozenset({Variable("u", (j,))}) for j in (1, 2, 3))
    )


# ---- constants, parameters, and their ranges -----------------------------------------------------


def test_constants_are_computed_in_order() -> None:
    model = resolved(f"const a = 2\nconst b = a * a + 1\n{HEAD}{Q}minimize b * H(z)")
    assert model.constants == (("a", Fraction(2)), ("b", Fraction(5)))


def test_constants_from_outside_reach_those_made_of_them() -> None:
    text = f"const a = 2\nconst b = a * a\n{HEAD}{Q}minimize b * H(z)".replace("[1..3]", "[1..b]")
    model = resolved(text, a=3)
    assert dict(model.constants) == {"a": 3, "b": 9}
    assert len(model.family("u").nodes) == 9


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("", 0, None),
        ("in 1..inf", 1, None),
        ("in -inf..inf", None, None),
        ("in -1..1", -1, 1),
        ("in -inf..2", None, 2),
        ("in 1 / 2..width", Fraction(1, 2), 3),
    ],
)
def test_ranges_of_parameters(written: str, low: Fraction | None, high: Fraction | None) -> None:
    text = f"const width = 3\n{HEAD}param beta = 1 {written}\n{Q}minimize beta * H(z)"
    (beta,) = resolved(text).parameters
    assert (beta.range.low, beta.range.high) == (low, high)


def test_parameters_from_outside_must_be_in_range() -> None:
    text = f"{HEAD}param beta = 2 in 1..3\n{Q}minimize beta * H(z)"
    assert resolved(text, beta="5/2").parameters[0].value == Fraction(5, 2)
    source = Source("test.mib", text)
    (mistake,) = resolve(parse(source)[0], source, {}, {"beta": Fraction(4)}).diagnostics
    assert isinstance(mistake, OutOfRange)
    assert mistake.value == "4"


def test_values_from_outside_must_be_in_reach() -> None:
    text = f"const n = 2\n{HEAD}param beta = 2\n{Q}minimize beta * n * H(z)"
    source = Source("test.mib", text)
    for constants, parameters in (({"n": 10**200}, {}), ({}, {"beta": 10**200})):
        given = [{name: Fraction(v) for name, v in one.items()} for one in (constants, parameters)]
        (mistake,) = resolve(parse(source)[0], source, *given).diagnostics
        assert isinstance(mistake, NumberTooLarge)


def test_values_from_outside_are_those_of_the_emitted_module() -> None:
    text = f"const width = 4\nparam beta = 2\n{HEAD}{Q}{P}minimize beta * KL(q || p)".replace(
        "real[4]", "real[width]"
    )
    made = compile_spec(Source("test.mib", text), {"width": Fraction(7)}, {"beta": Fraction(3)})
    assert 'Variable("z", role="latent", kind="real", shape=(7,))' in made.text
    assert "beta: float = 3.0" in made.text


# ---- what is refused quickly, and once -----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("[1..3]", "[1..1000000000]"),
        f"{HEAD}q {{ x[i] -> z for i in 1..1000000000 }}",
        f"{HEAD}{Q}minimize sum(i, j in pairs(1..1000000000)) H(z)",
        f"{HEAD}{Q}minimize sum(i in 1..5000) sum(j in 1..5000) sum(k in 1..5000) H(z)",
    ],
    ids=["members", "lines", "pairs", "nested sums"],
)
def test_huge_ranges_are_refused_before_they_are_written_out(text: str) -> None:
    whole = text + ("" if "minimize" in text else "\nminimize H(z)")
    assert any(isinstance(one, TooMany) for one in mistakes(whole))
    assert calls(partial(mistakes, whole)) < 6_000_000
    assert peak(partial(mistakes, whole)) < 64 * 2**20


def test_an_unknown_name_is_said_once() -> None:
    (mistake,) = mistakes(f"{HEAD}{Q}minimize H(w) + I(w; z)\n + H(w | z)\nassert H(w) == H(w)")
    assert isinstance(mistake, UnknownName)
    assert mistake.also == ", and appears in lines 9, 10 as well"


def test_a_range_that_is_too_long_is_one_mistake() -> None:
    (mistake,) = mistakes(f"{HEAD}{Q}minimize sum(i in 1..5) (H(u[i]) + H(x[i]))")
    assert isinstance(mistake, IndexOutOfRange)


def test_weights_do_not_explode() -> None:
    parameters = "\n".join(f"param a{k} = 1" for k in range(8))
    factor = "(" + " + ".join(f"a{k}" for k in range(8)) + ")"
    text = f"{parameters}\n{HEAD}{Q}minimize {' * '.join([factor] * 30)} * H(z)"
    (mistake,) = mistakes(text)
    assert isinstance(mistake, TooMany)
    assert calls(partial(mistakes, text)) < 3_000_000


def test_a_network_that_nothing_asks_for_is_still_read() -> None:
    (mistake,) = mistakes(f"{HEAD}{Q}network g(i) {{ x[i] -> w }}\nminimize H(z)")
    assert isinstance(mistake, UnknownName)


def test_an_inference_network_that_nothing_names_is_still_read() -> None:
    """It may bound an entropy: H(z | x) by r(z | x), and not by the prior."""
    text = f"{HEAD}{Q}{P}infer r {{ x -> z, u }}\nminimize KL(q || p) + I(z; y | x)"
    (network,) = resolved(text).further
    assert [name for (name,) in network.nodes] == ["x[1]", "x[2]", "z", "u[1]", "u[2]", "u[3]"]
    module = compile_spec(Source("test.mib", text)).compiled.module
    formulas = [one.formula for one in module.terms]
    assert "E_q KL(q(z | x, y) || r(z | x[1], x[2]))" in formulas
