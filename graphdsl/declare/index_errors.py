"""What can be wrong with indices, and with what they run over: MIB204 to MIB263."""

from __future__ import annotations

__all__ = [
    "BoundIndices",
    "FamilyStart",
    "IndexOutOfRange",
    "IndicesDiffer",
    "MemberLeftOut",
    "MemberMissing",
    "NotAFamily",
    "NotASet",
    "WrongIndexCount",
]

from graphdsl.diagnostics import Diagnostic


class WrongIndexCount(Diagnostic):
    """A family or a network with too few indices, or too many."""

    code = "MIB241"
    title = "Wrong number of indices"
    said = "`{name}` has {wanted}, and is given {given}"
    hint = "write {usage}"
    name: str
    wanted: str
    given: str
    usage: str


class IndicesDiffer(Diagnostic):
    """Members of one family that are declared with different numbers of indices."""

    code = "MIB242"
    title = "Different numbers of indices"
    said = "the members of `{name}` are declared with different numbers of indices"
    hint = "give each member {count}, as in `{example}`"
    name: str
    count: str
    example: str


class MemberLeftOut(Diagnostic):
    """`not` where a family is declared."""

    code = "MIB243"
    title = "`not` in a declaration"
    said = "`not` selects members of a declared family, and this line declares one"
    hint = "declare a range, as in `{name}[1..2]`"
    name: str


class NotASet(Diagnostic):
    """An index that would run over something else than a range or a set."""

    code = "MIB244"
    title = "Not a set of indices"
    said = "`{name}` is no set of indices"
    hint = "write a range, `i in 1..2`; a set is bound by `S in subsets(1..3)`"
    name: str


class BoundIndices(Diagnostic):
    """One index for pairs, or several for a range."""

    code = "MIB245"
    title = "Wrong number of bound indices"
    said = "{domain} binds {wanted}, and this one binds {given}"
    hint = "write `i in 1..2` or `i, j in pairs(1..2)`"
    domain: str
    wanted: str
    given: str


class IndexOutOfRange(Diagnostic):
    """A member that a family does not have."""

    code = "MIB204"
    title = "Index out of range"
    said = "`{family}[{index}]`{where} does not exist: `{family}` goes from {low} to {high}"
    hint = "use an index from {low} to {high}{more}"
    family: str
    index: str
    low: int
    high: int
    where: str
    more: str


class NotAFamily(Diagnostic):
    """An index behind a variable that has no members."""

    code = "MIB205"
    title = "Not a family"
    said = "`{name}` is one variable: it takes no index"
    hint = "write `{name}`, or declare a family, `{name}[1..2]`"
    name: str


class FamilyStart(Diagnostic):
    """A family that does not count from one."""

    code = "MIB227"
    title = "Family not counted from 1"
    said = "the members of `{name}` are counted from {low}, and families count from 1"
    hint = "write `{name}[1..{count}]`"
    name: str
    low: int
    count: int


class MemberMissing(Diagnostic):
    """A gap among members that are declared one by one."""

    code = "MIB263"
    title = "Member missing"
    said = "`{name}` is declared, and `{missing}` is not"
    hint = "declare `{missing}` as well; a family of equal members is `{head}[1..{count}]`"
    name: str
    missing: str
    head: str
    count: str
