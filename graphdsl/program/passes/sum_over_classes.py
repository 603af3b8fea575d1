"""Sum over the classes of what is inferred, in place of a sample of them.

What a loss computes from a sample of a category, it computes from each of its classes: they are an
axis behind the rows.

Law: each term that depends on a class is its mean over all classes, weighted by the posterior's own
probabilities; all other terms stay as they are.
"""

from __future__ import annotations

__all__ = ["enumerated", "unfit_players"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from graphdsl.catalog.laws import Output
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.loss import MEANS_OF_ROWS, LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.objective import DivergenceOfMarginals, Weighted
from graphdsl.ir.statements import (
    Assemble,
    Chances,
    Every,
    EveryValue,
    Fuse,
    Known,
    PriorSample,
    Run,
    Sample,
    Statement,
)
from graphdsl.ir.symbols import NetworkName
from graphdsl.ir.values import Ref, Value
from graphdsl.program.errors import ChoiceInVain, SumMisplaced
from graphdsl.program.passes.axes import also, on_axis, with_axis
from graphdsl.program.passes.drop_unused import read_by_term
from graphdsl.program.state import Plan
from graphdsl.program.substitution import inputs, outputs, replaced
from graphdsl.slots.keys import reads_like

_MOST = 256  #: combinations of classes, each of which is so many more rows to all networks
_LEAVE = "leave out `with enumeration`"


class _Unfit(Exception):  # noqa: N818  (no error of the program: it becomes a diagnostic)
    """Why no sum can be had, and what to do."""

    def __init__(self, reason: str, instead: str = f"{_LEAVE}: a sample is drawn instead") -> None:
        super().__init__(reason)
        self.reason, self.instead = reason, instead


def unfit_players(model: Model) -> Iterator[Diagnostic]:
    """Where each player has an objective of its own, all of them share one pass of samples."""
    asked = _asked(model) if model.players else {}
    reason = "each player has an objective of its own"
    yield from (_misplaced(under, term, _Unfit(reason)) for under, term in asked.items())


def enumerated(
    module: LossModule, plans: dict[NetworkName, Plan], model: Model
) -> tuple[LossModule, tuple[Diagnostic, ...]]:
    """The module with sums over classes where they are asked for, and what is wrong with that."""
    diagnostics: list[Diagnostic] = []
    for under, place in _asked(model).items():
        if under not in plans:
            continue  # its terms have left the objective
        try:
            classes = _Classes(plans[under])
            module = classes.put_into(module)
            if not classes.deep:
                span = Span.at(place.line, place.column, 2)
                lacking = "sample of a category or a bit"
                diagnostics.append(ChoiceInVain(span=span, word="enumeration", lacking=lacking))
        except _Unfit as why:
            diagnostics.append(_misplaced(under, place, why))
    return module, tuple(diagnostics)


def _asked(model: Model) -> dict[NetworkName, Weighted]:
    """The networks whose classes are to be summed over, and where that is said first."""
    asked: dict[NetworkName, Weighted] = {}
    for term in model.asked():
        match term.functional:
            case DivergenceOfMarginals(enumerated=True, under=under):
                asked.setdefault(under, term)
    return asked


def _misplaced(under: NetworkName, place: Weighted, why: _Unfit) -> Diagnostic:
    span = Span.at(place.line, place.column, 2)
    return SumMisplaced(span=span, under=under, reason=why.reason, instead=why.instead)


@dataclass(slots=True)
class _Classes:
    """The classes of what one network infers, and all that has their axis."""

    plan: Plan
    deep: set[Value] = field(default_factory=set)
    drawn: set[Value] = field(default_factory=set)  #: samples of what has no classes
    samples: Sequence[Sample] = ()
    count: int = 1
    chance: Value = field(default_factory=lambda: Value("~chance"))
    wide: dict[Value, Value] = field(default_factory=dict)  #: what has the axis, by what has none

    def put_into(self, module: LossModule) -> LossModule:
        """The module, where every sample of a category is all of its classes."""
        self.samples = tuple(self._samples(module.forward))
        self.count = prod(map(self._count, self.samples))
        if not self.samples:
            return module
        if self.count > _MOST:
            raise _Unfit(
                f"there are {self.count:,} combinations of classes, and {_MOST} are the most",
                f"infer fewer, or {_LEAVE}: a sample is drawn instead",
            )
        self._mark(module.forward)
        self.chance = Value(f"~chance{self.plan.tag}", (self.count,))
        forward = tuple(self._statements(module.forward))
        terms = (replaced(self._term(term), self.wide) for term in module.terms)
        return replace(
            module,
            terms=tuple(terms),
            forward=forward,
            reason=f"{module.reason}, where E_{self.plan.under} sums over {self._every_value()}",
        )

    # ---- what there is to sum over ---------------------------------------------------------------

    def _samples(self, statements: Iterable[Statement]) -> Iterator[Sample]:
        """What this network infers of categories and bits, and something is computed from."""
        gradients = {self.plan.law(node).gradient for node in self.plan.posterior}
        if "relaxed" not in gradients:
            reason = f"`{self.plan.under}` infers no category and no bit"
            raise _Unfit(reason, f"{_LEAVE}: there are no classes to sum over")
        for statement in statements:
            if (
                isinstance(statement, Sample)
                and statement.discrete
                and statement.distribution in self._own
            ):
                yield statement

    @property
    def _own(self) -> dict[Value | None, tuple[str, ...]]:
        """The posteriors of this network, and what each is of."""
        return dict(self.plan.posterior.values())

    def _count(self, sample: Sample) -> int:
        family, nodes = self.plan.model.family(sample.latent), self._own[sample.distribution]
        return int((family.classes or 2) ** (len(nodes) * prod(family.shape)))

    def _name(self, sample: Sample) -> str:
        """What the runtime calls it: a family whole, or one member of it."""
        family, nodes = self.plan.model.family(sample.latent), self._own[sample.distribution]
        if nodes == family.nodes:
            return family.name
        if len(nodes) > 1:
            reason = f"`{family.name}` is inferred by several lines, of several members each"
            raise _Unfit(reason, f"infer each member by a line of its own, or {_LEAVE}")
        return nodes[0]

    def _names(self) -> str:
        return ", ".join(map(self._name, self.samples))

    def _every_value(self) -> str:
        return f"all {self.count} values of {self._names()}"

    # ---- statements ------------------------------------------------------------------------------

    def _statements(self, statements: Iterable[Statement]) -> Iterator[Statement]:
        for statement in statements:
            if statement not in self.samples:
                read = inputs(statement)
                generated = (
                    statement
                    if self.deep.isdisjoint(read)
                    else self._widened(self._of_classes(statement))
                )
                yield replaced(generated, self.wide)
                continue
            if statement == self.samples[0]:
                yield self._every()
            if statement == self.samples[-1]:
                yield replaced(self._chances(), self.wide)

    def _widened(self, one: Statement) -> Statement:
        """A statement that computes values with the axis of the classes."""
        if not isinstance(one, PriorSample):
            shaped = (value for value in outputs(one) if value.shape is not None)
            self.wide |= {value: with_axis(value, self.count) for value in shaped}
        return one

    def _mark(self, statements: Iterable[Statement]) -> None:
        """What is computed from the classes; of what a sample of p is like, the shape alone."""
        self.deep.update(sample.target for sample in self.samples)
        own = self._own
        for statement in statements:
            if (
                isinstance(statement, Sample)
                and statement not in self.samples
                and statement.distribution in own
            ):
                self.drawn.add(statement.target)
            if not isinstance(statement, PriorSample) and not self.deep.isdisjoint(
                inputs(statement)
            ):
                self.deep.add(statement.target)

    def _every(self) -> Every:
        values = [EveryValue(sample.target, name=self._name(sample)) for sample in self.samples]
        return Every(variables=tuple(values), count=self.count)

    def _chances(self) -> Chances:
        parts = [
            (self._ref(Ref(sample.distribution)), sample.target)
            for sample in self.samples
            if sample.distribution is not None
        ]
        return Chances(target=self.chance, parts=tuple(parts), of=self._names(), count=self.count)

    def _of_classes(self, one: Statement) -> Statement:
        """A statement of every class, in place of one of a row."""
        match one:
            case Run() if not one.output.is_distribution and not one.detached:
                if one.prior is None or one.prior in self.deep:
                    return self._run(one)
            case PriorSample():
                return self._beside(one)
            case Known():
                return replace(one, seen=self._ref(one.seen), value=self._ref(one.value))
            case Sample(density=None):
                return replace(one, noise=replace(one.noise, in_sets=True))
            case Assemble() if self.deep.issuperset(part.value for part in one.parts):
                parts = tuple(map(self._ref, one.parts))
                return replace(one, parts=parts, in_classes=True)
        raise _Unfit(f"{self._why_not(one)}, and depends on {self._names()}")

    def _why_not(self, one: Statement) -> str:
        """Why a statement is not computed class by class."""
        name = reads_like(one.target.name)
        match one:
            case Run(output=Output(constructor="")) | Sample():
                return f"`{name}` is a flow, or a sample of one"
            case Run(prior=Value()):
                return f"`{name}` falls back on a prior where rows lack views"
            case Run():
                return f"`{name}` plays against the rest"
            case Fuse():
                return f"`{name}` is a product, or a mixture, of experts"
            case _:
                return f"`{name}` is put together of members"

    def _beside(self, sample: PriorSample) -> PriorSample:
        """A sample of p's, like something of a row's shape in place of what has classes."""
        for one in self.samples:
            if one.target is sample.like:
                deep = one.distribution in self.deep
                return replace(sample, like=one.distribution, of_mean=True, of_classes=deep)
        if sample.like not in self.drawn:
            beside = reads_like("" if sample.like is None else sample.like.name)
            raise _Unfit(f"p's own samples are drawn beside `{beside}`, which is put together")
        return replace(sample, of_classes=True)

    def _run(self, one: Run) -> Run:
        return replace(
            one,
            arguments=tuple(map(self._ref, one.arguments)),
            exposure=one.exposure and self._ref(one.exposure),
            group=one.group and self._ref(one.group),
            formula=f"{one.formula} of every {self._names()}",
            on_sets=True,
        )

    def _ref(self, ref: Ref) -> Ref:
        """A tensor with the axis of the classes; of what all have in common, one of size one."""
        if ref.gate is not None:
            raise _Unfit(f"a learned mask acts on what is computed from {self._names()}")
        return on_axis(ref, self.deep)

    # ---- terms -----------------------------------------------------------------------------------

    def _term(self, term: LossTerm) -> LossTerm:
        """A term as its mean over the classes, where it depends on them."""
        code = term.code
        if self.deep.isdisjoint(read_by_term(code)):
            return term
        known = code.kind in MEANS_OF_ROWS and code.value is None and not code.broadcast
        if not known or term.critic_code is not None:
            reason = f"`{term.name}` depends on {self._names()}, and is estimated from samples"
            raise _Unfit(reason, "leave out that term, or `with enumeration`")
        code = replace(
            code,
            left=self._ref(code.left),
            right=code.right and self._ref(code.right),
            chance=self.chance,
        )
        estimator = also(term.estimator, f"a sum over {self._every_value()}")
        return replace(term, code=code, estimator=estimator)
