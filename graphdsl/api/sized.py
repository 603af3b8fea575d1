"""Specs compiled for rows of numbers: a constant takes the width of the rows."""

from __future__ import annotations

__all__ = ["compiled_for"]

import math
from collections.abc import Mapping
from functools import lru_cache

from graphdsl.api.compiled import Compiled, compile
from graphdsl.api.given import alone
from graphdsl.api.numbers import Number, WrongValue
from graphdsl.api.sources import Spec, source_of
from graphdsl.diagnostics import Source, SpecError

#: The model of rows of numbers, where no other is asked for.
_DEFAULT = """model latent_model
const features = 2
const latents = 2
observed x : real[features] ~ normal(scale = learned)
latent z : real[latents] ~ normal
q { x -> z via mlp(64) }
p { z -> x via mlp(64) }
minimize KL(q || p)
"""


def compiled_for(
    spec: Spec | None, constants: Mapping[str, Number], features: int | None = None
) -> Compiled:
    """Compile a spec, by default that of rows of numbers, so that its variable has ``features``.

    A constant that sets the size of the variable, and has no value in ``constants``, is set.
    Raises `SpecError`, and ValueError where no constant gives the variable this size.
    """
    source = source_of(_DEFAULT if spec is None else spec)
    compiled = _compiled(source.name, source.text, tuple(sorted(constants.items())))
    if features is None:
        return compiled
    variable = alone(compiled.objective)
    assert variable is not None  # or nobody would ask
    if math.prod(variable.tensor_shape) == features:
        return compiled
    for name, _ in compiled.module.compiled.checked.model.constants:
        if name in constants:
            continue
        try:
            other = _compiled(
                source.name, source.text, (*sorted(constants.items()), (name, features))
            )
        except (SpecError, WrongValue):
            continue
        found = alone(other.objective)
        if found is not None and math.prod(found.tensor_shape) == features:
            return other
    raise ValueError(
        f"X has {features} features, and `{variable.name}` of the spec has "
        f"{math.prod(variable.tensor_shape)} values: give constants={{...}}"
    )


@lru_cache(maxsize=16)
def _compiled(name: str, text: str, constants: tuple[tuple[str, Number], ...]) -> Compiled:
    return compile(Source(name, text), **dict(constants))
