"""Whether a term's emitted gradient is its derivative, and what it is where it is not."""

from __future__ import annotations

__all__ = ["with_gradients"]

from collections.abc import Iterator, Sequence
from dataclasses import replace

from graphdsl.ir.loss import EXACT, LossModule, LossTerm, MaskSlot
from graphdsl.ir.masks import EdgeGradient
from graphdsl.ir.methods import ESTIMATORS
from graphdsl.ir.statements import Detach, DrawMask, Generated, Sample, Statement
from graphdsl.program.passes.drop_unused import read_by_term
from graphdsl.program.substitution import inputs, outputs


def with_gradients(module: LossModule) -> LossModule:
    """The module, each of its terms with what its gradient is."""
    terms = (replace(term, gradient=_gradient(term, module)) for term in module.terms)
    return replace(module, terms=tuple(terms))


def _gradient(term: LossTerm, module: LossModule) -> str:
    """`exact`, or each reason why it is not."""
    read = _read_statements(term, module.forward)
    frozen = ["frozen: p's own networks have none"] * term.frozen
    edges = _of_edges(read, module.masks)
    return "; ".join((*frozen, *_of_samples(read), *edges, *_of_words(term.code.word))) or EXACT


def _of_samples(read: Sequence[Statement]) -> Iterator[str]:
    """Samples that have no derivative: of categories and of bits."""
    drawn = [one.latent for one in read if isinstance(one, Sample) and one.discrete]
    generated = [one for one in read if isinstance(one, Generated)]
    drawn += [one.name for one in generated if one.drawn and one.relaxed]
    if drawn:
        names = ", ".join(dict.fromkeys(drawn))
        yield f"straight-through: relaxed samples of {names} have the gradient, hard ones the value"


_EDGES: dict[EdgeGradient, str] = {
    "straight_through": "straight-through: relaxed edges of {} have the gradient, hard the value",
    "disarm": "unbiased: DisARM estimates that of the edges of {}",
    "enumeration": "exact: enumeration of structures gives that of the edges of {}",
}


def _of_edges(read: Sequence[Statement], masks: Sequence[MaskSlot]) -> Iterator[str]:
    """How the probabilities of edges have a gradient, where the term depends on a structure."""
    drawn = {one.mask for one in read if isinstance(one, DrawMask)}
    for way, said in _EDGES.items():
        names = [one.name for one in masks if one.name in drawn and one.gradient == way]
        if names:
            yield said.format(", ".join(names))


def _of_words(word: str) -> Iterator[str]:
    """Estimators whose gradient is meant to be another than that of what they estimate."""
    own = ESTIMATORS.get(word)
    if own is not None and own.gradient:
        yield own.gradient


def _read_statements(term: LossTerm, forward: Sequence[Statement]) -> list[Statement]:
    """The statements that the term's gradient goes through."""
    needed, found = set(read_by_term(term.code)), list[Statement]()
    for statement in reversed(forward):
        if needed.isdisjoint(outputs(statement)) or isinstance(statement, Detach):
            continue
        found.append(statement)
        needed |= set(inputs(statement))
    return found[::-1]
