"""What is known of each distribution that a spec can name: one record each, read by every room.

The record of a law decides which kind of values it fits, which roles it may have, what a network
predicts for it, and which words of the runtime the emitted module calls. To add a law, see
`docs/contributing/add-a-likelihood.md`.

The file is long because it is one table: a record for each law.
"""

from __future__ import annotations

__all__ = [
    "BERNOULLI", "BETA", "CATEGORICAL", "CONTINUOUS_BERNOULLI", "FLOW", "FULL_NORMAL", "GAMMA",
    "LAPLACE", "LAWS", "LOG_NORMAL", "NEGATIVE_BINOMIAL", "NORMAL", "POISSON", "STUDENT_T",
    "ZERO_INFLATED_NEGATIVE_BINOMIAL", "ZERO_INFLATED_POISSON", "Kind", "Law", "Output", "Scale",
    "joint_law", "kinds_of_latents", "laws_of", "scale_of",
]  # fmt: skip

from collections.abc import Iterable

from graphdsl.catalog.law import Kind, Law, Output, Scale
from graphdsl.catalog.laws_of_data import (
    BETA,
    CONTINUOUS_BERNOULLI,
    GAMMA,
    LOG_NORMAL,
    NEGATIVE_BINOMIAL,
    ORDINAL,
    POISSON,
    STUDENT_T,
    ZERO_INFLATED_NEGATIVE_BINOMIAL,
    ZERO_INFLATED_POISSON,
)

_REALS = ("normal", "laplace", "normal(full)")

NORMAL = Law(
    word="normal", kind="real", runtime="Gaussian",
    output=Output(name="gaussian", constructor="Gaussian.split",
        parameters=("means", "log-variances")),
    scale=Scale(output=Output(name="unit", constructor="Gaussian.unit", parameters=("means",)),
        attribute="log_var", power=2),
    latent=True, prior="standard_normal", gradient="pathwise", divergences=_REALS, has_units=True,
    link="mean: identity; variance: exp", support="real numbers",
    reference="Kingma and Welling 2014",
)  # fmt: skip

LAPLACE = Law(
    word="laplace", kind="real", runtime="Laplace",
    output=Output(name="laplace", constructor="Laplace.split",
        parameters=("locations", "log-scales")),
    scale=Scale(attribute="log_scale", power=1,
        output=Output(name="unit_laplace", constructor="Laplace.unit", parameters=("means",))),
    latent=True, prior="standard_laplace", gradient="pathwise", divergences=("normal", "laplace"),
    has_units=True, link="location: identity; scale: exp", support="real numbers",
    reference="Gil, Alajaji and Linder 2013 (divergences)",
)  # fmt: skip

BERNOULLI = Law(
    word="bernoulli", kind="binary", runtime="Bernoulli",
    output=Output(name="bernoulli", constructor="Bernoulli", parameters=("logits",)),
    prior="uniform_bernoulli", gradient="relaxed", divergences=("bernoulli",),
    link="logit", support="0 and 1", reference="Maddison et al. 2017 (relaxation)",
)  # fmt: skip

CATEGORICAL = Law(
    word="categorical", kind="categorical", runtime="Categorical",
    output=Output(name="categorical", constructor="Categorical", parameters=("logits",)),
    latent=True, prior="uniform_categorical", gradient="relaxed", divergences=("categorical",),
    link="softmax", support="the classes 0 to k - 1",
    reference="Jang et al. 2017; Maddison et al. 2017 (relaxation)",
)  # fmt: skip

FULL_NORMAL = Law(
    word="normal", argument="full", kind="real", runtime="FullGaussian",
    output=Output(name="full_gaussian", constructor="FullGaussian.split",
        parameters=("means", "log-variances", "entries below the diagonal"),
        asked="means, log-variances, then what is below the diagonal, row by row"),
    declared=False, latent=True, gradient="pathwise", joint=True, builder="full",
    divergences=_REALS, link="mean: identity; diagonal of the Cholesky factor: exp",
    support="real vectors", reference="Kingma and Welling 2019, sec. 2.5",
)  # fmt: skip

FLOW = Law(
    word="flow", kind="real", runtime="Flow",
    output=Output(name="flow", constructor="", parameters=()),
    declared=False, latent=True, gradient="pathwise", joint=True, builder="flow", entropy=False,
    link="an invertible network", support="real vectors",
    reference="Rezende and Mohamed 2015; Kingma et al. 2016",
)  # fmt: skip

#: Every law. Of each kind the first is the one that a variable has unless its spec names another.
LAWS = (
    NORMAL, LAPLACE, STUDENT_T, LOG_NORMAL, GAMMA, CONTINUOUS_BERNOULLI, BETA, BERNOULLI,
    CATEGORICAL, ORDINAL, POISSON, NEGATIVE_BINOMIAL, ZERO_INFLATED_NEGATIVE_BINOMIAL,
    ZERO_INFLATED_POISSON, FULL_NORMAL, FLOW,
)  # fmt: skip


def laws_of(kind: Kind) -> dict[str, Law]:
    """The laws that a variable of a kind may be declared with, by their words."""
    return {law.word: law for law in LAWS if law.kind == kind and law.declared}


def kinds_of_latents() -> tuple[Kind, ...]:
    """The kinds that a latent may be declared with."""
    return tuple(dict.fromkeys(law.kind for law in LAWS if law.latent and law.declared))


def scale_of(output: Output) -> Scale | None:
    """The parameter that a network's output lacks; None if it has all of its law's."""
    return next((law.scale for law in LAWS if law.scale and law.scale.output == output), None)


def joint_law(word: str, arguments: Iterable[str]) -> Law | None:
    """The joint law that a line of `q` names, as in `~ normal(full)`; None if there is none."""
    return next((law for law in LAWS if law.joint and _is_named(law, word, arguments)), None)


def _is_named(law: Law, word: str, arguments: Iterable[str]) -> bool:
    return law.word == word and (not law.argument or [law.argument] == list(arguments))
