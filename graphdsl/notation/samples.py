"""Whose samples a term is a mean over, as formulas have to know it."""

from __future__ import annotations

__all__ = ["Samples"]

from dataclasses import dataclass

from graphdsl.ir.model import Model
from graphdsl.ir.symbols import NetworkName, Variable


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one network, or of several `r(S)` at once."""

    model: Model
    under: NetworkName  #: the network: `q`, `p`, `r(1)`
    together: tuple[str, ...] = ()  #: all of them, where several are sampled at once
    mixed: frozenset[Variable] = frozenset()  #: the latents whose density is that of a mixture

    @property
    def base(self) -> str:
        """The name under which its conditionals are printed: `r` for `r(1)`."""
        return self.under.base
