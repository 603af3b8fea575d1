"""A spec whose every word is known: its variables, networks, objective and assertions."""

from __future__ import annotations

__all__ = ["Model", "Place"]

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from graphdsl.catalog.laws import NORMAL
from graphdsl.ir.draws import Draw
from graphdsl.ir.masks import Mask
from graphdsl.ir.networks import Conditional, Distribution, Family, Network, Node, Parameter, Role
from graphdsl.ir.objective import (
    Assertion,
    EstimatorChoice,
    IdleChoice,
    ModelChoice,
    Player,
    Turn,
    Weighted,
    WeightedProjection,
    Wrapped,
)
from graphdsl.ir.symbols import NO_VARIABLE, Names, Variable

#: Where a variable is declared: its family, its index, and its name.
Place: TypeAlias = tuple[int, tuple[int, ...], Variable]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A spec whose every word is known."""

    name: str
    title: str  #: the comment that the spec opens with
    source_name: str
    sha256: str
    families: tuple[Family, ...]
    nodes: tuple[Node, ...]
    parameters: tuple[Parameter, ...]
    constants: tuple[tuple[str, Fraction], ...]
    inference: Network
    generation: Network | None
    objective: tuple[Weighted, ...]
    players: tuple[Player, ...] = ()  #: where there are several objectives; `objective` has all
    turns: tuple[Turn, ...] = ()
    choices: tuple[EstimatorChoice, ...] = ()
    model_choices: tuple[ModelChoice, ...] = ()
    idle_choices: tuple[IdleChoice, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    projections: tuple[WeightedProjection, ...] = ()  #: of the objective and the assertions
    further: tuple[Network, ...] = ()  #: inference networks beside q, each for its arguments
    draws: tuple[Draw, ...] = ()  #: sets of indices that are drawn, not written out
    masks: tuple[Mask, ...] = ()  #: those that are learned

    def asked(self) -> tuple[Weighted, ...]:
        """Every functional of the objective, those under a sign included."""
        terms: list[Weighted] = []
        for term in self.objective:
            terms += term.functional.inner if isinstance(term.functional, Wrapped) else (term,)
        return tuple(terms)

    def inference_of(self, name: str) -> Network:
        """The inference network of that name."""
        return next(network for network in (self.inference, *self.further) if network.name == name)

    @cached_property
    def roles(self) -> dict[Variable, tuple[Role, int]]:
        """Of every variable its role, and its place in the order of declaration."""
        return {node.name: (node.role, place) for place, node in enumerate(self.nodes)}

    def family(self, name: str) -> Family:
        """The family of that name."""
        return self._by_name[name]

    def members(self, head: str) -> Names:
        """What a bare name stands for: all that is declared under it."""
        return self._by_head.get(head, ())

    def declared(self, names: Iterable[Variable]) -> Names:
        """Variables in the order of their declarations, whatever they are called."""
        return tuple(sorted(names, key=self.place))

    def place(self, name: Variable) -> Place:
        """Where a variable is declared, and which member it is; of a block, its set."""
        family = self.family_of(name)
        return self.families.index(family), name.member, name

    def place_of_network(self, name: str) -> int:
        """Where a distribution comes, whatever it is called: p, q, the further ones, a new one."""
        known = ("p", "q", *(network.name for network in self.further))
        return known.index(name) if name in known else len(known)

    def family_of(self, node: Variable) -> Family:
        """The family that a variable belongs to."""
        name = node.original
        return self._by_name.get(name) or self._by_name[name.head]

    @cached_property
    def _by_name(self) -> dict[str, Family]:
        return {family.name: family for family in self.families}

    @cached_property
    def _by_head(self) -> dict[str, Names]:
        heads = dict.fromkeys(family.head for family in self.families)
        variables: dict[str, list[Variable]] = {head: [] for head in heads}
        for family in self.families:
            variables[family.head] += family.nodes
        return {head: tuple(nodes) for head, nodes in variables.items()}

    def labelled(self, node: Variable) -> Variable:
        """The variable that a label is of; any other is itself."""
        family = self.family_of(node)
        return family.labelled(node) if family.label_of else node

    def is_normal(self, node: Variable) -> bool:
        """Whether q infers a latent, in every row, with a normal of independent numbers."""
        drawn = [
            conditional.drawn
            for conditional in self.inference.conditionals
            if node in conditional.children
        ]
        family = self.family_of(node)
        law = next((one for one in drawn if one is not None), family.distribution).law
        return law == NORMAL and not family.labels

    def distribution_of(
        self, conditional: Conditional, node: Variable = NO_VARIABLE
    ) -> Distribution:
        """What a child of a conditional is drawn from; all of one family, if none is named."""
        declared = self.family_of(node or conditional.children[0]).distribution
        return (conditional.drawn or declared).given(conditional.parents)

    def observed(self) -> frozenset[Variable]:
        """The names of the variables that are data: observed, or given."""
        return self._observed

    @cached_property
    def _observed(self) -> frozenset[Variable]:
        return frozenset(node.name for node in self.nodes if node.role != "latent")
