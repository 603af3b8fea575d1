"""What a loss is computed from: statements that nothing reads are left out."""

from __future__ import annotations

__all__ = ["alive", "arguments", "read_by", "used"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from graphdsl.ir.loss import LossTerm, TermCode
from graphdsl.ir.statements import (
    Assemble,
    DrawSet,
    Observe,
    PriorSample,
    Ref,
    Run,
    Sample,
    Statement,
)
from graphdsl.program.substitution import reads


def used(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements without samples that nothing is computed from."""
    names = {ref.name for ref in arguments(statements)}
    names |= {one.like for one in statements if isinstance(one, PriorSample)}
    for one in statements:
        if isinstance(one, Assemble) and one.target in names:
            names |= {part.name for part in one.parts}
    kept = (_sample(one, names) if isinstance(one, Sample) else one for one in statements)
    return tuple(
        one
        for one in kept
        if not isinstance(one, Sample | Assemble)
        or one.target in names
        or (isinstance(one, Sample) and one.density)
    )


def _sample(one: Sample, names: set[str]) -> Sample:
    """A sample, with its density where a term is computed from that."""
    return one if one.density in names else replace(one, density="")


def alive(statements: Sequence[Statement], terms: Iterable[LossTerm]) -> tuple[Statement, ...]:
    """The statements of `forward` that some term is computed from, and the data."""
    codes = [code for term in terms for code in (term.code, term.critic_code) if code is not None]
    names, kept = {name for code in codes for name in read_by(code)}, []
    for one in reversed(statements):
        made = _sample(one, names) if isinstance(one, Sample) else one
        told = isinstance(made, Sample) and made.density in names
        if told or one.target in names or isinstance(one, Observe | DrawSet):
            kept.append(made)
            names.update(reads(one))
    return tuple(reversed(kept))


def read_by(code: TermCode) -> Iterator[str]:
    """The names that a term is computed from."""
    refs = [code.left, code.right, code.value, *(ref for some in code.samples for ref in some)]
    for one in (*code.above, *code.below):
        refs += [one.distribution, one.value, one.seen]
    yield from (ref.name for ref in refs if ref is not None)
    yield from filter(None, (code.density, code.chance, code.strata))


def arguments(statements: Iterable[Statement]) -> Iterator[Ref]:
    """What networks are called with."""
    for one in statements:
        if isinstance(one, Run):
            yield from one.arguments
