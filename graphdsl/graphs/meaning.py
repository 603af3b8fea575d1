"""A whole spec as one coloured graph, in which neither names nor the order of lines occur.

What the graph's automorphisms exchange, the spec treats alike: kinds, shapes and laws, networks in
q, p, `infer` and the objective, weights, masks, and estimators.
"""

from __future__ import annotations

__all__ = ["SpecGraph", "orders", "symmetry_of"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import permutations

from graphdsl.graphs.colours import Coloured
from graphdsl.graphs.exchanges import ordered
from graphdsl.ir.draws import draws_in
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Distribution, Network, Node
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    InvariancePenalty,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    Sparsity,
    UncertaintyOf,
    Weighted,
    Wrapped,
)
from graphdsl.ir.symbols import NetworkName, Variable
from graphdsl.ir.symmetry import Exchange, Symmetry
from graphdsl.ir.weight import Weight

_MOST_GROUPS = 4  #: of latents, whose orders are all tried


@lru_cache(maxsize=32)  # every order of the latents asks for that of the same parts
def symmetry_of(model: Model) -> Symmetry:
    """The order of a spec's variables by their meaning, and the exchanges that it allows.

    An exchange leaves every parameter where it is: parameters of one range may have two values.
    """
    spec = SpecGraph(model)
    spec.draw()
    spec.tell_parameters_apart()
    variables = [node.name for node in model.nodes]
    points = {spec.of[name]: name for name in variables}
    networks = {spec.networks[network.name]: network.name for network in model.further}
    order, permutations = ordered(spec.graph, [*points, *networks])
    return Symmetry(
        tuple(points[point] for point in order if point in points),
        tuple(_exchange(permutation, points, networks) for permutation in permutations),
    )


def _exchange(
    permutation: Mapping[int, int],
    variables: Mapping[int, Variable],
    networks: Mapping[int, NetworkName],
) -> Exchange:
    """What a permutation of points exchanges."""
    return Exchange(
        {variables[a]: variables[b] for a, b in permutation.items() if a in variables},
        {networks[a]: networks[b] for a, b in permutation.items() if a in networks},
    )


def orders(model: Model, symmetry: Symmetry) -> list[Model]:
    """The model with its variables in each order that a derivation tries, by meaning alone.

    Latents that the spec exchanges stay together; where there are few such groups, they are tried
    in all orders, else in two.
    """
    rank = symmetry.rank()
    nodes = sorted(model.nodes, key=lambda one: rank[one.name])
    groups: dict[frozenset[Variable], list[Node]] = {}
    for node in nodes:
        if node.role == "latent":
            groups.setdefault(symmetry.orbit(node.name), []).append(node)
    classes = [*groups.values()]
    if len(classes) <= _MOST_GROUPS:
        tried: Iterable[Sequence[list[Node]]] = permutations(classes)
    else:
        tried = classes, classes[::-1]
    data = [node for node in nodes if node.role != "latent"]
    return [
        replace(model, nodes=(*data, *(node for group in order for node in group)))
        for order in tried
    ]


