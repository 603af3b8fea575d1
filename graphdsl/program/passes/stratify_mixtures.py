"""One sample from every expert of a mixture, in place of a sample of one expert that is drawn.

The expectation under a mixture is the mean of those under its experts. What a loss computes from a
sample of the mixture, it computes from a sample of each expert: they are an axis behind the rows.
Each term that depends on them is their mean, over the experts that a row has. A term that cannot
be computed so keeps the one sample, of an expert that is drawn for each row: it has the same mean.
"""

from __future__ import annotations

__all__ = ["stratified"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from graphdsl.ir.loss import LossTerm, TermCode
from graphdsl.ir.model import DivergenceOfMarginals, Model
from graphdsl.ir.statements import Assemble, Observe, PriorSample, Ref, Run, Sample, Statement
from graphdsl.notation.networks import joint_text
from graphdsl.notation.terms import AT_ONE_SAMPLE
from graphdsl.program.passes.drop_unused import read_by
from graphdsl.program.runs import Mixture, Plan
from graphdsl.program.substitution import reads, targets

_KINDS = ("kl", "entropy", "reconstruction", "cross_entropy", "cost")


def stratified(
    plans: Mapping[str, Plan], terms: Iterable[LossTerm], model: Model
) -> tuple[LossTerm, ...]:
    """The terms over every expert where they can be; their statements are put into the plans."""
    found = tuple(terms)
    enumerated = {
        one.functional.under
        for one in model.asked()
        if isinstance(one.functional, DivergenceOfMarginals) and one.functional.enumerated
    }
    keys = frozenset(one.key for plan in plans.values() for one in plan.mixtures.values())
    for under, plan in plans.items():
        for mixture in dict.fromkeys(plan.mixtures.values()):
            strata = _Strata(plan, mixture, keys, by_class=under in enumerated)
            found = strata.put_into(found)
    return found


@dataclass(slots=True)
class _Strata:
    """The samples of one mixture's experts, and all that has their axis."""

    plan: Plan
    mixture: Mixture
    mixtures: frozenset[str]  #: the keys of all
    by_class: bool = False  #: whether classes are summed over: they have an axis in the same place
    each: dict[str, str] = field(default_factory=dict)  #: what has the axis, by its name without
    barred: set[str] = field(default_factory=set)  #: what depends on the sample, and has no axis
    classes: set[str] = field(default_factory=set)  #: what depends on classes

    @property
    def count(self) -> int:
        """How many experts there are."""
        return len(self.mixture.experts)

    def put_into(self, terms: tuple[LossTerm, ...]) -> tuple[LossTerm, ...]:
        """The terms of every expert, and behind each statement that of every expert."""
        drawn, _ = self.plan.posterior[self.mixture.children[0]]
        every: list[Statement] = []
        for one in self.plan.forward:
            every.append(one)
            if isinstance(one, Sample) and one.discrete and self.by_class:
                self.classes.update(targets(one))
            elif isinstance(one, Sample) and one.distribution == drawn and not one.times:
                every.append(self._samples(one))
            elif not isinstance(one, PriorSample):
                every += self._of_each(one)
        made = tuple(map(self._term, terms))
        self.plan.forward[:] = every
        return made

    # ---- statements ------------------------------------------------------------------------------

    def _samples(self, one: Sample) -> Sample:
        rows = next(each.target for each in self.plan.forward if isinstance(each, Observe))
        return replace(
            one,
            target=self._own(one.target),
            distribution=self.mixture.key,
            shape=(self.count, *one.shape),
            each=self.count,
            like=rows,
        )

    def _of_each(self, one: Statement) -> Iterator[Statement]:
        """The statement of every expert, if it depends on the sample and has one."""
        names = set(reads(one))
        if names & self.classes:
            self.classes.update(targets(one))
        if names.isdisjoint(self.each.keys() | self.barred):
            return
        made = None if names & (self.barred | self.classes) else self._made(one)
        if made is None:
            self.barred.update(targets(one))
        else:
            yield made

    def _made(self, one: Statement) -> Statement | None:
        match one:
            case Run(holders="", on_sets=False, detached=False, times=1) if self._fits(one):
                return replace(
                    one,
                    target=self._own(one.target),
                    arguments=tuple(map(self._ref, one.arguments)),
                    prior=self.each.get(one.prior, ""),
                    formula=f"{one.formula} of every expert",
                    shape=(self.count, *one.shape),
                    on_sets=True,
                )
            case Sample(density="", each=0, times=0, discrete=False):
                return replace(
                    one,
                    target=self._own(one.target),
                    distribution=self.each[one.distribution],
                    noise=replace(one.noise, in_sets=True),
                    shape=(self.count, *one.shape),
                )
            case Assemble() if self.each.keys() >= {part.name for part in one.parts}:
                parts = tuple(map(self._ref, one.parts))
                return replace(one, target=self._own(one.target), parts=parts, in_classes=True)
            case _:
                return None

    def _fits(self, one: Run) -> bool:
        gated = any(ref.gate is not None for ref in one.arguments)
        known = not one.prior or one.prior in self.each
        return not one.output.is_distribution and known and not gated

    def _own(self, key: str) -> str:
        self.each[key] = f"{key}~each"
        while self.each[key] in {name for one in self.plan.forward for name in targets(one)}:
            self.each[key] += "~"
        return self.each[key]

    def _ref(self, ref: Ref) -> Ref:
        """A tensor of every expert; of what all have in common, with an axis of size one."""
        if ref.name not in self.each:
            return replace(ref, in_sets=True)
        own = replace(ref, name=self.each[ref.name])
        return own if ref.places is None else replace(own, behind=True)

    # ---- terms -----------------------------------------------------------------------------------

    def _term(self, term: LossTerm) -> LossTerm:
        """A term as its mean over the experts, where it depends on the sample."""
        names = set(read_by(term.code))
        if names.isdisjoint(self.each.keys() | self.barred):
            return term
        code = None if names & (self.barred | self.classes) else self._averaged(term)
        if code is None:
            return replace(term, estimator=self._told(term, "one expert"))
        return replace(term, code=code, estimator=self._told(term, "every expert"))

    def _averaged(self, term: LossTerm) -> TermCode | None:
        """The mean over the experts; None where the term takes one sample for each row."""
        code = term.code
        if term.critic_code is not None or code.kind not in _KINDS or code.broadcast or code.strata:
            return None
        if code.value is None:
            right = code.right and self._ref(code.right)
            return replace(code, left=self._ref(code.left), right=right, strata=self.mixture.key)
        if code.left.name != self.mixture.key or code.value.name not in self.each:
            return None
        return self._density(code, code.value)

    def _density(self, code: TermCode, value: Ref) -> TermCode:
        """The mixture's own density, beside another at the same samples."""
        right = code.right
        if right is not None and right.name not in self.mixtures:
            right = self._ref(right)
        return replace(code, right=right, value=self._ref(value), strata=self.mixture.key)

    def _told(self, term: LossTerm, which: str) -> str:
        """How the term is had, and of which experts there are samples."""
        of = f"{which} of {joint_text(self.plan.model, self.mixture.children)}"
        of += ", which is drawn" * (which == "one expert")
        if term.code.left.name == self.mixture.key:
            return term.estimator.replace(AT_ONE_SAMPLE, f"{AT_ONE_SAMPLE} of {of}")
        return ", ".join(filter(None, (term.estimator, f"one sample of {of}")))
