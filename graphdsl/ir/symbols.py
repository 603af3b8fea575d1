"""Symbols that a derivation passes on as things, and prints in one way.

A `Variable` is the text by which it is printed, made from its parts; the parts stay with it, so
that no stage cuts a name to find them. A `NetworkName` is the same of a distribution.
"""

from __future__ import annotations

__all__ = [
    "GREEK",
    "NEW",
    "NO_VARIABLE",
    "DrawnBlock",
    "IndexSet",
    "ModelRef",
    "Names",
    "NetworkName",
    "P",
    "Q",
    "Selector",
    "Variable",
    "bar_text",
    "entry_word",
    "latex_names",
    "latex_word",
    "names",
    "natural",
    "runs",
    "variable",
]

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, Self, TypeAlias

#: Of a variable: its head and its index.
Order: TypeAlias = tuple[str, tuple[int, ...]]

_PRINTED = re.compile(r"([^\['()]+)('?)(?:\[(?:(\d+(?:,\d+)*)|(not )?([^\W\d]\w*))\])?")
_LONG = 3  #: members of a family; a longer run is written by its two ends
#: Letters by the names that people give to parameters.
GREEK: Mapping[str, str] = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
        "upsilon phi chi psi omega".split(),
        "αβγδεζηθικλμνξπρστυφχψω",
        strict=True,
    )
)


class DrawnBlock(NamedTuple):
    """The members of a family in a drawn set, `x[S]`, or outside of it, `x[not S]`."""

    head: str
    draw: str
    outside: bool


class Variable(str):
    r"""A variable of a network: `x`, `z[1,2]`, a copy `x'[1]` (P15), or a block `x[not S]`.

    Args:
        word: The word that it is declared under.
        member: Which member of a family it is.
        copy: Whether it is a copy: the variable once more, as a node of its own.
        block: The drawn set that it stands for, if it is a block.

    >>> Variable("z", (1, 2)), Variable("x", (1,), copy=True)
    ('z[1,2]', "x'[1]")
    >>> print(Variable("x", block=DrawnBlock("x", "S", outside=True)).latex)
    x_{\setminus S}
    """

    __slots__ = ("block", "copy", "head", "member", "order", "word")

    word: str  #: that it is declared under
    head: str  #: that word, with the prime of a copy
    member: tuple[int, ...]
    copy: bool
    block: DrawnBlock | None
    order: Order  #: `x` before `x[2]` before `x[10]`, `z[1,2]` before `z[2,1]`

    def __new__(
        cls,
        word: str,
        member: Iterable[int] = (),
        *,
        copy: bool = False,
        block: DrawnBlock | None = None,
    ) -> Self:
        """Make a variable from its parts."""
        head, place = f"{word}'" if copy else str(word), tuple(member)
        index = f"{'not ' * block.outside}{block.draw}" if block else ",".join(map(str, place))
        self = super().__new__(cls, f"{head}[{index}]" if index else head)
        self.word, self.head, self.member, self.copy, self.block = word, head, place, copy, block
        self.order = (str(self), ()) if block else (head, place)  # blocks behind their family
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """The parts, for copies and pickles."""
        return _variable, (type(self), self.word, self.member, self.copy, self.block)

    @property
    def subscript(self) -> str:
        """What stands in its brackets: `1,2`, or `not S` of a block; nothing without any."""
        if self.block is not None:
            return f"{'not ' * self.block.outside}{self.block.draw}"
        return ",".join(map(str, self.member))

    @property
    def original(self) -> Variable:
        """The variable that a copy is of; any other is its own.

        >>> Variable("x", (1,), copy=True).original
        'x[1]'
        """
        return Variable(self.word, self.member, block=self.block) if self.copy else self

    @property
    def copied(self) -> Variable:
        """A copy of it."""
        return Variable(self.word, self.member, copy=True, block=self.block)

    @property
    def latex(self) -> str:
        r"""In LaTeX: `x_{1}`, `\mathrm{label}`; of a block, `x_{\setminus S}`."""
        index = self.subscript.replace("not ", r"\setminus ")
        return f"{latex_word(self.head)}_{{{index}}}" if index else latex_word(self.head)


class Selector(Variable):
    """The hidden variable that says which parent's component a mixture is drawn from (P16)."""

    __slots__ = ()

    @classmethod
    def of(cls, child: Variable) -> Selector:
        """The selector of a mixture, by its first child.

        >>> Selector.of(Variable("z", (1, 2)))
        'selector_z_1_2'
        """
        return cls("_".join(("selector", child.head, *map(str, child.member))))


NO_VARIABLE = Variable("")  #: where a field has none


@dataclass(frozen=True, slots=True)
class IndexSet:
    """A set of indices that an index runs over: one side of a bipartition, or a subset."""

    members: tuple[int, ...]
    others: tuple[int, ...]  #: what it was chosen from, and does not hold
    drawn: str = ""  #: the name of a set that is drawn: `members` is then all that it may hold

    def __str__(self) -> str:
        return self.drawn or f"{{{','.join(map(str, self.members))}}}"


def _bracketed(arguments: tuple[Argument, ...]) -> str:
    return f"({','.join(map(str, arguments))})" if arguments else ""


