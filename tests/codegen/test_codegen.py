"""Templates and their views, weights as Python, and a spec that tries to get out of its comment."""

from __future__ import annotations

import ast
import re
from dataclasses import fields

import pytest
import torch

from graphdsl.codegen.environment import TEMPLATES, holes
from graphdsl.codegen.expressions import reference, weight
from graphdsl.codegen.flat import printed
from graphdsl.codegen.networks import network_names
from graphdsl.ir.values import Ref, Value
from graphdsl.ir.weight import Weight
from graphdsl.slots.inherited import OF_THE_CLASS
from graphdsl.slots.reserved import why_reserved
from graphdsl.slots.words import OF_THE_RUNTIME
from tests.emitted import ROOT, emitted_class, emitted_text
from tests.recorded import inherited_names, inherited_text


@pytest.mark.parametrize("view", TEMPLATES, ids=lambda view: view.__name__)
def test_template_and_view_agree(view: type) -> None:
    assert holes(TEMPLATES[view]) == {field.name for field in fields(view)}


def test_weights_are_python() -> None:
    a, b = Weight.parameter("a"), Weight.parameter("b")
    for value in (a, a + b.scaled(2), (a - Weight.number(1)) * (b + Weight.number(3)), -a):

        class Self:
            a, b = 0.7, 1.9

        exact = sum(
            float(coefficient) * (Self.a ** m.count("a")) * (Self.b ** m.count("b"))
            for m, coefficient in value
        )
        assert eval(printed(weight(value)), {"self": Self}) == pytest.approx(exact)


def test_members_by_place() -> None:
    x = list(range(10))
    for places in ((0,), (1, 2, 3), (3, 1)):
        text = printed(reference(Ref(Value("x"), places))).replace(":, ", "")
        if text.startswith("x[["):
            assert text == f"x[{list(places)}]"
        else:
            assert eval(text, {"x": x}) == [x[place] for place in places]


def test_names_of_a_family_evaluate_to_themselves() -> None:
    names = [f"q(u[{i}]|x[{i}],z)" for i in range(3, 9)]
    assert eval(printed(network_names(names))) == names
    for odd in (
        ["q(u[1]|x[2])", "q(u[2]|x[1])"],
        ["q(u[1,1]|x)", "q(u[1,2]|x)", "q(u[2,1]|x)"],
        ["q(u[1]|x)", "q(u[3]|x)", "q(u[2]|x)"],
        ["q(u[9]|x)", "q(u[10]|x)"],
        ["q(u[01]|x)", "q(u[02]|x)"],
        ["q({u[1]}|x)", "q({u[2]}|x)"],
    ):
        assert eval(printed(network_names(odd))) == odd


def test_a_comment_cannot_reach_the_code() -> None:
    text = '# """\nimport os\n'.replace("\nimport", " import") + (
        '# \\""" + __import__("os").system("true") #\n'
        "model safe\nobserved x : binary\nlatent z : real ~ normal\n"
        "q { x -> z }\np { z -> x }\nminimize KL(q || p)\n"
    )
    tree = ast.parse(emitted_text(text))
    assert [type(node) for node in tree.body] == [
        ast.Expr, ast.ImportFrom, ast.Assign, ast.Import, ast.ImportFrom, ast.ClassDef,
    ]  # fmt: skip
    assert "os" not in {name.id for name in ast.walk(tree) if isinstance(name, ast.Name)}


