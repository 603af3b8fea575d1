"""The two ways in which an objective is written: as text, and in LaTeX."""

from __future__ import annotations

__all__ = ["LATEX", "TEXT", "Dress"]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graphdsl.ir.networks import Network
from graphdsl.ir.notation import factor_latex, factor_text, latex_weight, weight_text
from graphdsl.ir.symbols import Names, Variable, latex_names
from graphdsl.ir.weight import Weight
from graphdsl.notation.folding import fold_lists, folded_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """Names, weights and signs as they are written."""

    names: Callable[[Iterable[Variable]], str]
    weight: Callable[[Weight], str]
    factor: Callable[[Weight], str]  #: in front of what it multiplies
    network: Callable[[Network], str]
    word: str  #: a format for words: `cost`
    index: str  #: a format for the distribution that something is under
    expectation: str  #: a format for the mean over a drawn set
    power: str  #: a format for a number of samples above a divergence, and words behind it
    phrase: str  #: a format for those words
    absolute: str
    maximum: str
    multiplier: str
    sum: str  #: a format for a sum in brackets
    given: str
    against: str
    space: str  #: between arguments
    times: str
    dots: str
    fold: Callable[[list[str]], Iterable[str]]  #: summands of one family as one

    def bar(self, given: Iterable[Variable]) -> str:
        """What is conditioned on, behind a bar; nothing if there is nothing."""
        written = self.names(given)
        return f"{self.given}{written}" if written else ""


def _text_names(names: Iterable[Variable]) -> str:
    return fold_lists(", ".join(names))


def _text_network(network: Network) -> str:
    return fold_lists(network.name)


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
    network=_text_network,
    word="{}",
    index="_{}",
    expectation="E_{} ",
    power="^({}{})",
    phrase=", {}",
    absolute="abs({})",
    maximum="max({}, {})",
    multiplier="lambda",
    sum="({})",
    given=" | ",
    against=" || ",
    space=" ",
    times=" ",
    dots="...",
    fold=folded_text,
)

LATEX = Dress(
    names=latex_names,
    weight=latex_weight,
    factor=factor_latex,
    network=_latex_network,
    word=r"\mathrm{{{}}}",
    index="_{{{}}}",
    expectation=r"\mathbb{{E}}_{{{}}}\,",
    power="^{{({}{})}}",
    phrase=r",\,\text{{{}}}",
    absolute=r"\left|{}\right|",
    maximum=r"\max({},\ {})",
    multiplier=r"\lambda",
    sum=r"\bigl({}\bigr)",
    given=r" \mid ",
    against=r" \,\|\, ",
    space=r"\ ",
    times=r"\,",
    dots=r"\dots",
    fold=list,
)
