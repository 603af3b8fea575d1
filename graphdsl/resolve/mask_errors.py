"""What can be wrong with masks and the edges under them."""

from __future__ import annotations

__all__ = ["BadMask", "GateMisfit", "LearnedNetwork", "UngatedExpert"]

from graphdsl.diagnostics import Diagnostic


class BadMask(Diagnostic):
    """A mask that is no table of edges, or no probability of them."""

    code = "MIB291"
    title = "No such mask"
    said = "{problem}"
    hint = "{instead}"
    problem: str
    instead: str


class GateMisfit(Diagnostic):
    """Entries of a mask that do not stand for the edges of their line."""

    code = "MIB292"
    title = "The mask does not fit the line"
    said = "{problem}"
    hint = "{instead}"
    problem: str
    instead: str


class UngatedExpert(Diagnostic):
    """A fusion whose experts are not weighed alike by a mask."""

    code = "MIB293"
    title = "No mask for this expert"
    said = "{problem}"
    hint = "{instead}"
    problem: str
    instead: str


class LearnedNetwork(Diagnostic):
    """A projection on a network whose edges are not known when the spec is compiled."""

    code = "MIB307"
    title = "A learned network is projected on"
    said = "the edges of {network} are learned, `if {gate}`, and D is larger with fewer of them"
    hint = "{instead}"
    network: str
    gate: str
    instead: str
