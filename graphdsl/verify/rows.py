"""Rows that lack views, know labels, or drew a set: what a spec asks of such (theory.md S2).

The objective of a row is that of what it has. H(v | S) becomes H(v | S, less what is missing), a v
that is missing has none, and of a network that q is projected on missing nodes are marginalised
out. A label that a row knows is data; the family of labels is then that variable under another
name.
"""

from __future__ import annotations

__all__ = ["Row", "data_of", "detours", "functional_of", "objective_of", "rows_of", "term_of"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from graphdsl.ir.information import Entropy, Information, Term, TotalCorrelation
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.objective import (
    DivergenceOfMarginals,
    DivergenceOfPosteriors,
    Functional,
    MultiInformation,
    PredictiveEntropy,
    Projection,
    UncertaintyOf,
    Weighted,
    Wrapped,
)
from graphdsl.ir.symbols import NO_VARIABLE, Variable
from graphdsl.ir.weight import Weight
from graphdsl.verify.sets import Chosen, blocks_at

_FEW = 3  #: variables that rows may lack, of which every pattern is tried


@dataclass(frozen=True, slots=True)
class Row:
    """A pattern: what rows lack, and which labels they know."""

    missing: frozenset[Variable] = frozenset()  #: data; of labels those that are not known
    #: a known label -> what it is of
    same: Mapping[Variable, Variable] = field(default_factory=dict)
    #: `x[S]`, of sets drawn
    blocks: Mapping[Variable, tuple[Variable, ...]] = field(default_factory=dict)
    #: Encoders that have fallen back on a prior, by network and latent: what that is given.
    fallen: Mapping[tuple[str, str], tuple[Variable, ...]] = field(default_factory=dict)
    said: str = ""  #: in words, `rows that lack x[1]`; nothing where they have everything

    def opened(self, names: Iterable[Variable]) -> tuple[Variable, ...]:
        """Variables, with the members of a block in its place; a known label as its variable."""
        every = (one for name in names for one in self.blocks.get(name, (name,)))
        return tuple(dict.fromkeys(self.same.get(name, name) for name in every))

    def kept(self, names: Iterable[Variable]) -> tuple[Variable, ...]:
        """What there is of some variables."""
        return tuple(one for one in self.opened(names) if one.original not in self.missing)

    def at(self, chosen: Chosen, model: Model) -> Row:
        """Such rows, where the sets that are drawn are these."""
        return replace(self, blocks=blocks_at(chosen, model))


def rows_of(model: Model) -> tuple[Row, ...]:
    """Patterns to try: all where few variables may be missing, else none, each, and all of them."""
    optional = {
        node: family.labelled(node) if family.label_of else NO_VARIABLE
        for family in model.families
        if family.optional
        for node in family.nodes
    }
    if len(optional) <= _FEW:
        subsets = [one for size in range(len(optional) + 1) for one in combinations(optional, size)]
    else:
        subsets = [(), *((node,) for node in optional), tuple(optional)]
    return tuple(_row(frozenset(missing), optional) for missing in subsets)


def data_of(model: Model, row: Row) -> tuple[Variable, ...]:
    """The data of rows, missing views among them, and the labels that they know."""
    labels = {node for family in model.families if family.label_of for node in family.nodes}
    names = [node.name for node in model.nodes if node.role != "latent" and node.name not in labels]
    return (*names, *row.same.values())


def _row(missing: frozenset[Variable], fallen: Mapping[Variable, Variable]) -> Row:
    known = {one: of for one, of in fallen.items() if of and one not in missing}
    lacks = ", ".join(of or one for one, of in fallen.items() if one in missing)
    knows = ", ".join(known.values())
    parts = [f"lack {lacks}"] * bool(lacks) + [f"know {knows}"] * bool(knows)
    said = f"rows that {' and '.join(parts)}" if parts else ""
    return Row(missing=missing, same=known, said=said)


def objective_of(row: Row, several: Iterable[Weighted], model: Model) -> tuple[Weighted, ...]:
    """The objective of a row."""
    terms = []
    for one in several:
        functional = functional_of(row, one.functional, model)
        if functional is not None:
            terms.append(replace(one, functional=functional))
    return tuple(terms)


def functional_of(row: Row, one: Functional, model: Model) -> Functional | None:
    """A functional of what a row has; nothing where it asks nothing of that."""
    match one:
        case Wrapped(inner=inner):
            return replace(one, inner=objective_of(row, inner, model))
        case _ if one.under == "p":
            return one  # samples of p lack nothing
        case Projection(network):
            return replace(one, network=_marginal(network, row))
        case MultiInformation(parts, given):
            left = tuple(part for part in (frozenset(row.kept(each)) for each in parts) if part)
            known = frozenset(row.kept(given))
            return replace(one, parts=left, given=known) if len(left) > 1 else None
        case UncertaintyOf(of, given):
            known = frozenset(row.kept(given))
            return (
                UncertaintyOf(frozenset(row.kept(of)), known, one.under) if row.kept(of) else None
            )
        case PredictiveEntropy() | DivergenceOfMarginals() | DivergenceOfPosteriors():
            return _of_models(row, one, model)
        case _:
            return one  # told from samples


def _of_models(
    row: Row,
    one: PredictiveEntropy | DivergenceOfMarginals | DivergenceOfPosteriors,
    model: Model,
) -> Functional | None:
    """What is of models that the objective names: of those that a row can ask."""
    match one:
        case PredictiveEntropy(of, given):
            blocks = (one for name in of for one in row.blocks.get(name, (name,)))
            asked = (name for name in blocks if name not in row.missing)
            kept = tuple(name for name in asked if _can_ask(row, name, given, model))
            return replace(one, of=kept) if kept else None
        case DivergenceOfMarginals():
            return _of_marginals(row, one, model)
        case DivergenceOfPosteriors():
            left = _inferring(model.inference_of(one.under), one.variables[0], None)
            right = _inferring(model.inference_of(one.network), one.variables[0], None)
            if left is None or right is None or not _comparable(model, row, one, left, right):
                return None
            return replace(one, given=frozenset(row.kept(one.given)))


def _of_marginals(row: Row, one: DivergenceOfMarginals, model: Model) -> DivergenceOfMarginals:
    """KL(q(A | C) || p(A)) of what there is; C of an encoder is what its stand-in reads."""
    variables, given = one.variables, one.given
    if variables is None and model.generation is not None:
        variables = model.generation.variables
        given = model.observed() - set(variables)
    known = frozenset(row.kept(given))
    fallen = tuple(row.fallen.get((one.under, name)) for name in variables or ())
    encoder = _inferring(model.inference_of(one.under), (variables or (NO_VARIABLE,))[0], given)
    if encoder is not None and set(variables or ()) <= set(encoder.children):
        known = frozenset().union(*(known if own is None else own for own in fallen))
    return replace(one, variables=row.kept(variables or ()), given=known)


def _can_ask(row: Row, name: Variable, given: frozenset[Variable], model: Model) -> bool:
    """Whether a row has what the model of a prediction reads; experts say what they can."""
    if row.missing.isdisjoint(row.opened(given)):
        return True
    of = model.labelled(name)
    one = _inferring(model.inference, of, given) if of != name else None
    return one is not None and one.by != "joint"


def _comparable(
    model: Model, row: Row, one: DivergenceOfPosteriors, left: Conditional, right: Conditional
) -> bool:
    """KL of two encoders: of rows that have the views of both, or sets of experts of one product.

    A product of experts that reads every view of the other encoder is asked for what it still says.
    """
    if one.network == one.under:
        return True
    optional = {node for family in model.families if family.optional for node in family.nodes}
    own, other = optional & set(left.parents), optional & (one.model_given or set(right.parents))
    both = not other <= own
    if (left.by == "joint" or both) and not row.missing.isdisjoint(own):
        return False
    return not ((right.by == "joint" or both) and not row.missing.isdisjoint(other))


def _inferring(
    network: Network, node: Variable, given: frozenset[Variable] | None
) -> Conditional | None:
    for conditional in network.conditionals:
        if node in conditional.children and (given is None or set(conditional.parents) == given):
            return conditional
    return None


def _marginal(network: Network, row: Row) -> Network:
    """A network without the nodes that are missing: marginalised, as theory.md S2 says.

    The parents of such a node become parents of its children, and these are joined in their order.
    """
    nodes = [row.kept(node) for node in network.nodes]
    edges = set(network.edges)
    order = _order(len(nodes), network.edges)
    for place in order:
        if nodes[place]:
            continue
        parents = [a for a, b in edges if b == place]
        children = sorted((b for a, b in edges if a == place), key=order.index)
        edges |= {(a, b) for a in parents for b in children}
        edges |= {(a, b) for k, b in enumerate(children) for a in children[:k]}
        edges = {(a, b) for a, b in edges if place not in (a, b)}
    kept = [place for place, node in enumerate(nodes) if node]
    number = {old: new for new, old in enumerate(kept)}
    return replace(
        network,
        nodes=tuple(nodes[place] for place in kept),
        edges=tuple(sorted((number[a], number[b]) for a, b in edges)),
        written=(),
    )


def detours(row: Row, terms: Iterable[Weighted], model: Model) -> Iterator[tuple[Weight, Entropy]]:
    """Entropies of data that marginalising has changed, H(x[3] | x[1]) for H(x[3] | x[2]).

    No model predicts data that nothing but data leads to, so what changes there is a constant of
    the rows that lack x[2].
    """
    data = frozenset(row.kept(data_of(model, row)))
    for one in terms:
        if not isinstance(one.functional, Projection) or one.functional.under == "p":
            continue
        network, under = one.functional.network, one.functional.under
        marginal = _marginal(network, row)
        before = _families(network)
        kept = [place for place, node in enumerate(network.nodes) if row.kept(node)]
        for place, (node, parents) in zip(kept, _families(marginal), strict=True):
            plain = row.kept(before[place][1])
            if set(parents) != set(plain) and data.issuperset((*node, *parents)):
                yield one.weight, Entropy(node, parents, under)
                yield -one.weight, Entropy(node, plain, under)


def _families(network: Network) -> list[tuple[tuple[Variable, ...], tuple[Variable, ...]]]:
    """Each node of a network with its parents."""
    return [
        (node, tuple(name for a, b in network.edges if b == place for name in network.nodes[a]))
        for place, node in enumerate(network.nodes)
    ]


def _order(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    above = {place: {a for a, b in edges if b == place} for place in range(count)}
    order: list[int] = []
    while above:
        first = next(place for place, ups in above.items() if ups <= set(order))
        order.append(first)
        del above[first]
    return order


def term_of(row: Row, term: Term) -> Term | None:
    """H, I or TC of what a row has; nothing where it asks nothing of that."""
    if term.atom.under == "p":
        return term
    match term.atom:
        case Entropy(of, given, under):
            atom = Entropy(row.kept(of), row.kept(given), under)
            return Term(term.weight, atom) if row.kept(of) else None
        case Information(left, right, given, under):
            parts = tuple(filter(None, map(row.kept, (left, right))))
        case TotalCorrelation(variables, given, under):
            parts = tuple(filter(None, map(row.kept, variables)))
        case _:
            raise TypeError(f"{term.atom} is no sum of entropies")
    if len(parts) < 2:
        return None
    return Term(term.weight, TotalCorrelation(parts, row.kept(given), under))
