"""Every functional of an objective as canonical entropies and cross-entropies of p."""

from __future__ import annotations

__all__ = ["Hint", "Ledger", "expand_objective"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.graph import Dag
from graphdsl.ir.information import Entropy
from graphdsl.ir.model import (
    DivergenceOfMarginals,
    Functional,
    Model,
    MultiInformation,
    Projection,
    UncertaintyOf,
    Weighted,
)
from graphdsl.ir.notation import natural, original
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.symbolic.algebra import sign
from graphdsl.symbolic.canonical import Canon, Counts, Sum, collect

Variables = frozenset[str]
Hint: TypeAlias = tuple[str, Variables]  #: an entropy H(x | S) of data that a decoder can bound


@dataclass(slots=True)
class Ledger:
    """What an objective amounts to."""

    entropies: Sum = field(default_factory=dict)
    models: dict[str, Weight] = field(default_factory=dict)  #: cross-entropies of p, by variable
    hints: dict[Hint, Weight] = field(default_factory=dict)
    lines: dict[Entropy | Hint | str, set[int]] = field(default_factory=dict)  #: who asks for it

    def asked(self, key: Entropy | Hint | str) -> tuple[int, ...]:
        """The lines of the spec that ask for something."""
        return tuple(sorted(self.lines.get(key, ())))

    def book(self, group: _Group, weight: Weight, line: int) -> None:
        """Add what the functionals of one weight and line came to."""
        collect(self.entropies, group.counts, weight)
        for name, times in group.models.items():
            self.models[name] = self.models.get(name, ZERO) + weight.scaled(times)
        for hint, times in group.hints.items():
            self.hints[hint] = self.hints.get(hint, ZERO) + weight.scaled(times)
        keys: list[Entropy | Hint | str] = [*group.models, *group.hints]
        keys += [atom for atom, count in group.counts.items() if count]
        for key in keys:
            self.lines.setdefault(key, set()).add(line)


def expand_objective(model: Model, dags: Mapping[str, Dag], canon: Canon) -> Ledger:
    """Expand all functionals; equal entropies meet, whatever functional they come from."""
    ledger = Ledger()
    for (weight, line), functionals in _by_weight(model.objective).items():
        negative = sign(weight, model.parameters) == "nonpositive"
        group = _Group(model, canon, negative)
        for functional in functionals:
            match functional:
                case Projection(network):
                    group.add_projection(dags[network.name])
                case MultiInformation(parts, given):
                    group.add_information(parts, given)
                case UncertaintyOf(of, given):
                    group.add_entropy(of, given)
                case DivergenceOfMarginals(variables):
                    group.add_divergence(variables)
        ledger.book(group, weight, line)
    return ledger


def _by_weight(objective: Iterable[Weighted]) -> dict[tuple[Weight, int], list[Functional]]:
    """Functionals of one weight and line together: their entropies are counted in integers."""
    groups: dict[tuple[Weight, int], list[Functional]] = {}
    for one in objective:
        groups.setdefault((one.weight, one.line), []).append(one.functional)
    return groups


@dataclass(slots=True)
class _Group:
    """Functionals of one weight, adding up."""

    model: Model
    canon: Canon
    negative: bool  #: whether the weight is nowhere positive
    counts: Counts = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    hints: dict[Hint, int] = field(default_factory=dict)

    def add_projection(self, dag: Dag) -> None:
        """D(q||G) = sum_v H(v|Pa_v) - H(V), and the data whose local term does not vanish."""
        independence = self.canon.independence
        before: Variables = frozenset()
        for place, node in enumerate(dag.nodes):
            parents = dag.parent_set(place)
            self.canon.add(self.counts, node, parents)
            plain = frozenset(map(original, node))
            if parents and plain <= independence.data:
                if not independence.separated(node, before - parents, parents):
                    self._hint_each(plain, frozenset(map(original, parents)) - plain, 1)
            before |= node
        self.canon.add(self.counts, dag.variables, frozenset(), -1)

    def add_information(self, parts: tuple[Variables, ...], given: Variables) -> None:
        """I or TC between parts; where it is to be large, a decoder of data bounds it."""
        everything: Variables = frozenset().union(*parts)
        for part in parts:
            self.canon.add(self.counts, part, given)
        self.canon.add(self.counts, everything, given, -1)
        data = [part for part in parts if part <= self.canon.independence.data]
        if self.negative and len(parts) == 2 and data:
            # -I(x; z | c) = H(x | z, c) - H(x | c): Barber and Agakov's bound (P10, LB1).
            part = min(data, key=len)
            self._hint_each(part, everything - part | given, -1)

    def add_entropy(self, of: Variables, given: Variables) -> None:
        """H(of | given); a decoder of data bounds it where it is to be small."""
        self.canon.add(self.counts, of, given)
        if of <= self.canon.independence.data and not self.negative:
            self._hint_each(of, given, 1)

    def add_divergence(self, variables: tuple[str, ...] | None) -> None:
        """KL(q||p) = sum_v CE_p(v|Pa_v) - H(V | the data that p does not generate)."""
        network = self.model.generation
        if network is None:
            raise CompilerBug("a divergence to p, and no p")
        wanted = network.variables if variables is None else variables
        given: Variables = frozenset()
        if variables is None:
            given = self.model.observed() - frozenset(network.variables)
        generated = {name for one in network.conditionals for name in one.children}
        for name in wanted:
            if name in self.canon.independence.data and name not in generated:
                self.canon.add(self.counts, frozenset({name}), frozenset())  # p's root is the data
            else:
                self.models[name] = self.models.get(name, 0) + 1
        self.canon.add(self.counts, frozenset(wanted), given, -1)

    def _hint_each(self, nodes: Variables, given: Variables, times: int) -> None:
        """H(x|S) = sum_j H(x_j|S, x_<j), by the chain rule: a decoder for each variable."""
        for name in sorted(nodes, key=natural):
            self.hints[name, given] = self.hints.get((name, given), 0) + times
            given |= {name}
