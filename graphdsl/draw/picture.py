"""What is drawn of a network: marks, arrows and plates, before anything has a place."""

from __future__ import annotations

__all__ = ["Arrow", "Mark", "MarkKind", "Picture", "Plate", "Tone"]

from dataclasses import dataclass
from typing import Literal, TypeAlias

from graphdsl.draw.labels import Label
from graphdsl.ir.symbols import Variable

#: `given` is what a model is conditioned on; a selector picks the expert of a mixture.
MarkKind: TypeAlias = Literal["observed", "latent", "selector"]
#: Beside the network that is projected: an edge that both have, that G alone has, or that it lacks.
Tone: TypeAlias = Literal["kept", "added", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A node of a drawing: a variable, a whole family, a block of variables, or a selector."""

    label: tuple[Label, ...]  #: `x[i]`, or the list of a block, `z[1..8], u`
    kind: MarkKind
    variables: tuple[Variable, ...]  #: all that it stands for; of a selector, its name

    @property
    def text(self) -> str:
        """Its label as a spec writes it: `x[i]`, `z[1..8], u`."""
        return ", ".join(map(str, self.label))


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge of a drawing, between two marks by their places."""

    start: int
    end: int
    learned: bool = False
    tone: Tone = "kept"


@dataclass(frozen=True, slots=True)
class Plate:
    """Marks that stand for a member each, once for every index."""

    along: tuple[tuple[str, tuple[int, ...]], ...]  #: the letter of each index, and its values
    marks: tuple[int, ...]

    @property
    def label(self) -> str:
        """As text: `i = 1..8`."""
        return self._written("..")

    @property
    def latex(self) -> str:
        r"""In LaTeX: `i = 1, \dots, 8`."""
        return self._written(r", \dots, ")

    def _written(self, to: str) -> str:
        return ", ".join(f"{letter} = {_span(values, to)}" for letter, values in self.along)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn of one network."""

    title: str
    marks: tuple[Mark, ...]
    arrows: tuple[Arrow, ...]
    plates: tuple[Plate, ...]
    upwards: bool  #: whether roots are at the bottom: the data of an inference network
    compared: bool = False  #: whether its arrows are beside those of the network it projects


def _span(values: tuple[int, ...], to: str) -> str:
    """`1..8`, or `1, 3, 4` where some are missing."""
    low, high = values[0], values[-1]
    whole = len(values) > 1 and values == tuple(range(low, high + 1))
    return f"{low}{to}{high}" if whole else ", ".join(map(str, values))
