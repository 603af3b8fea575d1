"""The two ways in which an objective is written: as text, and in LaTeX."""

from __future__ import annotations

__all__ = ["LATEX", "TEXT", "Dress"]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graphdsl.catalog.functions import Function
from graphdsl.ir.networks import Network
from graphdsl.ir.notation import Phrase, factor_latex, factor_text, latex_weight, weight_text
from graphdsl.ir.symbols import Names, NetworkName, Variable, latex_names
from graphdsl.ir.weight import Weight
from graphdsl.notation.folding import fold_sum, in_ranges, text_binder
from graphdsl.notation.networks import network_title


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """Names, weights and signs as they are written."""

    names: Callable[[Iterable[Variable]], object]
    weight: Callable[[Weight], str]
    factor: Callable[[Weight], str]  #: in front of what it multiplies
    network: Callable[[Network], object]
    word: str  #: a format for words: `cost`
    index: tuple[str, str]  #: around the distribution that something is under
    expectation: str  #: a format for the mean over a drawn set
    power: str  #: a format for a number of samples above a divergence, and words behind it
    phrase: str  #: a format for those words
    function: Callable[[Function], tuple[str, str, str]]
    multiplier: str
    sum: tuple[str, str]  #: the brackets around a sum
    given: str
    against: str
    space: str  #: between arguments
    times: str
    dots: str
    fold: Callable[[Sequence[Phrase]], Sequence[Phrase]]  #: summands of one family as one

    def bar(self, given: Names) -> Phrase:
        """What is conditioned on, behind a bar; nothing if there is nothing."""
        return Phrase((self.given, self.names(given)) if given else ())

    def at(self, under: NetworkName) -> Phrase:
        """The distribution that something is under, unless it is q."""
        before, behind = self.index
        return Phrase(() if under == "q" else (before, under, behind))


def _text_names(names: Iterable[Variable]) -> Names:
    return in_ranges(tuple(names))


def _folded(summands: Sequence[Phrase]) -> tuple[Phrase, ...]:
    return tuple(Phrase((text_binder(one), one.pattern)) for one in fold_sum(summands))


def _latex_network(network: Network) -> str:
    r"""A network by its name, or by its lines: `\{x \to z\}`."""
    if not network.name.base:
        return f"\\{{{_latex_lines(network)}\\}}"
    escaped = network.name.base.replace("_", r"\_")
    return f"\\mathrm{{{escaped}}}{network.name.argument_text}"


def _latex_lines(network: Network) -> str:
    """A network's body: arrows and names in LaTeX."""
    lines = []
    for parents, node in network.lines:
        groups = [_latex_group(parents)] if parents else []
        lines.append(r" \to ".join((*groups, _latex_group((node,)))))
    return r";\ ".join(lines)


def _latex_group(nodes: Sequence[Names]) -> str:
    """Nodes in a list; a node of several variables in brackets."""
    if all(len(node) == 1 for node in nodes):
        return latex_names(name for (name,) in nodes)
    return ", ".join(
        latex_names(node) if len(node) == 1 else f"({latex_names(node)})" for node in nodes
    )


TEXT = Dress(
    names=_text_names,
    weight=weight_text,
    factor=factor_text,
    network=network_title,
    word="{}",
    index=("_", ""),
    expectation="E_{} ",
    power="^({}{})",
    phrase=", {}",
    function=lambda function: function.text,
    multiplier="lambda",
    sum=("(", ")"),
    given=" | ",
    against=" || ",
    space=" ",
    times=" ",
    dots="...",
    fold=_folded,
)

LATEX = Dress(
    names=latex_names,
    weight=latex_weight,
    factor=factor_latex,
    network=_latex_network,
    word=r"\mathrm{{{}}}",
    index=("_{", "}"),
    expectation=r"\mathbb{{E}}_{{{}}}\,",
    power="^{{({}{})}}",
    phrase=r",\,\text{{{}}}",
    function=lambda function: function.latex,
    multiplier=r"\lambda",
    sum=(r"\bigl(", r"\bigr)"),
    given=r" \mid ",
    against=r" \,\|\, ",
    space=r"\ ",
    times=r"\,",
    dots=r"\dots",
    fold=tuple,
)
