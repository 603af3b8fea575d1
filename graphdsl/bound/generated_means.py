"""What p's samples are: draws of its laws, but for what a distance compares with data.

There, and in every other term of that spec, the sample is what p's networks answer: a generator's
output, the mean of a likelihood, which has no density. So is what that is generated from. Latents,
categories, and what has a scale by the spec are drawn there too.
"""

from __future__ import annotations

__all__ = ["has_density", "means_of"]

from functools import lru_cache

from graphdsl.ir.model import Model
from graphdsl.ir.objective import Distance, Wrapped
from graphdsl.ir.symbols import Variable


def has_density(node: Variable, model: Model) -> bool:
    """Whether p's samples of what it generates are draws of its own law."""
    return node not in means_of(model)


@lru_cache(maxsize=16)
def means_of(model: Model) -> frozenset[Variable]:
    """What p generates of the variables that some distance compares, and of what they are from."""
    conditionals = model.generation.conditionals if model.generation else ()
    waiting = [name for distance in _distances(model) for name in distance.variables]
    means = set[Variable]()
    while waiting:
        name = waiting.pop()
        family = model.family_of(name)
        makers = [one for one in conditionals if name in one.children]
        if name not in means and makers:
            scale = model.distribution_of(makers[0], name).scale
            if family.role != "latent" and family.classes is None and scale is None:
                means.add(name)
            waiting += [parent for maker in makers for parent in maker.parents]
    return frozenset(means)


def _distances(model: Model) -> list[Distance]:
    """The distances of all objectives."""
    objectives = [player.objective for player in model.players] or [model.objective]
    asked = [one.functional for objective in objectives for one in objective]
    asked += [each.functional for term in asked if isinstance(term, Wrapped) for each in term.inner]
    return [term for term in asked if isinstance(term, Distance)]
