r"""Distributions over whole tensors: their methods return elementwise nats, and `expect` sums them.

The log-variance is the parameter of every Gaussian, the log-scale of every Laplace, the logits of
what is discrete, the log-rate of counts. Independent components add, so a method returns one number
per component and nothing is summed before `expect`; a `Mixture`, whose components are not
independent, has one number per row; a `FullGaussian` has one for each component given those before
it. Closed forms are methods; `monte_carlo_kl` is for the rest.

Extreme parameters. Every ratio of scales enters as one exponential of a difference of logarithms,
so that no infinity is ever subtracted from another; every exponent goes through `capped`, and every
distance through `bounded`: in float32, values are exact up to variances and ratios of variances of
1e28, and finite beyond. (A `FullGaussian` that models others is finite as long as the inverse of
its scale is.)
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from graphdsl_runtime.distributions.bernoulli import (
    Bernoulli,
    UniformBernoulli,
    uniform_bernoulli,
)
from graphdsl_runtime.distributions.categorical import (
    Categorical,
    UniformCategorical,
    uniform_categorical,
)
from graphdsl_runtime.distributions.expectation import expect, monte_carlo_kl
from graphdsl_runtime.distributions.full_gaussian import FullGaussian
from graphdsl_runtime.distributions.gaussian import Gaussian, StandardNormal, standard_normal
from graphdsl_runtime.distributions.labelled import Labelled
from graphdsl_runtime.distributions.laplace import Laplace, StandardLaplace, standard_laplace
from graphdsl_runtime.distributions.mixture import Mixture
from graphdsl_runtime.distributions.negative_binomial import (
    NegativeBinomial,
    ZeroInflatedNegativeBinomial,
    ZeroInflatedPoisson,
)
from graphdsl_runtime.distributions.noise import gumbel_noise, laplace_noise, logistic_noise
from graphdsl_runtime.distributions.ordinal import Ordinal
from graphdsl_runtime.distributions.parameters import of_class
from graphdsl_runtime.distributions.poisson import Poisson
from graphdsl_runtime.distributions.positive import (
    Gamma,
    LogNormal,
    StandardLogNormal,
    standard_log_normal,
)
from graphdsl_runtime.distributions.student_t import StudentT
from graphdsl_runtime.distributions.unit_interval import Beta, ContinuousBernoulli

#: What p says of something observed.
Likelihood: TypeAlias = (
    Bernoulli
    | Beta
    | Categorical
    | ContinuousBernoulli
    | Gamma
    | Gaussian
    | Laplace
    | LogNormal
    | NegativeBinomial
    | Ordinal
    | Poisson
    | StudentT
    | ZeroInflatedNegativeBinomial
    | ZeroInflatedPoisson
)

#: The classes of likelihoods, by their words in a spec. A test holds them to the compiler's.
LAWS: Mapping[str, type[Likelihood]] = MappingProxyType(
    {
        "bernoulli": Bernoulli,
        "beta": Beta,
        "categorical": Categorical,
        "continuous_bernoulli": ContinuousBernoulli,
        "gamma": Gamma,
        "laplace": Laplace,
        "log_normal": LogNormal,
        "negative_binomial": NegativeBinomial,
        "normal": Gaussian,
        "ordinal": Ordinal,
        "poisson": Poisson,
        "student_t": StudentT,
        "zero_inflated_negative_binomial": ZeroInflatedNegativeBinomial,
        "zero_inflated_poisson": ZeroInflatedPoisson,
    }
)

__all__ = [
    "LAWS",
    "Bernoulli",
    "Beta",
    "Categorical",
    "ContinuousBernoulli",
    "FullGaussian",
    "Gamma",
    "Gaussian",
    "Labelled",
    "Laplace",
    "Likelihood",
    "LogNormal",
    "Mixture",
    "NegativeBinomial",
    "Ordinal",
    "Poisson",
    "StandardLaplace",
    "StandardLogNormal",
    "StandardNormal",
    "StudentT",
    "UniformBernoulli",
    "UniformCategorical",
    "ZeroInflatedNegativeBinomial",
    "ZeroInflatedPoisson",
    "expect",
    "gumbel_noise",
    "laplace_noise",
    "logistic_noise",
    "monte_carlo_kl",
    "of_class",
    "standard_laplace",
    "standard_log_normal",
    "standard_normal",
    "uniform_bernoulli",
    "uniform_categorical",
]
