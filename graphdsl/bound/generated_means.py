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
    made = model.generation.conditionals if model.generation else ()
    waiting = [name for one in _distances(model) for name in one.variables]
    found = set[Variable]()
    while waiting:
        name = waiting.pop()
        family = model.family_of(name)
        makers = [one for one in made if name in one.children]
        if name not in found and makers:
            scale = model.distribution_of(makers[0], name).scale
            if family.role != "latent" and family.classes is None and scale is None:
                found.add(name)
            waiting += [parent for one in makers for parent in one.parents]
    return frozenset(found)


def _distances(model: Model) -> list[Distance]:
    """The distances of all objectives."""
    objectives = [one.objective for one in model.players] or [model.objective]
    asked = [one.functional for several in objectives for one in several]
    asked += [each.functional for one in asked if isinstance(one, Wrapped) for each in one.inner]
    return [one for one in asked if isinstance(one, Distance)]
