"""What the canonical form has left open is proved, refuted, or unknown with the reason."""

from __future__ import annotations

__all__ = ["settle"]

from dataclasses import replace

from graphdsl.diagnostics import Span, SpecError
from graphdsl.ir.evidence import Proof
from graphdsl.prove.errors import SolverMissing
from graphdsl.prove.prove import prove
from graphdsl.prove.refute import refute
from graphdsl.prove.setting import Setting


def settle(proof: Proof, setting: Setting) -> Proof:
    """Add a certificate or a counterexample to what is known of an assertion.

    A false equality is refuted already: it gets its counterexample, if one is found. An inequality
    is proved with a certificate, refuted with a counterexample, or unknown.

    Raises:
        SpecError: If the libraries that this needs are missing.
    """
    if proof.status == "proved" or not proof.remainder:
        return proof
    try:
        return _settled(proof, setting)
    except ImportError as problem:
        line, column = proof.assertion.line, proof.assertion.column
        span = Span(line, column, line, column + len("assert"))
        missing = SolverMissing(span=span, library=(problem.name or "scipy").partition(".")[0])
        raise SpecError((missing,)) from problem


def _settled(proof: Proof, setting: Setting) -> Proof:
    claim = proof.claim
    if proof.assertion.relation == "==":
        return replace(proof, counterexample=refute(claim, setting, equality=True))
    proved = prove(claim, setting)
    if not isinstance(proved, str):
        count = len(proved.uses)
        because = f"a sum of {count} Shannon inequalities" if count > 1 else "a Shannon inequality"
        return replace(proof, status="proved", because=because, certificate=proved)
    counterexample = refute(claim, setting)
    if counterexample is not None:
        because = "a distribution that follows G^q violates it"
        return replace(proof, status="refuted", because=because, counterexample=counterexample)
    return replace(proof, because=f"{proved}, and no counterexample was found")
