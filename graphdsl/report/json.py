"""An audit as JSON, in the schema `graphdsl.audit/1` that ships beside this file."""

from __future__ import annotations

__all__ = ["audit_json", "audit_schema"]

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import TypeAlias

from graphdsl.ir.audit import Audit
from graphdsl.ir.evidence import Proof, Table
from graphdsl.ir.information import ProjectionDerivation, Step, Term
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.networks import Interval
from graphdsl.ir.notation import latex_weight, weight_text
from graphdsl.ir.weight import ONE
from graphdsl.notation.gaps import gap_latex, lasting_gaps, tight_conditions
from graphdsl.report.networks import networks_json
from graphdsl.report.terms import Json, latex_sum, term_json
from graphdsl.report.verification import verification_json

Ranges: TypeAlias = Mapping[str, Interval]


def audit_json(audit: Audit) -> str:
    """The whole audit, keys in the schema's order, two spaces of indent."""
    model, module = audit.model, audit.module
    ranges = {parameter.name: parameter.range for parameter in model.parameters}
    content: Json = {
        "schema": "graphdsl.audit/1",
        "model": model.name,
        "source": {"sha256": model.sha256},
        "variables": [
            {
                "name": name,
                "role": family.role,
                "kind": family.kind,
                "shape": list(family.shape),
                **({} if family.classes is None else {"classes": family.classes}),
            }
            for family in model.families
            for name in family.nodes
        ],
        "networks": networks_json(audit),
        "projections": [_projection(projection) for projection in audit.projections],
        "objective": {
            "relation": module.relation,
            "reason": module.reason,
            "terms": [_term(term) for term in module.terms],
            "constants": _terms(module.constants),
            "leftover": _terms(audit.leftover),
        },
        "assertions": [_proof(proof, ranges) for proof in audit.proofs],
        "verification": verification_json(audit.verification),
        "diagnostics": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "message": finding.message,
                "line": finding.line,
                "column": finding.column,
            }
            for finding in audit.findings
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def audit_schema() -> str:
    """The JSON Schema that every audit is valid under."""
    return files("graphdsl.report").joinpath("audit.schema.json").read_text(encoding="utf-8")


def _projection(one: ProjectionDerivation) -> Json:
    return {
        "network": one.network.name,
        "of": one.under,
        "weight": weight_text(one.weight),
        "nodes": [list(node) for node in one.network.nodes],
        "edges": [list(edge) for edge in one.network.edges],
        "multi_information": _terms(one.multi_information),
        "local_markov": _terms(one.local_markov),
        "order": [node[0] if len(node) == 1 else f"({', '.join(node)})" for node in one.order],
        "simplified": _terms(one.simplified),
        "constant": _terms(one.constant),
        "steps": [_step(step) for step in one.steps],
    }


def _step(step: Step) -> Json:
    return {
        "rule": step.rule,
        "because": step.because,
        "before": latex_sum(step.before),
        "after": latex_sum(step.after),
    }


def _term(term: LossTerm) -> Json:
    lasting = lasting_gaps(term)
    factor = latex_weight(term.weight)
    factor = (
        ""
        if term.weight == ONE
        else (f"({factor})\\," if len(term.weight.terms) > 1 else f"{factor}\\,")
    )
    return {
        "name": term.name,
        "coefficient": weight_text(term.weight),
        "kind": term.code.kind,
        "loss": f"{factor}{term.latex}",
        "stands_for": _terms(term.stands_for),
        "relation": term.relation,
        "gap": " + ".join(gap_latex(term)) or None,
        "tight_when": "; ".join(tight_conditions(term)),
        **({"never_closes": list(lasting)} if lasting else {}),
        "estimator": term.estimator,
        **({"gradient": "; ".join(term.gradient)} if term.gradient else {}),
        **({"rows": term.rows} if term.rows else {}),
        **({"within": term.within} if term.within else {}),
        "line": term.lines[0] if term.lines else 0,
        "lines": list(term.lines),
    }


def _proof(proof: Proof, ranges: Ranges) -> Json:
    return {
        "text": proof.assertion.text,
        "status": proof.status,
        "because": proof.because,
        "certificate": _certificate(proof, ranges) if proof.status == "proved" else {},
        "counterexample": _counterexample(proof) if proof.status == "refuted" else {},
    }


def _certificate(proof: Proof, ranges: Ranges) -> Json:
    if proof.certificate is None:
        return {"rule": "canonical form", "because": proof.because}
    return {
        "rule": "Shannon-type",
        "because": proof.because,
        "nonnegative": _terms(proof.nonnegative),
        "uses": [
            {
                "multiplier": str(use.multiplier),
                "distances": [
                    {"parameter": distance.parameter, "end": distance.end}
                    for distance in use.distances
                ],
                "term": term_json(Term(use.weight(ranges), use.atom)),
            }
            for use in proof.certificate.uses
        ],
    }


def _counterexample(proof: Proof) -> Json:
    counterexample = proof.counterexample
    if counterexample is None:
        return {"difference": _terms(proof.remainder)}
    return {
        "difference": _terms(proof.remainder),
        "nonnegative": _terms(proof.nonnegative),
        "value": {
            "nats": counterexample.nats,
            "sum": [
                {"coefficient": str(factor), "log": number}
                for factor, number in counterexample.value
            ],
        },
        "parameters": {name: str(value) for name, value in counterexample.parameters},
        "cells": {name: str(width) for name, width in counterexample.cells},
        "tables": [_table(table) for table in counterexample.tables],
    }


def _table(table: Table) -> Json:
    return {
        "of": list(table.of),
        "given": list(table.given),
        "rows": [
            {
                "given": list(row.given),
                "values": list(row.values),
                "probability": str(row.probability),
            }
            for row in table.rows
        ],
    }


def _terms(terms: Iterable[Term]) -> Json:
    return [term_json(term) for term in terms]
