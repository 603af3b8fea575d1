"""One draw of distributions, seen for each choice of the sets that a spec draws."""

from __future__ import annotations

__all__ = ["View", "Views", "views_of"]

from collections.abc import Callable, Iterable
from statistics import fmean
from typing import NamedTuple

from graphdsl.ir.information import Term
from graphdsl.ir.model import Model
from graphdsl.ir.objective import Functional
from graphdsl.verify.random_joints import World
from graphdsl.verify.sets import Chosen, functional_at, spec_at, term_at
from graphdsl.verify.terms import Parameters, defined, worth


class View(NamedTuple):
    """The distributions of one choice."""

    chosen: Chosen
    world: World


class Views:
    """A draw; its numbers are means over the choices."""

    def __init__(self, model: Model, views: Iterable[View]) -> None:
        self.model, self.several = model, tuple(views)

    def worth(self, terms: Iterable[Term], parameters: Parameters) -> float:
        """A weighted sum of H, I and TC."""
        terms = tuple(terms)
        return fmean(
            worth(
                [term_at(term, view.chosen, self.model) for term in terms], view.world, parameters
            )
            for view in self.several
        )

    def defined(self, functional: Functional) -> float:
        """D, I, TC or H from its definition."""
        return fmean(
            defined(functional_at(functional, view.chosen, self.model), view.world)
            for view in self.several
        )


def views_of(model: Model, choices: Iterable[Chosen], draw: Callable[[Model], World]) -> Views:
    """A draw for each of several choices."""
    return Views(model, (View(chosen, draw(spec_at(model, chosen))) for chosen in choices))
