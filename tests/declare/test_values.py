"""Values that a caller compiles a spec with: those for nothing are refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from graphdsl import Source, SpecError, compile_spec

SPEC = Source(
    "valued.mib",
    """
model valued
const pixels = 4
param beta = 2
observed x : binary[pixels]
latent z : real ~ normal
q { x -> z }
p { z -> x }
minimize KL(q || p) + (beta - 1) * I(x; z)
""",
)


def test_a_value_for_nothing_is_refused_with_the_nearest_name() -> None:
    two = Fraction(2)
    assert "binary" in compile_spec(SPEC, {"pixels": two}, {"beta": two}).text
    with pytest.raises(SpecError) as found:
        compile_spec(SPEC, {"pixel": two, "beta": two}, {"Beta": two, "gamma": two})
    assert [one.code for one in found.value.diagnostics] == ["MIB294"] * 4
    guesses = [getattr(one, "guess", "") for one in found.value.diagnostics]
    assert guesses[0] == "did you mean `pixels`?"
    assert guesses[2] == "did you mean `beta`?"
