"""The tree of an emitted class: the Python that modules need, which is far less than Python.

`printer` turns it into text. Runtime names are nodes of their own (`Word`), so that a file imports
the words that its tree mentions.
"""

from __future__ import annotations

__all__ = [
    "NONE",
    "Assign",
    "Attribute",
    "Binary",
    "Blank",
    "Call",
    "Class",
    "Comment",
    "Comprehension",
    "Conditional",
    "Dict",
    "Do",
    "Entry",
    "Expression",
    "Function",
    "Index",
    "Item",
    "Keyword",
    "Lambda",
    "List",
    "Literal",
    "Loop",
    "Name",
    "Parameter",
    "Return",
    "Slice",
    "Starred",
    "Statement",
    "Template",
    "Tuple",
    "Unary",
    "Word",
    "names",
    "words",
]

import keyword
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from types import EllipsisType
from typing import Literal as Among
from typing import TypeAlias, TypeVar

from graphdsl.diagnostics import CompilerBug
from graphdsl.slots.words import OF_THE_RUNTIME


@dataclass(frozen=True, slots=True)
class Name:
    """A local name, an argument or a built-in."""

    name: str

    def __post_init__(self) -> None:
        _check_name(self.name)


@dataclass(frozen=True, slots=True)
class Word:
    """A name that the module imports: of the runtime, or of torch."""

    name: str
    source: Among["graphdsl_runtime", "torch"] = "graphdsl_runtime"

    def __post_init__(self) -> None:
        if self.name not in OF_THE_RUNTIME:
            raise CompilerBug(
                f"`{self.name}` is no word of `slots/words.py`: a variable may have it"
            )


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number that is not negative, True, False, None or an ellipsis."""

    value: str | float | bool | EllipsisType | None

    def __post_init__(self) -> None:
        if isinstance(self.value, float) and not 0 <= self.value < float("inf"):
            raise CompilerBug(f"{self.value} is no literal of Python")


@dataclass(frozen=True, slots=True)
class Attribute:
    """`of.name`."""

    of: Expression
    name: str

    def __post_init__(self) -> None:
        _check_name(self.name)


@dataclass(frozen=True, slots=True)
class Call:
    """A call; a tall one has an argument on each line, even if all fit on one."""

    function: Expression
    arguments: tuple[Expression | Keyword | Starred, ...] = ()
    tall: bool = False


@dataclass(frozen=True, slots=True)
class Keyword:
    """An argument by its name."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Starred:
    """A tuple as so many arguments."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Index:
    """`of[places]`."""

    of: Expression
    places: tuple[Expression | Slice, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop`, either of which may be open."""

    start: int | None = None
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple."""

    items: tuple[Expression, ...]
    tall: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """A list."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Dict:
    """A dictionary whose keys are texts."""

    entries: tuple[Entry, ...]
    tall: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a dictionary, and its value."""

    key: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    """A negative number, or the complement of a mask."""

    sign: Among["-", "~"]
    value: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; a chain of one operator hangs on the left."""

    left: Expression
    sign: Among["+", "-", "*", "/", "&", "|", ">", "is"]
    right: Expression


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if test else otherwise`."""

    then: Expression
    test: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function without arguments."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Template:
    """An f-string: text as it is, and names whose values it shows."""

    parts: tuple[str | Name, ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A list, from loops that run over ranges."""

    item: Expression
    loops: tuple[Loop, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for name in range(start, stop)`."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Assign:
    """An assignment, and what it assigns in words. A tuple as its target has no parentheses."""

    target: Name | Attribute | Tuple
    value: Expression
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Do:
    """An expression for its effect."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Return:
    """What a function returns."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on lines of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line, between the parts of a method."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function."""

    name: str
    annotation: Expression | None = None
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A method; one that takes names only has a line for each."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Expression
    body: tuple[Statement, ...]
    by_name: tuple[Parameter, ...] = ()
    decorator: Expression | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A class with a docstring, its attributes and its methods."""

    name: str
    base: Expression
    docstring: str
    body: tuple[Statement | Function, ...]


Expression: TypeAlias = (
    Name
    | Word
    | Literal
    | Attribute
    | Call
    | Index
    | Tuple
    | List
    | Dict
    | Unary
    | Binary
    | Conditional
    | Lambda
    | Template
    | Comprehension
)
#: What stands between brackets.
Item: TypeAlias = Expression | Keyword | Starred | Slice | Entry | Loop
Statement: TypeAlias = Assign | Do | Return | Comment | Blank

NONE = Literal(None)
_Leaf = TypeVar("_Leaf", Name, Word)


def words(node: object) -> Iterator[Word]:
    """The imported names that a tree mentions."""
    return _leaves(node, Word)


def names(node: object) -> Iterator[Name]:
    """The local names that a tree mentions, as often as it does."""
    return _leaves(node, Name)


def _leaves(node: object, kind: type[_Leaf]) -> Iterator[_Leaf]:
    if isinstance(node, kind):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _leaves(part, kind)
    elif is_dataclass(node):
        for field in fields(node):
            yield from _leaves(getattr(node, field.name), kind)


def _check_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CompilerBug(f"`{name}` is no name of Python")
