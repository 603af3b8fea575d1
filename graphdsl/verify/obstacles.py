"""Why the loss of some modules has no value that is known exactly."""

from __future__ import annotations

__all__ = ["obstacle"]

from collections.abc import Iterator
from itertools import chain

from graphdsl.catalog.laws import NORMAL
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.objective import Projection, Wrapped
from graphdsl.ir.statements import Generated
from graphdsl.verify.experts import obstacles as mixtures
from graphdsl.verify.random_joints import has_copies
from graphdsl.verify.trial import ESTIMATED, is_under_p

_MOST = 400  #: numbers in a row


def obstacle(model: Model, module: LossModule) -> str | None:
    """The first reason, or None if the loss can be had in closed form or by enumeration."""
    latents = [family for family in model.families if family.role == "latent"]
    real = [latent for latent in latents if latent.kind == "real"]
    if not latents:
        return "there is no latent to take an expectation over"
    for one in latents:
        if one.kind not in ("real", "binary", "categorical"):
            return f"{one.name} is {one.kind}: the expectation has no closed form"
    reasons = _real_reasons(model, real, latents) if real else _discrete_reasons(model, module)
    return next(chain(_reasons(model, module), reasons), None)


def _reasons(model: Model, module: LossModule) -> Iterator[str]:
    estimated = [term for term in module.terms if term.code.kind in ESTIMATED]
    if len(estimated) == len(module.terms):
        yield "no term has a closed form here"
    for term in estimated:
        if term.within or term.code.kind == "penalty":
            yield f"{term.name} has no closed form here"
    yield from _vanished(model, module)
    means = [
        statement
        for statement in module.forward
        if isinstance(statement, Generated) and not statement.drawn
    ]
    if means and is_under_p(module):
        yield f"the sample {means[0].target} of p is a mean, and has no density"
    yield from mixtures(model, module)
    size = sum(family.size * len(family.nodes) for family in model.families)
    if size > _MOST:
        yield f"a row has {size} numbers, more than {_MOST}: make it smaller with `--const`"


def _vanished(model: Model, module: LossModule) -> Iterator[str]:
    """What is under a sign no more."""
    if len(module.groups) != sum(isinstance(term.functional, Wrapped) for term in model.objective):
        yield "a sum inside `abs`, `max` or a constraint has vanished"


def _discrete_reasons(model: Model, module: LossModule) -> Iterator[str]:
    if is_under_p(module):
        yield "p's own samples are not enumerated"
    if model.draws:
        yield "a set is drawn in every row"
    if model.further:
        yield "several inference networks share one noise, and categories have no moments"
    for term in module.terms:
        if term.code.kind in ESTIMATED:
            yield f"{term.name} has no closed form here"


def _real_reasons(model: Model, real: list[Family], latents: list[Family]) -> Iterator[str]:
    for latent in latents:
        if latent.kind != "real":
            yield f"{real[0].name} is real and {latent.name} is not"
    for family in model.families:
        if family.kind != "real":
            why = "the expectation has no closed form"
            yield f"{real[0].name} is real and {family.name} is {family.kind}: {why}"
    for each in model.asked():
        if isinstance(each.functional, Projection) and has_copies(each.functional.network):
            yield "a copy of a variable has no density"
    for name in _unlike_normal(model):
        yield f"{name} has a law that is not normal, or not diagonal: no closed form is known here"


def _unlike_normal(model: Model) -> Iterator[str]:
    for family in model.families:
        if family.distribution.law != NORMAL:
            yield family.name
    for network in (model.inference, *model.further, model.generation):
        for one in network.conditionals if network is not None else ():
            if one.drawn is not None and one.drawn.law != NORMAL:
                yield one.children[0]
