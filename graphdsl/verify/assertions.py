"""Assertions that were decided, held against numbers."""

from __future__ import annotations

__all__ = ["check_proved", "check_refuted", "is_of_models", "refutation_of"]

from collections.abc import Mapping
from math import log

import numpy as np

from graphdsl.ir.evidence import Counterexample, Proof
from graphdsl.ir.information import Entropy
from graphdsl.ir.model import Model
from graphdsl.ir.objective import MultiInformation, Projection, UncertaintyOf
from graphdsl.ir.symbols import Q, Variable
from graphdsl.verify.comparison import Tally
from graphdsl.verify.random_joints import parents_in
from graphdsl.verify.tables import Table
from graphdsl.verify.terms import Parameters, defined, weight_value
from graphdsl.verify.views import Views


def is_of_models(proof: Proof) -> bool:
    """Whether it speaks of more than distributions: nobody draws a model of them."""
    functionals = (term.functional for term in proof.assertion.difference)
    return not all(
        isinstance(one, Projection | MultiInformation | UncertaintyOf) for one in functionals
    )


def check_proved(proof: Proof, views: Views, parameters: Parameters, tally: Tally) -> None:
    """The sides are equal, or as far apart as they may be."""
    what = f"assert {proof.assertion.text}, proved"
    difference = _difference(proof, views, parameters)
    if proof.assertion.relation == "==":
        tally.equal(what, difference, 0.0)
    elif tally.kind == "discrete" or not _needs_discrete(proof):
        sign = -1 if proof.assertion.relation == "<=" else 1
        tally.nonnegative(what, sign * difference)


def refutation_of(proof: Proof, views: Views, parameters: Parameters) -> float:
    """How far apart the sides of an equality are that was refuted without a distribution."""
    return abs(_difference(proof, views, parameters))


def check_refuted(proof: Proof, counterexample: Counterexample, model: Model, tally: Tally) -> None:
    """The distribution follows G^q, and violates the assertion by as much as it says."""
    what = f"assert {proof.assertion.text}, refuted"
    parents = _known_in(model)
    joint = Table((), np.ones(()))
    for table in counterexample.tables:
        if not all(set(table.given) <= parents[name] for name in table.of):
            tally.nonnegative(f"{what}, by what does not follow G^q", -1.0)
            return
        rows = {(row.given, row.values): float(row.probability) for row in table.rows}
        joint = _with_table(joint, table.of, table.given, rows)
    widths = {name: log(width) for name, width in counterexample.cells}
    parameters = {name: float(value) for name, value in counterexample.parameters}
    value = 0.0
    for term in proof.assertion.difference:
        each = defined(term.functional, {Q: joint})
        if isinstance(term.functional, UncertaintyOf):
            each += sum(
                widths.get(name, 0.0) for name in term.functional.of - term.functional.given
            )
        value += weight_value(term.weight, parameters) * each
    value *= -1 if proof.assertion.relation == "<=" else 1
    tally.equal(what, value, counterexample.nats)
    holds = abs(value) < 1e-9 if proof.assertion.relation == "==" else value > -1e-9
    if holds:
        tally.nonnegative(f"{what}, but it holds there", -1.0)


def _known_in(model: Model) -> dict[Variable, set[Variable]]:
    """What each variable may depend on: of a mixture its other children, which tell of the expert.

    For every q(u_1, u_2 | x) there is a selector s, independent of x, given which u_1 and u_2 are
    functions of x and s.
    """
    known = {name: set(above) for name, above in parents_in(model, model.inference).items()}
    for conditional in model.inference.conditionals:
        for child in (
            conditional.children if conditional.mixes and not conditional.one_expert else ()
        ):
            known[child].update(other for other in conditional.children if other != child)
    return known


def _with_table(
    joint: Table,
    of: tuple[Variable, ...],
    given: tuple[Variable, ...],
    rows: Mapping[tuple[tuple[int, ...], tuple[int, ...]], float],
) -> Table:
    """A joint and one more table, cell by cell."""
    sizes = [1 + max(values[place] for _, values in rows) for place in range(len(of))]
    cells = np.zeros((*joint.cells.shape, *sizes))
    axes = [joint.names.index(name) for name in given]
    for (condition, values), probability in rows.items():
        index: list[int | slice] = [slice(None)] * joint.cells.ndim
        for axis, state in zip(axes, condition, strict=True):
            index[axis] = state
        cells[(*index, *values)] = joint.cells[tuple(index)] * probability
    return Table((*joint.names, *of), cells)


def _difference(proof: Proof, views: Views, parameters: Parameters) -> float:
    return sum(
        weight_value(term.weight, parameters) * views.defined(term.functional)
        for term in proof.assertion.difference
    )


def _needs_discrete(proof: Proof) -> bool:
    """Whether the proof uses that an entropy is not negative, which a density's may be."""
    uses = proof.certificate.uses if proof.certificate is not None else ()
    return any(isinstance(use.atom, Entropy) for use in uses)
