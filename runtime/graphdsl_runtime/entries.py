"""The entries of a batch: their names, their rows, and the tensors that they become."""

from __future__ import annotations

__all__ = [
    "as_tensor",
    "known_names",
    "refuse_other_rows",
    "refuse_unknown",
    "require_mapping",
    "rows_of",
]

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from graphdsl_runtime.batch import seen_name
from graphdsl_runtime.errors import NotABatch, NotATensor, ShapeMismatch, UnknownName
from graphdsl_runtime.variables import Variable

#: The kinds of NumPy's types that are numbers: bool, int, unsigned, float.
_NUMBERS = frozenset("biuf")


def known_names(variables: Sequence[Variable]) -> tuple[str, ...]:
    """Give every name that an entry may have: variables, members, and what says who has them.

    >>> known_names([Variable("x", role="observed", kind="real", members=2)])
    ('x', 'x[1]', 'x[2]', 'seen(x)', 'seen(x[1])', 'seen(x[2])')
    """
    names: dict[str, None] = {}
    for variable in variables:
        own = dict.fromkeys((variable.name, *variable.member_names))
        names |= own
        if variable.role != "latent":
            names |= dict.fromkeys(map(seen_name, own))
    return tuple(names)


def require_mapping(what: str, batch: object, known: Collection[str]) -> None:
    """Raise `NotABatch` for what is no mapping, such as a tensor by itself.

    >>> require_mapping("batch", torch.zeros(2, 3), ["x"])
    Traceback (most recent call last):
    graphdsl_runtime.errors.NotABatch: a batch is a mapping from names to tensors, such as \
{"x": ...}; got a Tensor
    """
    if not isinstance(batch, Mapping):
        raise NotABatch(what, batch, known=list(known))


def refuse_unknown(batch: Mapping[str, object], known: Collection[str]) -> None:
    """Raise `UnknownName` for an entry that is no name.

    >>> refuse_unknown({"X[2]": 0}, ["x", "x[1]", "x[2]"])
    Traceback (most recent call last):
    graphdsl_runtime.errors.UnknownName: there is no variable `X[2]` (did you mean `x[2]`?); \
the names are: `x`, `x[1]`, `x[2]`
    """
    for name in batch:
        if name not in known:
            raise UnknownName("variable", str(name), known=list(known))


def as_tensor(name: str, value: object, device: torch.device) -> Tensor:
    """Give an entry as a dense tensor of real numbers, on a device if it is no tensor yet.

    Raises `NotATensor`: for text, for lists whose rows differ in length, for masked arrays (whose
    mask a conversion would lose), for sparse, quantised and complex tensors.

    >>> as_tensor("x", [[1, 2], [3, 4]], torch.device("cpu")).shape
    torch.Size([2, 2])
    """
    if isinstance(value, Tensor):
        if value.layout != torch.strided or value.is_quantized or value.is_complex():
            raise NotATensor(name, value, _unusual(value))
        return value
    if hasattr(value, "mask") and hasattr(value, "filled"):
        raise NotATensor(name, value, "a masked array (write NaN for what is missing)")
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    if kind not in _NUMBERS:
        raise NotATensor(name, value, f"an array of {value.dtype}")  # type: ignore[attr-defined]  # kind is of its dtype
    try:
        tensor = torch.as_tensor(_plain(value), device=device)
    except (TypeError, ValueError, RuntimeError):
        raise NotATensor(name, value) from None
    if tensor.is_complex():
        raise NotATensor(name, value, "complex")
    return tensor


def rows_of(value: object) -> int | None:
    """Say how many rows an entry has, whatever it came as; None where it has no axis.

    >>> rows_of(torch.zeros(3, 2)), rows_of([[1, 2]]), rows_of(torch.zeros(()))
    (3, 1, None)
    """
    shape = getattr(value, "shape", None)
    if shape is not None:
        return shape[0] if len(shape) else None
    return len(value) if isinstance(value, Sequence) else None


def refuse_other_rows(batch: Mapping[str, object]) -> None:
    """Raise `ShapeMismatch` where two entries differ in rows, or where there are none.

    One row is refused beside several: nothing is repeated in silence.

    >>> refuse_other_rows({"x": torch.zeros(6, 2), "y": torch.zeros(1)})
    Traceback (most recent call last):
    graphdsl_runtime.errors.ShapeMismatch: y has shape (1,); expected (6,): x has 6 rows
    """
    first: tuple[str, int] | None = None
    for name, value in batch.items():
        rows = rows_of(value)
        if rows is None:
            continue
        shape = tuple(getattr(value, "shape", (rows, "...")))
        if rows == 0:
            expected = ("B", *shape[1:])
            raise ShapeMismatch(name, expected=expected, got=shape, because="a batch has rows")
        first = first or (name, rows)
        if rows != first[1]:
            because = f"{first[0]} has {first[1]} row{'s' if first[1] > 1 else ''}"
            raise ShapeMismatch(name, expected=(first[1], *shape[1:]), got=shape, because=because)


def _unusual(value: Tensor) -> str:
    if value.is_complex():
        return "complex"
    return "quantised" if value.is_quantized else f"a tensor in {value.layout} layout"


def _plain(value: object) -> object:
    """Give an array of NumPy in the machine's byte order, forwards; anything else as it is."""
    if not hasattr(value, "strides"):
        return value
    return value.astype(value.dtype.newbyteorder("="), order="C")  # type: ignore[attr-defined]  # NumPy's
