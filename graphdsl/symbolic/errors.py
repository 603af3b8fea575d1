"""What can be wrong with assertions: MIB41x."""

from __future__ import annotations

__all__ = ["AssertionRefuted", "AssertionUndecided", "AssertionViolated"]

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
