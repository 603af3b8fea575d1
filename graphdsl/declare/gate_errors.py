"""What can be wrong with the edges of a line that stand under a mask: MIB29x and MIB32x."""

from __future__ import annotations

__all__ = [
    "AmbiguousGate",
    "EdgeTwice",
    "GateLeavesOut",
    "GateMisfit",
    "MaskOfMixture",
    "UngatedExpert",
]

from graphdsl.diagnostics import Diagnostic


class GateMisfit(Diagnostic):
    """Entries of a mask that are not as many as the edges of their line."""

    code = "MIB292"
    title = "The mask does not fit the line"
    said = "`{mask}` names {entries}, and the line has {edges}"
    hint = "name one entry for each edge: `z[j] -> x[i] if {name}[i, j]`"
    mask: str
    entries: str
    edges: str
    name: str


class UngatedExpert(Diagnostic):
    """A product in which some experts are weighed by a mask, and others are not."""

    code = "MIB293"
    title = "No mask for this expert"
    said = "`{child}` has experts under a mask, and {parent} -> {child} has none"
    hint = "put every expert of the product under a mask, or none of them"
    parent: str
    child: str


class EdgeTwice(Diagnostic):
    """An edge on two lines that disagree on when it is there."""

    code = "MIB321"
    title = "Edge with two conditions"
    said = "the edge {parent} -> {child} is on two lines, with two conditions"
    hint = "write it once: an edge is there, or there under one entry of a mask"
    parent: str
    child: str


class AmbiguousGate(Diagnostic):
    """Entries of a mask that fit the parents and the children of their line alike."""

    code = "MIB322"
    title = "Entries of parents or children"
    said = "the entries that `{mask}` names may be of the parents or of the children"
    hint = "name one entry for each edge: `z[j] -> x[i] if {name}[i, j]`"
    mask: str
    name: str


class MaskOfMixture(Diagnostic):
    """A mixture whose experts stand under a mask."""

    code = "MIB323"
    title = "Mixture under a mask"
    said = "a mixture draws one expert for each row, and a mask would weigh them"
    hint = "write `by poe`, where a mask is each expert's exponent (eq. 13)"


class GateLeavesOut(Diagnostic):
    """`not` among the indices of a mask."""

    code = "MIB324"
    title = "`not` in the indices of a mask"
    said = "a mask is read by numbers and ranges"
    hint = "name one entry for each edge: `if {name}[i, j]`"
    name: str
