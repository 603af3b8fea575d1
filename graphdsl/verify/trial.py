"""A trial of an emitted module: networks, batches with noise, and what its loss must come to."""

from __future__ import annotations

__all__ = [
    "ESTIMATED",
    "Claim",
    "Numbers",
    "Pass",
    "SignedSum",
    "Trial",
    "claims",
    "exact_loss",
    "is_under_p",
    "left_out",
    "settings",
    "signed_sums",
    "told_bounds",
]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphdsl.catalog.functions import FunctionWord
from graphdsl.ir.information import Term
from graphdsl.ir.loss import Bound, LossModule, LossTerm
from graphdsl.ir.objective import Wrapped
from graphdsl.verify.models import Models, intended
from graphdsl.verify.networks import Affine
from graphdsl.verify.row_models import RowModels
from graphdsl.verify.rows import detours, objective_of, term_of
from graphdsl.verify.structures import COMPLETE, Logits, Structure
from graphdsl.verify.terms import Parameters, signed, weight_value, worth

#: Kinds of terms that have no closed form here: told from the minibatch, or from samples, or costs.
ESTIMATED = ("total_correlation", "information", "distance", "penalty", "importance", "cost")
Numbers: TypeAlias = "NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]"


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One call of the module."""

    batch: Mapping[str, Numbers]
    noise: Mapping[str, Numbers]
    weight: float = 1.0  #: of its loss in the expectation


@dataclass(frozen=True, slots=True)
class SignedSum:
    """A sum of terms under a sign that is not linear: the sign is of its expectation."""

    kind: FunctionWord
    weight: float  #: in the loss
    terms: Mapping[str, float]  #: with their weights in the sum
    offset: float
    bound: float

    def inner(self, terms: Mapping[str, float]) -> float:
        """The sum, at some values of the terms."""
        return self.offset + sum(weight * terms[name] for name, weight in self.terms.items())

    def signed(self, inner: float) -> float:
        """What the sign makes of it in the loss."""
        return self.weight * signed(self.kind, inner, self.bound)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the audit claims of the mean of a term that is estimated."""

    term: str
    relation: Literal["upper", "lower"]
    weight: float
    exact: float  #: of what it stands for, weight included


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """How to run a module, and the value to expect."""

    kind: Literal["gaussian", "discrete"]
    networks: Mapping[str, Affine]
    parameters: Parameters  #: those that the constructor takes
    passes: tuple[Pass, ...]  #: the weighted sum of their losses is the expectation, exactly
    signs: tuple[SignedSum, ...] = ()  #: but for these sums, whose sign waits for their expectation
    samples: tuple[Pass, ...]  #: random rows, whose mean loss nears it; may be none
    exact: float
    left_out: Mapping[str, float]  #: terms that are estimated, and their weights: not in `exact`
    lowest_gap: float = 0.0  #: of the bounds that are certified: never below zero
    at_samples: str = ""  #: what of `exact` is of the samples at hand, and no expectation
    claims: tuple[Claim, ...] = ()  #: of those that are bounds, where there are random rows
    players: tuple[str, ...] = ()  #: whose losses are summed; of none it is the loss itself
    of: str = ""  #: the rows that it is of, where rows may lack something: `rows that lack x[1]`
    structure: Structure = COMPLETE  #: the edges that its noise draws
    structures: int = 1  #: how many structures there are
    logits: Mapping[str, Logits] = field(default_factory=dict)  #: of the edges of each mask

    @property
    def rows(self) -> int:
        """How many rows the passes have together."""
        return sum(len(next(iter(one.batch.values()))) for one in self.passes)


def settings(module: LossModule, rng: np.random.Generator) -> tuple[Parameters, Parameters]:
    """Values for the parameters: what the constructor is given, and what all of them then are."""
    given, known = {}, {}
    for parameter in module.parameters:
        if parameter.schedule is not None:
            known[parameter.name] = float(parameter.schedule.start)
            continue
        value = parameter.value + float(rng.exponential(0.5))
        if parameter.high is not None:
            low = parameter.value if parameter.low is None else parameter.low
            value = low + (parameter.high - low) * float(rng.random())
        given[parameter.name] = known[parameter.name] = value
    return given, known


