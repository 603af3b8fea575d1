"""Certificates and counterexamples as text."""

from __future__ import annotations

__all__ = ["distribution_line", "distribution_text", "nats_text", "side_text", "uses_text"]

from collections.abc import Iterator, Mapping

from graphdsl.ir.evidence import Certificate, Counterexample, Proof, Row, Table
from graphdsl.ir.information import Term
from graphdsl.ir.networks import Interval
from graphdsl.ir.notation import number_text
from graphdsl.ir.symbols import bar_text
from graphdsl.report.terms import text_sum

_MOST = 16  #: rows of a table, or inequalities, that are written


def side_text(proof: Proof) -> str:
    """What the assertion says is not negative: `left - right`, of a `<=` `right - left`."""
    return "right - left" if proof.assertion.relation == "<=" else "left - right"


def nats_text(counterexample: Counterexample) -> str:
    """The value of that side, exactly where it is short: `-1/2 log 2 = -0.3466`.

    >>> from fractions import Fraction
    >>> half = (Fraction(-1, 2), 2)
    >>> nats_text(Counterexample(tables=(), cells=(), parameters=(), value=(half,)))
    '-1/2 log 2 = -0.3466'
    """
    rounded = f"{counterexample.nats:.4g}"
    if len(counterexample.value) > 3:
        return rounded
    written = ""
    for factor, number in counterexample.value:
        size = "" if abs(factor) == 1 else f"{abs(factor)} "
        sign = ("-" if factor < 0 else "") if not written else (" - " if factor < 0 else " + ")
        written += f"{sign}{size}log {number}"
    return f"{written} = {rounded}"


def uses_text(certificate: Certificate, ranges: Mapping[str, Interval]) -> Iterator[str]:
    """A line for each inequality that is used: its weight and its atom."""
    for use in certificate.uses[:_MOST]:
        yield f"+ {text_sum((Term(use.weight(ranges), use.atom),))}"
    if len(certificate.uses) > _MOST:
        yield f"... and {len(certificate.uses) - _MOST} more: `--format json` has them all"


def distribution_text(counterexample: Counterexample) -> Iterator[str]:
    """A line for each table, `q(z | x):  0 -> 0; 1 -> 0 1/2, 1 1/2`, and one for what has none."""
    yield from _stated(counterexample)
    if any(width == 1 for _, width in counterexample.cells):
        reals = ", ".join(name for name, width in counterexample.cells if width == 1)
        yield f"({reals} uniform over 1 around each state)"
    yield "(the other variables constant)"


def distribution_line(counterexample: Counterexample) -> str:
    """The same in one line, without what goes without saying."""
    return "; ".join(_stated(counterexample))


def _stated(counterexample: Counterexample) -> Iterator[str]:
    """What is particular to a counterexample: parameters, tables, and cells that are not one."""
    if counterexample.parameters:
        yield ", ".join(
            f"{name} = {number_text(value)}" for name, value in counterexample.parameters
        )
    for table in counterexample.tables:
        yield _table_text(table)
    for name, width in counterexample.cells:
        if width != 1:
            yield f"{name} uniform over {number_text(width)}"


def _table_text(table: Table) -> str:
    rows: dict[tuple[int, ...], list[Row]] = {}
    for row in table.rows:
        rows.setdefault(row.given, []).append(row)
    written = [f"{_states(given)}{' -> ' * bool(given)}{_row(row)}" for given, row in rows.items()]
    dots = ["..."] if len(written) > _MOST else []
    of = f"{', '.join(table.of)}{bar_text(table.given)}"
    return f"q({of}): {'; '.join([*written[:_MOST], *dots])}"


def _row(rows: list[Row]) -> str:
    """The states that are possible, with their probabilities unless there is but one."""
    if len(rows) == 1:
        return _states(rows[0].values)
    return ", ".join(f"{_states(row.values)} with {row.probability}" for row in rows[:_MOST])


def _states(values: tuple[int, ...]) -> str:
    return "".join(map(str, values))
