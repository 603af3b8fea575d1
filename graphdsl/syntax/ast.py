"""The abstract syntax: one frozen class for each thing that a spec can say, with its place.

The file is long because it is one list: a class for each rule of the grammar.
"""

from __future__ import annotations

__all__ = [
    "AllBut",
    "Argument",
    "Assertion",
    "Block",
    "Body",
    "Choice",
    "Chosen",
    "Comprehension",
    "Constant",
    "Constraint",
    "Constraints",
    "Divergence",
    "Domain",
    "Estimate",
    "Expression",
    "Function",
    "Goal",
    "Group",
    "Information",
    "Kind",
    "Line",
    "Marginal",
    "MaskDeclaration",
    "ModelName",
    "Named",
    "Negate",
    "NetworkBlock",
    "Number",
    "Operand",
    "Parameter",
    "Product",
    "Range",
    "Reference",
    "Schedule",
    "Setting",
    "Spec",
    "Statement",
    "Subscript",
    "Total",
    "Turn",
    "Turns",
    "VariableDeclaration",
    "Word",
]

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from graphdsl.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Word:
    """A name as it was written."""

    text: str
    span: Span

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exact: `0.1` is one tenth."""

    value: Fraction
    span: Span


@dataclass(frozen=True, slots=True)
class Sum:
    """`a + b - c`: summands side by side, however many there are."""

    first: Expression
    others: tuple[tuple[Literal["+", "-"], Expression], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Product:
    """`a * b / c`: factors and divisors side by side, read from left to right."""

    first: Expression
    others: tuple[tuple[Literal["*", "/"], Expression], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Negate:
    """Minus an expression."""

    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Range:
    """`low..high`, both ends included."""

    low: Expression
    high: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Domain:
    """What an index runs over: a range, a collection of its parts, or the members of a set."""

    kind: Literal["range", "pairs", "subsets", "bipartitions", "members", "outside"]
    range: Range | None  #: None for the members of a set, and for those outside of it
    name: Word | None  #: of that set
    span: Span


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`i, j in pairs(1..N)`."""

    names: tuple[Word, ...]
    domain: Domain
    span: Span


@dataclass(frozen=True, slots=True)
class Total:
    """`sum(i in 1..N) body`, or `mean` or `expect`, over one index or several."""

    sign: Word
    binders: tuple[Comprehension, ...]
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Function:
    """`abs(E)`, `square(E)`, `max(E, F)` or `min(E, F)`: what is no weighted sum."""

    name: Word
    arguments: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AllBut:
    """`not i` in brackets: every member but one, or but those of a set."""

    index: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable, a member `x[1]`, several members `x[1..3]`, or a family by its bare name."""

    name: Word
    subscripts: tuple[Subscript, ...]  #: one for each index of the family; none for its bare name
    span: Span
    copy: bool = False  #: `x'`: x once more, as a node of its own


@dataclass(frozen=True, slots=True)
class Block:
    """Several nodes in parentheses: one node of the network that they stand in."""

    members: tuple[Reference, ...]
    span: Span


Group: TypeAlias = tuple[Reference | Block, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """`scale = 0.1` among the arguments of a choice."""

    name: Word
    value: Expression
    span: Span
    each: bool = False  #: `learned(each)`: one for every coordinate
    by: tuple[Word, ...] = ()  #: `learned(batch)`: one for every class of these


@dataclass(frozen=True, slots=True)
class Choice:
    """`normal(scale = learned)`, `mlp(400, 400)`, `iwae(k = 16)`: one of many, with its details."""

    name: Word
    arguments: tuple[Argument, ...]
    settings: tuple[Setting, ...]
    span: Span
    shared: bool = False  #: `via shared ...`


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a network: a chain of groups and its modifiers."""

    groups: tuple[Group, ...]
    by: Word | None
    via: Choice | None
    gate: Reference | None  #: `if M[i]`
    drawn: Choice | None  #: `~ normal`
    binders: tuple[Comprehension, ...]
    span: Span
    repeated: tuple[Span, ...] = ()  #: modifiers that the line has once already


