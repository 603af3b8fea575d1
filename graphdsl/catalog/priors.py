"""Priors that are learned: what a spec can name after `~` for a latent without parents in p.

Each is a law, recorded as those of `laws` are. A root with such a prior has a conditional in p that
reads nothing, p(z), whose parameters the model trains.
"""

from __future__ import annotations

__all__ = ["LEARNED_PARAMETERS", "MIXTURE", "PRIORS", "VAMP", "components_of"]

from graphdsl.catalog.laws import Law, Output

MIXTURE = Law(
    word="mixture",
    kind="real",
    runtime="Mixture",
    output=Output(
        name="mixture",
        constructor="Mixture.split",
        parameters=("log-weights", "means", "log-variances"),
        asked="the log-weights of all components, then their means, then their log-variances",
    ),
    declared=False,
    latent=True,
    joint=True,
    builder="mixture",
    entropy=False,
    link="weights: softmax; means: identity; variances: exp",
    support="real vectors",
    reference="Dilokthanakul et al. 2016; Tomczak and Welling 2018, sec. 4",
)

VAMP = Law(
    word="vamp",
    kind="real",
    runtime="Mixture",
    output=Output(name="vamp", constructor="Mixture.evenly", parameters=("pseudo-inputs",)),
    declared=False,
    latent=True,
    joint=True,
    builder="vamp",
    entropy=False,
    link="the encoder of q, at pseudo-inputs",
    support="real vectors",
    reference="Tomczak and Welling 2018",
)

#: By their words, each with a number of components in brackets.
PRIORS = {one.word: one for one in (MIXTURE, VAMP)}

#: By law, the settings that a learned prior has: all of them are `learned`.
LEARNED_PARAMETERS = {
    "normal": ("mean", "scale"),
    "laplace": ("mean", "scale"),
    "log_normal": ("median", "scale"),
    "categorical": ("probabilities",),
}


def components_of(law: Law) -> str:
    """What the number in its brackets counts."""
    return "pseudo-inputs" if law == VAMP else "components"
