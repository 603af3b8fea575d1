"""The laws of counts, of positive and unit numbers, of ordered classes, and of heavy tails."""

from __future__ import annotations

__all__ = [
    "BETA", "CONTINUOUS_BERNOULLI", "GAMMA", "LOG_NORMAL", "NEGATIVE_BINOMIAL", "ORDINAL",
    "POISSON", "STUDENT_T", "ZERO_INFLATED_NEGATIVE_BINOMIAL", "ZERO_INFLATED_POISSON",
]  # fmt: skip

from graphdsl.catalog.law import Law, Output, Scale, Word


def _output(name: str, constructor: str, *parameters: str) -> Output:
    return Output(name=name, constructor=constructor, parameters=parameters)


def _learned(word: Word, output: Output) -> Scale:
    """A parameter that is learned for each coordinate, unless the spec says otherwise."""
    name = f"log_{word}"
    return Scale(word=word, output=output, attribute=name, power=1, default="learned", each=True)


POISSON = Law(
    word="poisson", kind="count", runtime="Poisson",
    output=_output("poisson", "Poisson", "log-rates"),
    entropy=False, divergences=("poisson",), exposure=True, has_units=True,
    link="rate: exp", support="0, 1, 2, ...", reference="McCullagh and Nelder 1989, ch. 6",
)  # fmt: skip

NEGATIVE_BINOMIAL = Law(
    word="negative_binomial", kind="count", runtime="NegativeBinomial",
    output=_output("negative_binomial", "NegativeBinomial.split", "log-means", "log-dispersions"),
    scale=_learned("dispersion", _output("dispersed", "NegativeBinomial", "log-means")),
    entropy=False, exposure=True, has_units=True,
    link="mean: exp; inverse dispersion: exp", support="0, 1, 2, ...",
    reference="Lopez et al. 2018; Hilbe 2011, ch. 8",
)  # fmt: skip

ZERO_INFLATED_NEGATIVE_BINOMIAL = Law(
    word="zero_inflated_negative_binomial", kind="count", runtime="ZeroInflatedNegativeBinomial",
    output=_output("zero_inflated_negative_binomial", "ZeroInflatedNegativeBinomial.split",
        "log-means", "logits of zeros", "log-dispersions"),
    scale=_learned("dispersion", _output("zero_inflated_dispersed",
        "ZeroInflatedNegativeBinomial.split", "log-means", "logits of zeros")),
    entropy=False, exposure=True, has_units=True,
    link="mean: exp; share of zeros: logit; inverse dispersion: exp", support="0, 1, 2, ...",
    reference="Lopez et al. 2018",
)  # fmt: skip

ZERO_INFLATED_POISSON = Law(
    word="zero_inflated_poisson", kind="count", runtime="ZeroInflatedPoisson",
    output=_output("zero_inflated_poisson", "ZeroInflatedPoisson.split",
        "log-rates", "logits of zeros"),
    entropy=False, exposure=True, has_units=True,
    link="rate: exp; share of zeros: logit", support="0, 1, 2, ...", reference="Lambert 1992",
)  # fmt: skip

LOG_NORMAL = Law(
    word="log_normal", kind="positive", runtime="LogNormal",
    output=_output("log_normal", "LogNormal.split", "log-medians", "log-scales"),
    scale=_learned("scale", _output("scaled_log_normal", "LogNormal", "log-medians")),
    latent=True, prior="standard_log_normal", gradient="pathwise", divergences=("log_normal",),
    has_units=True,
    link="median: exp; scale of the logarithm: exp", support="positive numbers",
    reference="Johnson, Kotz and Balakrishnan 1994, ch. 14",
)  # fmt: skip

GAMMA = Law(
    word="gamma", kind="positive", runtime="Gamma",
    output=_output("gamma", "Gamma.split", "log-means", "log-shapes"),
    scale=_learned("shape", _output("shaped_gamma", "Gamma", "log-means")),
    entropy=False, has_units=True,
    link="mean: exp; shape: exp", support="positive numbers",
    reference="McCullagh and Nelder 1989, ch. 8",
)  # fmt: skip

CONTINUOUS_BERNOULLI = Law(
    word="continuous_bernoulli", kind="unit", runtime="ContinuousBernoulli",
    output=_output("continuous_bernoulli", "ContinuousBernoulli", "logits"),
    link="natural parameter: identity", support="numbers from 0 to 1",
    reference="Loaiza-Ganem and Cunningham 2019",
)  # fmt: skip

BETA = Law(
    word="beta", kind="unit", runtime="Beta",
    output=_output("beta", "Beta.split", "logits of means", "log-precisions"),
    scale=_learned("precision", _output("precise_beta", "Beta", "logits of means")),
    entropy=False, interior=True,
    link="mean: logit; precision: exp", support="numbers between 0 and 1, without the ends",
    reference="Ferrari and Cribari-Neto 2004",
)  # fmt: skip

_ORDERED = Output(
    name="ordinal", constructor="Ordinal.of_thresholds", parameters=("locations",), by_class=False,
)  # fmt: skip

ORDINAL = Law(
    word="ordinal", kind="categorical", runtime="Ordinal", output=_ORDERED,
    scale=Scale(word="thresholds", output=_ORDERED, attribute="thresholds", power=1,
        default="learned", each=True, is_always_learned=True),
    gradient="relaxed", link="P(class <= c): logit, of threshold c less the location",
    support="the classes 0 to k - 1, in their order", reference="McCullagh 1980",
)  # fmt: skip

STUDENT_T = Law(
    word="student_t", kind="real", runtime="StudentT",
    output=_output("student_t", "StudentT.split",
        "locations", "log-scales", "logarithms of the degrees of freedom"),
    scale=_learned("df", _output("student_t_of_df", "StudentT.split", "locations", "log-scales")),
    has_units=True,
    link="location: identity; scale: exp; degrees of freedom: exp", support="real numbers",
    reference="Lange, Little and Taylor 1989",
)  # fmt: skip
