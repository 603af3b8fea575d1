"""Which encoders fall back on a conditional prior, in rows that lack what they read.

p(z | u) stands in for q(z | x) where the row has a u by then: u is inferred before z, whatever
line comes first. Where u is inferred from z in turn, z's own root prior stands in.
"""

from __future__ import annotations

__all__ = ["Fallbacks", "fallbacks"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphdsl.catalog.laws import NORMAL
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import Names, Variable
from graphdsl.program.inputs import parents_of
from graphdsl.slots.ordering import in_order
from graphdsl.slots.slots import Slot


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """The encoders of a network, in the order in which they run."""

    order: tuple[Slot, ...]
    priors: Mapping[Names, Slot]  #: the conditional priors that stand in, by their children


def fallbacks(encoders: Sequence[Slot], priors: Mapping[Names, Slot], model: Model) -> Fallbacks:
    """Encoders after those whose latents they condition on, and those that fall back after more.

    Args:
        encoders: Of one inference network.
        priors: The conditionals of p that are of latents, by their children.
        model: The spec.
    """
    observed = model.observed()
    children = [frozenset(encoder.children) for encoder in encoders]
    reads = [frozenset(parents_of([encoder])) for encoder in encoders]
    known = observed.union(*children)
    fit = {
        place: priors[encoder.children]
        for place, encoder in enumerate(encoders)
        if encoder.children in priors
        and _can_stand_in(priors[encoder.children], encoder, model)
        and known.issuperset(parents_of([priors[encoder.children]]))
    }
    above = {place: frozenset(parents_of([prior])) for place, prior in fit.items()}
    wished = [read | above.get(place, frozenset()) for place, read in enumerate(reads)]
    circular = _circular([one - observed for one in children], wished)
    inferred = {name for place in circular for name in children[place]}
    kept = [place for place in fit if place not in circular or above[place].isdisjoint(inferred)]
    needs = [read | (above[k] if k in kept else frozenset()) for k, read in enumerate(reads)]
    order = in_order([one - observed for one in children], needs)
    if len(order) < len(encoders) or not known.issuperset(parents_of(encoders)):
        raise CompilerBug("the inference network has no order")
    return Fallbacks(
        tuple(encoders[place] for place in order),
        {encoders[place].children: fit[place] for place in kept},
    )


def _can_stand_in(prior: Slot, slot: Slot, model: Model) -> bool:
    """Whether some row may lack what the encoder reads, and the two have one law."""
    if slot.experts or all(model.family_of(one).role == "latent" for one in parents_of([slot])):
        return False
    own, other = (model.distribution_of(one.conditionals[0]).law for one in (slot, prior))
    return (NORMAL if own.joint else own) == other


def _circular(
    children: Sequence[frozenset[Variable]], needs: Sequence[frozenset[Variable]]
) -> set[int]:
    """The places of things that need each other, and of what is between two such circles."""
    makers = {name: place for place, names in enumerate(children) for name in names}
    before = [{makers[name] for name in needed if name in makers} for needed in needs]
    after: list[set[int]] = [set() for _ in children]
    for place, above in enumerate(before):
        for one in above:
            after[one].add(place)
    places = [(place,) for place in range(len(children))]
    return set(range(len(children))).difference(in_order(places, before), in_order(places, after))
