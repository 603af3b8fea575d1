"""Leave out the statements that nothing reads.

Law: every value that is asked for is computed as before, from the same statements in the same
order; of the others only data and drawn sets stay, which say how many rows a batch has.
"""

from __future__ import annotations

__all__ = ["drop_unused", "read_by_term", "values_read"]

from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphdsl.ir.loss import LossTerm, TermCode
from graphdsl.ir.statements import DrawSet, Observe, Sample, Statement
from graphdsl.ir.values import Value
from graphdsl.program.substitution import inputs, outputs, values_in


def drop_unused(statements: Iterable[Statement], asked: Iterable[Value]) -> tuple[Statement, ...]:
    """The statements that some value which is asked for is computed from, and the data."""
    needed, kept = set(asked), list[Statement]()
    for statement in reversed(list(statements)):
        if needed.isdisjoint(outputs(statement)) and not isinstance(statement, Observe | DrawSet):
            continue
        kept.append(
            _without_density(statement) if needed.isdisjoint(outputs(statement)[1:]) else statement
        )
        needed.update(inputs(statement))
    return tuple(reversed(kept))


def _without_density(one: Statement) -> Statement:
    """A sample of a flow without its log-density, which nothing reads."""
    return replace(one, density=None) if isinstance(one, Sample) and one.density else one


def values_read(terms: Iterable[LossTerm]) -> Iterator[Value]:
    """The values that terms and the losses of critics are computed from."""
    for term in terms:
        yield from read_by_term(term.code)
        yield from () if term.critic_code is None else read_by_term(term.critic_code)


def read_by_term(code: TermCode) -> Iterator[Value]:
    """The values that a term is computed from, but for the sets and the rows that it counts."""
    counted = replace(code, seen=(), among=None, edges=())
    return values_in(counted)
