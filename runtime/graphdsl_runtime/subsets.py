"""Sets of views: those that a pass draws anew, and those that it computes all at once."""

from __future__ import annotations

__all__ = ["Subset", "among", "holders", "on_sets"]

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from graphdsl_runtime.errors import ObjectiveError


@dataclass(frozen=True)
class Subset:
    r"""A set S of views, drawn uniformly from all that are not empty.

    .. math:: \mathbb E_S f(S) = \frac1{2^N - 1} \sum_{\emptyset \ne S \subseteq \{1, \dots, N\}}
              f(S)

    and, where S has to leave something out (the side of a bipartition), over :math:`2^N - 2` sets.

    >>> Subset("S", of=3).count, Subset("S", of=3, proper=True).count
    (7, 6)
    """

    name: str
    _: KW_ONLY
    of: int  #: how many views it is drawn from: 62 at most
    proper: bool = False  #: whether it leaves something out

    @property
    def count(self) -> int:
        """How many sets there are."""
        return int(2**self.of) - 1 - int(self.proper)

    def numbered(self, numbers: Tensor) -> Tensor:
        """Give the sets of some numbers: 0 up to ``count``, each set once.

        Shapes: int64 ``(B,) -> (B, of)``, bool.

        >>> Subset("S", of=2).numbered(torch.arange(3)).int()
        tensor([[1, 0],
                [0, 1],
                [1, 1]], dtype=torch.int32)
        """
        places = torch.arange(self.of, device=numbers.device)
        return ((numbers[:, None] + 1) >> places) % 2 == 1

    def draw(self, rows: int, device: torch.device | None = None) -> Tensor:
        """Draw a set for each row by itself.

        Shapes: ``-> (rows, of)``, bool.  Seeded by `torch.manual_seed`.
        """
        return self.numbered(torch.randint(self.count, (rows,), device=device))


def among(nats: Tensor, chosen: Tensor) -> Tensor:
    r"""Keep what members in a set cost, and count the others as zero.

    .. math:: 1[i \in S]\; \text{nats}_{bi}

    Shapes: nats ``(B, N, *)``, chosen bool ``(B, N) -> (B, N, *)``; for one member ``(B, *)`` and
    ``(B,)``.  Unit: that of its argument (nats).  Exact; of what is left out, no value and no
    gradient is left, whatever it is.

    >>> among(torch.tensor([[1.0, torch.inf]]), torch.tensor([[True, False]]))
    tensor([[1., 0.]])
    """
    over_value = chosen.reshape(*chosen.shape, *(1,) * (nats.ndim - chosen.ndim))
    return torch.where(over_value, nats, torch.zeros_like(nats))


def holders(subsets: Tensor) -> tuple[tuple[int, ...], ...]:
    """Say of every view in which of the sets it is, where all are in as many.

    It reads values, and is for a module's ``__init__``.

    Shapes: bool ``(K, N) -> (H, N)``, places among the K sets, in order.
    Raises `ObjectiveError` where one view is in more sets than another.

    >>> holders(torch.tensor([[True, False], [False, True], [True, True]]))
    ((0, 1), (2, 2))
    """
    of_view = [column.nonzero().flatten().tolist() for column in subsets.T]
    counts = [len(places) for places in of_view]
    if len(set(counts)) > 1:
        raise ObjectiveError(f"views are in {counts} of the sets; expected equal numbers")
    return tuple(zip(*of_view, strict=True))


def on_sets(
    network: Callable[..., Tensor],
    *samples: Tensor,
    holders: Sequence[Sequence[int]] = (),
    members: Sequence[int] | None = None,
) -> Tensor:
    r"""Run a network on the samples of several sets, or classes: they are so many more rows to it.

    With ``holders``, which a `FamilyNetwork` alone can have, each member runs on the samples of its
    own sets, and on no others: of p(x_i | z) those of the S with i in S.

    Shapes: samples ``(B, K, *)``, one for each parent ``-> (B, K, *)``, broadcasting over B and K,
    so that what is the same for all K is ``(B, 1, *)``; with ``holders``, ``(H, N)`` as of
    `holders`, ``-> (B, H, N, *)``.  ``members`` are those of a `FamilyNetwork`.
    Equal to the network run on set after set, but for what it does across its batch (batch
    normalisation).

    >>> on_sets(torch.nn.Linear(3, 2), torch.zeros(5, 4, 3)).shape
    torch.Size([5, 4, 2])
    """
    some = {} if members is None else {"members": members}
    if not holders:
        rows, sets = (
            max(sample.shape[0] for sample in samples),
            max(sample.shape[1] for sample in samples),
        )
        spread = (sample.expand(rows, sets, *sample.shape[2:]).flatten(0, 1) for sample in samples)
        answer: Tensor = network(*spread, **some)
        return answer.reshape(rows, sets, *answer.shape[1:])
    own = (_picked(sample, holders).flatten(0, 1) for sample in samples)
    answer = network(*own, apart=True, **some)
    return answer.reshape(-1, len(holders), *answer.shape[1:])


def _picked(sample: Tensor, holders: Sequence[Sequence[int]]) -> Tensor:
    """``sample[:, holders]``, with a backward pass of sums.

    That of an index scatters, and Inductor (torch 2.13) reads what it scatters into too early: the
    loss is right and the gradients are not.
    """
    sets = sample.unbind(1)
    places = [sets[place] for row in holders for place in row]
    shape = (len(sample), len(holders), len(holders[0]), *sample.shape[2:])
    return torch.stack(places, dim=1).view(shape)
