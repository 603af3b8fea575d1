"""Rule 4: which model bounds an entropy is settled, by its parents or by an `estimate` line."""

from __future__ import annotations

__all__ = ["idle_models", "shared_evenly", "unsettled"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from graphdsl.bound.errors import ModelTie, ModelUnfit
from graphdsl.bound.models import (
    Candidate,
    Encoder,
    asked_model,
    fitting_models,
    model_ref,
    reading_of,
    tied_models,
)
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, LocalEntropy, entropy
from graphdsl.ir.model import Model
from graphdsl.ir.objective import IdleChoice
from graphdsl.ir.symmetry import Exchange, orbit


def unsettled(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    """Entropies whose models tie, and `estimate` lines with a model that does not fit."""
    for one in _bounded(collected):
        node, given, under = one.node, one.reads(one.given), one.under
        tied = tied_models(node, given, model, under)
        if tied:
            line = one.lines[0] if one.lines else model.objective[0].line
            yield ModelTie(
                span=Span(line, 1, line, 2),
                term=_term(one),
                models=" and ".join(map(_named, tied)),
                choices=" or ".join(
                    f"`estimate {_term(one)} with {each.network}`" for each in tied
                ),
            )
        choice = asked_model(node, given, model, under)
        fitting = fitting_models(node, given, model, under)
        if choice is not None and choice.network not in fitting:
            yield ModelUnfit(
                span=Span(choice.line, choice.column, choice.line, choice.column + 1),
                network=choice.network,
                name=node,
                term=_term(one),
                choices=f"`estimate {_term(one)} with {fitting[0]}`" + _also(fitting[1:]),
            )


def shared_evenly(collected: Collected, model: Model, exchanges: Sequence[Exchange]) -> Collected:
    """Entropies whose models tie, and that the spec exchanges: each model bounds an equal share."""

    def shares(entropies: Iterable[LocalEntropy]) -> tuple[LocalEntropy, ...]:
        return tuple(share for one in entropies for share in _shares(one, model, exchanges))

    return replace(
        collected, unbounded=shares(collected.unbounded), uncertain=shares(collected.uncertain)
    )


def _shares(
    one: LocalEntropy, model: Model, exchanges: Sequence[Exchange]
) -> Iterator[LocalEntropy]:
    tied = () if one.under == "p" else tied_models(one.node, one.given, model, one.under)
    alike = [reading_of(each.ref, one.under) for each in tied]
    if not alike or one.read is not None or not orbit(alike[0], exchanges) >= {*alike}:
        yield one
        return
    for each in alike:
        weight = one.weight.scaled(Fraction(1, len(alike)))
        yield replace(one, weight=weight, read=each.reads)


def idle_models(collected: Collected, model: Model) -> Iterator[IdleChoice]:
    """`estimate H(...)` lines about entropies that nothing has to bound."""
    every = [one for each in (collected, *_inner(collected)) for one in _bounded(each)]
    used = [asked_model(one.node, one.given, model, one.under) for one in every]
    for choice in model.model_choices:
        if choice not in used:
            target = entropy(choice.target.of, choice.target.given, choice.target.under)
            yield IdleChoice(str(target), choice.line, choice.column)


def _inner(collected: Collected) -> Iterator[Collected]:
    return (group.collected for group in collected.groups)


def _bounded(collected: Collected) -> Iterable[LocalEntropy]:
    """The entropies that a model has to bound."""
    every = (*collected.unbounded, *collected.uncertain)
    return (one for one in every if one.under != "p")


def _term(one: LocalEntropy) -> str:
    return str(entropy((one.node,), one.given, one.under))


def _named(one: Candidate) -> str:
    """A model, and whose it is where its name does not say so: `r(z|x[1])` is that of r(1)."""
    shown = model_ref(one.ref)
    also = isinstance(one.ref, Encoder) and one.network != shown.network
    return f"{shown} of {one.network}" if also else str(shown)


def _also(networks: Sequence[str]) -> str:
    """The others that may stand behind `with`."""
    return f", or with {' or '.join(f'`{network}`' for network in networks)}" if networks else ""
