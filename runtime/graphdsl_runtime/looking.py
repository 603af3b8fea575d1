"""Entries of a batch, looked at: what is no data of an objective's variables is refused here."""

from __future__ import annotations

__all__ = ["Looking"]

import warnings
from typing import ClassVar

import torch
from torch import Tensor, nn

from graphdsl_runtime.batch import Batch
from graphdsl_runtime.entries import as_tensor, known_names, refuse_other_rows, refuse_unknown
from graphdsl_runtime.errors import (
    MissingInput,
    OutsideSupport,
    ShapeMismatch,
    UnknownName,
    WrongDevice,
)
from graphdsl_runtime.support import is_cheap, nan_outside, refuse_outside, spread_of
from graphdsl_runtime.variables import Variable


class Looking(nn.Module):
    """The part of an objective that takes entries from batches, and looks at their values."""

    #: The spec's variables, in its order.
    variables: ClassVar[tuple[Variable, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._known = dict.fromkeys(known_names(self.variables))
        #: Variables whose values strictly between 0 and 1 a warning has named.
        self._grey: set[str] = set()
        #: Entries that were looked at once on an accelerator.
        self._looked_at: set[str] = set()

    def _variable(self, name: str) -> Variable:
        for variable in self.variables:
            if name == variable.name or name in variable.member_names:
                return variable
        raise UnknownName("variable", name, known=[variable.name for variable in self.variables])

    def _admit(self, batch: Batch) -> None:
        """Refuse entries of no variable, and of other numbers of rows."""
        refuse_unknown(batch, self._known)
        refuse_other_rows(batch)

    def _entry(self, batch: Batch, name: str) -> Tensor:
        """Give an entry as a tensor, where the module is."""
        device = self._device()
        value = as_tensor(name, batch[name], device)
        if value.device != device and value.device not in {
            parameter.device for parameter in self.parameters()
        }:
            if next(self.parameters(), None) is not None:
                raise WrongDevice(name, got=value.device, expected=device)
        return value

    def _take(self, batch: Batch, name: str, variable: Variable) -> Tensor:
        """Take a variable, or a member of it, that is in the batch."""
        value = self._entry(batch, name)
        shape = variable.tensor_shape if name == variable.name else variable.shape
        if value.ndim == 0 or tuple(value.shape[1:]) != shape:
            raise ShapeMismatch(name, expected=("B", *shape), got=value.shape)
        if name == variable.name:
            value = variable.side_by_side(value)
        return value if variable.kind == "categorical" else value.to(self._dtype(value))

    def _flags(self, batch: Batch, key: str) -> Tensor:
        """Give what says which rows have a variable: booleans, or zeros and ones."""
        flags = self._entry(batch, key)
        if flags.dtype != torch.bool and self._looks(flags, key):
            wrong = ~((flags == 0) | (flags == 1))
            if wrong.any():
                rows = wrong.reshape(len(wrong), -1).any(dim=1).nonzero().flatten().tolist()
                value = flags[wrong][0].item()
                raise OutsideSupport(key, value, rows=rows, place=(), kind="flag", classes=None)
        return flags.bool()

    def _looked(self, value: Tensor, name: str) -> Tensor:
        """Refuse values outside their kind's support, or make them NaN where a look is dear."""
        variable = self._variable(name)
        if not self._looks(value, name):
            return nan_outside(value, variable)
        refuse_outside(name, value, variable)
        if variable.kind == "binary" and variable.role == "observed":
            self._warn_of_grey(name, value)
        return value

    def _looks(self, value: Tensor, key: str) -> bool:
        """Whether to look at an entry: always where it costs little, and once elsewhere."""
        if is_cheap(value):
            return True
        if torch.compiler.is_compiling() or value.is_meta or key in self._looked_at:
            return False
        self._looked_at.add(key)
        return True

    def _warn_of_grey(self, name: str, value: Tensor) -> None:
        """Say once that values between 0 and 1 have no normalised likelihood."""
        if name in self._grey:
            return
        between = spread_of(value)
        if between is None:
            return
        self._grey.add(name)
        warnings.warn(
            f"{name} holds values strictly between 0 and 1 ({between:.4g}): under `bernoulli` they "
            f"have no normalised likelihood, so that the loss is no bound of -log p({name}). Round "
            f"them, or declare {name} `unit` or `real`",
            stacklevel=2,
        )

    def _missing(self, variable: Variable, batch: Batch) -> MissingInput:
        return MissingInput(
            variable.name,
            expected=("B", *variable.tensor_shape),
            given=map(str, batch),
            known=self._known,
            members=() if variable.members is None else variable.member_names,
        )

    def _device(self) -> torch.device:
        return next(self.parameters(), torch.empty(0)).device

    def _dtype(self, value: Tensor | None = None) -> torch.dtype:
        """The precision of the model; of a model without parameters, that of a value in floats."""
        for parameter in self.parameters():
            if parameter.is_floating_point():
                return parameter.dtype
        if value is not None and value.is_floating_point():
            return value.dtype
        return torch.get_default_dtype()