@dataclass(slots=True)
class SpecGraph:
    """A graph of a spec in the making."""

    model: Model
    graph: Coloured = field(default_factory=Coloured)
    of: dict[str, int] = field(default_factory=dict)  #: variables, blocks and parameters
    networks: dict[str, int] = field(default_factory=dict)
    entries: dict[object, int] = field(default_factory=dict)  #: of masks, of drawn sets

    def draw(self) -> None:
        """All that a spec says and that its loss depends on."""
        model = self.model
        for parameter in model.parameters:
            self.of[f"param {parameter.name}"] = self.graph.vertex(
                "parameter", str(parameter.range), parameter.schedule
            )
        self.draw_networks()
        for owner in model.players or (None,):
            whole = self.graph.vertex("objective", *(() if owner is None else owner.owners))
            self._sum(whole, model.objective if owner is None else owner.objective)
        for choice in model.choices:
            place = self.graph.vertex("estimator", choice.method.word)
            self._functional(place, choice.target)
        for settled in model.model_choices:
            place = self.graph.vertex("settled", settled.network in ("q", "p", "new"))
            self._under(place, settled.network, "by")
            self._functional(place, settled.target)

    def draw_networks(self) -> None:
        """Its variables and networks alone, whatever is minimised."""
        self._variables()
        self._sets()
        model = self.model
        for network in (model.inference, *model.further, *filter(None, (model.generation,))):
            self._network(network)

    def tell_parameters_apart(self) -> None:
        """Give each parameter a colour of its own, in an order that no name decides."""
        places = [self.of[f"param {parameter.name}"] for parameter in self.model.parameters]
        for rank, place in enumerate(ordered(self.graph, places)[0]):
            self.graph.words[place] = repr((rank, self.graph.words[place]))

    def _variables(self) -> None:
        for family in self.model.families:
            law = family.distribution
            traits = family.role, family.kind, family.shape, family.classes, family.optional
            drawn = family.prior, str(law.law), str((law.scale, law.each)), bool(family.labels)
            for name in family.nodes:
                self.of[name] = self.graph.vertex("variable", *traits, *drawn)
        for family in self.model.families:
            for name in family.nodes:
                self._parents_of_law(self.of[name], family.distribution)
            for name in family.nodes if family.label_of else ():
                self.graph.edge(self.of[name], self.of[family.labelled(name)], "labels")

    def _parents_of_law(self, place: int, law: Distribution) -> None:
        """The variables that a distribution names: an exposure, and a group."""
        for word, other in (("exposure", law.exposure), ("group", law.group)):
            if other:
                self.graph.edge(place, self.of[other], word)

    def _sets(self) -> None:
        """Of a set that is drawn, an index is one for all families that it chooses from."""
        for draw in self.model.draws:
            for family in draw.families:
                for name in self.model.members(family):
                    index = self._entry("index", draw.name, draw.kind, name.member[0])
                    self.graph.edge(index, self.of[name])
        for mask in self.model.masks:
            self.entries[mask.name] = self.graph.vertex("mask", str(mask.start))

    def _entry(self, *key: object) -> int:
        if key not in self.entries:
            self.entries[key] = self.graph.vertex(key[0])
        return self.entries[key]

    def _network(self, network: Network) -> None:
        place = self.graph.vertex("network", network.role, *draws_in((), network.name))
        self.networks[network.name] = place
        self._names(place, network.variables, "holds")
        for conditional in network.conditionals:
            self._conditional(place, network, conditional)

    def _conditional(self, network: int, home: Network, one: Conditional) -> None:
        drawn = one.drawn and (one.drawn.written, str((one.drawn.scale, one.drawn.each)))
        place = self.graph.vertex("conditional", one.by, str(one.via), drawn)
        self.graph.edge(network, place)
        if one.drawn is not None:
            self._parents_of_law(place, one.drawn)
        self._names(place, one.children, "child")
        self._names(place, one.parents, "parent")
        if one.via.shared:
            whole = home.name.base
            self.graph.edge(self._entry("shared", whole, one.lines), place)
        for gate in one.gates:
            entry = self._entry("entry", gate.mask, gate.entry)
            self.graph.edge(self.entries[gate.mask], entry, "of")
            edge = self.graph.vertex("gate")
            self.graph.edge(entry, edge)
            self.graph.edge(place, edge, "gate")
            self._names(edge, (gate.parent,), "parent")
            self._names(edge, (gate.child,), "child")

    def _sum(self, whole: int, terms: Iterable[Weighted]) -> None:
        for one in terms:
            place = self.graph.vertex("term")
            self.graph.edge(whole, place)
            self._weight(place, one.weight, "weight")
            self._functional(place, one.functional)

    def _weight(self, place: int, weight: Weight, label: str) -> None:
        """A weight by its monomials: a parameter is itself, whatever it is called."""
        for monomial, value in weight:
            factor = self.graph.vertex("monomial", str(value))
            self.graph.edge(place, factor, label)
            for name in monomial:
                self.graph.edge(factor, self.of[f"param {name}"])

    def _functional(self, place: int, functional: Functional) -> None:
        kind = self.graph.vertex(*_word(functional))
        self.graph.edge(place, kind, "is")
        self._under(kind, functional.under, "under")
        match functional:
            case Projection(network):
                self._projected(kind, network)
            case Sparsity(masks):
                for mask in masks:
                    self.graph.edge(kind, self.entries[mask])
            case Wrapped():
                self._weight(kind, functional.offset, "offset")
                self._weight(kind, functional.bound, "bound")
                self._sum(kind, functional.inner)
            case DivergenceOfPosteriors(network=network):
                self._under(kind, network, "to")
            case _:
                pass
        for label, variables in _roles(functional):
            part = self.graph.vertex("part", label)
            self.graph.edge(kind, part)
            self._names(part, variables, "in")

    def _under(self, place: int, name: str, label: str) -> None:
        if name in self.networks:
            self.graph.edge(place, self.networks[name], label)

    def _projected(self, kind: int, network: Network) -> None:
        places = []
        for node in network.nodes:
            place = self.graph.vertex("node")
            self.graph.edge(kind, place)
            self._names(place, node, "in")
            places.append(place)
        for parent, child in network.edges:
            self.graph.edge(places[parent], places[child], "arrow")

    def _names(self, place: int, names: Iterable[Variable], label: str) -> None:
        for name in names:
            plain = name.original
            if plain not in self.of:
                self._block(plain)
            self.graph.edge(place, self.of[plain], label + ("'" if plain != name else ""))

    def _block(self, name: Variable) -> None:
        """What a drawn set holds of a family, or a variable that the spec does not declare."""
        block = name.block
        self.of[name] = self.graph.vertex("block", *(block[1:] if block else ()))
        for member in self.model.members(block.head) if block else ():
            self.graph.edge(self.of[name], self.of[member], "part")


def _word(functional: Functional) -> tuple[object, ...]:
    """What tells functionals apart beside the variables that they are of."""
    match functional:
        case DivergenceOfMarginals():
            whole = functional.variables is None
            details = functional.frozen, functional.samples, functional.enumerated
            method = functional.method.word, str(functional.settings)
            return ("KL to p", whole, *details, functional.experts, *method)
        case DivergenceOfPosteriors(frozen=frozen):
            return "KL to r", frozen
        case PredictiveEntropy(frozen=frozen, cost=cost):
            return "CE", frozen, cost
        case Distance(name=name, game=game, r1=r1):
            return "distance", name, game is not None and game.word, str(r1)
        case Wrapped(kind=kind):
            return "sign", kind
        case Projection() | MultiInformation() | UncertaintyOf() | InvariancePenalty() | Sparsity():
            return (type(functional).__name__,)


def _roles(functional: Functional) -> Iterable[tuple[str, Iterable[Variable]]]:
    """The variables of a functional, by the parts that they play in it."""
    match functional:
        case MultiInformation(parts, given):
            return (*(("of", part) for part in parts), ("given", given))
        case UncertaintyOf(of, given) | PredictiveEntropy(of, given):
            return ("of", of), ("given", given)
        case DivergenceOfMarginals() | DivergenceOfPosteriors():
            of = functional.variables or ()
            return ("of", of), ("given", functional.given), ("there", functional.model_given)
        case Distance(variables=variables):
            return (("of", variables),)
        case InvariancePenalty(of, given, environment):
            return ("of", (of,)), ("given", given), ("environment", (environment,))
        case Projection() | Sparsity() | Wrapped():
            return ()
