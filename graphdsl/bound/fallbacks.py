"""Encoders that fall back on a conditional prior, in rows that lack what they read.

Where that prior reads what the encoder does not, the latent depends in such rows on more than G^q
says, and what d-separation in G^q has licensed does not hold there.
"""

from __future__ import annotations

__all__ = ["foreign_bounds", "foreign_fallbacks"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.bound.errors import ForeignFallback
from graphdsl.bound.models import Encoder
from graphdsl.bound.pieces import Piece
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.functionals import variables_of
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.objective import (
    DivergenceOfMarginals,
    Functional,
    MultiInformation,
    Projection,
    UncertaintyOf,
)
from graphdsl.ir.symbols import NetworkName, Variable, names


def foreign_fallbacks(
    model: Model, foreign: Mapping[NetworkName, Mapping[Variable, set[Variable]]]
) -> Iterator[Diagnostic]:
    """The terms of such latents, and of what is inferred from them.

    Args:
        model: The spec.
        foreign: Under each inference network, the latents whose fallback reads more than their
            encoder, and what that is.
    """
    reported: set[tuple[str, str]] = set()
    for term in model.asked():
        under = term.functional.under
        for name, read in foreign.get(under, {}).items():
            network = model.inference_of(under)
            if (under, name) in reported or not _depends(term.functional, name, network):
                continue
            reported.add((under, name))
            encoder = next(each for each in network.conditionals if name in each.children)
            yield _mistake(model, encoder, name, under, read, (term.line, term.column))


def foreign_bounds(
    model: Model,
    pieces: Iterable[Piece],
    foreign: Mapping[NetworkName, Mapping[Variable, set[Variable]]],
) -> Iterator[Diagnostic]:
    """The bounds of another distribution's entropies by an encoder with such a fallback.

    H(z | x[1]) of rows without x[1] is H(z), which p(z | w) does not bound.
    """
    reported: set[tuple[int, ...]] = set()  #: lines of encoders, one for all members of a family
    for piece in pieces:
        match piece.ref:
            case Encoder(node=name, conditional=encoder, network=network):
                read = foreign.get(network, {}).get(name, set())
            case _:
                continue
        if read and piece.bounds and piece.under != network and encoder.lines not in reported:
            reported.add(encoder.lines)
            line = min(piece.lines)
            column = min((term.column for term in model.asked() if term.line == line), default=1)
            yield _mistake(model, encoder, name, network, read, (line, column))


def _mistake(
    model: Model,
    encoder: Conditional,
    name: Variable,
    under: NetworkName,
    read: Iterable[Variable],
    place: tuple[int, int],
) -> ForeignFallback:
    line, column = place
    return ForeignFallback(
        span=Span(line, column, line, column + 1),
        view=next(each for each in encoder.parents if model.family_of(each).optional),
        name=name,
        under=under,
        foreign=", ".join(names(read)),
        parents=", ".join(encoder.parents),
    )


def _depends(functional: Functional, name: Variable, network: Network) -> bool:
    """Whether a functional is of entropies other than the encoder's own."""
    match functional:
        case DivergenceOfMarginals(variables, given):
            encoder = next(
                conditional for conditional in network.conditionals if name in conditional.children
            )
            own = variables is None or (
                set(variables) <= set(encoder.children) and given == set(encoder.parents)
            )
        case Projection() | MultiInformation() | UncertaintyOf():
            own = False
        case _:
            own = True  # models that the objective names, asked as they are
    spoken = variables_of(functional)
    return not own and not spoken.isdisjoint(_descendants(name, network))


def _descendants(name: Variable, network: Network) -> set[Variable]:
    descendants, waiting = {name}, [name]
    while waiting:
        here = waiting.pop()
        for start, end in network.edges:
            if here in network.nodes[start]:
                waiting += set(network.nodes[end]) - descendants
                descendants |= set(network.nodes[end])
    return descendants
