r"""Several processes with a share of the batch each: what a row is compared with is gathered.

Where `torch.distributed` is initialised, every rank holds its own rows, as many as every other.
Words that compare the rows of a batch (sampling weights, contrasts, permutations, kernels) keep
their rank's rows and gather those of all ranks to compare them with, so that

.. math:: \frac1W \sum_{r=1}^{W} L_r = L(\text{the whole batch}), \qquad
          \frac1W \sum_{r=1}^{W} \nabla L_r = \nabla L(\text{the whole batch})

where the sum on the right is what DistributedDataParallel leaves in every gradient. All ranks of
the default process group have to call such a word together; `alone` is for one that calls by
itself.
"""

from __future__ import annotations

__all__ = [
    "alone",
    "average_gradients",
    "first_row",
    "gathered",
    "mean_over_ranks",
    "of_all_ranks",
    "own_rows",
    "ranks",
]

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed
from torch.autograd.function import FunctionCtx

_alone = False


@contextmanager
def alone() -> Iterator[None]:
    """Take this process's rows for the whole batch: for a rank that calls what others do not.

    Without it such a call waits for the others for ever, or as long as the group's timeout says.

    >>> with alone():
    ...     ranks()
    1
    """
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def ranks() -> int:
    """Say how many processes share the batch: 1 where none were started, and inside of `alone`.

    >>> ranks()
    1
    """
    if _alone or not distributed.is_available() or not distributed.is_initialized():
        return 1
    return distributed.get_world_size()


def first_row(count: int) -> int:
    """Say where this rank's rows, so many as every rank has, begin in the whole batch.

    >>> first_row(64)
    0
    """
    return distributed.get_rank() * count if ranks() > 1 else 0


def gathered(rows: Tensor) -> Tensor:
    r"""Give the rows of all ranks, in the order of ranks; the gradient goes back to whose they are.

    Shapes: ``(B / W, *) -> (B, *)``.  The identity where one process has them all.
    The adjoint adds up over ranks, so that the mean of all ranks' gradients is that of the mean of
    their losses.  Every rank has to have as many rows: `torch.utils.data.DistributedSampler` sees
    to that, and a loader with ``drop_last``.

    >>> gathered(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    if ranks() == 1:
        return rows
    if rows.dtype == torch.bool:  # not every backend sends bits
        return gathered(rows.to(torch.uint8)).bool()
    whole: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call]  # torch's own gap
    return whole


def own_rows(whole: Tensor) -> Tensor:
    """Give this rank's rows of what all ranks have: the other way of `gathered`.

    Shapes: ``(B, *) -> (B / W, *)``.

    >>> own_rows(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    count = whole.shape[0] // ranks()
    start = first_row(count)
    return whole[start : start + count]


def mean_over_ranks(value: Tensor) -> Tensor:
    """Give the mean of a number over all ranks: what a batch's mean is before it is bent.

    Of `abs`, of a maximum and of squares the mean over ranks is another number than of the mean.

    Shapes: ``() -> ()``.  Differentiable.

    >>> mean_over_ranks(torch.tensor(2.0))
    tensor(2.)
    """
    return value if ranks() == 1 else gathered(value[None]).mean()


def of_all_ranks(drawn: Tensor) -> Tensor:
    """Give what the first rank has drawn to all: noise of which the whole batch has one draw.

    Shapes: ``(*) -> (*)``.  No gradient goes through.

    >>> of_all_ranks(torch.ones(2))
    tensor([1., 1.])
    """
    if ranks() > 1:
        distributed.broadcast(drawn, src=0)
    return drawn


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Put the mean over all ranks in the place of every gradient, in one message.

    Where DistributedDataParallel has done so already, it changes nothing.

    >>> weight = torch.ones(2, requires_grad=True)
    >>> weight.sum().backward()
    >>> average_gradients([weight])
    >>> weight.grad
    tensor([1., 1.])
    """
    slopes = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if ranks() == 1 or not slopes:
        return
    whole = torch.cat([slope.flatten() for slope in slopes])
    distributed.all_reduce(whole)
    whole /= ranks()
    sizes = [slope.numel() for slope in slopes]
    for slope, mean in zip(slopes, torch.split(whole, sizes), strict=True):
        slope.copy_(mean.view_as(slope))


class _Gather(torch.autograd.Function):
    """All rows of all ranks; going back, the sum over ranks of what each made of this one's."""

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor) -> Tensor:
        of_ranks = [rows.new_empty(rows.shape) for _ in range(distributed.get_world_size())]
        distributed.all_gather(of_ranks, rows.contiguous())
        return torch.cat(of_ranks)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        grad = grad.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(grad)
        count = grad.shape[0] // distributed.get_world_size()
        start = distributed.get_rank() * count
        return grad[start : start + count]
