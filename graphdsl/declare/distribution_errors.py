"""What can be wrong with the distribution after `~`, and with its settings."""

from __future__ import annotations

__all__ = [
    "AlwaysLearned",
    "ExposureNotAParent",
    "FlowOfFamily",
    "FlowVia",
    "JointMisplaced",
    "JointOfScalars",
    "NoScale",
    "NotAnExposure",
    "PriorArguments",
    "ScaleNotPositive",
    "ScaleOfLatent",
    "UnknownSetting",
]

from graphdsl.diagnostics import Diagnostic


class UnknownSetting(Diagnostic):
    """A setting that a distribution does not have."""

    code = "MIB262"
    title = "Unknown setting of a distribution"
    said = "`{law}` has no such setting here"
    hint = "write {usage}"
    law: str
    usage: str


class NoScale(Diagnostic):
    """A scale of a distribution that has none."""

    code = "MIB280"
    title = "Distribution without a scale"
    said = "`{law}` has no scale: its network predicts all of its parameters"
    hint = "write `~ {law}`"
    law: str


class AlwaysLearned(Diagnostic):
    """Thresholds that a spec fixes, or a network predicts."""

    code = "MIB239"
    title = "Parameter that is always learned"
    said = "the {word} of `{law}` are learned, for all rows or for each class of a category"
    hint = "write `~ {law}`, or `~ {law}({word} = learned(group))`"
    law: str
    word: str


class ScaleOfLatent(Diagnostic):
    """A scale of a variable whose scale a network predicts."""

    code = "MIB289"
    title = "Scale of what is not observed"
    said = "`{name}` is {role}: a network predicts its scale, or it is 1 where it is a root"
    hint = "write {usage}"
    name: str
    role: str
    usage: str


class ScaleNotPositive(Diagnostic):
    """A scale, or a dispersion, of zero or below."""

    code = "MIB290"
    title = "Scale that is not positive"
    said = "a {word} is positive, and this one is {value}"
    hint = "write a positive number, or `{word} = learned`"
    word: str
    value: str


class NotAnExposure(Diagnostic):
    """An exposure that is no positive number of every row."""

    code = "MIB349"
    title = "Exposure that is not a positive number"
    said = "an exposure is one positive number of every row: {why}"
    hint = "{instead}"
    why: str
    instead: str


class ExposureNotAParent(Diagnostic):
    """An exposure on which p does not say that the counts depend."""

    code = "MIB348"
    title = "Exposure that is no parent"
    said = "the mean of `{name}` is a share of `{exposure}`, which this line has no edge from"
    hint = "write `{line}`; the network does not read the exposure"
    name: str
    exposure: str
    line: str


class JointMisplaced(Diagnostic):
    """A law that relates the numbers of a variable, where there is no posterior."""

    code = "MIB282"
    title = "Posterior out of place"
    said = "`~ {law}` is a posterior of a latent, and this is {place}"
    hint = "write `~ {own}` here; `~ {law}` goes on a line of `q`, or of an `infer` network"
    law: str
    place: str
    own: str


class FlowOfFamily(Diagnostic):
    """A flow of a family that one loop does not run through."""

    code = "MIB268"
    title = "Flow of a family"
    said = "flows run one by one, and `{name}` has {what}"
    hint = "{instead}"
    name: str
    what: str
    instead: str


class JointOfScalars(Diagnostic):
    """A law that relates numbers to each other, of a variable that is no vector of them."""

    code = "MIB269"
    title = "Posterior of no vector"
    said = "`~ {law}` relates the numbers of one vector to each other, and `{name}` is no vector"
    hint = (
        "members of a family are independent given their parents; declare one variable, "
        "`latent {head} : real[16]`, whose numbers are not"
    )
    law: str
    name: str
    head: str


class FlowVia(Diagnostic):
    """A module of one's own where a flow is the network."""

    code = "MIB270"
    title = "Network of a flow"
    said = "the network of a flow is an encoder and the flow, and `{name}` is one module"
    hint = (
        "write `via mlp`, and pass the whole in Python, as "
        "`conditional_flow({name}, 16, context=64)`"
    )
    name: str


class PriorArguments(Diagnostic):
    """A mixture without the number of its components."""

    code = "MIB343"
    title = "Size of a prior"
    said = "`{law}` takes one number, that of its {what}"
    hint = "write `~ {law}(10)`"
    law: str
    what: str
