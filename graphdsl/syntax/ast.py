"""The abstract syntax: one frozen class for each thing that a spec can say, with its place."""

from __future__ import annotations

__all__ = [
    "Assertion",
    "Binary",
    "Block",
    "Body",
    "Comprehension",
    "Constant",
    "Divergence",
    "Domain",
    "Estimate",
    "Expression",
    "Goal",
    "Group",
    "Information",
    "Line",
    "ModelName",
    "Named",
    "Negate",
    "NetworkBlock",
    "Number",
    "Operand",
    "Parameter",
    "Range",
    "Reference",
    "Spec",
    "Statement",
    "Total",
    "VariableDeclaration",
    "Via",
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
class Binary:
    """A sum, difference, product or quotient."""

    sign: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression
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
    """What an index runs over: a range, or the ordered pairs of different members of one."""

    range: Range
    pairs: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`i, j in pairs(1..N)`."""

    names: tuple[Word, ...]
    domain: Domain
    span: Span


@dataclass(frozen=True, slots=True)
class Total:
    """`sum(i in 1..N) body`."""

    binder: Comprehension
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable, a member `x[1]`, several members `x[1..3]`, or a family by its bare name."""

    name: Word
    subscript: Expression | Range | None
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """Several nodes in parentheses: one node of the network that they stand in."""

    members: tuple[Reference, ...]
    span: Span


Group: TypeAlias = tuple[Reference | Block, ...]


@dataclass(frozen=True, slots=True)
class Via:
    """`via mlp(400, 400)`: how a conditional is computed."""

    name: Word
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a network: a chain of groups and its modifiers."""

    groups: tuple[Group, ...]
    by: Word | None
    via: Via | None
    comprehension: Comprehension | None
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """The lines of a network, in braces."""

    lines: tuple[Line, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Named:
    """A distribution or network by name, perhaps with arguments: `q(z)`, `through_z(1, 2)`."""

    name: Word
    arguments: tuple[Expression | Reference, ...]
    span: Span


Operand: TypeAlias = Named | Body


@dataclass(frozen=True, slots=True)
class Information:
    """`I(a, b; c | d)` and its like: parts that a `;` separates, perhaps given something."""

    functional: Word
    parts: tuple[tuple[Reference, ...], ...]
    given: tuple[Reference, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Divergence:
    """`KL(q || p)` and its like: two distributions, or a distribution and a network."""

    functional: Word
    left: Operand
    right: Operand
    span: Span


Expression: TypeAlias = Number | Word | Binary | Negate | Total | Information | Divergence


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
class Parameter:
    """`param beta = 4 in 1..inf`."""

    name: Word
    value: Expression
    range: Range | None
    span: Span


@dataclass(frozen=True, slots=True)
class VariableDeclaration:
    """`latent u[1..2] : real[8] ~ normal`."""

    role: Literal["observed", "latent"]
    name: Word
    family: Range | None
    kind: Word
    shape: tuple[Expression, ...]
    prior: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class NetworkBlock:
    """`q {...}`, `p {...}` or `network name(i, j) {...}`."""

    role: Literal["inference", "generation", "regularizer"]
    name: Word
    formals: tuple[Word, ...]
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Goal:
    """`minimize E` or `maximize E`."""

    aim: Literal["minimize", "maximize"]
    expression: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Estimate:
    """`estimate TC(u) with mss`."""

    target: Information | Divergence
    estimator: Word
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
    | NetworkBlock
    | Goal
    | Estimate
    | Assertion
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole spec, statement by statement."""

    statements: tuple[Statement, ...]
    broken: bool = False  #: some statements could not be read and are missing here
    lost_words: frozenset[str] = frozenset()  #: the words of the statements that are missing
