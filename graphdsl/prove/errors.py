"""What can be wrong with the machine that is to prove something: MIB42x."""

from __future__ import annotations

__all__ = ["SolverMissing"]

from graphdsl.diagnostics import Diagnostic


class SolverMissing(Diagnostic):
    """A library that proofs need cannot be imported: that is an error, and never a verdict."""

    code = "MIB421"
    title = "Solver missing"
    said = "to decide this, `{library}` is needed, and it cannot be imported"
    hint = "install it: `pip install {library}`"
    library: str
