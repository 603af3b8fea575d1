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

from graphdsl.codegen import tree as py
from graphdsl.codegen.entries import entries
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
from graphdsl.ir.statements import Chosen
from graphdsl.ir.values import Noise, Ref, Value
from graphdsl.ir.weight import Weight

_ALL = py.Slice()

#: Of a sum: whether it is subtracted, and its factors.
Summand: TypeAlias = tuple[bool, tuple[py.Expression, ...]]


def reference(ref: Ref) -> py.Expression:
    """A tensor, or some of its members.

    >>> from graphdsl.codegen.flat import printed
    >>> from graphdsl.ir.values import Value
    >>> [printed(reference(Ref(Value("x"), places))) for places in ((0, 1), (2, 0))]
    ['x[:, 0:2]', 'x[:, [2, 0]]']
    >>> [printed(reference(Ref(Value("x"), places, in_sets=True))) for places in (None, (2, 0))]
    ['x[:, None]', 'x[:, None, [2, 0]]']
    >>> printed(reference(Ref(Value("x"), (1,), one=True, behind=True)))
    'x[:, :, 1]'
    """
    if ref.gate is None:
        return some_members(py.Name(ref.name), ref, ref.behind)
    values = reference(replace(ref, gate=None))
    return runtime("gated", axis(values) if ref.spread else values, entries(ref.gate))


def some_members(whole: py.Expression, ref: Ref | Noise, behind: bool = False) -> py.Expression:
    """The members of a tensor that a reference picks; `behind` an axis of classes or experts."""
    if ref.places is None:
        return axis(whole) if ref.in_sets else whole
    if ref.in_sets and ref.one:
        return py.Index(whole, (_ALL, py.Slice(ref.places[0], ref.places[0] + 1)))
    before = (py.NONE,) if ref.in_sets else (_ALL,) if behind else ()
    return py.Index(whole, (_ALL, *before, _places(ref.places, ref.one)))


def axis(tensor: py.Expression) -> py.Index:
    """A tensor with an axis of one behind the rows."""
    return py.Index(tensor, (_ALL, py.NONE))


def flat(tensor: py.Expression, indices: int, first: int = 1) -> py.Expression:
    """A family with one axis of members, where it has several indices."""
    if indices < 2:
        return tensor
    return method(tensor, "flatten", py.Literal(first), py.Literal(first + indices - 1))


def _places(places: Sequence[int], one: bool) -> py.Expression | py.Slice:
    """Some members, as an index."""
    if one:
        return py.Literal(places[0])
    first, last = places[0], places[-1] + 1
    is_range = tuple(places) == tuple(range(first, last))
    return py.Slice(first, last) if is_range else integers(places)


def gathered(refs: Sequence[Ref]) -> py.List:
    """Several tensors as a list."""
    return listing(map(reference, refs))


def stacked(parts: Sequence[py.Expression], dim: int = 1) -> py.Expression:
    """Tensors side by side."""
    return torch("stack", listing(parts), dim=py.Literal(dim))


def masks(lists: Sequence[Sequence[Ref]]) -> list[py.Expression]:
    """The mask of each member; one that asks for nothing is always there."""
    first = next(reference(ref) for refs in lists for ref in refs)
    full = torch("ones_like", first)
    return [chain("&", map(reference, refs)) if refs else full for refs in lists]


def chosen_mask(chosen: Chosen | None) -> py.Expression:
    """The mask of a drawn set, or of its complement."""
    if chosen is None:
        raise CompilerBug("a drawn set without a mask")
    mask = reference(chosen.mask)
    return py.Unary("~", mask) if chosen.outside else mask


def shape_comment(value: Value, times: int = 1, rows: str = "B") -> str:
    """The shape of a value, rows first, in words; nothing where it has none.

    >>> shape_comment(Value("x", (2, 16))), shape_comment(Value("a", ()), times=8)
    ('(B, 2, 16)', '(8 B,)')
    """
    row = value.shape
    if row is None:
        return ""
    rows = f"{times} {rows}" if times > 1 else rows
    return f"({', '.join([rows, *map(str, row)])})" if row else f"({rows},)"


def weight(value: Weight) -> py.Expression:
    """A weight over the module's own parameters.

    >>> from graphdsl.codegen.flat import printed
    >>> printed(weight(Weight.number(1) - Weight.parameter("cross").scaled(2)))
    '1 - 2 * self.cross'
    """
    if not value:
        return number(0.0)
    return total(
        (coefficient < 0, _factors(abs(coefficient), monomial) or (py.Literal(1),))
        for monomial, coefficient in leading_positive(value)
    )


def signed(value: Weight) -> Summand:
    """Whether a weight is subtracted, and its factors; a weight of one has none."""
    if len(value.terms) != 1:
        return False, (weight(value),)
    ((monomial, coefficient),) = value.terms
    return coefficient < 0, _factors(abs(coefficient), monomial)


def summand(body: py.Expression, factor: Weight) -> Summand:
    """A weighted summand."""
    negative, factors = signed(factor)
    return negative, (*factors, body)


def _factors(coefficient: Fraction, monomial: Sequence[str]) -> tuple[py.Expression, ...]:
    """What a body is multiplied with; nothing for a factor of one."""
    first = () if coefficient == 1 else (_fraction(coefficient),)
    return (*first, *map(own, monomial))


def _fraction(value: Fraction) -> py.Expression:
    if value.denominator == 1:
        return py.Literal(value.numerator)
    decimal = float(value)
    if Fraction(repr(decimal)) == value:
        return py.Literal(decimal)
    return py.Binary(py.Literal(value.numerator), "/", py.Literal(value.denominator))
