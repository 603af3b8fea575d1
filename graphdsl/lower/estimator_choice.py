"""The estimator of each term: chosen here, once, for the term and for the checks of it.

A term of an information, a distance or a bound by several samples has the estimator of its method.
A rate or an entropy has its closed form; where there is none, the log-density of a sample, or that
of a mixture.
"""

from __future__ import annotations

__all__ = [
    "DistanceEstimate",
    "Estimates",
    "ImportanceEstimate",
    "InformationEstimate",
    "RateEstimate",
    "choose_estimates",
    "choose_for_rate",
]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphdsl.bound.draws import draws_used
from graphdsl.bound.models import Decoder, Encoder, Prior
from graphdsl.bound.pieces import Piece
from graphdsl.catalog.methods import DISTANCES, MSS, Estimator, Method, estimator_of
from graphdsl.ir.information import Collected, Discrepancy, Importance, TotalCorrelation
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.objective import EstimatorChoice
from graphdsl.ir.symbols import NetworkName, Variable
from graphdsl.ir.weight import Weight
from graphdsl.notation.terms import AT_ONE_SAMPLE
from graphdsl.program.inputs import tensor_shape
from graphdsl.program.state import Mixture, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationEstimate:
    """An information or total correlation, and how it is estimated from a minibatch."""

    weight: Weight
    atom: TotalCorrelation
    written: EstimatorChoice | None  #: the line that chooses the method; None for the default
    method: Method
    estimator: Estimator
    families: tuple[Family, ...]  #: what it is between: the factors' one, or that of each part
    is_of_parts: bool  #: whether it is between variables as they are, not factors of one family
    given: Family | None = None  #: in whose groups it is estimated
    is_encoded: bool = False  #: whether it is of a latent and the data that it is inferred from

    @property
    def method_name(self) -> str:
        """What the method is called, where it does not fit."""
        estimator = estimator_of(self.method, is_factors=not self.method.is_of_parts)
        return estimator.named.format("rows")

    @property
    def name(self) -> str:
        """What the estimator is called, of what it compares."""
        if not self.is_of_parts:
            return self.estimator.named.format("factors")
        second = self.families[-1].name
        pairs = second if self.estimator.groups else self.method.pairs.format(second)
        within = f", within the groups of {self.given.name}" if self.given else ""
        return self.estimator.named.format(pairs) + within


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceEstimate:
    """A distance of two marginals, and how samples tell it."""

    discrepancy: Discrepancy
    estimator: Estimator
    families: tuple[Family, ...]
    is_apart: bool  #: whether an information of the same variables has a critic of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportanceEstimate:
    """A divergence of data, and how several samples of a row bound it."""

    importance: Importance
    estimator: Estimator | None  #: None where the method has none of a mixture


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """The estimators of an objective, each chosen once."""

    informations: tuple[InformationEstimate, ...]
    distances: tuple[DistanceEstimate, ...]
    importances: tuple[ImportanceEstimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEstimate:
    """How a rate, an entropy or a cross-entropy is computed."""

    mixture: Mixture | None  #: whose density it has, on either side
    is_sampled: bool  #: whether it is the log-density of a sample, as no closed form is known
    name: str  #: what the audit calls it; nothing for a closed form


def choose_estimates(collected: Collected, model: Model) -> Estimates:
    """Choose the estimators of all that an objective estimates from samples."""
    return Estimates(
        informations=tuple(_information(*estimate, model) for estimate in collected.estimated),
        distances=tuple(_distance(distance, model) for distance in collected.distances),
        importances=tuple(_importance(importance, model) for importance in collected.importances),
    )


def choose_for_rate(plans: Mapping[NetworkName, Plan], group: Sequence[Piece]) -> RateEstimate:
    """Choose how pieces that differ in indices alone are computed."""
    mixture = _mixture(plans, group[0])
    is_sampled = mixture is None and _has_no_closed_form(plans, group[0])
    draws = draws_used(group)
    if mixture is not None:
        name = f"{AT_ONE_SAMPLE}: unbiased"
    elif draws:
        name = f"one {', '.join(draws)} for each row, drawn uniformly: unbiased"
    elif is_sampled:
        name = f"log-densities of one sample of {plans[group[0].under].base}: unbiased"
    else:
        name = ""
    return RateEstimate(mixture=mixture, is_sampled=is_sampled, name=name)


def _information(
    weight: Weight, atom: TotalCorrelation, written: EstimatorChoice | None, model: Model
) -> InformationEstimate:
    method = written.method if written else MSS
    families = _families((name for part in atom.parts for name in part), model)
    is_of_parts = method.is_of_parts or (len(atom.parts) == 2 and len(families) == 2)
    if is_of_parts:
        families = _of_parts(atom, model)
    last = families[-1]
    is_groups = is_of_parts and last.kind == "binary" and not tensor_shape(last)
    given = [model.family_of(name) for name in sorted(atom.given)]
    is_within = is_of_parts and len(given) == 1
    is_encoded = is_of_parts and method.encoded is not None and last.role != "latent"
    return InformationEstimate(
        weight=weight,
        atom=atom,
        written=written,
        method=method,
        estimator=estimator_of(
            method,
            is_factors=not is_of_parts,
            is_groups=is_groups,
            is_within=is_within,
            is_encoded=is_encoded,
        ),
        families=families,
        is_of_parts=is_of_parts,
        given=given[0] if is_within else None,
        is_encoded=is_encoded,
    )


def _of_parts(atom: TotalCorrelation, model: Model) -> tuple[Family, ...]:
    """The family of each part: first a latent, and of two of them real numbers."""
    families = [model.family_of(part[0]) for part in atom.parts]
    families.sort(key=lambda one: (one.role != "latent", one.kind != "real"))  # stable
    return tuple(families)


def _distance(one: Discrepancy, model: Model) -> DistanceEstimate:
    distance = one.distance
    played = [choice.target.parts for choice in model.choices if _has_critic(choice.method)]
    others = [_families((name for part in parts for name in part), model) for parts in played]
    families = _families(distance.variables, model)
    return DistanceEstimate(
        discrepancy=one,
        estimator=distance.game or DISTANCES[distance.name],
        families=families,
        is_apart=_names(families) in map(_names, others),
    )


def _families(variables: Iterable[Variable], model: Model) -> tuple[Family, ...]:
    families = map(model.family_of, variables)
    return tuple({family.name: family for family in families}.values())


def _names(families: Iterable[Family]) -> set[str]:
    return {family.name for family in families}


def _has_critic(method: Method) -> bool:
    return any(one is not None and bool(one.critic) for one in (method.factors, method.parts))


def _importance(one: Importance, model: Model) -> ImportanceEstimate:
    method, network = one.divergence.method, model.inference_of(one.divergence.under)
    mixtures = [each for each in network.conditionals if each.mixes]
    every = any(not each.one_expert for each in mixtures)
    estimator = method.of_experts if every else method.joint
    if mixtures and method.of_experts is None:
        estimator = None
    return ImportanceEstimate(importance=one, estimator=estimator)


def _mixture(plans: Mapping[NetworkName, Plan], piece: Piece) -> Mixture | None:
    """The mixture whose density a rate has, or an entropy, on either side."""
    if piece.kind not in ("kl", "entropy"):
        return None
    other = plans.get(piece.ref.network) if isinstance(piece.ref, Encoder) else None
    own = plans[piece.under].mixtures.get(piece.node)
    return own if own is not None or other is None else other.mixtures.get(piece.node)


def _has_no_closed_form(plans: Mapping[NetworkName, Plan], piece: Piece) -> bool:
    """Whether a rate, or an entropy, is known by samples alone: that of a flow is."""
    if piece.kind not in ("kl", "entropy"):
        return False
    law = plans[piece.under].law(piece.node)
    if isinstance(piece.ref, Encoder):
        return not law.has_divergence_to(plans[piece.ref.network].law(piece.node))
    if isinstance(piece.ref, Prior):
        prior = plans[piece.under].model.family_of(piece.node).distribution.law
        return not law.has_divergence_to(prior)
    if isinstance(piece.ref, Decoder):
        made = plans[piece.under].model.distribution_of(piece.ref.conditional, piece.node)
        return not law.has_divergence_to(made.law)
    return not law.entropy
