"""Expressions of emitted methods: tensors and their members, masks and weights."""

from __future__ import annotations

__all__ = [
    "Summand",
    "axis",
    "chosen_mask",
    "flat",
    "gathered",
    "masks",
    "reference",
    "shape_comment",
    "signed",
    "some_members",
    "stacked",
    "summand",
    "weight",
]

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from graphdsl.codegen.entries import entries
from graphdsl.codegen.tree import NONE, Binary, Expression, Index, List, Literal, Name, Slice, Unary
from graphdsl.codegen.words import (
    chain,
    integers,
    listing,
    method,
    number,
    own,
    runtime,
    torch,
    total,
)
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.notation import leading_positive
from graphdsl.ir.statements import Chosen, Noise, Ref, Value
from graphdsl.ir.weight import Weight

_ALL = Slice()

#: Of a sum: whether it is subtracted, and its factors.
Summand: TypeAlias = tuple[bool, tuple[Expression, ...]]


def reference(ref: Ref) -> Expression:
    """A tensor, or some of its members.

    >>> from graphdsl.codegen.flat import printed
    >>> from graphdsl.ir.statements import Value
    >>> [printed(reference(Ref(Value("x"), places))) for places in ((0, 1), (2, 0))]
    ['x[:, 0:2]', 'x[:, [2, 0]]']
    >>> [printed(reference(Ref(Value("x"), places, in_sets=True))) for places in (None, (2, 0))]
    ['x[:, None]', 'x[:, None, [2, 0]]']
    >>> printed(reference(Ref(Value("x"), (1,), one=True, behind=True)))
    'x[:, :, 1]'
    """
    if ref.gate is None:
        return some_members(Name(ref.name), ref, ref.behind)
    values = reference(replace(ref, gate=None))
    return runtime("gated", axis(values) if ref.spread else values, entries(ref.gate))


def some_members(whole: Expression, ref: Ref | Noise, behind: bool = False) -> Expression:
    """The members of a tensor that a reference picks; `behind` an axis of classes or experts."""
    if ref.places is None:
        return axis(whole) if ref.in_sets else whole
    if ref.in_sets and ref.one:
        return Index(whole, (_ALL, Slice(ref.places[0], ref.places[0] + 1)))
    before = (NONE,) if ref.in_sets else (_ALL,) if behind else ()
    return Index(whole, (_ALL, *before, _places(ref.places, ref.one)))


def axis(tensor: Expression) -> Index:
    """A tensor with an axis of one behind the rows."""
    return Index(tensor, (_ALL, NONE))


def flat(tensor: Expression, indices: int, first: int = 1) -> Expression:
    """A family with one axis of members, where it has several indices."""
    if indices < 2:
        return tensor
    return method(tensor, "flatten", Literal(first), Literal(first + indices - 1))


def _places(places: Sequence[int], one: bool) -> Expression | Slice:
    """Some members, as an index."""
    if one:
        return Literal(places[0])
    first, last = places[0], places[-1] + 1
    is_range = tuple(places) == tuple(range(first, last))
    return Slice(first, last) if is_range else integers(places)


def gathered(refs: Sequence[Ref]) -> List:
    """Several tensors as a list."""
    return listing(map(reference, refs))


def stacked(parts: Sequence[Expression], dim: int = 1) -> Expression:
    """Tensors side by side."""
    return torch("stack", listing(parts), dim=Literal(dim))


def masks(several: Sequence[Sequence[Ref]]) -> list[Expression]:
    """The mask of each member; one that asks for nothing is always there."""
    first = next(reference(ref) for refs in several for ref in refs)
    full = torch("ones_like", first)
    return [chain("&", map(reference, refs)) if refs else full for refs in several]


def chosen_mask(chosen: Chosen | None) -> Expression:
    """The mask of a drawn set, or of its complement."""
    if chosen is None:
        raise CompilerBug("a drawn set without a mask")
    mask = reference(chosen.mask)
    return Unary("~", mask) if chosen.outside else mask


def shape_comment(value: Value, times: int = 1) -> str:
    """The shape of a value, rows first, in words; nothing where it has none.

    >>> shape_comment(Value("x", (2, 16))), shape_comment(Value("a", ()), times=8)
    ('(B, 2, 16)', '(8 B,)')
    """
    row = value.shape
    if row is None:
        return ""
    rows = f"{times} B" if times > 1 else "B"
    return f"({', '.join([rows, *map(str, row)])})" if row else f"({rows},)"


def weight(value: Weight) -> Expression:
    """A weight over the module's own parameters.

    >>> from graphdsl.codegen.flat import printed
    >>> printed(weight(Weight.number(1) - Weight.parameter("cross").scaled(2)))
    '1 - 2 * self.cross'
    """
    if not value:
        return number(0.0)
    return total(
        (coefficient < 0, _factors(abs(coefficient), monomial) or (Literal(1),))
        for monomial, coefficient in leading_positive(value)
    )


def signed(value: Weight) -> Summand:
    """Whether a weight is subtracted, and its factors; a weight of one has none."""
    if len(value.terms) != 1:
        return False, (weight(value),)
    ((monomial, coefficient),) = value.terms
    return coefficient < 0, _factors(abs(coefficient), monomial)


def summand(body: Expression, factor: Weight) -> Summand:
    """A weighted summand."""
    negative, factors = signed(factor)
    return negative, (*factors, body)


def _factors(coefficient: Fraction, monomial: Sequence[str]) -> tuple[Expression, ...]:
    """What a body is multiplied with; nothing for a factor of one."""
    first = () if coefficient == 1 else (_fraction(coefficient),)
    return (*first, *map(own, monomial))


def _fraction(value: Fraction) -> Expression:
    if value.denominator == 1:
        return Literal(value.numerator)
    decimal = float(value)
    if Fraction(repr(decimal)) == value:
        return Literal(decimal)
    return Binary(Literal(value.numerator), "/", Literal(value.denominator))
