"""What came of verifying a derivation, and the code that was emitted for it, with numbers."""

from __future__ import annotations

__all__ = [
    "Comparison",
    "EmittedComparison",
    "EstimateComparison",
    "GradientComparison",
    "Slope",
    "Unverified",
    "Verification",
]

from dataclasses import dataclass
from typing import Literal

_LOSS_TOLERANCE = 1e-6  #: nats, and a share of the loss
_MOST_SIGMAS = 4
_SLOPE_TOLERANCE = 1e-5  #: of a slope, as a share of it
_LEAST_SLOPE = 1e-3  #: below which the difference itself is what counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Values that should agree, over distributions of one kind."""

    draws: int  #: distributions, each with random parameters
    values: int  #: pairs of numbers that were compared
    max_abs_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EmittedComparison:
    """The emitted module's loss beside its exact value."""

    of: str  #: the spec, or its twin
    kind: Literal["gaussian", "discrete"]
    rows: int  #: of the batches by which the expectation is exact
    exact: float  #: the value by closed form, or by enumeration
    loss: float  #: what the module says
    samples: int = 0  #: rows of random noise, where it was sampled as well
    z_score: float | None = None  #: of their mean
    left_out: tuple[str, ...] = ()  #: terms that are estimated: no part of either number
    lowest_gap: float = 0.0  #: of the bounds that are certified
    at_samples: str = ""  #: what has no closed form, and is compared at the samples themselves
    structures: int = 1  #: of learned edges, in each of which the loss was compared
    of_structures: int = 1  #: how many there are
    structure: str = ""  #: the one that the numbers are of: the furthest off

    @property
    def abs_error(self) -> float:
        """How far the module's loss is from what it should be."""
        return abs(self.loss - self.exact)

    @property
    def agrees(self) -> bool:
        """Whether the two are one number, and the samples near it; never if one is no number."""
        near = self.abs_error <= _LOSS_TOLERANCE * max(1.0, abs(self.exact))
        near = near and self.lowest_gap >= -_LOSS_TOLERANCE
        return near and (self.z_score is None or abs(self.z_score) < _MOST_SIGMAS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateComparison:
    """A term that is estimated, weight included, beside what it estimates."""

    term: str
    relation: Literal["upper", "lower"]  #: of the mean to the exact value
    exact: float
    mean: float
    deviation: float  #: the standard error of the mean
    structure: str = ""  #: of learned edges

    @property
    def agrees(self) -> bool:
        """Whether the mean is on the side that the audit claims; never if it is no number."""
        above = self.mean - self.exact
        return (above if self.relation == "upper" else -above) >= -_MOST_SIGMAS * self.deviation


@dataclass(frozen=True, slots=True)
class Slope:
    """How a player's loss rises along a direction of its parameters."""

    of: str  #: the network whose parameters move; empty for all that the player trains
    emitted: float  #: by the emitted gradient
    stated: float  #: by a central difference of the loss that the audit states
    size: float  #: what the terms of the loss rise or fall by, all counted as positive

    @property
    def error(self) -> float:
        """How far apart the two are, as a share of that."""
        apart = abs(self.emitted - self.stated)
        return apart / self.size if self.size > _LEAST_SLOPE else apart

    @property
    def agrees(self) -> bool:
        """Whether the two are one number; never if one is no number."""
        return self.error <= _SLOPE_TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientComparison:
    """A player's gradient beside central differences of the loss that the audit states for it."""

    player: str
    slopes: tuple[Slope, ...]
    reaches: tuple[str, ...] = ()  #: networks that it does not train, and has a gradient in

    @property
    def max_error(self) -> float:
        """The largest difference, as a share of the slope."""
        return max((slope.error for slope in self.slopes), default=0.0)


@dataclass(frozen=True, slots=True)
class Unverified:
    """What could not be verified, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """All that was compared; `mistakes` is empty if everything agrees."""

    discrete: Comparison | None
    gaussian: Comparison | None
    emitted: tuple[EmittedComparison, ...] = ()
    estimates: tuple[EstimateComparison, ...] = ()
    gradients: tuple[GradientComparison, ...] = ()
    mistakes: tuple[str, ...] = ()
    unverified: tuple[Unverified, ...] = ()
    structures: int = 1  #: of learned edges, in each of which the derivation was compared
    of_structures: int = 1  #: how many there are

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is not as it should be, in a sentence each."""
        losses = (
            f"the loss emitted for {one.of} is {one.loss:.9g}, and should be {one.exact:.9g}"
            + (f" where {one.structure}" if one.structure else "")
            + (f" ({one.z_score:.1f} standard errors away)" if one.z_score is not None else "")
            for one in self.emitted
            if not one.agrees
        )
        sides = (
            f"{estimate.term} is {estimate.mean:.6g} on average (+- {estimate.deviation:.2g}), "
            f"which is no {estimate.relation} bound of {estimate.exact:.6g}"
            + (f" where {estimate.structure}" if estimate.structure else "")
            for estimate in self.estimates
            if not estimate.agrees
        )
        slopes = (
            f"along a direction of {slope.of or 'all parameters'} the gradient of "
            f"{gradient.player} is {slope.emitted:.9g}, and its loss rises by {slope.stated:.9g}"
            for gradient in self.gradients
            for slope in gradient.slopes
            if not slope.agrees
        )
        reaches = (
            f"the loss of {gradient.player} has a gradient in {name}, "
            f"which {gradient.player} does not train"
            for gradient in self.gradients
            for name in gradient.reaches
        )
        return (*self.mistakes, *losses, *sides, *slopes, *reaches)
