"""Small pieces of Python text: tensors, shapes, numbers, weights."""

from __future__ import annotations

__all__ = [
    "chosen_mask",
    "masks",
    "members",
    "network_names",
    "number",
    "reference",
    "shape",
    "shape_comment",
    "stacked",
    "weight",
]

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from graphdsl.codegen.entries import entries
from graphdsl.codegen.layout import Bracket, call
from graphdsl.diagnostics import CompilerBug
from graphdsl.ir.notation import leading_positive
from graphdsl.ir.statements import Chosen, Ref
from graphdsl.ir.weight import Weight


def reference(ref: Ref) -> str:
    """A tensor, or some of its members.

    >>> [reference(Ref("x", places)) for places in ((0, 1), (2, 0))]
    ['x[:, 0:2]', 'x[:, [2, 0]]']
    >>> [reference(Ref("x", places, in_sets=True)) for places in (None, (2, 0))]
    ['x[:, None]', 'x[:, None, [2, 0]]']
    >>> reference(Ref("x", (1,), one=True, behind=True))
    'x[:, :, 1]'
    """
    if ref.gate is not None:
        values = reference(replace(ref, gate=None))
        return f"gated({values}{'[:, None]' * ref.spread}, {entries(ref.gate)})"
    if ref.places is None:
        return f"{ref.name}[:, None]" if ref.in_sets else ref.name
    if ref.in_sets and ref.one:
        return f"{ref.name}[:, {ref.places[0]}:{ref.places[0] + 1}]"
    axis = "None, " if ref.in_sets else ":, " if ref.behind else ""
    return f"{ref.name}[:, {axis}{_places(ref.places, ref.one)}]"


def _places(places: Sequence[int], one: bool) -> str:
    """Some members, as an index."""
    if one:
        return str(places[0])
    first, last = places[0], places[-1] + 1
    return f"{first}:{last}" if tuple(places) == tuple(range(first, last)) else str(list(places))


def members(refs: Sequence[Ref]) -> Bracket:
    """Several tensors as a list."""
    return Bracket("[", tuple(map(reference, refs)), "]")


def masks(several: Sequence[Sequence[Ref]]) -> list[str]:
    """The mask of each member; one that asks for nothing is always there."""
    first = next(reference(ref) for refs in several for ref in refs)
    return [" & ".join(map(reference, refs)) or f"torch.ones_like({first})" for refs in several]


def chosen_mask(chosen: Chosen | None) -> str:
    """The mask of a drawn set, or of its complement."""
    if chosen is None:
        raise CompilerBug("a drawn set without a mask")
    return f"{'~' * chosen.outside}{reference(chosen.mask)}"


def shape(sizes: Sequence[int]) -> str:
    """A tuple of sizes.

    >>> shape((3,)), shape(())
    ('(3,)', '()')
    """
    return repr(tuple(sizes))


def shape_comment(row: Sequence[int], times: int = 1) -> str:
    """The shape of a tensor, rows first.

    >>> shape_comment((2, 16)), shape_comment((), 8)
    ('(B, 2, 16)', '(8 B,)')
    """
    rows = f"{times} B" if times > 1 else "B"
    return f"({', '.join([rows, *map(str, row)])})" if row else f"({rows},)"


def number(value: float) -> str:
    """A number as Python writes it."""
    return repr(float(value))


def weight(value: Weight) -> str:
    """A weight over the module's own parameters, ready to be multiplied.

    >>> weight(Weight.number(1) + Weight.parameter("cross"))
    '(1 + self.cross)'
    """
    written = ""
    for monomial, coefficient in leading_positive(value):
        factors = [f"self.{name}" for name in monomial]
        if abs(coefficient) != 1 or not monomial:
            factors.insert(0, _fraction(abs(coefficient)))
        body = " * ".join(factors)
        if written:
            written += f" - {body}" if coefficient < 0 else f" + {body}"
        else:
            written = f"-{body}" if coefficient < 0 else body
    return f"({written})" if len(value.terms) > 1 else written


def network_names(names: Sequence[str]) -> str:
    """The names of a family's conditionals: a comprehension where they differ in one index.

    >>> network_names(["q(z|x[1])", "q(z|x[2])"])
    '[f"q(z|x[{i}])" for i in range(1, 3)]'
    >>> network_names(["q(z[1,1]|x)", "q(z[1,2]|x)"])
    '[f"q(z[{i},{j}]|x)" for i in range(1, 2) for j in range(1, 3)]'
    """
    for first in sorted(set(re.findall(r"\[(\d+)\]", names[0])), key=int):
        pattern = names[0].replace(f"[{first}]", "[{i}]")
        indices = range(int(first), int(first) + len(names))
        if [pattern.replace("{i}", str(index)) for index in indices] == list(names):
            return f'[f"{pattern}" for i in range({indices.start}, {indices.stop})]'
    return _over_two(names) or f"[{', '.join(chr(34) + name + chr(34) for name in names)}]"


def _over_two(names: Sequence[str]) -> str:
    """Names that differ in two indices of one member, in the order of a family's members."""
    pairs = [re.search(r"\[(\d+),(\d+)\]", name) for name in names]
    found = [(int(one[1]), int(one[2])) for one in pairs if one is not None]
    if len(found) < len(names):
        return ""
    (low, first), (high, last) = found[0], found[-1]
    pattern = names[0].replace(f"[{low},{first}]", "[{i},{j}]")
    several = [(i, j) for i in range(low, high + 1) for j in range(first, last + 1)]
    if [pattern.replace("{i}", str(i)).replace("{j}", str(j)) for i, j in several] != list(names):
        return ""
    outer, inner = f"range({low}, {high + 1})", f"range({first}, {last + 1})"
    return f'[f"{pattern}" for i in {outer} for j in {inner}]'


def stacked(parts: Sequence[str], dim: int = 1) -> Bracket:
    """Tensors side by side."""
    return call("torch.stack", Bracket("[", tuple(parts), "]"), f"dim={dim}")


def _fraction(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    decimal = repr(float(value))
    return decimal if Fraction(decimal) == value else f"({value.numerator} / {value.denominator})"
