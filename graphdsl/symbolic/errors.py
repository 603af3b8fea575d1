"""What can be wrong with assertions, MIB41x, and with even splits, MIB426."""

from __future__ import annotations

__all__ = ["AssertionRefuted", "AssertionUndecided", "AssertionViolated", "TooManyShares"]

from graphdsl.diagnostics import Diagnostic, Warned


class AssertionRefuted(Diagnostic):
    """An equality that does not hold for every q that follows G^q."""

    code = "MIB411"
    title = "Assertion refuted"
    said = "the two sides differ by {remainder}"
    hint = "see the derivation with `graphdsl audit`; G^q's edges decide what is independent"
    remainder: str


class AssertionViolated(Diagnostic):
    """An inequality that some q that follows G^q violates."""

    code = "MIB413"
    title = "Assertion refuted"
    said = "under {where}, {side} is {value} nats"
    hint = "G^q's edges decide what is independent; `graphdsl audit` has this distribution in full"
    where: str
    side: str
    value: str


class AssertionUndecided(Warned):
    """An assertion that could be neither proved nor refuted."""

    code = "MIB412"
    title = "Assertion undecided"
    said = "this could be neither proved nor refuted: {reason}"
    hint = "equalities and Shannon-type inequalities of D, I, TC and H under q are decided"
    reason: str


class TooManyShares(Diagnostic):
    """An entropy that variables which the spec treats alike share, in too many ways."""

    code = "MIB426"
    title = "Too many equal shares"
    said = (
        "a bound of this has to be shared evenly among variables that the spec treats alike, and "
        "has more than {most} shares"
    )
    hint = "`estimate` the information that it comes from, such as `estimate TC(u[1..8]) with mss`"
    most: int
