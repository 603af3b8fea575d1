"""Stratify mixtures: one sample from every expert, in place of a sample of one that is drawn.

The expectation under a mixture is the mean of those under its experts. What a loss computes from a
sample of the mixture, it computes from a sample of each expert: they are an axis behind the rows.
A term that cannot be computed so keeps the one sample, of an expert that is drawn for each row.

Law: each term that depends on the mixture is its mean over the experts that a row has, and so has
the expectation that it had.
"""

from __future__ import annotations

__all__ = ["stratified"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from graphdsl.ir.loss import MEANS_OF_ROWS, LossTerm, TermCode
from graphdsl.ir.model import Model
from graphdsl.ir.objective import DivergenceOfMarginals
from graphdsl.ir.statements import Assemble, Observe, PriorSample, Run, Sample, Statement
from graphdsl.ir.symbols import NetworkName
from graphdsl.ir.values import Ref, Value
from graphdsl.notation.networks import joint_text
from graphdsl.notation.terms import AT_ONE_SAMPLE
from graphdsl.program.passes.axes import also, on_axis, with_axis
from graphdsl.program.passes.drop_unused import read_by_term
from graphdsl.program.state import Mixture, Plan
from graphdsl.program.substitution import inputs, outputs, replaced


def stratified(
    plans: Mapping[NetworkName, Plan], terms: Iterable[LossTerm], model: Model
) -> tuple[LossTerm, ...]:
    """The terms over every expert where they can be; their statements are put into the plans."""
    stratified_terms = tuple(terms)
    enumerated = {
        term.functional.under
        for term in model.asked()
        if isinstance(term.functional, DivergenceOfMarginals) and term.functional.enumerated
    }
    held = frozenset(one for plan in plans.values() for one in _mixtures(plan))
    for under, plan in plans.items():
        for mixture in dict.fromkeys(plan.mixtures.values()):
            strata = _Strata(plan, mixture, held, by_class=under in enumerated)
            stratified_terms = strata.put_into(stratified_terms)
    return stratified_terms


def _mixtures(plan: Plan) -> Iterator[Value]:
    """What has one density for all coordinates: posteriors, and priors of p."""
    yield from (one.value for one in plan.mixtures.values())
    yield from (
        statement.target
        for statement in plan.forward
        if isinstance(statement, Run) and statement.is_mixture
    )


@dataclass(slots=True)
class _Strata:
    """The samples of one mixture's experts, and all that has their axis."""

    plan: Plan
    mixture: Mixture
    mixtures: frozenset[Value]  #: of all networks
    by_class: bool = False  #: whether classes are summed over: they have an axis in the same place
    each: dict[Value, Value] = field(default_factory=dict)  #: what has the axis, by what has none
    barred: set[Value] = field(default_factory=set)  #: what depends on the sample, and has no axis
    classes: set[Value] = field(default_factory=set)  #: what depends on classes

    @property
    def count(self) -> int:
        """How many experts there are."""
        return len(self.mixture.experts)

    def put_into(self, terms: tuple[LossTerm, ...]) -> tuple[LossTerm, ...]:
        """The terms of every expert, and behind each statement that of every expert."""
        drawn, _ = self.plan.posterior[self.mixture.children[0]]
        every: list[Statement] = []
        for statement in self.plan.forward:
            every.append(statement)
            if isinstance(statement, Sample) and statement.discrete and self.by_class:
                self.classes.update(outputs(statement))
            elif (
                isinstance(statement, Sample)
                and statement.distribution == drawn
                and not statement.times
            ):
                every.append(self._samples(statement))
            elif not isinstance(statement, PriorSample):
                every += self._of_each(statement)
        split = tuple(map(self._term, terms))
        self.plan.forward.rewrite(every)
        return split

    # ---- statements ------------------------------------------------------------------------------

    def _samples(self, one: Sample) -> Sample:
        rows = next(each.target for each in self.plan.forward if isinstance(each, Observe))
        return replace(
            one,
            target=self._own(one.target),
            distribution=self.mixture.value,
            each=self.count,
            like=rows,
        )

    def _of_each(self, one: Statement) -> Iterator[Statement]:
        """The statement of every expert, if it depends on the sample and has one."""
        read = set(inputs(one))
        if read & self.classes:
            self.classes.update(outputs(one))
        if read.isdisjoint(self.each.keys() | self.barred):
            return
        split = None if read & (self.barred | self.classes) else self._made(one)
        if split is None:
            self.barred.update(outputs(one))
        else:
            yield split

    def _made(self, one: Statement) -> Statement | None:
        match one:
            case Run(holders="", on_sets=False, detached=False, times=1) if self._fits(one):
                return replace(
                    one,
                    target=self._own(one.target),
                    arguments=tuple(map(self._ref, one.arguments)),
                    exposure=one.exposure and self._ref(one.exposure),
                    group=one.group and self._ref(one.group),
                    prior=None if one.prior is None else self.each.get(one.prior),
                    formula=f"{one.formula} of every expert",
                    on_sets=True,
                )
            case Sample(
                density=None, each=0, times=0, discrete=False, distribution=Value() as held
            ):
                return replace(
                    one,
                    target=self._own(one.target),
                    distribution=self.each[held],
                    noise=replace(one.noise, in_sets=True),
                )
            case Assemble() if self.each.keys() >= {part.value for part in one.parts}:
                parts = tuple(map(self._ref, one.parts))
                return replace(one, target=self._own(one.target), parts=parts, in_classes=True)
            case _:
                return None

    def _fits(self, one: Run) -> bool:
        gated = any(ref.gate is not None for ref in one.arguments)
        known = one.prior is None or one.prior in self.each
        return not one.output.is_distribution and known and not gated

    def _own(self, value: Value) -> Value:
        self.each[value] = with_axis(value, self.count, f"{value.name}~each")
        return self.each[value]

    def _ref(self, ref: Ref) -> Ref:
        """A tensor of every expert; of what all have in common, with an axis of size one."""
        return replaced(on_axis(ref, self.each), self.each)

    # ---- terms -----------------------------------------------------------------------------------

    def _term(self, term: LossTerm) -> LossTerm:
        """A term as its mean over the experts, where it depends on the sample."""
        read = set(read_by_term(term.code))
        if read.isdisjoint(self.each.keys() | self.barred):
            return term
        code = None if read & (self.barred | self.classes) else self._averaged(term)
        if code is None:
            return replace(term, estimator=self._told(term, "one expert"))
        return replace(term, code=code, estimator=self._told(term, "every expert"))

    def _averaged(self, term: LossTerm) -> TermCode | None:
        """The mean over the experts; None where the term takes one sample for each row."""
        code = term.code
        if (
            term.critic_code is not None
            or code.kind not in MEANS_OF_ROWS
            or code.broadcast
            or code.strata
        ):
            return None
        if code.value is None:
            right = code.right and self._ref(code.right)
            return replace(code, left=self._ref(code.left), right=right, strata=self.mixture.value)
        if code.left.value is not self.mixture.value or code.value.value not in self.each:
            return None
        return self._density(code, code.value)

    def _density(self, code: TermCode, value: Ref) -> TermCode:
        """The mixture's own density, beside another at the same samples."""
        right = code.right
        if right is not None and right.value not in self.mixtures:
            right = self._ref(right)
        return replace(code, right=right, value=self._ref(value), strata=self.mixture.value)

    def _told(self, term: LossTerm, which: str) -> str:
        """How the term is had, and of which experts there are samples."""
        of = f"{which} of {joint_text(self.plan.model, self.mixture.children)}"
        of += ", which is drawn" * (which == "one expert")
        if term.code.left.value is self.mixture.value:
            return term.estimator.replace(AT_ONE_SAMPLE, f"{AT_ONE_SAMPLE} of {of}")
        return also(term.estimator, f"one sample of {of}")
