"""Groups of a learned scale: the classes of a category, `~ normal(scale = learned(site))`."""

from __future__ import annotations

__all__ = ["check_group", "group_of"]

from graphdsl.declare.group_errors import GroupNotAParent, NotAGroup
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.networks import Conditional, Family
from graphdsl.ir.symbols import NO_VARIABLE, Variable
from graphdsl.syntax import ast


def group_of(scope: Scope, setting: ast.Setting) -> Variable:
    """The category for whose classes a setting is learned; none if it is for all rows."""
    if not setting.by:
        return NO_VARIABLE
    name = setting.by[0].text
    known = scope.declared.get(name)
    why = _why_none(name, None if known is None else known.statement)
    if len(setting.by) > 1:
        why = f"these are {len(setting.by)} names"
    if why:
        scope.note(NotAGroup(span=setting.span, word=setting.name.text, name=name, why=why))
    return NO_VARIABLE if why else Variable(name)


def _why_none(name: str, statement: ast.Statement | None) -> str:
    """Why a name is that of no group; empty if it is."""
    if not isinstance(statement, ast.VariableDeclaration):
        return f"no variable is called `{name}`"
    if statement.kind.name.text != "categorical":
        return f"`{name}` is of the kind `{statement.kind.name}`"
    several = f"`{name}` has several values in a row" if statement.family or statement.shape else ""
    return f"rows may lack `{name}`" if statement.optional else several


def check_group(scope: Scope, conditional: Conditional, family: Family, span: Span) -> None:
    """In p a variable depends on the group of its scale, which is a parent, of no learned edge."""
    law = conditional.drawn or family.distribution
    group = law.group
    if conditional.network != "p" or not group or law.law.scale is None:
        return
    word = law.law.scale.word
    if group not in conditional.parents:
        line = f"{', '.join((*conditional.parents, group))} -> {', '.join(conditional.children)}"
        scope.note(GroupNotAParent(span=span, name=family.name, group=group, word=word, line=line))
    elif any(gate.parent == group for gate in conditional.gates):
        why = f"the edge from `{group}` is learned"
        scope.note(NotAGroup(span=span, word=word, name=group, why=why))
