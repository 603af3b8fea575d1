"""What the page of an audit shows: frozen data for its template."""

from __future__ import annotations

__all__ = [
    "Figure",
    "Line",
    "Page",
    "ParameterView",
    "ProjectionView",
    "ProofView",
    "StepView",
    "TermView",
    "WeightView",
]

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A network."""

    name: str
    drawing: Markup
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermView:
    """A term of the loss."""

    name: str
    relation: str
    lines: str
    variables: str
    loss: Sequence[Markup]
    stands_for: Sequence[Markup]
    gaps: Sequence[Markup]
    tight: Sequence[str]
    lasting: Sequence[str]
    no_gap: str
    notes: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step of a derivation, and what it leads to."""

    rule: str
    because: str
    result: Sequence[Markup]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionView:
    """A projection, derived."""

    name: Markup
    result: Sequence[Markup]
    weight: str
    alike: str
    steps: Sequence[StepView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """An assertion and what became of it."""

    status: str
    text: str
    because: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView:
    """A parameter and the terms that it weighs."""

    name: str
    value: str
    range: str
    terms: str
    low: str  #: of the slider, which has ends where the range has none
    high: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightView:
    """The weight of a term, and those of its bounds, as polynomials in the parameters."""

    name: str
    weight: str
    bounds: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a listing, and the terms that it belongs to."""

    text: str
    terms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The guests of the template."""

    policy: str
    style: Markup
    script: Markup
    title: str
    sentence: str
    remarks: Sequence[tuple[str, str]]
    file: str
    sha256: str
    values: str
    sections: Sequence[tuple[str, str]]
    objective: Sequence[Markup]
    collected: Sequence[Markup]
    loss: Sequence[Markup]
    relation: str
    relation_sentence: str
    reason: str
    balance: str
    balance_check: str
    turns: str
    figures: Sequence[Figure]
    more_figures: str
    terms: Sequence[TermView]
    projections: Sequence[ProjectionView]
    constants: Sequence[Markup]
    assertions: Sequence[ProofView]
    parameters: Sequence[ParameterView]
    verdict: str
    weights: Sequence[WeightView]
    verified: Sequence[str]
    warnings: Sequence[str]
    symbols: Sequence[tuple[str, str]]
    spec: Sequence[Line]
    code: Sequence[Line]
