"""Labels of marks: a name and an index, Greek letters by their names."""

from __future__ import annotations

__all__ = ["Label", "label_of", "lines_of"]

from collections.abc import Iterable
from dataclasses import dataclass

from graphdsl.ir.symbols import GREEK, Variable, latex_word

_LONGEST = 18  #: letters of a line of a block's label


@dataclass(frozen=True, slots=True)
class Label:
    """A name as it is set: a variable's, or that of members whose index is a letter or a range.

    >>> str(Label("x", "i")), Label("beta", "1", last="8").plain
    ('x[i]', 'β[1…8]')
    """

    word: str
    index: str = ""  #: `1`, `i`, `S`; the first of a range
    copy: bool = False
    last: str = ""  #: of a range
    outside: bool = False  #: whether it is a block outside of a drawn set

    def __str__(self) -> str:
        return f"{self.head}[{self._written('not ', '..')}]" if self.index else self.head

    @property
    def head(self) -> str:
        """The word, with the prime of a copy."""
        return f"{self.word}'" if self.copy else self.word

    @property
    def base(self) -> str:
        """The word as it is set: a Greek letter for its name."""
        return GREEK.get(self.word, self.word) + "′" * self.copy

    @property
    def upright(self) -> bool:
        """Whether it is set as a word, not as a sign."""
        return len(GREEK.get(self.word, self.word)) > 1

    @property
    def below(self) -> str:
        """The index as it is set."""
        return self._written("∖", "…")

    @property
    def plain(self) -> str:
        """As plain text."""
        return f"{self.base}[{self.below}]" if self.index else self.base

    @property
    def latex(self) -> str:
        r"""In LaTeX: `x_{1:8}` of a range.

        >>> print(Label("x", "i").latex, Label("z", "1", last="8").latex)
        x_{i} z_{1:8}
        """
        index = self._written(r"\setminus ", ":")
        return f"{latex_word(self.head)}_{{{index}}}" if index else latex_word(self.head)

    def _written(self, outside: str, to: str) -> str:
        return outside * self.outside + self.index + (f"{to}{self.last}" if self.last else "")


def label_of(variable: Variable) -> Label:
    """The label of one variable.

    >>> label_of(Variable("z", (1, 2)))
    Label(word='z', index='1,2', copy=False, last='', outside=False)
    """
    block = variable.block
    index = variable.subscript if block is None else block.draw
    outside = block is not None and block.outside
    return Label(variable.word, index, variable.copy, outside=outside)


def lines_of(label: Iterable[Label]) -> tuple[tuple[Label, ...], ...]:
    """The names of a label, in lines that are not too long.

    >>> names = [Label("latent"), Label("label", "1", last="2"), Label("x")]
    >>> [len(line) for line in lines_of(names)]
    [1, 2]
    """
    lines: list[list[Label]] = [[]]
    for one in label:
        if lines[-1] and sum(len(str(each)) + 2 for each in lines[-1]) + len(str(one)) > _LONGEST:
            lines.append([])
        lines[-1].append(one)
    return tuple(map(tuple, lines))
