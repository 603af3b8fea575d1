"""Learned priors of roots of p: conditionals that read nothing, and what they need of q."""

from __future__ import annotations

__all__ = ["check_priors", "with_priors"]

from collections.abc import Iterator, Mapping
from dataclasses import replace

from graphdsl.catalog.laws import NORMAL
from graphdsl.catalog.priors import VAMP
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.networks import Conditional, Family, Network, Via
from graphdsl.ir.symbols import NetworkName, P, Q
from graphdsl.resolve.prior_errors import (
    PriorIdle,
    PriorOfChild,
    PriorOfFamily,
    PriorOfSome,
    VampEncoder,
)


def with_priors(scope: Scope, network: Network) -> Network:
    """The generation network, with a conditional for each root whose prior is learned."""
    children = {child for conditional in network.conditionals for child in conditional.children}
    roots = [
        Conditional(
            network=network.name,
            children=(name,),
            parents=(),
            by="joint",
            via=Via(),
            drawn=family.root if family.root.components else None,
            lines=(family.line,),
            column=family.column,
        )
        for family in scope.families.values()
        if family.root is not None
        for name in family.nodes
        if name in network.variables and name not in children
    ]
    return replace(network, conditionals=(*network.conditionals, *roots)) if roots else network


def check_priors(scope: Scope, networks: Mapping[NetworkName, Network]) -> None:
    """Note learned priors that no root has, and those that q's encoders do not fit."""
    for family in scope.families.values():
        if family.root is not None:
            for mistake in _mistakes(scope, family, networks):
                scope.note(mistake)
                break


def _mistakes(
    scope: Scope, family: Family, networks: Mapping[NetworkName, Network]
) -> Iterator[Diagnostic]:
    generation, prior, span = networks.get(P), family.root_text, _span(family)
    if generation is None or not set(family.nodes) & set(generation.variables):
        yield PriorIdle(span=span, prior=prior, name=family.name)
        return
    if all(_parents(generation, name) for name in family.nodes):
        yield PriorOfChild(span=span, prior=prior, name=family.name)
    if family.root is None or not family.root.components:
        return
    if family.members is not None:
        yield PriorOfFamily(span=span, prior=prior, name=family.name, head=family.head)
    encoders = [
        conditional
        for network in networks.values()
        if network.role != "generation"
        for conditional in network.conditionals
        if family.name in conditional.children
    ]
    for encoder in encoders:
        optional = [name for name in encoder.parents if scope.family_of(name).optional]
        for view in optional[:1]:
            yield PriorOfSome(span=span, prior=prior, view=view, name=family.name)
    if family.root.law == VAMP:
        own = networks[Q].conditional_of(family.name) if Q in networks else None
        yield from _of_pseudo_inputs(scope, family, own, span)


def _of_pseudo_inputs(
    scope: Scope, family: Family, encoder: Conditional | None, span: Span
) -> Iterator[Diagnostic]:
    """What keeps an encoder from reading pseudo-inputs."""
    data = [one.name for one in scope.families.values() if one.role == "observed"]
    why = "`q` does not infer it"
    if encoder is not None:
        why = _unfit_encoder(scope, encoder)
    if why:
        assert family.root is not None
        count, view = str(family.root.components), data[0] if data else "x"
        yield VampEncoder(span=span, name=family.name, why=why, view=view, count=count)


def _unfit_encoder(scope: Scope, encoder: Conditional) -> str:
    """Why an encoder is not one network of one variable of the data; empty if it is."""
    families = list(dict.fromkeys(scope.family_of(name).name for name in encoder.parents))
    latents = [name for name in families if scope.families[name].role == "latent"]
    law = NORMAL if encoder.drawn is None else encoder.drawn.law
    if encoder.by != "joint":
        return f"that is several networks, `by {encoder.by}`"
    if latents:
        return f"that reads the latent `{latents[0]}`"
    if len(families) > 1:
        return f"that reads {' and '.join(f'`{name}`' for name in families)}"
    if law.joint:
        return f"that predicts `~ {law}`"
    if encoder.gates:
        return f"that is under the mask `{encoder.gates[0].mask}`"
    return ""


def _parents(network: Network, name: str) -> bool:
    return any(
        conditional.parents for conditional in network.conditionals if name in conditional.children
    )


def _span(family: Family) -> Span:
    return Span.at(family.line, family.column, len(family.head))
