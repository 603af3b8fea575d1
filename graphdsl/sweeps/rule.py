"""The rule that chooses a setting: the least, or the largest, of a sum of validation figures."""

from __future__ import annotations

__all__ = ["Rule", "read_rule"]

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from graphdsl.api.numbers import exact_text
from graphdsl.diagnostics import nearest
from graphdsl.sweeps.mistakes import Mistake
from graphdsl_files import shown

LOSS = "loss"

_WHOLE = re.compile(r"\s*(?:(min|max)\s*\((.*)\)|(.*))\s*", re.DOTALL)
_PART = re.compile(r"\s*([+-]?)\s*(?:([\d./eE-]*\d)\s*\*\s*)?([A-Za-z_]\w*)\s*")
_HINT = "such as min(loss), max(rate_z) or min(reconstruction_x + rate_z)"
_QUOTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Take the setting whose mean of a weighted sum of figures is least, or largest."""

    direction: Literal["min", "max"]
    weights: Mapping[str, Fraction]  #: of each term

    @property
    def sign(self) -> int:
        """1 where less is better, -1 where more is."""
        return 1 if self.direction == "min" else -1

    def value(self, figures: Mapping[str, float]) -> float:
        """Give the weighted sum of a run's figures, in nats.

        >>> read_rule("min(rate_z + 0.5*loss)")[0].value({"rate_z": 2.0, "loss": 4.0})
        4.0
        """
        return sum(float(weight) * figures[name] for name, weight in self.weights.items())

    @property
    def expression(self) -> str:
        """The sum, as one writes it."""
        text = ""
        for name, weight in self.weights.items():
            factor = "" if abs(weight) == 1 else f"{abs(weight)}*"
            sign = "-" if weight < 0 else "+"
            text += (f" {sign} " if text else "-" * (weight < 0)) + factor + name
        return text

    def __str__(self) -> str:
        """Write the rule as `read_rule` reads it.

        >>> print(read_rule("loss")[0], read_rule("max( -1 * a+1/2*b )")[0])
        min(loss) max(-a + 1/2*b)
        """
        return f"{self.direction}({self.expression})"


def read_rule(
    written: str, terms: Collection[str] | None = None
) -> tuple[Rule, tuple[Mistake, ...]]:
    """Read a rule; give it, and all that is wrong with it.

    ``terms`` is what the loss has; by default any name is one.
    """
    direction, inner, bare = _WHOLE.fullmatch(written).groups()  # type: ignore[union-attr]  # it matches any text
    weights: dict[str, Fraction] = {}
    place, text = 0, inner if direction else bare
    mistakes: list[Mistake] = []
    while place < len(text) or not weights:
        part = _PART.match(text, place)
        factor = exact_text(part[2]) if part and part[2] else Fraction(1)
        if part is None or factor is None or not (part[1] or not weights):
            quoted = written[:_QUOTED]
            mistakes.append(Mistake("SWEEP04", "--select", f"{quoted!r} is no rule", _HINT))
            break
        if part[3] in weights:
            reason = f"names `{shown(part[3])}` twice"
            mistakes.append(Mistake("SWEEP04", "--select", reason, "add its weights up"))
        weights[part[3]] = -factor if part[1] == "-" else factor
        place = part.end()
    if not mistakes and terms is not None:
        mistakes += _unknown(weights, terms)
    return Rule(direction="max" if direction == "max" else "min", weights=weights), tuple(mistakes)


def _unknown(weights: Mapping[str, Fraction], terms: Collection[str]) -> Iterator[Mistake]:
    for name in weights:
        if name not in terms:
            close = nearest(name, terms)
            listed = f"there are {', '.join(terms)}"
            hint = f"did you mean `{close}`?" if close else listed
            yield Mistake("SWEEP05", "--select", f"the loss has no term `{shown(name)}`", hint)
