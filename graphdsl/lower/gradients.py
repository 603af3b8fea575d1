"""Whether a term's emitted gradient is its derivative, and what it is where it is not."""

from __future__ import annotations

__all__ = ["with_gradients"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.catalog.methods import ESTIMATORS
from graphdsl.ir.loss import LossModule, LossTerm, MaskSlot
from graphdsl.ir.masks import EdgeGradient
from graphdsl.ir.statements import Detach, DrawMask, Generated, Sample, Statement
from graphdsl.ir.values import Value
from graphdsl.program.passes.drop_unused import read_by_term
from graphdsl.program.substitution import inputs, outputs


def with_gradients(module: LossModule) -> LossModule:
    """The module, each of its terms with what its gradient is."""
    telling = _telling(module.forward)
    return replace(module, terms=tuple(_told(term, module, telling) for term in module.terms))


def _told(term: LossTerm, module: LossModule, telling: Mapping[Value, frozenset[int]]) -> LossTerm:
    """The term with each reason why its gradient is not its derivative."""
    places = {place for value in read_by_term(term.code) for place in telling.get(value, ())}
    read = [module.forward[place] for place in sorted(places)]
    drawn = {one.mask for one in read if isinstance(one, DrawMask)}
    masks = [mask for mask in module.masks if mask.name in drawn]
    frozen = ["frozen: p's own networks have none"] * term.frozen
    samples, words = (*_of_samples(read),), (*_of_words(term.code.word),)
    held = bool(samples or words or any(mask.gradient != "enumeration" for mask in masks))
    return replace(term, gradient=(*frozen, *samples, *_of_edges(masks), *words), held=held)


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


def _of_edges(masks: Sequence[MaskSlot]) -> Iterator[str]:
    """How the probabilities of edges have a gradient, where the term depends on a structure."""
    for way, said in _EDGES.items():
        names = [mask.name for mask in masks if mask.gradient == way]
        if names:
            yield said.format(", ".join(names))


def _of_words(word: str) -> Iterator[str]:
    """Estimators whose gradient is meant to be another than that of what they estimate."""
    own = ESTIMATORS.get(word)
    if own is not None and own.gradient:
        yield own.gradient


def _telling(forward: Sequence[Statement]) -> dict[Value, frozenset[int]]:
    """The statements that say how a value has its gradient, by their places; most have none.

    One pass for all terms: each of a chain of latents depends on all before it.
    """
    told_apart: dict[Value, frozenset[int]] = {}
    for place, statement in enumerate(forward):
        if isinstance(statement, Detach):
            continue
        read = [told_apart[value] for value in inputs(statement) if value in told_apart]
        own = [{place}] if _tells(statement) else []
        if read or own:
            told_apart.update(dict.fromkeys(outputs(statement), frozenset().union(*read, *own)))
    return told_apart


def _tells(statement: Statement) -> bool:
    """Whether a statement draws what has no derivative."""
    match statement:
        case Sample(discrete=discrete):
            return discrete
        case Generated(drawn=drawn, relaxed=relaxed):
            return drawn and bool(relaxed)
        case _:
            return isinstance(statement, DrawMask)