TITLES = [
    'a "quoted" word, and an end in "quotes"', 'three """ quotes', "it's", "{braces} and }{",
    "a back\\slash and \\n", "統計 ∑ é", '"', '""""', "{{ x }}",
    "{% raw %}", "# more", "\\",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_in_the_docstrings_as_it_is(title: str) -> None:
    text = (
        f"# {title}\nmodel safe\nobserved x : binary\nlatent z : real ~ normal\n"
        "q { x -> z }\np { z -> x }\nminimize KL(q || p)\n"
    )
    tree = ast.parse(emitted_text(text))
    of_class = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    for node in (tree, of_class):
        found = ast.get_docstring(node, clean=False)
        assert found is not None
        assert " ".join(found.split()).startswith(title), found


def test_the_names_that_a_class_inherits_are_recorded(request: pytest.FixtureRequest) -> None:
    """No parameter may have one of them. `--update-golden` records what the runtime has gained."""
    path = ROOT / "graphdsl" / "slots" / "inherited.py"
    if request.config.getoption("--update-golden"):
        path.write_text(inherited_text(inherited_names() | OF_THE_CLASS))
    else:
        assert inherited_names() <= OF_THE_CLASS, "run make golden"
        assert path.read_text() == inherited_text(OF_THE_CLASS)


def test_parameters_leave_the_names_of_the_base_class_alone() -> None:
    """A parameter is an attribute, by the name that the spec gives it; all else is renamed."""
    for name in sorted(inherited_names() | OF_THE_RUNTIME | {"lambda", "_buffers"}):
        assert why_reserved(name, "parameter"), name
    for name in ("forward", "lambda", "mlp", "q_z", "rate_z", "seen_x", "loss", "noise", "_x"):
        assert not why_reserved(name, "variable"), name


SHAPES = """
model shapes
observed x : binary[1, 8, 8]
observed y[1..3] : real[5]
latent s : real ~ normal
latent t[1..4] : real ~ normal
latent v[1..2] : real[3] ~ normal
q {
    x -> t via conv
    y[1], y[3] -> s by joint
    x, y[2] -> v by poe
}
p {
    t, v[1] -> x via conv
    s, v -> y[1]
    s -> y[2]
    v[2], t[2..3] -> y[3]
}
minimize KL(q || p) + H(s) + 2 * I(t[1]; y[2]) + 0.5 * TC(t)
"""


def test_all_shapes_run() -> None:
    """Scalars, vectors, images; shared and separate networks; experts of different kinds."""
    objective = emitted_class(SHAPES)()
    batch = {"x": (torch.rand(4, 1, 8, 8) > 0.5).float(), "y": torch.randn(4, 3, 5)}
    losses = objective(batch)
    losses.loss.backward()
    assert torch.isfinite(losses.loss)
    inferred = objective.infer(batch)
    assert {name: tuple(q.mean.shape) for name, q in inferred.items()} == {
        "s": (4,), "t": (4, 4), "v": (4, 2, 3),
    }  # fmt: skip
    made = objective.generate(2)
    assert {name: tuple(value.shape) for name, value in made.items()} == {
        "x": (2, 1, 8, 8), "y": (2, 3, 5),
    }  # fmt: skip
    partial = objective.infer({"y[1]": batch["y"][:, 0]})
    assert all(torch.isfinite(q.mean).all() for q in partial.values())


ODD = {
    "two families on one line": "q { x -> z }\np { z -> x, y }\nminimize KL(q || p)",
    "a family sampled apart, then whole": (
        "q { x -> z; x, z -> u[1]; y, u[1] -> u[2]; u -> v }\n"
        "p { z, u, v -> x; z -> y }\nminimize KL(q || p)"
    ),
    "one expert": "q { x -> z by poe }\np { z -> x; z -> y }\nminimize KL(q || p)",
    "a family of one": (
        "q { w, x -> z by poe; w -> t }\np { z -> w; t -> x; z -> y }\n"
        "minimize KL(q || p) + I(w; z)"
    ),
    "some children of a product of experts": (
        "q { x, y -> u by poe; x -> z }\np { u, z -> x; u -> y }\n"
        "minimize KL(q || p) + I(u[2]; y | x) + 2 * I(u[1]; x | y) + I(u[1]; y | x)"
    ),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_odd_shapes_run(body: str) -> None:
    used = {name for name in "wxyztuv" if re.search(rf"\b{name}\b", body)}
    declared = {
        "w": "observed w[1..1] : binary[3]", "x": "observed x : binary[4]",
        "y": "observed y : real[2]", "z": "latent z : real[3] ~ normal",
        "t": "latent t[1..1] : real ~ normal", "u": "latent u[1..2] : real[2] ~ normal",
        "v": "latent v : real ~ normal",
    }  # fmt: skip
    text = "\n".join(["model odd", *(declared[name] for name in sorted(used)), body])
    objective = emitted_class(text)()
    batch = {
        one.name: (torch.rand(4, *one.tensor_shape) > 0.5).float()
        for one in objective.variables
        if one.role == "observed"
    }
    losses = objective(batch)
    losses.loss.backward()
    assert torch.isfinite(losses.loss)
    shapes = {one.name: (4, *one.tensor_shape) for one in objective.variables}
    for name, q in objective.infer(batch).items():
        assert tuple(q.mean.shape) == shapes[name]
    for name, p in objective.decode(objective.draw_noise(batch["x"])).items():
        assert tuple(p.mean.shape) == shapes[name]


def test_lines_that_a_semicolon_ends_have_networks_of_their_own() -> None:
    text = """
model parts
observed x[1..2] : real[6]
latent z : real[3] ~ normal
q { x -> z }
p { z -> x[1] via mlp(4) ~ normal(scale = 0.5); z -> x[2] via mlp(7) }
minimize KL(q || p)
"""
    objective = emitted_class(text)()
    first, second = (objective.get_submodule(name) for name in ("p_x", "p_x_2"))
    sizes = [sorted({max(one.shape) for one in net.parameters()}) for net in (first, second)]
    assert sizes == [[4, 6], [6, 7]]
    assert emitted_text(text).count("scale=0.5") == 2  # in forward and decode, of the first alone
