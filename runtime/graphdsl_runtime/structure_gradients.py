r"""Unbiased gradients of an expected loss in the probabilities of edges.

.. math:: \nabla_l\, \mathbb E_{m \sim \operatorname{Bernoulli}(\sigma(l))}\, L(m)

`StructureGradients.structure_loss` gives the player ``structure`` a loss with this gradient: by
enumeration of all structures, or by DisARM from two of them. Both evaluate the objective anew at
other edges, with all other noise as it is.
"""

from __future__ import annotations

__all__ = ["StructureGradients", "disarm", "probability_of"]

from collections.abc import Callable, Iterator, Mapping
from itertools import product

import torch
from torch import Tensor

from graphdsl_runtime.batch import Batch, Noise
from graphdsl_runtime.drawing import Drawing
from graphdsl_runtime.masks import EdgeMask


def disarm(logits: Tensor, edges: Tensor, others: Tensor, difference: Tensor) -> Tensor:
    r"""Estimate the gradient of E L(m) in the log-odds from two antithetic structures.

    .. math:: \tfrac12 \bigl(L(m) - L(\tilde m)\bigr)\, (-1)^{\tilde m}\,
              1_{m \ne \tilde m}\, \sigma(|l|)

    Shapes: logits and, as booleans, edges and others ``(*shape)``, difference ``()``
    ``-> (*shape)``.
    Relation: equal, in expectation over the structures.
    Reference: Dong, Mnih and Tucker 2020, eq. 7.

    >>> one, none = torch.tensor([True]), torch.tensor([False])
    >>> disarm(torch.zeros(1), one, none, torch.tensor(2.0))
    tensor([0.5000])
    """
    sign = (1.0 - 2.0 * others.to(logits)) * (edges != others)
    return 0.5 * difference * sign * torch.sigmoid(logits.abs())


def probability_of(edges: Tensor, logits: Tensor) -> Tensor:
    """Give the probability of a structure.  Shapes: ``(*shape), (*shape) -> ()``.

    >>> probability_of(torch.tensor([True, False]), torch.zeros(2))
    tensor(0.2500)
    """
    signed = torch.where(edges, logits, -logits)
    return torch.nn.functional.logsigmoid(signed).sum().exp()


class StructureGradients(Drawing):
    """The part of an objective that gives the probabilities of edges an unbiased gradient."""

    def structure_loss(self, loss: Tensor, batch: Batch, noise: Noise) -> Tensor:
        r"""Give the loss of the player ``structure``: its gradient is that of the mean loss.

        Its value is that of ``loss``. The mean over structures is by enumeration where the masks
        say so, else by `disarm`. The gradient of what depends on the probabilities themselves, such
        as `EdgeMask.expected_edges`, is that of ``loss``.

        Shape: ``()``.  Cost: one pass for each structure, or one for DisARM.
        """
        masks = self.edge_masks()
        if not torch.is_grad_enabled():
            return loss  # nobody asks for a gradient: no other structure has to run
        if any(noise[mask.name].dtype == torch.bool for mask in masks):
            return loss  # these edges are given, and not drawn

        def at(edges: Mapping[str, Tensor]) -> Tensor:
            with torch.no_grad():
                value: Tensor = self(batch, {**noise, **edges}).loss
            return value

        if all(mask.gradient == "enumeration" for mask in masks):
            return loss + _enumerated(masks, at)
        return loss + _antithetic(masks, noise, loss, at)


def _enumerated(masks: list[EdgeMask], at: Callable[[Mapping[str, Tensor]], Tensor]) -> Tensor:
    """Zero, with the gradient of the mean over all structures."""
    total = masks[0].logits.new_zeros(())
    for edges in _structures(masks):
        chance = torch.stack(
            [probability_of(edges[mask.name][0], mask.logits) for mask in masks]
        ).prod()
        total = total + (chance - chance.detach()) * at(edges)
    return total


def _antithetic(
    masks: list[EdgeMask],
    noise: Noise,
    loss: Tensor,
    at: Callable[[Mapping[str, Tensor]], Tensor],
) -> Tensor:
    """Zero, with DisARM's gradient: of these edges, and of those of the opposite noise."""
    edges, others = (
        {mask.name: mask.sample(sign * noise[mask.name]) > 0.5 for mask in masks}
        for sign in (1.0, -1.0)
    )
    difference = loss.detach() - at(others)
    total = loss.new_zeros(())
    for mask in masks:
        slope = disarm(mask.logits.detach(), edges[mask.name][0], others[mask.name][0], difference)
        total = total + (slope * (mask.logits - mask.logits.detach())).sum()
    return total


def _structures(masks: list[EdgeMask]) -> Iterator[dict[str, Tensor]]:
    """Every combination of edges, as draws for all rows."""
    sizes = [mask.logits.numel() for mask in masks]
    for bits in product((False, True), repeat=sum(sizes)):
        flat = torch.split(torch.tensor(bits, device=masks[0].logits.device), sizes)
        yield {
            mask.name: part.reshape(1, *mask.logits.shape)
            for mask, part in zip(masks, flat, strict=True)
        }
