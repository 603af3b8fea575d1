"""Children on one line, in any order, and children on lines of their own make the same loss."""

from __future__ import annotations

import re
from itertools import permutations

import pytest

from graphdsl.compiler import compile_spec
from graphdsl.diagnostics import Source, SpecError

#: Two variables that differ in their laws or scales.
PAIRS = {
    "a scale": ("x : real[2]", "y : real[2] ~ normal(scale = 0.5)"),
    "laws": ("x : real[2] ~ laplace", "y : real[2]"),
    "reals and counts": ("x : real[2] ~ normal(scale = 0.5)", "y : count[2]"),
    "bits and counts": ("x : binary[2]", "y : count[2]"),
    "classes and reals": ("x : categorical(3)", "y : real[2] ~ normal(scale = 0.5)"),
}
TERMS = {
    "a distance": "+ MMD(q(x, y) || p(x, y))",
    "a predictor of x under p": "+ CE[p](z | x)",
    "a predictor of y under p": "+ CE[p](z | y)",
    "an information under p": "- I[p](y; z)",
}
OF_P = """
model children
observed {0}
observed {1}
latent z : real[2] ~ normal
q {{ x, y -> z }}
p {{ {2} }}
minimize KL(q || p) {3}
"""
#: The posteriors of two networks, of a category and of a real latent.
OF_Q = """
model posteriors
observed x[1..2] : real[2]
latent c : categorical(3) ~ categorical
latent z : real[2] ~ normal
q {{ {0} }}
infer r(i) {{ {1} }}
p {{ z, c -> x[i] for i in 1..2 }}
minimize KL(q || p) + sum(i in 1..2) KL(q(z | x) || r(i)(z | x[i]))
"""
_PLACE = re.compile(r"lines? [\d, and]+")


def said(text: str) -> tuple[str, ...]:
    """The lines of the emitted methods, in any order, or the codes of the mistakes."""
    try:
        module = compile_spec(Source("children.mib", text)).text
    except SpecError as found:
        return tuple(one.code for one in found.diagnostics)
    methods = module[module.index("    def forward") :]
    return tuple(sorted(_PLACE.sub("", line) for line in methods.splitlines()))


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_lines_of_p(pair: tuple[str, str], term: str) -> None:
    apart = said(OF_P.format(*pair, "z -> x; z -> y", term))
    for children in permutations(("x", "y")):
        together = f"z -> {', '.join(children)}"
        assert said(OF_P.format(*pair, together, term)) == apart


def test_lines_of_q_and_of_networks_that_it_is_compared_with() -> None:
    apart = said(OF_Q.format("x -> c; x -> z", "x[i] -> c; x[i] -> z"))
    assert len(apart) > 1, "the spec is refused"
    for first in permutations("cz"):
        for second in permutations("cz"):
            q, r = f"x -> {', '.join(first)}", f"x[i] -> {', '.join(second)}"
            assert said(OF_Q.format(q, r)) == apart
