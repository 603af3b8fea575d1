"""The networks of learned priors: the components of a mixture, and the pseudo-inputs of another."""

from __future__ import annotations

__all__ = ["prior_builder"]

from collections.abc import Callable

from graphdsl.catalog.priors import VAMP
from graphdsl.ir.loss import Builder
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional
from graphdsl.ir.symbols import Variable


def prior_builder(
    conditional: Conditional,
    model: Model,
    scale_of: Callable[[tuple[Variable, ...], Model], tuple[Variable, ...]],
) -> Builder | None:
    """The default network of a mixture prior; None of any other conditional.

    Args:
        conditional: Of p, without parents.
        model: The spec.
        scale_of: Gives the variables, of some, that are data and have a scale.
    """
    distribution = model.distribution_of(conditional)
    if not distribution.components:
        return None
    (node,) = conditional.children
    if distribution.law != VAMP:
        return Builder(
            name="mixture_model",
            count=None,
            inputs=(),
            hidden=(distribution.components,),
            outputs=model.family_of(node).shape,
            law="mixture",
        )
    encoder = model.inference.conditional_of(node)
    assert encoder is not None  # the declaration of the prior was checked
    family = model.family_of(encoder.parents[0])
    inputs = (len(encoder.parents),) if len(encoder.parents) > 1 else ()
    return Builder(
        name="pseudo_inputs",
        count=None,
        inputs=(),
        hidden=(distribution.components,),
        outputs=(*inputs, *family.encoded),
        law="vamp",
        kind=family.kind,
        describes=scale_of(encoder.parents, model) if family.kind == "real" else (),
    )
