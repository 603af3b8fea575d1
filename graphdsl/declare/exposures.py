"""Exposures of counts: what the mean of a row is a share of, `~ poisson(exposure = size)`."""

from __future__ import annotations

__all__ = ["check_exposure", "exposure_of"]

from graphdsl.declare.distribution_errors import ExposureNotAParent, NotAnExposure
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.networks import Conditional, Family
from graphdsl.ir.symbols import NO_VARIABLE, Variable
from graphdsl.syntax import ast


def exposure_of(scope: Scope, setting: ast.Setting) -> Variable:
    """The variable that a setting names: one positive number of every row."""
    name = setting.value.text if isinstance(setting.value, ast.Word) else ""
    known = scope.declared.get(name)
    why = _why_none(name, None if known is None else known.statement)
    if why:
        instead = f"declare `given {name or 'size'} : positive`"
        scope.note(NotAnExposure(span=setting.span, why=why, instead=instead))
    return NO_VARIABLE if why else Variable(name)


def _why_none(name: str, statement: ast.Statement | None) -> str:
    """Why a name is that of no exposure; empty if it is."""
    if not isinstance(statement, ast.VariableDeclaration):
        return f"no variable is called `{name}`" if name else "this is none"
    kind = statement.kind.name.text
    if kind != "positive":
        return f"`{name}` is of the kind `{kind}`"
    reason = f"`{name}` has several values in a row" if statement.family or statement.shape else ""
    return f"rows may lack `{name}`" if statement.optional else reason


def check_exposure(scope: Scope, conditional: Conditional, family: Family, span: Span) -> None:
    """In p the mean of a count depends on its exposure, so this is a parent, of no learned edge."""
    exposure = (conditional.drawn or family.distribution).exposure
    if conditional.network != "p" or not exposure:
        return
    if exposure not in conditional.parents:
        parents = ", ".join((*conditional.parents, exposure))
        line = f"{parents} -> {', '.join(conditional.children)}"
        scope.note(ExposureNotAParent(span=span, name=family.name, exposure=exposure, line=line))
    elif any(gate.parent == exposure for gate in conditional.gates):
        why, instead = f"the edge from `{exposure}` is learned", "write it on a line without `if`"
        scope.note(NotAnExposure(span=span, why=why, instead=instead))