class NetworkName(str):
    """The name of a network, and of its distribution: `q`, `r(1)`, `r({1,2})`, `through_z(1,2)`.

    Args:
        base: The word that it is declared under; empty for a network that an objective writes out.
        arguments: The indices and sets that it is for.
        body: The lines of a network that an objective writes out: such a one is named by them.

    >>> NetworkName("r", (IndexSet((1, 2), ()),)), NetworkName("", body="x -> z")
    ('r({1,2})', '{x -> z}')
    """

    __slots__ = ("arguments", "base")

    base: str
    arguments: tuple[Argument, ...]

    def __new__(cls, base: str, arguments: Iterable[Argument] = (), *, body: str = "") -> Self:
        """Make a name from its parts."""
        known = tuple(arguments)
        self = super().__new__(cls, f"{base}{_bracketed(known)}" if base else f"{{{body}}}")
        self.base, self.arguments = str(base), known
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """The parts, for copies and pickles."""
        return _network_name, (self.base, self.arguments, "" if self.base else self[1:-1])

    @property
    def argument_text(self) -> str:
        """Its arguments in brackets: `(1,2)`; nothing without any."""
        return _bracketed(self.arguments)

    @property
    def draws(self) -> tuple[str, ...]:
        """The drawn sets among its arguments."""
        sets = (argument for argument in self.arguments if isinstance(argument, IndexSet))
        return tuple(one.drawn for one in sets if one.drawn)


#: Of a network: an index, a set of them, or the network that it is the graph of, `G(p)`.
Argument: TypeAlias = int | IndexSet | NetworkName
Q, P = NetworkName("q"), NetworkName("p")
NEW = NetworkName("new")  #: of a network that is made for a bound
Names: TypeAlias = tuple[Variable, ...]  #: variables in their natural order
natural: Callable[[Variable], Order] = attrgetter("order")  #: the key of that order


@dataclass(frozen=True, slots=True, order=True)
class ModelRef:
    """A model r(v | T): whose conditional it is, of which variables, given which.

    >>> str(ModelRef("p", (Variable("x", (1,)),), (Variable("z"), Variable("u", (1,)))))
    'p(x[1]|z,u[1])'
    """

    network: str  #: as printed: `q`, `p`, `r`
    children: Names
    parents: Names = ()

    @property
    def child(self) -> Variable:
        """Its variable, where it is of one."""
        (child,) = self.children
        return child

    def __str__(self) -> str:
        bar = f"|{','.join(self.parents)}" if self.parents else ""
        return f"{self.network}({','.join(self.children)}{bar})"


def names(variables: Iterable[Variable]) -> Names:
    """Variables in their natural order.

    >>> names({Variable("z"), Variable("x", (10,)), Variable("x", (2,))})
    ('x[2]', 'x[10]', 'z')
    """
    return tuple(sorted(variables, key=natural))


def variable(text: str) -> Variable:
    """A variable by its printed form, as a batch, a file or a user names it.

    >>> variable("z[1,2]").member, variable("x[not S]").block, variable("x'").original
    ((1, 2), DrawnBlock(head='x', draw='S', outside=True), 'x')
    """
    match = _PRINTED.fullmatch(text)
    if match is None:
        return Variable(text)
    head, prime, index, outside, draw = match.groups()
    block = DrawnBlock(head, draw, outside is not None) if draw else None
    member = map(int, index.split(",")) if index else ()
    return Variable(head, member, copy=bool(prime), block=block)


def entry_word(key: str) -> str:
    """The word of the variable that the entry of a batch is of.

    >>> entry_word("x[1]"), entry_word("seen(x[1])")
    ('x', 'x')
    """
    masked = re.fullmatch(r"seen\((.*)\)", key)
    return variable(masked[1] if masked else key).word


def latex_word(word: str) -> str:
    r"""A word in LaTeX: `\beta`, `\lambda_{\mathrm{prior}}`, `\mathrm{label}`."""
    if word in GREEK:
        return f"\\{word}"
    if len(word) == 1:
        return word
    head, _, tail = word.partition("_")
    if head in GREEK and re.fullmatch(r"\w+", tail):
        return f"\\{head}_{{\\mathrm{{{tail}}}}}"
    escaped = word.replace("_", r"\_")
    return f"\\mathrm{{{escaped}}}"


def bar_text(given: Iterable[str]) -> str:
    """What is conditioned on, behind a bar; nothing if there is nothing.

    >>> bar_text(["z", "u"]), bar_text([])
    (' | z, u', '')
    """
    written = ", ".join(given)
    return f" | {written}" if written else ""


def latex_names(variables: Iterable[Variable], between: str = ", ") -> str:
    r"""A list of variables in LaTeX; a long run of one family by its two ends.

    >>> print(latex_names([Variable("x"), *(Variable("z", (k,)) for k in range(1, 5))]))
    x, z_{1}, \dots, z_{4}
    """
    written: list[str] = []
    for run in runs(variables):
        latex = [one.latex for one in run]
        written += [latex[0], r"\dots", latex[-1]] if len(run) > _LONG else latex
    return between.join(written)


def runs(variables: Iterable[Variable]) -> list[list[Variable]]:
    """The list, cut where a variable is not the next member of its family."""
    stretches: list[list[Variable]] = []
    before = None
    for one in variables:
        if before is not None and before == (one.order[0], _previous(one.order[1])):
            stretches[-1].append(one)
        else:
            stretches.append([one])
        before = one.order
    return stretches


def _previous(member: tuple[int, ...]) -> tuple[int, ...] | None:
    """The member before one, along its last index; None without an index."""
    return (*member[:-1], member[-1] - 1) if member else None


def _variable(
    kind: type[Variable], head: str, member: tuple[int, ...], copy: bool, block: DrawnBlock | None
) -> Variable:
    return kind(head, member, copy=copy, block=block)


def _network_name(base: str, arguments: tuple[Argument, ...], body: str) -> NetworkName:
    return NetworkName(base, arguments, body=body)
