"""What a claim is judged under: G^q's canonical form, the kinds of variables, the parameters."""

from __future__ import annotations

__all__ = ["Setting"]

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from graphdsl.ir.evidence import CanonicalForm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Interval
from graphdsl.ir.symbols import Variable

_MOST = 4  #: states that a counterexample gives a variable


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a verdict may depend on, besides the claim."""

    canon: CanonicalForm
    states: Mapping[Variable, int]  #: how many a counterexample may give each variable
    real: frozenset[Variable]  #: variables whose entropy may be negative
    ranges: Mapping[str, Interval]  #: of parameters
    values: Mapping[str, Fraction]  #: of parameters, as the spec has them

    @classmethod
    def of(cls, model: Model, canon: CanonicalForm) -> Setting:
        """The setting of a spec's assertions."""
        families = {node.name: model.family(node.family) for node in model.nodes}
        # What G^q holds besides are the selectors of mixtures.
        hidden = set(canon.independence.order) - families.keys()
        return cls(
            canon=canon,
            states={
                name: 2 if family.kind == "binary" and family.size == 1 else _MOST
                for name, family in families.items()
            }
            | dict.fromkeys(sorted(hidden), _MOST),
            real=frozenset(name for name, family in families.items() if family.kind == "real"),
            ranges={parameter.name: parameter.range for parameter in model.parameters},
            values={parameter.name: parameter.value for parameter in model.parameters},
        )
