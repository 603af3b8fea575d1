"""Where the views of a data set sit among a module's variables."""

from __future__ import annotations

__all__ = ["View", "batch_of", "decoded_views", "infers", "views_of"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphdsl_runtime import Batch, Objective, Variable
from graphdsl_runtime.distributions import Likelihood
from graphdsl_runtime.training.seeds import seeded


@dataclass(frozen=True, slots=True)
class View:
    """A variable that is observed or given, or one member of a family of them.

    >>> x = Variable("x", role="observed", kind="binary", members=2, shape=(2, 3))
    >>> second = View("x[2]", x)
    >>> second.shaped(torch.zeros(5, 6)).shape
    torch.Size([5, 2, 3])
    >>> from graphdsl_runtime import Bernoulli
    >>> second.of({"x": Bernoulli(torch.arange(4.0).reshape(1, 2, 2))}).logits
    tensor([[2., 3.]])
    """

    name: str
    variable: Variable

    def shaped(self, pixels: Tensor) -> Tensor:
        """Give flat pixels the shape that the module wants.  Shapes: ``(B, P) -> (B, *shape)``."""
        return pixels.reshape(len(pixels), *self.variable.shape)

    def of(self, likelihoods: Mapping[str, Likelihood]) -> Likelihood:
        """Take this view's part of what `Objective.decode` gives."""
        whole = likelihoods[self.variable.name]
        if self.variable.members is None:
            return whole
        return whole[:, self.variable.member_names.index(self.name)]


def views_of(variables: Sequence[Variable]) -> tuple[View, ...]:
    """List what a row observes or is given, members one by one.

    >>> x = Variable("x", role="observed", kind="binary", members=2, shape=(32,))
    >>> z = Variable("z", role="latent", kind="real", shape=(8,))
    >>> [view.name for view in views_of([x, z])]
    ['x[1]', 'x[2]']
    """
    return tuple(
        View(name, variable)
        for variable in variables
        if variable.role != "latent"
        for name in variable.member_names
    )


def batch_of(objective: Objective, views: Mapping[View, Tensor]) -> Batch:
    """Give flat pixels of some views as an objective takes them: by name, shaped, on its device."""
    device = next(objective.parameters()).device
    return {view.name: view.shaped(pixels).to(device) for view, pixels in views.items()}


@torch.no_grad()
def decoded_views(objective: Objective) -> tuple[View, ...]:
    """List the views that the module generates; none for one without a generation network."""
    if type(objective).decode is Objective.decode:
        return ()
    with seeded(0):
        like = next(objective.parameters()).new_empty(1)
        decoded = objective.decode(objective.draw_noise(like))
    return tuple(view for view in views_of(objective.variables) if view.variable.name in decoded)


def infers(objective: Objective, batch: Batch) -> bool:
    """Say whether all latents are inferred from data: those of a GAN are not."""
    latents = {variable.name for variable in objective.variables if variable.role == "latent"}
    return latents <= objective.infer(batch).keys()
