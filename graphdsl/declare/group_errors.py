"""What can be wrong with the group of a learned scale."""

from __future__ import annotations

__all__ = ["GroupNotAParent", "NotAGroup"]

from graphdsl.diagnostics import Diagnostic


class GroupNotAParent(Diagnostic):
    """A scale for each class of a variable on which p does not say that the data depend."""

    code = "MIB351"
    title = "Group that is no parent"
    said = "the {word} of `{name}` depends on `{group}`, which this line has no edge from"
    hint = "write `{line}`"
    name: str
    group: str
    word: str
    line: str


class NotAGroup(Diagnostic):
    """A scale for each class of something that is no category of every row."""

    code = "MIB352"
    title = "Group that is not a category"
    said = "a {word} is learned for each class of one category that every row has: {why}"
    hint = "declare `given {name} : categorical(4)`, or write `{word} = learned`"
    word: str
    name: str
    why: str
