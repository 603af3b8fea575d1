"""Encoders that fall back on a conditional prior, in rows that lack what they read.

Where that prior reads what the encoder does not, the latent depends in such rows on more than G^q
says, and what d-separation in G^q has licensed does not hold there.
"""

from __future__ import annotations

__all__ = ["foreign_fallbacks"]

from collections.abc import Iterator, Mapping

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.functionals import variables_of
from graphdsl.ir.model import (
    DivergenceOfMarginals,
    Functional,
    Model,
    MultiInformation,
    Network,
    Projection,
    UncertaintyOf,
)
from graphdsl.ir.notation import names
from graphdsl.lower.errors import ForeignFallback


def foreign_fallbacks(
    model: Model, foreign: Mapping[str, Mapping[str, set[str]]]
) -> Iterator[Diagnostic]:
    """The terms of such latents, and of what is inferred from them.

    Args:
        model: The spec.
        foreign: Under each inference network, the latents whose fallback reads more than their
            encoder, and what that is.
    """
    told: set[tuple[str, str]] = set()
    for one in model.asked():
        under = one.functional.under
        for name, read in foreign.get(under, {}).items():
            network = model.inference_of(under)
            if (under, name) in told or not _depends(one.functional, name, network):
                continue
            told.add((under, name))
            encoder = next(each for each in network.conditionals if name in each.children)
            yield ForeignFallback(
                span=Span(one.line, one.column, one.line, one.column + 1),
                view=next(each for each in encoder.parents if model.family_of(each).optional),
                name=name,
                under=under,
                foreign=", ".join(names(read)),
                parents=", ".join(encoder.parents),
            )


def _depends(functional: Functional, name: str, network: Network) -> bool:
    """Whether a functional is of entropies other than the encoder's own."""
    match functional:
        case DivergenceOfMarginals(variables, given):
            encoder = next(one for one in network.conditionals if name in one.children)
            own = variables is None or (
                set(variables) <= set(encoder.children) and given == set(encoder.parents)
            )
        case Projection() | MultiInformation() | UncertaintyOf():
            own = False
        case _:
            own = True  # models that the objective names, asked as they are
    spoken = variables_of(functional)
    return not own and not spoken.isdisjoint(_descendants(name, network))


def _descendants(name: str, network: Network) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        here = waiting.pop()
        for start, end in network.edges:
            if here in network.nodes[start]:
                waiting += set(network.nodes[end]) - found
                found |= set(network.nodes[end])
    return found
