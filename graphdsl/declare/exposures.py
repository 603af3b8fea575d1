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
    value = setting.value
    if not isinstance(value, ast.Word):
        _refuse(scope, setting, "this is none", "declare `given size : positive`")
        return NO_VARIABLE
    known = scope.declared.get(value.text)
    if known is None or not isinstance(known.statement, ast.VariableDeclaration):
        _refuse(
            scope,
            setting,
            f"no variable is called `{value.text}`",
            f"declare `given {value.text} : positive`",
        )
        return NO_VARIABLE
    mistake = _why_none(known.statement)
    if mistake:
        _refuse(scope, setting, mistake, f"declare `given {value.text} : positive`")
        return NO_VARIABLE
    return Variable(value.text)


def _why_none(statement: ast.VariableDeclaration) -> str:
    """Why a variable is no exposure; empty if it is one."""
    name = statement.name.text
    if statement.role != "given":
        return f"`{name}` is {statement.role}"
    if statement.kind.name.text != "positive":
        return f"`{name}` is `{statement.kind.name.text}`"
    if statement.family or statement.shape:
        return f"`{name}` has several values in a row"
    return f"rows may lack `{name}`" if statement.optional else ""


def _refuse(scope: Scope, setting: ast.Setting, why: str, instead: str) -> None:
    scope.note(NotAnExposure(span=setting.span, why=why, instead=instead))


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
        why = f"the edge from `{exposure}` is learned"
        instead = "leave it out of the line with `if`"
        scope.note(NotAnExposure(span=span, why=why, instead=instead))
