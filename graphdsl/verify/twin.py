"""A spec's twin, in which every variable is real: what is derived is the same, and so is the code.

No kind of variable changes a derivation. So where a loss has no closed form as it stands, the code
that is emitted for the twin has all of its terms, weights and networks, and one.
"""

from __future__ import annotations

__all__ = ["real_twin"]

from dataclasses import replace

from graphdsl.catalog.laws import NORMAL
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Distribution, Family, Network, Via
from graphdsl.ir.objective import DivergenceOfMarginals, Weighted, Wrapped

_SHAPE = (2,)


def real_twin(model: Model) -> Model:
    """The same variables, networks and objective; every variable two real numbers."""
    return replace(
        model,
        families=tuple(map(_real, model.families)),
        inference=_plain(model.inference),
        generation=None if model.generation is None else _plain(model.generation),
        further=tuple(map(_plain, model.further)),
        objective=tuple(map(_sampled, model.objective)),
    )


def _sampled(one: Weighted) -> Weighted:
    """A term without its sum over classes: of real numbers there are none."""
    match one.functional:
        case DivergenceOfMarginals():
            return replace(one, functional=replace(one.functional, enumerated=False))
        case Wrapped(inner=inner):
            whole = replace(one.functional, inner=tuple(map(_sampled, inner)))
            return replace(one, functional=whole)
    return one


def _real(family: Family) -> Family:
    law = Distribution(NORMAL, family.distribution.scale)
    return replace(family, kind="real", classes=None, shape=_SHAPE, distribution=law)


def _plain(network: Network) -> Network:
    """Networks of the default kind, shared where they were, with the variables' own laws."""
    return replace(
        network,
        conditionals=tuple(
            replace(conditional, via=Via(shared=conditional.via.shared), drawn=None)
            for conditional in network.conditionals
        ),
    )
