"""What can be wrong with a prior that is learned, in the networks of its spec."""

from __future__ import annotations

__all__ = ["PriorIdle", "PriorOfChild", "PriorOfFamily", "PriorOfSome", "VampEncoder"]

from graphdsl.diagnostics import Diagnostic


class PriorIdle(Diagnostic):
    """A learned prior of a latent that p does not have."""

    code = "MIB344"
    title = "Learned prior outside of p"
    said = "`~ {prior}` is a prior that `p` learns, and `{name}` is not in `p`"
    hint = "let `p` generate something from `{name}`"
    prior: str
    name: str


class PriorOfChild(Diagnostic):
    """A learned prior of a latent that has parents in p."""

    code = "MIB350"
    title = "Learned prior of a latent with parents"
    said = "`~ {prior}` is a prior that `p` learns, and `p` gives `{name}` parents"
    hint = "delete the prior, or the parents"
    prior: str
    name: str


class PriorOfFamily(Diagnostic):
    """A mixture as the prior of several variables."""

    code = "MIB345"
    title = "Mixture prior of a family"
    said = "`~ {prior}` is the prior of one variable, and `{name}` is a family"
    hint = "declare one variable, `latent {head} : real[16] ~ {prior}`"
    prior: str
    name: str
    head: str


class PriorOfSome(Diagnostic):
    """A mixture prior where rows may lack what the encoder reads."""

    code = "MIB346"
    title = "Mixture prior where rows lack views"
    said = (
        "a row that lacks `{view}` would have the prior `~ {prior}` as its posterior, which no "
        "encoder predicts"
    )
    hint = "write `~ normal(mean = learned, scale = learned)`, or infer `{name}` from what all have"
    prior: str
    view: str
    name: str


class VampEncoder(Diagnostic):
    """A VampPrior without one encoder of data."""

    code = "MIB347"
    title = "VampPrior without one encoder"
    said = "`~ vamp` evaluates the encoder of `{name}` at pseudo-inputs, and {why}"
    hint = "write `{view} -> {name}` in `q`, by one network, or the prior `~ mixture({count})`"
    name: str
    why: str
    view: str
    count: str
