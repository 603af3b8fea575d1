"""Every accepted spec compiles to Python in which a name is one thing, however its names read."""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from graphdsl import Source, SpecError, compile_spec
from graphdsl.codegen.checking import check_emitted
from graphdsl.diagnostics import CompilerBug
from tests.conftest import SPECS
from tests.emitted import emitted_class
from tests.laws.renamed import declared_names, legal_name, renamed


def _emitted(text: str) -> str | None:
    """The emitted text of a spec; nothing where the spec is refused."""
    try:
        return compile_spec(Source("spec.mib", text)).text
    except SpecError:
        return None


def _assigned(function: ast.FunctionDef) -> Iterator[str]:
    """What a function assigns, by a way of its own: the check under test is no witness."""
    inside = {id(n) for c in ast.walk(function) if isinstance(c, ast.comprehension)
              for n in ast.walk(c.target)}  # fmt: skip
    for node in ast.walk(function):
        is_stored = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)
        if is_stored and id(node) not in inside:
            yield ast.unparse(node)


def _assert_sound(text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert max(Counter(_assigned(node)).values(), default=1) == 1, node.name


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_names_of_any_length_compile(path: Path) -> None:
    text = path.read_text()
    chance = random.Random(path.stem)
    names = {
        name: f"v{place}{legal_name(chance)}" for place, name in enumerate(declared_names(text))
    }
    emitted = _emitted(renamed(text, names, model=f"v{legal_name(chance)}"))
    assert emitted is not None
    _assert_sound(emitted)


LONG = """
model long
observed {x}[1..2] : real[32] optional
observed {y} : binary[64]
latent {z} : real[4] ~ normal
q {{ {x}[1], {x}[2], {y} -> {z} by poe }}
p {{ {z} -> {x}, {y} }}
minimize KL(q || p)
"""


def test_names_of_every_length_compile() -> None:
    for length in range(1, 121, 3):
        names = {name: (name * length)[:length] for name in "xyz"}
        emitted = _emitted(LONG.format(**names))
        assert emitted is not None
        _assert_sound(emitted)


BAD = {
    "no Python": "noise = self.draw(# (B,)",
    "a name for two things": "def f(x):\n    y = x\n    y = x\n",
    "a name for two things of one line": "def f(x):\n    y, y = x\n",
    "an attribute for two things": "def f(self):\n    self.y = 1\n    self.y = 2\n",
    "a key for two things": "y = {'x': 1, 'x': 2}",
    "a name that nothing has": "def f(x):\n    y = z\n",
    "a name that is imported": "from m import z\ndef f(x):\n    z = x\n",
    "an argument that is imported": "from m import z\ndef f(z):\n    y = z\n",
    "a name that something has later": "def f(x):\n    y = z\n    z = x\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_unsound_files_are_not_written(text: str) -> None:
    with pytest.raises(CompilerBug):
        check_emitted(text)


GATHERED_TWICE = """
model gathers
observed x : real[3]
observed y : real[2]
latent u[1..4] : real[2] ~ normal
latent v : real[2] ~ normal
latent w : real[2] ~ normal
latent t : real[2] ~ normal
q {
    x -> u[1]; x, y -> u[2]; y -> u[3]
    u[1], u[2] -> v; u[2], u[3] -> w; u[1], u[2], w -> t; t -> u[4]
}
p { u, v, w, t -> x; u -> y }
minimize KL(q || p)
"""


def test_members_are_put_side_by_side_once() -> None:
    emitted = _emitted(GATHERED_TWICE)
    assert emitted is not None
    _assert_sound(emitted)
    assert emitted.count("u_1_2 = torch.stack") == 2, "once in forward, and once in infer"


BESIDE_A_CRITIC = {
    "D": "D(q || {u -> y, a})",
    "H": "H(a | u)",
    "-I": "- I(a; u)",
    "a cost": "H(a | u) - cost(a | u, squared)",
    "a maximum": "max(CE(a | u), 1)",
    "a constraint": "\nsubject to CE(a | u) <= 0.5",
}


@pytest.mark.parametrize("term", BESIDE_A_CRITIC.values(), ids=BESIDE_A_CRITIC.keys())
def test_a_critic_and_a_bound_share_one_network_and_no_run(term: str) -> None:
    """r(a|u) plays against one term and bounds another: its run without a gradient is its own."""
    sign = "" if term.startswith(("-", "\n")) else "+"
    made = emitted_class(
        "model played\nobserved x : real[3]\nobserved y : real[2]\nobserved a : real[2]\n"
        + "latent u : real[2] ~ normal\nq { x -> u }\np { u -> x, y }\n"
        + f"minimize KL(q || p) - CE(a | u) {sign} {term}\n"
    )()
    assert [name for name in dict(made.named_children()) if name.startswith("r_a")] == ["r_a"]
    losses = made({"x": torch.randn(8, 3), "y": torch.randn(8, 2), "a": torch.randn(8, 2)})
    encoder = [one for name, one in made.named_parameters() if name.startswith("q_u")]
    for name, term_of_a in losses.terms.items():
        if name.startswith("prediction_a"):
            slopes = torch.autograd.grad(term_of_a, encoder, retain_graph=True)
            assert all(slope.abs().sum() > 0 for slope in slopes), "the encoder is cut off"
    critic = losses.players["critic"]
    slopes = torch.autograd.grad(critic, encoder, allow_unused=True)
    assert all(slope is None for slope in slopes), "a critic trains the encoder"
