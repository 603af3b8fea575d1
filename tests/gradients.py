"""Gradients of a loss, held against those of one that is written by hand."""

from __future__ import annotations

__all__ = ["assert_equal_gradients"]

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def assert_equal_gradients(ours: Tensor, theirs: Tensor, of: Iterable[nn.Parameter]) -> None:
    """The same in every parameter; what one loss does not depend on, the other does not either."""
    parameters = list(of)
    each = [
        torch.autograd.grad(one, parameters, retain_graph=True, allow_unused=True)
        for one in (ours, theirs)
    ]
    assert any(one is not None for one in each[0])
    for mine, published in zip(*each, strict=True):
        assert (mine is None) == (published is None)
        if mine is not None:
            torch.testing.assert_close(mine, published, rtol=1e-9, atol=1e-12)
