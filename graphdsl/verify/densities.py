"""The log-density of a value under what a network predicts, by the definition of each law.

These are the oracle of `audit --verify`, so they share no code with the runtime.
"""

from __future__ import annotations

__all__ = ["DENSITIES", "Predicted"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import lgamma
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What a network predicts for one variable, and the variable's value."""

    value: Array  #: flat; a class index for each category
    parameters: tuple[Array, ...]  #: in the order of the output's record, flat
    scale: float  #: the logarithm of a scale that no network predicts, as its record has it
    classes: int  #: of a category


def _normal(one: Predicted) -> Array:
    mean, log_var = _with_scale(one)
    away: Array = (one.value - mean) ** 2 / np.exp(log_var)
    return -(away + log_var + float(np.log(2 * np.pi))) / 2


def _laplace(one: Predicted) -> Array:
    location, log_scale = _with_scale(one)
    away: Array = np.abs(one.value - location) / np.exp(log_scale)
    return -(away + log_scale + float(np.log(2)))


def _with_scale(one: Predicted) -> tuple[Array, Array]:
    """The location, and the logarithm of the scale: predicted too, or given."""
    location, *scales = one.parameters
    return location, scales[0] if scales else np.full_like(location, one.scale)


def _student_t(one: Predicted) -> Array:
    """Of d degrees of freedom, predicted last or given."""
    location, log_scale, *given = one.parameters
    d = np.exp(given[0] if given else np.full_like(location, one.scale))
    normaliser: Array = np.array([lgamma((k + 1) / 2) - lgamma(k / 2) for k in d])
    square: Array = ((one.value - location) / np.exp(log_scale)) ** 2
    tail: Array = (d + 1) / 2 * np.log1p(square / d)
    return normaliser - np.log(d * np.pi) / 2 - log_scale - tail


def _log_normal(one: Predicted) -> Array:
    """A normal logarithm, whose scale is given as its own logarithm; dx = x d log x."""
    log_median, log_scale = _with_scale(one)
    log_value = np.log(one.value)
    square: Array = ((log_value - log_median) / np.exp(log_scale)) ** 2
    return -square / 2 - log_scale - float(np.log(2 * np.pi)) / 2 - log_value


def _gamma(one: Predicted) -> Array:
    """Of the shape a and the rate a / mean."""
    log_mean, log_shape = _with_scale(one)
    a = np.exp(log_shape)
    rate = a / np.exp(log_mean)
    normaliser: Array = np.array([lgamma(each) for each in a])
    log_p: Array = a * np.log(rate) + (a - 1) * np.log(one.value) - rate * one.value - normaliser
    return log_p


def _continuous_bernoulli(one: Predicted) -> Array:
    """A Bernoulli's, l^v (1 - l)^(1 - v), times its normaliser 2 artanh(1 - 2 l) / (1 - 2 l)."""
    (logits,) = one.parameters
    chance = 1 / (1 + np.exp(-logits))
    apart = 1 - 2 * chance
    even = np.abs(apart) < 1e-6  # where the quotient has no digits, its limit 2 is as close
    safe = np.where(even, 0.5, apart)
    normaliser = np.where(even, 2.0, 2 * np.arctanh(safe) / safe)
    return _bernoulli(one) + np.log(normaliser)


def _beta(one: Predicted) -> Array:
    """Of the parameters a and b, which add up to the precision."""
    logits, log_precision = _with_scale(one)
    mean, precision = 1 / (1 + np.exp(-logits)), np.exp(log_precision)
    a, b = precision * mean, precision * (1 - mean)
    pairs = zip(a, b, strict=True)
    normaliser: Array = np.array([lgamma(x + y) - lgamma(x) - lgamma(y) for x, y in pairs])
    log_p: Array = (a - 1) * np.log(one.value) + (b - 1) * np.log(1 - one.value) + normaliser
    return log_p


def _bernoulli(one: Predicted) -> Array:
    (logits,) = one.parameters
    chance = 1 / (1 + np.exp(-logits))
    return one.value * np.log(chance) + (1 - one.value) * np.log(1 - chance)


def _categorical(one: Predicted) -> Array:
    logits = one.parameters[0].reshape(-1, one.classes)
    chosen: Array = logits[np.arange(len(logits)), one.value.astype(int)]
    total: Array = np.exp(logits).sum(axis=1)
    return chosen - np.log(total)


def _ordinal(one: Predicted) -> Array:
    """A logistic number beside thresholds one `e^scale` apart, centred about the first's shift."""
    (location,) = one.parameters
    steps = np.exp(one.scale) * np.arange(one.classes - 1)
    inner = one.scale - (one.classes - 2) / 2 + steps
    thresholds = np.concatenate([[-np.inf], inner, [np.inf]])
    chosen = one.value.astype(int)
    below = 1 / (1 + np.exp(location - thresholds[chosen]))
    up_to: Array = 1 / (1 + np.exp(location - thresholds[chosen + 1]))
    found: Array = np.log(up_to - below)
    return found


def _poisson(one: Predicted) -> Array:
    (log_rate,) = one.parameters
    factorials: Array = np.array([lgamma(each + 1) for each in one.value])
    return one.value * log_rate - np.exp(log_rate) - factorials


def _negative_binomial(one: Predicted) -> Array:
    """Failures before r successes, each of chance r / (r + mean)."""
    log_mean, *given = one.parameters
    r = np.exp(given[0] if given else np.full_like(log_mean, one.scale))
    mean = np.exp(log_mean)
    pairs = zip(one.value, r, strict=True)
    ways: Array = np.array([lgamma(v + each) - lgamma(each) - lgamma(v + 1) for v, each in pairs])
    log_p: Array = ways + r * np.log(r / (r + mean)) + one.value * np.log(mean / (r + mean))
    return log_p


def _inflated(density: Callable[[Predicted], Array]) -> Callable[[Predicted], Array]:
    """Counts that are a zero besides, with the chance that the second parameter predicts."""

    def log_density(one: Predicted) -> Array:
        first, logits, *others = one.parameters
        zero = 1 / (1 + np.exp(-logits))
        counts = density(replace(one, parameters=(first, *others)))
        inflated = np.where(one.value == 0, np.log(zero), -np.inf)
        log_p: Array = np.logaddexp(inflated, np.log(1 - zero) + counts)
        return log_p

    return log_density


#: The name of an output -> its log-density, one number for each coordinate.
DENSITIES: Mapping[str, Callable[[Predicted], Array]] = {
    "unit": _normal,
    "unit_laplace": _laplace,
    "gaussian": _normal,
    "laplace": _laplace,
    "student_t": _student_t,
    "student_t_of_df": _student_t,
    "log_normal": _log_normal,
    "scaled_log_normal": _log_normal,
    "gamma": _gamma,
    "shaped_gamma": _gamma,
    "continuous_bernoulli": _continuous_bernoulli,
    "beta": _beta,
    "precise_beta": _beta,
    "bernoulli": _bernoulli,
    "categorical": _categorical,
    "ordinal": _ordinal,
    "poisson": _poisson,
    "dispersed": _negative_binomial,
    "negative_binomial": _negative_binomial,
    "zero_inflated_dispersed": _inflated(_negative_binomial),
    "zero_inflated_negative_binomial": _inflated(_negative_binomial),
    "zero_inflated_poisson": _inflated(_poisson),
}
