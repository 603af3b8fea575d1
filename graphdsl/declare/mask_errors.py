"""What can be wrong with masks as they are declared: MIB291 and MIB31x."""

from __future__ import annotations

__all__ = [
    "EdgeLaw",
    "EdgeProbability",
    "LearnedNetwork",
    "MaskEntry",
    "MaskEntryDeclared",
    "MaskStart",
    "MaskTable",
    "NotAMask",
    "SparsityOfPart",
    "UnknownEdgeGradient",
]

from graphdsl.diagnostics import Diagnostic


class NotAMask(Diagnostic):
    """Something else where a mask must stand."""

    code = "MIB291"
    title = "Not a mask"
    said = "`{name}` is a {what}, and a mask must stand here"
    hint = "declare one: `mask M[1..2] : learned bernoulli(0.5)`, and write `M` here"
    name: str
    what: str


class LearnedNetwork(Diagnostic):
    """A projection on a network whose edges are not known when the spec is compiled."""

    code = "MIB307"
    title = "A learned network is projected on"
    said = "the edges of {network} are learned, `if {gate}`, and D is larger with fewer of them"
    hint = "{instead}"
    network: str
    gate: str
    instead: str


class MaskEntryDeclared(Diagnostic):
    """One entry of a mask where the mask is declared."""

    code = "MIB311"
    title = "Entry of a mask in its declaration"
    said = "`{name}` is declared as a whole, and this is one entry of it"
    hint = "write a range, as in `mask {name}[1..2] : ...`"
    name: str


class MaskStart(Diagnostic):
    """A mask that does not count from one."""

    code = "MIB312"
    title = "Mask not counted from 1"
    said = "the entries of `{name}` are counted from {low}, and masks count from 1"
    hint = "write `1..{count}`"
    name: str
    low: int
    count: int


class EdgeLaw(Diagnostic):
    """A learned mask whose edges have another distribution than a coin."""

    code = "MIB313"
    title = "Distribution of an edge"
    said = "an edge is there or not, and `{written}` is no probability of that"
    hint = "write `learned bernoulli(0.5)`: the probability that every edge starts with"
    written: str


class EdgeProbability(Diagnostic):
    """A learned edge that is there for certain, or for certain not."""

    code = "MIB314"
    title = "Probability of an edge"
    said = "a learned edge cannot start with probability {value}"
    hint = "write a number between 0 and 1; edges that are known are `fixed(1, 0)`"
    value: str


class UnknownEdgeGradient(Diagnostic):
    """A way to train edges that the compiler does not have."""

    code = "MIB315"
    title = "Unknown gradient of edges"
    said = "edges cannot be trained by {written}"
    hint = "write {known} behind the probability"
    written: str
    known: str


class MaskTable(Diagnostic):
    """A fixed mask whose rows are not those that its indices say."""

    code = "MIB316"
    title = "Table of a mask"
    said = "`{name}` has {size} entries, and `fixed` lists others"
    hint = "write a row for each first index, `;` between rows: `fixed(1, 0; 0, 1)`"
    name: str
    size: str


class MaskEntry(Diagnostic):
    """An entry of a fixed mask that is neither one nor zero."""

    code = "MIB317"
    title = "Entry of a mask"
    said = "{value} is neither 1, an edge, nor 0, none"
    hint = "write 0 or 1"
    value: str


class SparsityOfPart(Diagnostic):
    """`sparsity` of some entries of a mask."""

    code = "MIB318"
    title = "Sparsity of part of a mask"
    said = "`sparsity` counts the edges of whole masks, and this is part of `{name}`"
    hint = "write `sparsity({name})`"
    name: str
