"""A spec's twin, in which every variable is real: what is derived is the same, and so is the code.

No kind of variable changes a derivation. So where a loss has no closed form as it stands, the code
that is emitted for the twin has all of its terms, weights and networks, and one.
"""

from __future__ import annotations

__all__ = ["real_twin", "unlabelled"]

from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphdsl.ir.model import (
    Distribution,
    DivergenceOfMarginals,
    Family,
    Model,
    Network,
    PredictiveEntropy,
    Via,
    Weighted,
    Wrapped,
)

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


def unlabelled(model: Model) -> Model:
    """The same of rows that know no label: q infers y, and there is no CE of it."""
    labels = {name for one in model.families if one.label_of for name in one.nodes}
    if not labels:
        return model
    network = model.inference
    kept = [place for place, node in enumerate(network.nodes) if labels.isdisjoint(node)]
    places = {old: new for new, old in enumerate(kept)}
    edges = {
        (places[a], places[b]): written
        for (a, b), written in zip(network.edges, network.written, strict=True)
        if a in places and b in places
    }
    return replace(
        model,
        families=tuple(replace(one, labels="") for one in model.families if not one.label_of),
        nodes=tuple(one for one in model.nodes if one.name not in labels),
        inference=replace(
            network,
            nodes=tuple(network.nodes[old] for old in kept),
            edges=tuple(edges),
            written=tuple(edges.values()),
        ),
        objective=tuple(_without(model.objective, labels)),
        assertions=(),
        projections=tuple(
            one for one in model.projections if labels.isdisjoint(one.network.variables)
        ),
    )


def _without(several: Iterable[Weighted], labels: set[str]) -> Iterator[Weighted]:
    """The terms that are not of labels."""
    for one in several:
        match one.functional:
            case PredictiveEntropy(of=of):
                left = tuple(name for name in of if name not in labels)
                if left:
                    yield replace(one, functional=replace(one.functional, of=left))
            case Wrapped(inner=inner):
                kept = tuple(_without(inner, labels))
                yield replace(one, functional=replace(one.functional, inner=kept))
            case _:
                yield one


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