def exact_loss(models: RowModels, module: LossModule, parameters: Parameters) -> float:
    """The objective by its definition, less the constants that are dropped, plus every gap.

    All of what rows of one pattern have; what has no closed form is not in it.
    """
    row, model = models.row, models.model
    plain = [one for one in model.objective if not isinstance(one.functional, Wrapped)]
    whole = list(objective_of(row, plain, model))
    terms = {term.name: term for term in module.terms}
    open_terms = [term for term in module.terms if not term.within]
    total = intended(models, whole, parameters) + _gaps(models, open_terms, parameters)
    total -= _worth(models, module.constants, parameters)
    changed = (Term(weight, atom) for weight, atom in detours(row, plain, model))
    total -= worth(changed, models.world, parameters)
    for term in open_terms:
        if term.code.kind in ("total_correlation", "information"):
            total -= _worth(models, term.stands_for[:1], parameters)  # the rest has vanished
    signs = [one.functional for one in model.objective if isinstance(one.functional, Wrapped)]
    for wrapped, group in zip(signs, module.groups, strict=True):
        inner = intended(models, objective_of(row, wrapped.inner, model), parameters)
        inner += _gaps(models, [terms[name] for name in group.terms], parameters)
        inner += weight_value(group.offset, parameters)
        value = signed(group.kind, inner, weight_value(group.bound, parameters))
        total += weight_value(group.weight, parameters) * value
    return total


def signed_sums(module: LossModule, parameters: Parameters) -> tuple[SignedSum, ...]:
    """The sums under `abs` and `max`, at values of the parameters."""
    weights = {term.name: weight_value(term.weight, parameters) for term in module.terms}
    return tuple(
        SignedSum(
            group.kind,
            weight_value(group.weight, parameters),
            {name: weights[name] for name in group.terms},
            weight_value(group.offset, parameters),
            weight_value(group.bound, parameters),
        )
        for group in module.groups
        if group.kind != "constraint"
    )


def left_out(module: LossModule, parameters: Parameters) -> dict[str, float]:
    """The terms that have no closed form, with their weights."""
    return {
        term.name: weight_value(term.weight, parameters)
        for term in module.terms
        if term.code.kind in ESTIMATED
    }


def claims(models: RowModels, module: LossModule, parameters: Parameters) -> Iterator[Claim]:
    """The bounds, which need no trained critic, of informations of rows that have everything."""
    for term in module.terms:
        if term.code.kind not in ("total_correlation", "information"):
            continue
        if term.relation == "upper" or term.relation == "lower":
            exact = _worth(models, term.stands_for[:1], parameters)
            weight = weight_value(term.weight, parameters)
            yield Claim(term.name, term.relation, weight, exact)


def _worth(models: RowModels, terms: Iterable[Term], parameters: Parameters) -> float:
    """A sum of entropies, of what rows have."""
    terms_of = (term_of(models.row, term) for term in terms)
    return worth((term for term in terms_of if term is not None), models.world, parameters)


def _gaps(models: Models, terms: Iterable[LossTerm], parameters: Parameters) -> float:
    return sum(models.gap(bound, parameters) for term in terms for bound in told_bounds(term))


def is_under_p(module: LossModule) -> bool:
    """Whether a term with a closed form is over p's own samples."""
    terms = [term for term in module.terms if term.code.kind not in ESTIMATED]
    return any(share.atom.under == "p" for term in terms for share in term.stands_for)


def told_bounds(term: LossTerm) -> tuple[Bound, ...]:
    """The bounds whose gaps have a value here: not its own of a bound by several samples."""
    return term.bounds[term.code.kind == "importance" :]
