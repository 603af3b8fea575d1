"""The canonical form of information under G^q: equal quantities have equal forms.

    H(S) = H(S's data) + sum over the latents v of S, in G^q's order, of H(v | m(v)),

where m(v) is the smallest subset of v's predecessors in S that d-separates v from the rest of
them. The joint of the data is arbitrary, so its entropies have no relations among each other.
"""

from __future__ import annotations

__all__ = ["Canon", "Sum", "collect"]

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from graphdsl.ir.draws import draws_in
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import (
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    Term,
    TotalCorrelation,
    entropy,
)
from graphdsl.ir.symbols import NetworkName, Q, Variable
from graphdsl.ir.weight import Weight, accumulate
from graphdsl.symbolic.blocks import Blocks

Variables: TypeAlias = frozenset[Variable]
Sum: TypeAlias = dict[Entropy, Weight]  #: canonical entropies with their weights
Counts: TypeAlias = dict[Entropy, int]


class Canon:
    """Canonical forms under one distribution: q, p, or a further inference network's."""

    def __init__(
        self,
        independence: Independence,
        under: NetworkName = Q,
        fixed: frozenset[Variable] = frozenset(),
        blocks: tuple[Blocks, ...] = (),
    ) -> None:
        self.independence = independence
        self.under = under
        self._fixed = fixed  #: roots whose distribution nothing trains: priors, under p
        self._rank = {name: place for place, name in enumerate(independence.order)}
        self._known: dict[Variables, tuple[Entropy, ...]] = {frozenset(): ()}
        self._local: dict[tuple[Variable, Variables], Entropy] = {}
        self._blocks = blocks
        self._within: dict[Blocks, Canon] = {}

    def joint(self, variables: Variables) -> tuple[Entropy, ...]:
        """H(variables) as canonical entropies, each with weight one; a copy is its original."""
        variables = frozenset(variable.original for variable in variables)
        known = self._known.get(variables)
        blocks = self._blocks_of(variables) if known is None else None
        if blocks is not None:
            local = self.within(variables).joint(blocks.cut(variables))
            known = self._known[variables] = tuple(map(blocks.joined, local))
        if known is None:
            data = variables & self.independence.data
            latent = sorted(variables - data, key=self._rank.__getitem__)
            atoms = [entropy(data)] if data else []  # every inference network has the same data
            before = data
            for name in latent:
                atoms.append(self._local_entropy(name, before))
                before |= {name}
            known = self._known[variables] = tuple(atoms)
        return known

    def within(self, variables: Variables) -> Canon:
        """The form in which some variables are derived: with the blocks that they speak of."""
        blocks = self._blocks_of(frozenset(variable.original for variable in variables))
        if blocks is None:
            return self
        if blocks not in self._within:
            self._within[blocks] = Canon(blocks.independence, self.under, self._fixed)
        return self._within[blocks]

    def add(self, counts: Counts, of: Variables, given: Variables, times: int = 1) -> None:
        """Add `times` H(of | given) to a sum."""
        for atom in self.joint(of | given):
            counts[atom] = counts.get(atom, 0) + times
        for atom in self.joint(given):
            counts[atom] = counts.get(atom, 0) - times

    def entropy(self, of: Variables, given: Variables = frozenset()) -> Counts:
        """H(of | given)."""
        counts: Counts = {}
        self.add(counts, of, given)
        return _nonzero(counts)

    def information(self, parts: Iterable[Variables], given: Variables = frozenset()) -> Counts:
        """I or TC between parts, given what is given."""
        counts: Counts = {}
        union: Variables = frozenset()
        for part in parts:
            self.add(counts, part, given)
            union |= part
        self.add(counts, union, given, -1)
        return _nonzero(counts)

    def terms(self, terms: Iterable[Term]) -> Sum:
        """Any weighted sum of H, I and TC."""
        total: Sum = {}
        for term in terms:
            collect(total, self._atom(term), term.weight)
        return total

    def places(self, variables: Iterable[Variable]) -> tuple[int, ...]:
        """Where variables stand in the order in which entropies are expanded; blocks behind."""
        last = len(self._rank)
        return tuple(sorted(self._rank.get(name.original, last) for name in variables))

    def is_exact(self, atom: Entropy) -> bool:
        """Whether it is the entropy of an encoder's own density, H(v | Pa_v)."""
        (node,) = atom.of
        return frozenset(atom.given) == self.independence.parents(node)

    def is_data(self, atom: Entropy) -> bool:
        """Whether it depends on fixed distributions alone, and is constant (P3)."""
        if not atom.given and self._fixed.issuperset(atom.of):
            return True
        return self.independence.data.issuperset(atom.of)

    def is_given(self, variables: Variables) -> bool:
        """Whether nothing trains their joint: data, or under p roots, which are independent."""
        return self.independence.data.issuperset(variables) or self._fixed.issuperset(variables)

    def is_fixed(self, variables: Variables) -> bool:
        """Whether they are roots of p with priors that nothing trains."""
        return self._fixed.issuperset(variables)

    def _blocks_of(self, variables: Variables) -> Blocks | None:
        sees_blocks = bool(draws_in((), self.under))
        return next((one for one in self._blocks if sees_blocks or one.holds(variables)), None)

    def _atom(self, term: Term) -> Counts:
        match term.atom:
            case Entropy(of, given):
                return self.entropy(frozenset(of), frozenset(given))
            case Information(left, right, given):
                return self.information((frozenset(left), frozenset(right)), frozenset(given))
            case TotalCorrelation(parts, given):
                return self.information(map(frozenset, parts), frozenset(given))
            case CrossEntropy() | DivergenceAtom() | PenaltyAtom():
                raise ValueError("a cross-entropy is of a model, not of q alone")

    def _local_entropy(self, name: Variable, before: Variables) -> Entropy:
        key = (name, before)
        if key not in self._local:
            boundary = self.independence.boundary(name, before)
            self._local[key] = entropy((name,), boundary, self.under)
        return self._local[key]


def collect(total: Sum, counts: Mapping[Entropy, int], weight: Weight) -> None:
    """Add a weighted sum of entropies to another; what cancels is gone."""
    for atom, count in counts.items():
        accumulate(total, atom, weight.scaled(count))


def _nonzero(counts: Counts) -> Counts:
    return {atom: count for atom, count in counts.items() if count}
