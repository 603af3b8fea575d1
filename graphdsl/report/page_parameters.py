"""Proofs, parameters and weights of the page."""

from __future__ import annotations

__all__ = ["parameter_views", "proof_view", "verdict", "weight_view"]

import json
from collections.abc import Iterator
from fractions import Fraction
from math import prod

from graphdsl.ir.audit import Audit
from graphdsl.ir.evidence import Proof
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Parameter
from graphdsl.ir.notation import number_text
from graphdsl.ir.weight import Weight
from graphdsl.report.evidence import distribution_text, nats_text, side_text, uses_text
from graphdsl.report.html import visible_text
from graphdsl.report.page_views import ParameterView, ProofView, WeightView
from graphdsl.report.terms import text_sum
from graphdsl.report.wording import range_text


def proof_view(proof: Proof, audit: Audit) -> ProofView:
    """An assertion, with its certificate or its counterexample."""
    ranges = {parameter.name: parameter.range for parameter in audit.model.parameters}
    evidence: list[str] = []
    if proof.certificate is not None:
        evidence = [f"{side_text(proof)} =", *uses_text(proof.certificate, ranges)]
    elif proof.remainder:
        evidence = [f"{side_text(proof)} = {text_sum(proof.nonnegative)}"]
    if proof.counterexample is not None:
        evidence += [f"which is {nats_text(proof.counterexample)} nats under"]
        evidence += distribution_text(proof.counterexample)
    return ProofView(
        status=proof.status,
        text=visible_text(proof.assertion.text),
        because=proof.because,
        evidence="\n".join(evidence),
    )


def parameter_views(audit: Audit) -> Iterator[ParameterView]:
    """Each parameter, with a slider over its range."""
    for parameter in audit.model.parameters:
        weighed = [
            term.name for term in audit.module.terms if parameter.name in term.weight.parameters
        ]
        least, most = _ends(parameter)
        yield ParameterView(
            name=parameter.name,
            value=number_text(parameter.value),
            range=range_text(parameter.range),
            terms=", ".join(weighed) or "none",
            low=number_text(least),
            high=number_text(most),
            step=number_text((most - least) / 200),
        )


def _ends(parameter: Parameter) -> tuple[Fraction, Fraction]:
    """Where a slider begins and ends: at the ends of the range, or well beyond the value."""
    value, low, high = parameter.value, parameter.range.low, parameter.range.high
    reach = max(abs(value), Fraction(5))
    return value - reach if low is None else low, value + reach if high is None else high


def weight_view(term: LossTerm, model: Model) -> WeightView:
    """The weight of a term, for the script that moves parameters."""
    return WeightView(
        name=term.name,
        weight=json.dumps(_polynomial(term.weight)),
        bounds=json.dumps([_polynomial(bound.weight) for bound in term.bounds]),
        value=f"{float(_at_values(term.weight, model)):.4g}",
    )


def _polynomial(weight: Weight) -> list[tuple[list[str], float]]:
    return [(list(names), float(factor)) for names, factor in weight]


def _at_values(weight: Weight, model: Model) -> Fraction:
    """A weight where every parameter has the value of the spec."""
    values = {parameter.name: parameter.value for parameter in model.parameters}
    factors = (factor * prod(values[name] for name in names) for names, factor in weight)
    return sum(factors, Fraction(0))


def verdict(audit: Audit) -> str:
    """Whether the bounds hold at the values of the spec; a slider shows it for others."""
    lost = [
        term.name
        for term in audit.module.terms
        if any(_at_values(bound.weight, audit.model) < 0 for bound in term.bounds)
    ]
    if lost:
        names = ", ".join(lost)
        return f"At these values the direction is lost: a bound in {names} has a negative weight."
    return "At these values every bound has a nonnegative weight."
