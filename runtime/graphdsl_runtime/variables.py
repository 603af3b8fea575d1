"""Variables of a spec, and the tensors that hold them."""

from __future__ import annotations

__all__ = ["Variable"]

from dataclasses import KW_ONLY, dataclass
from itertools import product
from typing import Literal

from torch import Tensor


@dataclass(frozen=True)
class Variable:
    """A variable of the spec, or a family of them, and the tensor that holds it.

    >>> x = Variable("x", role="observed", kind="binary", members=2, shape=(32,))
    >>> x.tensor_shape, x.member_names
    ((2, 32), ('x[1]', 'x[2]'))
    >>> print(x)
    observed x[1..2] : binary[32]
    >>> print(Variable("z", role="latent", kind="categorical", classes=4, members=(2, 3)))
    latent z[1..2, 1..3] : categorical(4)
    """

    name: str
    _: KW_ONLY
    role: Literal["observed", "latent", "given"]
    kind: str
    classes: int | None = None  #: of a categorical variable
    members: int | tuple[int, ...] | None = None  #: how many, along each index of a family
    shape: tuple[int, ...] = ()  #: of one member
    optional: bool = False  #: whether a row may lack it, in training too
    inferred: bool = False  #: of something observed: whether q fills it in where a row lacks it
    interior: bool = False  #: whether its law has no density at the ends of its support

    @property
    def grid(self) -> tuple[int, ...]:
        """How many members there are along each index; nothing if it is no family."""
        if self.members is None:
            return ()
        return (self.members,) if isinstance(self.members, int) else self.members

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of one row: the members, if it is a family, and then the shape of one."""
        return (*self.grid, *self.shape)

    @property
    def sampled(self) -> bool:
        """Whether a pass samples it: a latent, or what q fills in."""
        return self.role == "latent" or self.inferred

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of one row of its noise, if it is sampled: a category has a number per class."""
        return self.tensor_shape if self.classes is None else (*self.tensor_shape, self.classes)

    @property
    def filler(self) -> float:
        """What stands in for a value that a row lacks, inside of the support of its kind."""
        return {"positive": 1, "unit": 0.5}.get(self.kind, 0)

    @property
    def member_names(self) -> tuple[str, ...]:
        """The names of its members, or its own if it is no family."""
        if self.members is None:
            return (self.name,)
        indices = product(*(range(1, count + 1) for count in self.grid))
        return tuple(f"{self.name}[{','.join(map(str, index))}]" for index in indices)

    def side_by_side(self, values: Tensor) -> Tensor:
        """Give the members of a family one axis, however many indices they have.

        Shapes: ``(B, *grid, *) -> (B, N, *)``.

        >>> import torch
        >>> z = Variable("z", role="latent", kind="real", members=(2, 3))
        >>> z.side_by_side(torch.zeros(5, 2, 3)).shape
        torch.Size([5, 6])
        """
        return values.flatten(1, len(self.grid)) if len(self.grid) > 1 else values

    def __str__(self) -> str:
        family = ", ".join(f"1..{count}" for count in self.grid)
        family = f"[{family}]" if family else ""
        kind = self.kind if self.classes is None else f"{self.kind}({self.classes})"
        shape = f"[{', '.join(map(str, self.shape))}]" if self.shape else ""
        optional = " optional" if self.optional else ""
        return f"{self.role} {self.name}{family} : {kind}{shape}{optional}"
