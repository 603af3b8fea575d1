"""Symbols that a derivation passes on as things, and prints in one way."""

from __future__ import annotations

__all__ = ["ModelRef", "base_name"]

from dataclasses import dataclass

from graphdsl.ir.notation import Names, latex_names


@dataclass(frozen=True, slots=True, order=True)
class ModelRef:
    """A model r(v | T): whose conditional it is, of which variables, given which.

    >>> str(ModelRef("p", ("x[1]",), ("z", "u[1]")))
    'p(x[1]|z,u[1])'
    """

    network: str  #: as printed: `q`, `p`, `r`
    children: Names
    parents: Names = ()

    @property
    def child(self) -> str:
        """Its variable, where it is of one."""
        (child,) = self.children
        return child

    def __str__(self) -> str:
        bar = f"|{','.join(self.parents)}" if self.parents else ""
        return f"{self.network}({','.join(self.children)}{bar})"

    @property
    def latex(self) -> str:
        r"""In LaTeX: `p(x_{1} \mid z, u_{1})`."""
        return f"{self.network}({latex_names(self.children)}{self._latex_bar})"

    @property
    def _latex_bar(self) -> str:
        return f" \\mid {latex_names(self.parents)}" if self.parents else ""


def base_name(network: str) -> str:
    """The name under which an inference network's conditionals are printed.

    >>> base_name("r({1,2})"), base_name("q")
    ('r', 'q')
    """
    return network.partition("(")[0]