@dataclass(frozen=True, slots=True)
class Body:
    """The lines of a network, in braces."""

    lines: tuple[Line, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Marginal:
    """The variables that are meant of a distribution, and what is given."""

    of: tuple[Reference, ...]
    given: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A distribution or network by name, perhaps with arguments: `q(z)`, `through_z(1, 2)`."""

    name: Word
    arguments: tuple[Argument, ...]
    span: Span
    given: tuple[Reference, ...] = ()
    marginal: Marginal | None = None  #: `(z | x[1])` of `r(1)(z | x[1])`


Operand: TypeAlias = Named | Body


@dataclass(frozen=True, slots=True)
class Information:
    """`I(a, b; c | d)` and its like: parts that a `;` separates, perhaps given something."""

    functional: Word
    parts: tuple[tuple[Reference, ...], ...]
    given: tuple[Reference, ...]
    span: Span
    under: Operand | None = None  #: `I[p](...)`; q unless it says otherwise


@dataclass(frozen=True, slots=True)
class Divergence:
    """`KL(q || p)` and its like: two distributions, or a distribution and a network."""

    functional: Word
    left: Operand
    right: Operand
    span: Span


@dataclass(frozen=True, slots=True)
class Chosen:
    """`I(x; z) with infonce`: a functional, and the estimator that it is to have."""

    target: Information | Divergence
    choice: Choice
    span: Span


Expression: TypeAlias = (
    Number | Word | Sum | Product | Negate | Total | Function | Information | Divergence | Chosen
)
Subscript: TypeAlias = Expression | Range | AllBut
Argument: TypeAlias = Expression | Reference | Named


@dataclass(frozen=True, slots=True)
class ModelName:
    """`model wyner`."""

    name: Word
    span: Span


@dataclass(frozen=True, slots=True)
class Constant:
    """`const pixels = 32`."""

    name: Word
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Schedule:
    """`ramp(0, 4, steps = 2000)` or `cycle(...)`: a value that changes as training goes on."""

    name: Word
    start: Expression
    end: Expression
    settings: tuple[Setting, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """`param beta = 4 in 1..inf`."""

    name: Word
    value: Expression | Schedule
    range: Range | None
    span: Span


@dataclass(frozen=True, slots=True)
class Kind:
    """`real`, or `categorical(10)`."""

    name: Word
    argument: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class VariableDeclaration:
    """`latent u[1..2] : real[8] ~ normal`."""

    role: Literal["observed", "latent", "given"]
    name: Word
    family: tuple[Subscript, ...]  #: ranges, or the indices of one member; none if no family
    kind: Kind
    shape: tuple[Expression, ...]
    prior: Choice | None
    optional: bool
    span: Span


@dataclass(frozen=True, slots=True)
class MaskDeclaration:
    """`mask M[1..2, 1..8] : learned bernoulli(0.5)`, or `fixed(1, 0; 0, 1)`."""

    name: Word
    family: tuple[Subscript, ...]
    learned: Choice | None
    rows: tuple[tuple[Expression, ...], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class NetworkBlock:
    """`q {...}`, `p {...}`, `infer r(S) {...}` or `network name(i, j) {...}`."""

    role: Literal["inference", "generation", "further", "regularizer"]
    name: Word
    formals: tuple[Word, ...]
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Goal:
    """`minimize E` or `maximize E`, perhaps for some players: `minimize E for p`."""

    aim: Literal["minimize", "maximize"]
    expression: Expression
    span: Span
    owners: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """`estimate TC(u) with mss`."""

    target: Information | Divergence
    choice: Choice
    span: Span


@dataclass(frozen=True, slots=True)
class Constraint:
    """`E <= E`."""

    left: Expression
    relation: Literal["==", "<=", ">="]
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Constraints:
    """`subject to E <= E, ...`."""

    constraints: tuple[Constraint, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Turn:
    """`critic = 5`: a player, and how many steps it takes in a round."""

    player: Word
    count: Expression


@dataclass(frozen=True, slots=True)
class Turns:
    """`turns critic = 5, model = 2`."""

    turns: tuple[Turn, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Assertion:
    """`assert E == E`."""

    left: Expression
    relation: Literal["==", "<=", ">="]
    right: Expression
    span: Span


Statement: TypeAlias = (
    ModelName
    | Constant
    | Parameter
    | VariableDeclaration
    | MaskDeclaration
    | NetworkBlock
    | Goal
    | Constraints
    | Turns
    | Estimate
    | Assertion
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole spec, statement by statement."""

    statements: tuple[Statement, ...]
    broken: bool = False  #: some statements could not be read and are missing here
    lost_words: frozenset[str] = frozenset()  #: the words of the statements that are missing
