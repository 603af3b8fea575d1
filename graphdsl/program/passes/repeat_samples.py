"""Repeat samples: a pass over several samples of each row.

What depends on the samples is computed for as many times more rows. What depends on the data alone
is computed once, and its rows are repeated.

Law: with one sample of each row, the densities are those of the pass that every other term reads.
"""

from __future__ import annotations

__all__ = ["SamplePass"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphdsl.ir.loss import Density
from graphdsl.ir.objective import DivergenceOfMarginals
from graphdsl.ir.statements import Fuse, Observe, Repeat, Run, Sample, Statement
from graphdsl.ir.symbols import Names, Variable
from graphdsl.ir.values import Ref, Value
from graphdsl.program.blocks import Block
from graphdsl.program.inputs import parents_of
from graphdsl.program.members import member_ref
from graphdsl.program.posteriors import plan_posteriors
from graphdsl.program.runs import run_slot
from graphdsl.program.state import Mixture, Plan
from graphdsl.program.substitution import inputs, outputs, replaced, values_in
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


class SamplePass:
    """The statements of a pass, merged into a plan's own, and the densities that it ends in."""

    data: Names  #: what p generates of what is asked for
    latents: Names
    roots: Names  #: the data that p conditions on
    read: Names  #: the data that the latents are inferred from
    above: tuple[Density, ...]  #: p's, of data and latents
    below: tuple[Density, ...]  #: those of the latents that were sampled
    times: int  #: how many samples a row has
    mixture: Mixture | None  #: whose experts each have as many samples

    def __init__(self, base: Plan, divergence: DivergenceOfMarginals) -> None:
        self._base, self._model, self.times = base, base.model, divergence.samples
        self._plan = base.branch(base.under)
        self._plan.forward, self._plan.infer, self._plan.inferred = Block(), Block(), []
        self._masks = {base.inputs.mask(mask.name) for mask in self._model.masks}
        self._shared: dict[Value, Value] = {}  #: what the plan computes too, by this pass's value
        self._of_no_row: set[Value] = set()  #: what reads nothing, and is the same for all rows
        #: what has a row for every sample, by its value elsewhere
        self._own: dict[Value, Value] = {}
        wanted = frozenset(self._wanted(divergence))
        decoders = [slot for slot in base.program.decoders if wanted.intersection(slot.children)]
        self._name(wanted, decoders)
        self._observe()
        plan_posteriors(self._plan, base.encoders, {})
        self.mixture = next(iter(self._plan.mixtures.values()), None)
        self.times *= 1 if self.mixture is None else len(self.mixture.experts)
        held = [self._run(slot, divergence.frozen) for slot in decoders]
        above = [
            self._likelihood(slot, run, wanted) for slot, run in zip(decoders, held, strict=True)
        ]
        below = list(self._posteriors())
        roots = [name for name in self.latents if name not in _children(decoders)]
        self._merge()
        if self.mixture is not None:
            value = self.mixture.value
            self.mixture = replace(self.mixture, value=self._shared.get(value, value))
        self.above = tuple(map(self._of_samples, (*above, *self._priors(roots))))
        self.below = tuple(map(self._of_samples, below))

    def _wanted(self, divergence: DivergenceOfMarginals) -> tuple[Variable, ...]:
        generation = self._model.generation
        every = generation.variables if generation is not None else ()
        return every if divergence.variables is None else divergence.variables

    def _name(self, wanted: frozenset[Variable], decoders: Sequence[Slot]) -> None:
        data = self._model.observed()
        children = _children(decoders)
        self.latents = self._model.declared(wanted - data)
        self.data = self._model.declared(wanted & data & children)
        self.roots = self._model.declared((parents_of(decoders) & data) - set(self.data))
        self.read = self._model.declared(parents_of(self._base.encoders) & data)

    # ---- the pass, as if there were one sample ---------------------------------------------------

    def _observe(self) -> None:
        """Data that nothing else reads."""
        for name in dict.fromkeys(self._model.family_of(one).name for one in self.data):
            self._base.forward.add_first(self._base.inputs.observed(self._model.family(name)))

    def _run(self, slot: Slot, frozen: bool) -> Value:
        """A decoder on the samples, or a prior that is conditional; what it answers."""
        wish = f"{slot.result}{'~frozen' * frozen}{self._base.tag}"
        self._base.program.add_network(network_slot(slot, self._model))
        return self._plan.forward.add(run_slot(self._plan, slot, wish, frozen)).target

    def _likelihood(self, slot: Slot, run: Value, wanted: frozenset[Variable]) -> Density:
        """What a network of p says of its children."""
        nodes = tuple(name for name in slot.children if name in wanted)
        known: Ref | None = None
        if self._base.inputs.masks(nodes):
            family = self._model.family_of(nodes[0])
            known = member_ref(self._base.inputs.seen(family), nodes, family.nodes)
        return Density(member_ref(run, nodes, slot.children), "", self._plan.value(nodes), known)

    def _priors(self, roots: Iterable[Variable]) -> Iterator[Density]:
        """What p says of its roots."""
        held: dict[str, list[Variable]] = {}
        for name in roots:
            held.setdefault(self._model.family_of(name).name, []).append(name)
        for family, nodes in held.items():
            word = self._model.family(family).distribution.law.prior
            yield Density(None, word, self._plan.value(nodes), None)

    def _posteriors(self) -> Iterator[Density]:
        """What the samples were drawn from."""
        for slot in self._base.encoders:
            nodes = tuple(name for name in slot.children if name in self.latents)
            if nodes and self.mixture is not None and nodes[0] in self.mixture.children:
                yield Density(Ref(self.mixture.value), "", self._plan.value(nodes), None)
            elif nodes:
                run, held = self._plan.posterior[nodes[0]]
                own = self._densities.get(run)
                if own is not None:  # of a flow: the sample's own density, of one pass
                    yield Density(None, "", Ref(own), None)
                    continue
                yield Density(member_ref(run, nodes, held), "", self._plan.value(nodes), None)

    @property
    def _densities(self) -> dict[Value | None, Value]:
        """The log-densities that come with samples, by the distributions that these are from."""
        samples = (statement for statement in self._plan.forward if isinstance(statement, Sample))
        return {
            sample.distribution: sample.density for sample in samples if sample.density is not None
        }

    # ---- the same for every sample ---------------------------------------------------------------

    def _merge(self) -> None:
        """Put what is computed from samples behind the plan's own statements."""
        for statement in list(self._plan.forward):
            one = replaced(statement, self._shared)
            of_data = self._own.keys().isdisjoint(inputs(one))
            is_flow = isinstance(one, Run) and one.output.is_distribution
            if isinstance(one, Sample) or is_flow or not of_data:
                self._put(one)
            else:
                held = self._base.forward.add(one)
                if isinstance(held, Run) and not held.arguments:
                    self._of_no_row.add(held.target)
                self._shared.update(zip(outputs(statement), outputs(held), strict=True))

    def _put(self, statement: Statement) -> None:
        if isinstance(statement, Sample) and self.mixture is not None:
            drawn, _ = self._plan.posterior[self.mixture.children[0]]
            if statement.distribution is self._shared.get(drawn, drawn):
                self._put_each(statement, self.mixture)
                return
        for value in inputs(statement):
            self._repeat(value)
        own = {value: self._fresh(value) for value in outputs(statement)}
        self._own |= own
        copy = replaced(statement, self._own)
        if isinstance(copy, Sample):
            copy = replace(copy, times=self.times, like=self._rows())
        elif isinstance(copy, Run | Fuse):
            copy = replace(copy, times=self.times)
        held = self._base.forward.add(copy)
        self._own.update(zip(own, outputs(held), strict=True))

    def _put_each(self, one: Sample, mixture: Mixture) -> None:
        """As many samples of every expert, all of them rows."""
        held = self._base.forward.add(
            replace(
                one,
                target=self._fresh(one.target),
                distribution=self._shared.get(mixture.value, mixture.value),
                each=len(mixture.experts),
                times=self.times,
                like=self._rows(),
            )
        )
        self._own[one.target] = held.target

    def _repeat(self, value: Value) -> None:
        """The rows of something that every sample has in common; p(z) has one row for all."""
        if value not in self._own and value not in self._of_no_row:
            repeat = Repeat(
                target=self._fresh(value),
                source=value,
                times=self.times,
                edges=value in self._masks,
            )
            self._own[value] = self._base.forward.add(repeat).target

    def _of_samples(self, density: Density) -> Density:
        """A density of every sample."""
        shared = replaced(density, self._shared)
        for value in values_in(shared):
            self._repeat(value)
        return replaced(shared, self._own)

    def _rows(self) -> Value:
        """A tensor of as many rows as the batch has."""
        return next(
            statement.target for statement in self._base.forward if isinstance(statement, Observe)
        )

    def _fresh(self, value: Value) -> Value:
        """What this pass has of a value: `z~k`."""
        return replace(value, name=f"{value.name}~k")


def _children(slots: Iterable[Slot]) -> set[Variable]:
    return {name for slot in slots for name in slot.children}
