"""The kinds of network that a spec can name after `via`: one record each."""

from __future__ import annotations

__all__ = [
    "ARCHITECTURES",
    "CONV",
    "LINEAR",
    "MLP",
    "OPTIONS_OF_WORDS",
    "RESNET",
    "Architecture",
    "Option",
    "OptionValue",
]

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

OptionValue: TypeAlias = str | int | Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting of a network: a word of a list, or a number."""

    name: str
    default: OptionValue
    words: tuple[str, ...] = ()  #: that it may be; none if it is a number
    wanted: str = ""  #: which numbers it may be, in words

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        return self.wanted or f"one of {', '.join(self.words)}"

    def admits(self, value: OptionValue) -> bool:
        """Whether it may have a value."""
        if self.words:
            return value in self.words
        if isinstance(self.default, Fraction):
            return not isinstance(value, str) and 0 <= value < 1
        return isinstance(value, int) and value >= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A network that graphdsl builds."""

    word: str  #: as a spec writes it
    sizes: tuple[int, ...] = ()  #: unless the spec names others
    most_sizes: int | None = 0  #: how many sizes it takes; None for any number
    options: tuple[Option, ...] = ()
    no_sizes: str = ""  #: why it takes no sizes
    usage: str  #: an example for messages

    def option(self, name: str) -> Option | None:
        """Its option of a name."""
        return next((one for one in self.options if one.name == name), None)


_ACT = Option(
    name="act",
    default="relu",
    words=("relu", "gelu", "silu", "tanh", "elu", "leaky_relu", "softplus"),
)
_NORM = Option(name="norm", default="none", words=("none", "layer", "batch"))
_DROPOUT = Option(name="dropout", default=Fraction(0), wanted="a number from 0 to below 1")
_BLOCKS = Option(name="blocks", default=2, wanted="a whole number of at least 1")

LINEAR = Architecture(word="linear", no_sizes="it has no hidden layer", usage="linear")

MLP = Architecture(
    word="mlp",
    sizes=(400, 400),
    most_sizes=None,
    options=(_ACT, _NORM, _DROPOUT),
    usage="mlp(400, 400, act = gelu, norm = layer, dropout = 0.1)",
)

RESNET = Architecture(
    word="resnet",
    sizes=(256,),
    most_sizes=1,
    options=(_BLOCKS, _ACT, _NORM, _DROPOUT),
    usage="resnet(256, blocks = 2)",
)

CONV = Architecture(word="conv", no_sizes="the image decides them", usage="conv")

ARCHITECTURES = {one.word: one for one in (MLP, CONV, LINEAR, RESNET)}

#: The options whose values are words, and no names of a spec.
OPTIONS_OF_WORDS = frozenset(
    option.name for one in ARCHITECTURES.values() for option in one.options if option.words
)
