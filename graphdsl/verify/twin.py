"""A spec's twin, in which every variable is real: what is derived is the same, and so is the code.

No kind of variable changes a derivation. So where a loss has no closed form as it stands, the code
that is emitted for the twin has all of its terms, weights and networks, and one.
"""

from __future__ import annotations

__all__ = ["real_twin"]

from dataclasses import replace

from graphdsl.ir.model import Distribution, Family, Model, Network, Via

_SHAPE = (2,)


def real_twin(model: Model) -> Model:
    """The same variables, networks and objective; every variable two real numbers."""
    return replace(
        model,
        families=tuple(map(_real, model.families)),
        inference=_plain(model.inference),
        generation=None if model.generation is None else _plain(model.generation),
        further=tuple(map(_plain, model.further)),
    )


def _real(family: Family) -> Family:
    law = Distribution("normal", family.distribution.scale)
    return replace(family, kind="real", classes=None, shape=_SHAPE, distribution=law)


def _plain(network: Network) -> Network:
    """Networks of the default kind, shared where they were, with the variables' own laws."""
    return replace(
        network,
        conditionals=tuple(
            replace(one, via=Via(shared=one.via.shared), drawn=None) for one in network.conditionals
        ),
    )
