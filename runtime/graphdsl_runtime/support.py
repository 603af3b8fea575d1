"""Which values a kind of variable has, and what becomes of others.

Where a look costs little, on the CPU, a value outside its support is refused with its variable,
row and place. Elsewhere (while compiling, on an accelerator) the host would wait for the device at
every step: there the value becomes NaN, and so does the loss. It never trains.
"""

from __future__ import annotations

__all__ = ["NO_CLASS", "is_cheap", "nan_outside", "refuse_outside", "spread_of"]

import math

import torch
from torch import Tensor

from graphdsl_runtime.errors import NotFinite, OutsideSupport
from graphdsl_runtime.variables import Variable

#: What stands for a class that is none, where it cannot be refused: its likelihood is NaN.
NO_CLASS = -1


def is_cheap(value: Tensor) -> bool:
    """Say whether looking at values costs little: on the CPU, and not while compiling."""
    return value.device.type == "cpu" and not torch.compiler.is_compiling()


def refuse_outside(name: str, value: Tensor, variable: Variable) -> None:
    """Refuse values outside the support of their kind; a family's are ``(B, N, *shape)``.

    One reduction, or two, where all is well; the row is looked for only where it is not.
    Raises `NotFinite` or `OutsideSupport`.

    >>> pixels = Variable("x", role="observed", kind="binary", shape=(3,))
    >>> refuse_outside("x", torch.tensor([[0.0, 1.0, 255.0]]), pixels)
    Traceback (most recent call last):
    graphdsl_runtime.errors.OutsideSupport: x is 255.0 in row 0, at (2,): a binary value is 0 or \
1, or between; divide pixels of 0..255 by 255, and write 0 for -1
    """
    if _is_inside(value, variable):
        return
    wrong = ~torch.isfinite(value)
    if wrong.any():
        owner, wrong, _ = _of_owner(name, value, variable, wrong)
        raise NotFinite(owner, _rows(wrong))
    wrong = ~_inside(value, variable)
    if not wrong.any():  # the sum of large numbers may be infinite by itself
        return
    owner, wrong, value = _of_owner(name, value, variable, wrong)
    first, *place = wrong.nonzero()[0].tolist()
    raise OutsideSupport(
        owner,
        value[(first, *place)].item(),
        rows=_rows(wrong),
        place=place,
        kind="interior" if variable.interior else variable.kind,
        classes=variable.classes,
    )


def nan_outside(value: Tensor, variable: Variable) -> Tensor:
    """Write NaN for values outside the support of their kind, and `NO_CLASS` for such classes.

    Shapes: ``(*) -> (*)``.

    >>> count = Variable("n", role="observed", kind="count")
    >>> nan_outside(torch.tensor([3.0, -1.0, 0.5]), count)
    tensor([3., nan, nan])
    """
    if variable.kind == "real":
        return value
    bad = NO_CLASS if variable.kind == "categorical" else math.nan
    return torch.where(_inside(value, variable), value, bad)


def spread_of(value: Tensor) -> float | None:
    """Give a value that is strictly between 0 and 1, among values in [0, 1]; None without one.

    >>> spread_of(torch.tensor([0.0, 0.5, 1.0])), spread_of(torch.tensor([0.0, 1.0]))
    (0.5, None)
    """
    between = value.frac()  # `any` of floats would take ten times as long as a maximum
    return None if between.amax().item() == 0.0 else between[between > 0][0].item()


def _is_inside(value: Tensor, variable: Variable) -> bool:
    """Whether all values are in the support: NaN and infinities are not."""
    if variable.kind == "real":
        return math.isfinite(value.sum().item())
    numbers = value if value.is_floating_point() else value.long()
    low, high = (one.item() for one in torch.aminmax(numbers))
    if variable.kind == "positive" or variable.interior:
        return 0 < low and high < _highest(variable)
    if not (low >= 0 and high <= _highest(variable)):
        return False
    # Above 2^24 (of float32), all numbers are whole.
    whole = variable.kind in ("binary", "unit") or not value.is_floating_point()
    return whole or value.frac().amax().item() == 0.0


def _inside(value: Tensor, variable: Variable) -> Tensor:
    """Which values are in the support."""
    if variable.kind == "real":
        return torch.isfinite(value)
    if variable.kind == "positive" or variable.interior:
        return (value > 0) & (value < _highest(variable))
    numbers = value if value.is_floating_point() else value.long()
    inside = (numbers >= 0) & (numbers <= _highest(variable))
    if variable.kind not in ("binary", "unit") and value.is_floating_point():
        inside = inside & (value == value.floor())
    return inside


def _highest(variable: Variable) -> float:
    """The largest value there is; a count is finite, and what is positive."""
    if variable.kind in ("binary", "unit"):
        return 1
    if variable.kind == "positive":
        return math.inf
    if variable.classes is not None:
        return variable.classes - 1
    return torch.finfo(torch.float64).max


def _rows(wrong: Tensor) -> list[int]:
    return wrong.reshape(len(wrong), -1).any(dim=1).nonzero().flatten().tolist()


def _of_owner(
    name: str, value: Tensor, variable: Variable, wrong: Tensor
) -> tuple[str, Tensor, Tensor]:
    """The first member of a family that has wrong values, with what is wrong, and its values."""
    if name != variable.name or variable.members is None:
        return name, wrong, value
    member = int(wrong.transpose(0, 1).reshape(wrong.shape[1], -1).any(dim=1).int().argmax())
    return variable.member_names[member], wrong[:, member], value[:, member]
