"""Every functional of an objective as canonical entropies and cross-entropies of models."""

from __future__ import annotations

__all__ = ["Hint", "Ledger", "expand_objective"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.graph import Dag
from graphdsl.ir.information import Entropy, ModelAtom
from graphdsl.ir.model import Model
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
from graphdsl.ir.symbols import NEW, NetworkName, P, Q, Variable, natural
from graphdsl.ir.weight import ZERO, Weight, accumulate
from graphdsl.signs import sign
from graphdsl.symbolic.canonical import Canon, Counts, Sum, collect

Variables = frozenset[Variable]


@dataclass(frozen=True, slots=True)
class Hint:
    """An entropy H(A | S) of data, or of p's roots, that decoders can bound, all or none of it."""

    nodes: tuple[Variable, ...]
    given: Variables
    under: NetworkName


_Key: TypeAlias = Entropy | Hint | ModelAtom | Distance | Sparsity | DivergenceOfMarginals


@dataclass(slots=True)
class Ledger:
    """What an objective amounts to."""

    entropies: Sum = field(default_factory=dict)
    models: dict[ModelAtom, Weight] = field(default_factory=dict)
    hints: dict[Hint, Weight] = field(default_factory=dict)
    distances: dict[Distance, Weight] = field(default_factory=dict)
    sparsities: dict[Sparsity, Weight] = field(default_factory=dict)  #: of one mask each
    importances: dict[DivergenceOfMarginals, Weight] = field(default_factory=dict)
    #: what networks predict from
    arrows: dict[Variable, list[Variables]] = field(default_factory=dict)
    lines: dict[_Key, set[int]] = field(default_factory=dict)  #: who asks for it

    def asked(self, key: _Key) -> tuple[int, ...]:
        """The lines of the spec that ask for something."""
        return tuple(sorted(self.lines.get(key, ())))

    def book(self, group: _Group, weight: Weight, line: int) -> None:
        """Add what the functionals of one weight and line came to."""
        collect(self.entropies, group.counts, weight)
        for atom, times in group.models.items():
            self.models[atom] = self.models.get(atom, ZERO) + weight.scaled(times)
        for hint, times in group.hints.items():
            self.hints[hint] = self.hints.get(hint, ZERO) + weight.scaled(times)
        for name, arrows in group.arrows.items():
            self.arrows.setdefault(name, []).extend(arrows)
        keys: list[_Key] = [*group.models, *group.hints]
        keys += [atom for atom, count in group.counts.items() if count]
        for key in keys:
            self.lines.setdefault(key, set()).add(line)


def expand_objective(
    model: Model, dags: Mapping[NetworkName, Dag], canons: Mapping[NetworkName, Canon]
) -> Ledger:
    """Expand all functionals; equal entropies meet, whatever functional they come from."""
    ledger = Ledger()
    for (weight, line, under), functionals in _by_weight(model.objective).items():
        negative = sign(weight, model.parameters) == "nonpositive"
        group = _Group(model, canons[under], negative)
        for functional in functionals:
            match functional:
                case Distance():
                    accumulate(ledger.distances, functional, weight)
                    ledger.lines.setdefault(functional, set()).add(line)
                case Sparsity(masks):
                    for mask in masks:
                        accumulate(ledger.sparsities, Sparsity((mask,)), weight)
                        ledger.lines.setdefault(Sparsity((mask,)), set()).add(line)
                case DivergenceOfMarginals(samples=samples) if samples:
                    accumulate(ledger.importances, functional, weight)
                    ledger.lines.setdefault(functional, set()).add(line)
                    group.add(functional, dags)
                case _:
                    group.add(functional, dags)
        ledger.book(group, weight, line)
    return ledger


def _by_weight(
    objective: Iterable[Weighted],
) -> dict[tuple[Weight, int, NetworkName], list[Functional]]:
    """Functionals of one weight, line and distribution: their entropies are counted in integers."""
    groups: dict[tuple[Weight, int, NetworkName], list[Functional]] = {}
    for term in objective:
        if isinstance(term.functional, Wrapped):
            continue  # what is under a sign is collected by itself
        key = term.weight, term.line, term.functional.under
        groups.setdefault(key, []).append(term.functional)
    return groups


@dataclass(slots=True)
class _Group:
    """Functionals of one weight, adding up."""

    model: Model
    canon: Canon
    negative: bool  #: whether the weight is nowhere positive
    counts: Counts = field(default_factory=dict)
    models: dict[ModelAtom, int] = field(default_factory=dict)
    hints: dict[Hint, int] = field(default_factory=dict)
    arrows: dict[Variable, list[Variables]] = field(default_factory=dict)

    def add(self, functional: Functional, dags: Mapping[NetworkName, Dag]) -> None:
        """Add one functional, whichever it is."""
        match functional:
            case Projection(network):
                self.add_projection(dags[network.name])
            case MultiInformation(parts, given):
                self.add_information(parts, given)
            case UncertaintyOf(of, given):
                self.add_entropy(of, given)
            case DivergenceOfMarginals():
                self.add_divergence(functional)
            case DivergenceOfPosteriors():
                self.add_posteriors(functional)
            case PredictiveEntropy():
                self.add_prediction(functional)
            case InvariancePenalty(of, given):
                asked = PredictiveEntropy((of,), given, functional.under)
                self._model(
                    replace(
                        self._predictor(of, asked),
                        environment=functional.environment,
                        biased=functional.biased,
                        penalty=functional.word,
                    )
                )

    def add_projection(self, dag: Dag) -> None:
        """D(q||G) = sum_v H(v|Pa_v) - H(V), and the data that its arrows say how to predict.

        A decoder is asked for where a node depends on more than its parents: on its ancestors in
        G, so that G's own order says it and that of its lines does not.
        """
        independence = self.canon.within(dag.variables).independence
        above: list[Variables] = []
        for place, node in enumerate(dag.nodes):
            parents = dag.parent_set(place)
            self.canon.add(self.counts, node, parents)
            above.append(parents.union(*(above[parent] for parent in dag.parents[place])))
            plain = frozenset(one.original for one in node)
            if parents and self.canon.is_given(plain):
                known = frozenset(one.original for one in parents) - plain
                for name in plain:
                    self.arrows.setdefault(name, []).append(known)
                if not independence.separated(node, above[-1] - parents, parents):
                    self._hint(plain, known, 1)
        self.canon.add(self.counts, dag.variables, frozenset(), -1)

    def add_information(self, parts: tuple[Variables, ...], given: Variables) -> None:
        """I or TC between parts; where it is to be large, a decoder of data bounds it."""
        whole: Variables = frozenset().union(*parts)
        for part in parts:
            self.canon.add(self.counts, part, given)
        self.canon.add(self.counts, whole, given, -1)
        data = [part for part in parts if self.canon.is_given(part)]
        if len(data) == len(parts) and not self.canon.is_given(given):
            for name in whole:  # H(x_i | z) is part of TC(x | z)
                self.arrows.setdefault(name, []).append(given)
        if self.negative and len(parts) == 2 and data:
            # -I(x; z | c) = H(x | z, c) - H(x | c): Barber and Agakov's bound (P10, LB1).
            part = min(
                data,
                key=lambda one: (len(one), not self._is_generated(one), self.canon.places(one)),
            )
            self._hint(part, whole - part | given, -1)

    def _is_generated(self, variables: Variables) -> bool:
        """Whether p has a network of each, so that no new one need predict it."""
        network = self.model.generation
        return network is not None and all(map(network.conditional_of, variables))

    def add_entropy(self, of: Variables, given: Variables) -> None:
        """H(of | given); a decoder of data bounds it where it is to be small."""
        self.canon.add(self.counts, of, given)
        if self.canon.is_given(of) and not self.negative:
            self._hint(of, given, 1)

    def add_divergence(self, one: DivergenceOfMarginals) -> None:
        """KL(q(A|C)||p) = sum_v CE_p(v|Pa_v) - H(A | C, and the data that p does not generate).

        Of a bound by several samples the latents are integrated out: what is left are the data,
        and -log p of them is booked by itself.
        """
        network = self.model.generation
        if network is None:
            raise CompilerBug("a divergence to p, and no p")
        wanted = network.variables if one.variables is None else one.variables
        given = one.given
        if one.variables is None:
            given = self.model.observed() - frozenset(network.variables)
        generated = {name for each in network.conditionals for name in each.children}
        roots: set[Variable] = set()
        for name in wanted:
            generates = generated.issuperset(self._members(name))
            if name in self.canon.independence.data and not generates:
                roots.add(name)
            elif not one.samples:
                self._model(ModelAtom(name, P, None, self.canon.under, one.frozen))
        self.canon.add(self.counts, frozenset(roots), frozenset())  # their joint is the data's
        left = self.canon.independence.data if one.samples else frozenset(wanted)
        self.canon.add(self.counts, left.intersection(wanted) - given, given, -1)

    def add_posteriors(self, one: DivergenceOfPosteriors) -> None:
        """E KL(q(A|C)||r(A|S)) = CE_r(A|S) - H(A|C)."""
        for name in one.variables:
            self._model(ModelAtom(name, one.network, one.model_given, self.canon.under, one.frozen))
        self.canon.add(self.counts, frozenset(one.variables), one.given, -1)

    def add_prediction(self, one: PredictiveEntropy) -> None:
        """CE(A|C), variable by variable: those of A are independent given C under the model."""
        for name in one.of:
            for member in self._members(name):
                atom = self._predictor(member, one)
                if (atom.network, atom.under, one.cost) == ("p", "p", None) and not one.frozen:
                    self.canon.add(self.counts, frozenset({member}), one.given)  # p's own entropy
                    continue
                atom = atom if member == name else replace(atom, among=name)
                self._model(atom)

    def _predictor(self, name: Variable, one: PredictiveEntropy) -> ModelAtom:
        """The decoder of p if its parents are those that are given, else a network of its own.

        Of a label, what p or q has of the variable that it labels.
        """
        of, under = self.model.labelled(name), self.canon.under
        own = [(P, self.model.generation)]
        own += [(Q, self.model.inference)] if of != name and under == "q" else []
        for head, network in own:
            for conditional in network.conditionals if network else ():
                if of in conditional.children and one.given == frozenset(conditional.parents):
                    given = None if head == "p" else one.given
                    return ModelAtom(name, head, given, under, one.frozen, cost=one.cost)
        return ModelAtom(name, NEW, one.given, under, one.frozen, cost=one.cost)

    def _model(self, atom: ModelAtom) -> None:
        """Count a cross-entropy; that of a block is one of each member, where S holds it."""
        block = atom.node.block
        for name in self._members(atom.node):
            each = replace(atom, node=name, among=atom.node) if block else atom
            self.models[each] = self.models.get(each, 0) + 1

    def _members(self, name: Variable) -> tuple[Variable, ...]:
        """The variables of a block, or the variable itself."""
        block = name.block
        return (name,) if block is None else self.model.members(block.head)

    def _hint(self, nodes: Variables, given: Variables, times: int) -> None:
        hint = Hint(tuple(sorted(nodes, key=natural)), given, self.canon.under)
        self.hints[hint] = self.hints.get(hint, 0) + times
