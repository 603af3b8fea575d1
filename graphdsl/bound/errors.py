"""Mistakes in what can be bounded, from which side, and by which model."""

from __future__ import annotations

__all__ = [
    "ConstantInside",
    "ForeignFallback",
    "FunctionOfBatch",
    "ModelTie",
    "ModelUnfit",
    "NetworkOfTwoSides",
    "NothingInside",
    "PenaltyRaised",
    "PlayerOfTwoSides",
    "UnderGeneration",
    "VacuousBound",
    "WeightChangesSign",
    "WrongDirection",
]

from graphdsl.diagnostics import Diagnostic, Warned
from graphdsl.ir.symbols import NetworkName


class ModelTie(Diagnostic):
    """An entropy that several models bound equally well, for all that their parents tell."""

    code = "MIB451"
    title = "Models that tie"
    said = "{models} can each bound {term}, with as many parents"
    hint = "say which: {choices}"
    term: str
    models: str
    choices: str


class ModelUnfit(Diagnostic):
    """An `estimate` line with a model whose parents are not all given."""

    code = "MIB452"
    title = "Model that does not fit"
    said = "`{network}` has no model of `{name}` whose parents are all in what {term} is given"
    hint = "write {choices}"
    network: str
    name: str
    term: str
    choices: str


class WeightChangesSign(Warned):
    """A weight that is negative somewhere in the parameters' range."""

    code = "MIB402"
    title = "Weight of changing sign"
    said = "the weight of {term} is {weight}, which changes its sign over {ranges}"
    hint = "narrow the range, as in `param beta = 4 in 1..inf`; until then this is no bound"
    term: str
    weight: str
    ranges: str


class WrongDirection(Warned):
    """An estimate from above whose weight is negative, or one from below whose weight is not."""

    code = "MIB416"
    title = "Bound of the wrong direction"
    said = (
        "{term} is estimated from {side}, and its weight is {weight}, so the loss may lie "
        "below the objective"
    )
    hint = "estimate it another way, as in `estimate TC(u) with adversary`, or turn the weight"
    term: str
    side: str
    weight: str


class FunctionOfBatch(Warned):
    """A function of a batch's mean that is, on average, below that of the expectation."""

    code = "MIB422"
    title = "Function of a batch"
    said = (
        "`{within}` of a batch is, on average, below that of the expectation, so the loss may lie "
        "below the objective"
    )
    hint = "train with larger batches, which bring the two together"
    within: str


class UnderGeneration(Diagnostic):
    """A term over samples of p that nothing bounds, or whose samples are not drawn."""

    code = "MIB406"
    title = "Term under p"
    said = "the objective holds {term}, an expectation over samples of `p`: {reason}"
    hint = "{instead}"
    term: str
    reason: str
    instead: str


class ConstantInside(Diagnostic):
    """A sum under |.|, max or a constraint whose value is known up to a constant alone."""

    code = "MIB407"
    title = "Unknown constant"
    said = "{sign} needs the value of the sum itself, and that holds {constant}, which nobody knows"
    hint = "put rates and informations of latents there; a reconstruction is known up to H(x)"
    sign: str
    constant: str


class NothingInside(Warned):
    """A sum under |.|, max or a constraint that is zero whatever is trained."""

    code = "MIB408"
    title = "Nothing under a sign"
    said = "the sum inside {sign} is zero for every q that follows G^q, so it is left out"
    hint = "see what vanishes with `graphdsl audit`, and delete it"
    sign: str


class PlayerOfTwoSides(Warned):
    """A network whose net cross-entropy changes its sign over the parameters' range."""

    code = "MIB410"
    title = "Player of two sides"
    said = "the net weight of {term} is {weight}, which changes its sign over {ranges}: {network}"
    said += " is a critic, which predicts whatever the sign"
    hint = "narrow the range: where it is positive the network predicts, where negative it plays"
    term: str
    weight: str
    ranges: str
    network: str


class NetworkOfTwoSides(Diagnostic):
    """A network that would play against a term, and that the loss needs on its own side too."""

    code = "MIB417"
    title = "Network on two sides"
    said = "the net weight of {term} is {weight}, so that {network} would play against it, and"
    said += " {reason}"
    hint = "{instead}"
    term: str
    weight: str
    network: str
    reason: str
    instead: str


class PenaltyRaised(Diagnostic):
    """A penalty whose weight is, or may be, negative."""

    code = "MIB420"
    title = "Penalty that is raised"
    said = "the net weight of {term} is {weight}: where that is negative, the loss has no minimum"
    hint = "give it a weight that is nowhere negative"
    term: str
    weight: str


class VacuousBound(Diagnostic):
    """A sum under |.|, max or a constraint of which the bound leaves nothing."""

    code = "MIB414"
    title = "Bound that says nothing"
    said = "the only bound of the sum inside {sign} is zero: it would train nothing"
    hint = "bound an information from below by a decoder in the objective, as in `CE(x | z)`"
    sign: str


class ForeignFallback(Diagnostic):
    """A term of a latent that depends on more than G^q says, in rows that lack a view."""

    code = "MIB425"
    title = "Fallback on what the encoder does not read"
    said = (
        "rows that lack `{view}` take `{name}` from p({name} | {foreign}), and the line of "
        "`{name}` in `{under}` does not read `{foreign}`: what bounds this term elsewhere does "
        "not bound it there"
    )
    hint = "let the encoder read it too: `{parents}, {foreign} -> {name}`"
    under: NetworkName
    view: str
    name: str
    foreign: str
    parents: str
