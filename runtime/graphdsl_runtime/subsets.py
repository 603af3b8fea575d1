"""Sets of views that a pass draws anew: one term in place of a mean over all sets."""

from __future__ import annotations

__all__ = ["Subset", "among", "has_all"]

from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor


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
    r"""Keep what members in a set cost, and count the others as nought.

    .. math:: 1[i \in S]\; \text{nats}_{bi}

    Shapes: nats ``(B, N, *)``, chosen bool ``(B, N) -> (B, N, *)``; for one member ``(B, *)`` and
    ``(B,)``.  Unit: that of its argument (nats).  Exact; of what is left out, no value and no
    gradient is left, whatever it is.

    >>> among(torch.tensor([[1.0, torch.inf]]), torch.tensor([[True, False]]))
    tensor([[1., 0.]])
    """
    over_value = chosen.reshape(*chosen.shape, *(1,) * (nats.ndim - chosen.ndim))
    return torch.where(over_value, nats, torch.zeros_like(nats))


def has_all(seen: Tensor, subsets: Tensor) -> Tensor:
    r"""Say which rows have every view of a set, for each set of a list.

    .. math:: \bigwedge_{i \in S_k} \text{seen}_{bi}

    Shapes: bool, seen ``(B, N)``, subsets ``(K, N) -> (B, K)``.

    >>> has_all(torch.tensor([[True, False]]), torch.eye(2) > 0)
    tensor([[ True, False]])
    """
    return (seen[:, None] | ~subsets).all(dim=2)
