"""A pass over several samples of each row.

What depends on the samples is computed for as many times more rows. What depends on the data alone
is computed once, and its rows are repeated.
"""

from __future__ import annotations

__all__ = ["SamplePass"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.ir.loss import Density
from graphdsl.ir.model import DivergenceOfMarginals
from graphdsl.ir.notation import Names
from graphdsl.ir.slots import Slot
from graphdsl.ir.statements import (
    Assemble,
    Chances,
    DrawMask,
    Every,
    Fuse,
    Observe,
    Ref,
    Repeat,
    Run,
    Sample,
    Statement,
)
from graphdsl.program.data import masks, observed, parents_of
from graphdsl.program.keys import density, seen
from graphdsl.program.posteriors import plan_posteriors
from graphdsl.program.runs import Mixture, Plan, run_slot
from graphdsl.program.slots import member_ref, network_slot
from graphdsl.program.substitution import reads, renamed, targets

_SHAPELESS = Assemble | Chances | DrawMask | Every | None


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
        self._plan.forward, self._plan.infer, self._plan.inferred = [], [], []
        self._own: dict[str, str] = {}  #: what has a row for every sample, by its name elsewhere
        wanted = frozenset(self._wanted(divergence))
        decoders = [slot for slot in base.decoders if wanted.intersection(slot.children)]
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
        self.above = tuple(map(self._of_samples, (*above, *self._priors(roots))))
        self.below = tuple(map(self._of_samples, below))

    def _wanted(self, divergence: DivergenceOfMarginals) -> tuple[str, ...]:
        generation = self._model.generation
        every = generation.variables if generation is not None else ()
        return every if divergence.variables is None else divergence.variables

    def _name(self, wanted: frozenset[str], decoders: Sequence[Slot]) -> None:
        data = self._model.observed()
        made = _children(decoders)
        self.latents = self._model.declared(wanted - data)
        self.data = self._model.declared(wanted & data & made)
        self.roots = self._model.declared((parents_of(decoders) & data) - set(self.data))
        self.read = self._model.declared(parents_of(self._base.encoders) & data)

    # ---- the pass, as if there were one sample ---------------------------------------------------

    def _observe(self) -> None:
        """Data that nothing else reads."""
        for name in dict.fromkeys(self._model.family_of(one).name for one in self.data):
            statement = observed(self._model.family(name))
            if statement not in self._base.forward:
                self._base.forward.insert(0, statement)

    def _run(self, slot: Slot, frozen: bool) -> str:
        """A decoder on the samples, or a prior that is conditional; where its answer is."""
        target = f"{slot.result}{'~frozen' * frozen}{self._base.tag}"
        self._base.add_network(network_slot(slot, self._model))
        statement = run_slot(self._plan, slot, target, frozen)
        if statement not in self._plan.forward:
            self._plan.forward.append(statement)
        return target

    def _likelihood(self, slot: Slot, run: str, wanted: frozenset[str]) -> Density:
        """What a network of p says of its children."""
        nodes = tuple(name for name in slot.children if name in wanted)
        known: Ref | None = None
        if masks(self._model, nodes):
            family = self._model.family_of(nodes[0])
            known = member_ref(seen(family), nodes, family.nodes)
        return Density(member_ref(run, nodes, slot.children), "", self._plan.value(nodes), known)

    def _priors(self, roots: Iterable[str]) -> Iterator[Density]:
        """What p says of its roots."""
        held: dict[str, list[str]] = {}
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
                yield Density(Ref(self.mixture.key), "", self._plan.value(nodes), None)
            elif nodes:
                run, held = self._plan.posterior[nodes[0]]
                if self._plan.law(nodes[0]).is_run_alone:  # the sample's own density, of one pass
                    yield Density(None, "", Ref(density(run)), None)
                    continue
                yield Density(member_ref(run, nodes, held), "", self._plan.value(nodes), None)

    # ---- the same for every sample ---------------------------------------------------------------

    def _merge(self) -> None:
        """Put what is computed from samples behind the plan's own statements."""
        for statement in self._plan.forward:
            of_data = self._own.keys().isdisjoint(reads(statement))
            is_flow = isinstance(statement, Run) and statement.output.is_distribution
            if isinstance(statement, Sample) or is_flow or not of_data:
                self._put(statement)
            elif statement not in self._base.forward:
                self._base.forward.append(statement)

    def _put(self, statement: Statement) -> None:
        if isinstance(statement, Sample) and self.mixture is not None:
            drawn, _ = self._plan.posterior[self.mixture.children[0]]
            if statement.distribution == drawn:
                self._put_each(statement, self.mixture)
                return
        for name in reads(statement):
            self._repeat(name)
        self._own |= {key: self._fresh(key) for key in targets(statement)}
        made = renamed(statement, self._own)
        if isinstance(made, Sample):
            made = replace(made, times=self.times, like=self._rows())
        elif isinstance(made, Run | Fuse):
            made = replace(made, times=self.times)
        self._base.forward.append(made)

    def _put_each(self, one: Sample, mixture: Mixture) -> None:
        """As many samples of every expert, all of them rows."""
        self._own[one.target] = self._fresh(one.target)
        self._base.forward.append(
            replace(
                one,
                target=self._own[one.target],
                distribution=mixture.key,
                each=len(mixture.experts),
                times=self.times,
                like=self._rows(),
            )
        )

    def _repeat(self, name: str) -> None:
        """The rows of something that every sample has in common."""
        if name in self._own:
            return
        known: Mapping[str, Statement] = {one.target: one for one in self._base.forward}
        source = known.get(name)
        shape = None if isinstance(source, _SHAPELESS) else source.shape
        self._own[name] = self._fresh(name)
        self._base.forward.append(
            Repeat(target=self._own[name], source=name, times=self.times, shape=shape)
        )

    def _of_samples(self, density: Density) -> Density:
        """A density of every sample."""
        refs = (density.distribution, density.value, density.seen)
        for ref in refs:
            if ref is not None:
                self._repeat(ref.name)
        found, value, seen = (ref and renamed(ref, self._own) for ref in refs)
        return Density(found, density.word, value or density.value, seen)

    def _rows(self) -> str:
        """A tensor of as many rows as the batch has."""
        return next(one.target for one in self._base.forward if isinstance(one, Observe))

    def _fresh(self, key: str) -> str:
        """The key of what this pass has of a thing: `z~k`; a second pass over it has `z~k#2`."""
        taken = {known for one in self._base.forward for known in targets(one)}
        made, count = f"{key}~k", 1
        while made in taken:
            count += 1
            made = f"{key}~k#{count}"
        return made


def _children(slots: Iterable[Slot]) -> set[str]:
    return {name for slot in slots for name in slot.children}
