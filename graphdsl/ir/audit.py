"""Everything that is known of a compiled spec, for reports."""

from __future__ import annotations

__all__ = ["Audit", "Finding"]

from dataclasses import dataclass
from typing import Literal

from graphdsl.ir.evidence import Proof
from graphdsl.ir.information import ProjectionDerivation, Term
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.verification import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A diagnostic as reports quote it."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A spec, its derivations, its loss, and what was proved of it."""

    model: Model
    projections: tuple[ProjectionDerivation, ...]
    module: LossModule
    proofs: tuple[Proof, ...]
    findings: tuple[Finding, ...]
    #: The objective minus what the terms stand for and the constants: nothing, as it has to be;
    #: of several players, and under signs that are not linear, each by itself.
    leftover: tuple[Term, ...]
    verification: Verification | None = None  #: None if nobody asked for it
