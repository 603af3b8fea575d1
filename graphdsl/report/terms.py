"""Terms and sums of terms, as text, in LaTeX, and as the audit's JSON."""

from __future__ import annotations

__all__ = [
    "Json",
    "latex_factor",
    "latex_sum",
    "latex_summands",
    "term_json",
    "text_sum",
    "text_summands",
]

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from graphdsl.ir.information import (
    Atom,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    PenaltyAtom,
    Term,
    TotalCorrelation,
)
from graphdsl.ir.notation import latex_weight, weight_text
from graphdsl.ir.weight import ONE, Weight
from graphdsl.notation.atoms import latex_atom
from graphdsl.notation.folding import Folded, fold_sum, in_ranges, latex_binder, text_binder

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | dict[str, "Json"] | None


def text_sum(terms: Iterable[Term]) -> str:
    """A sum as people type it.

    >>> from graphdsl.ir.symbols import Variable
    >>> z, x = Variable("z"), Variable("x", (1,))
    >>> text_sum([Term(ONE, Entropy((z,))), Term(-ONE, Entropy((z,), (x,)))])
    'H(z) - H(z | x[1])'
    """
    first, *others = text_summands(terms) or ("0",)
    return " ".join((first, *others))


def text_summands(terms: Iterable[Term]) -> tuple[str, ...]:
    """The summands of a sum with their signs, families folded; they expand to the whole sum.

    >>> from graphdsl.ir.symbols import Variable
    >>> text_summands([Term(-ONE, Entropy((Variable("x", (i,)),))) for i in (1, 2, 3)])
    ('-sum(i in 1..3) H(x[i])',)
    """
    pairs = [(weight, f"{text_binder(one)}{one.pattern}") for weight, one in _folded(terms)]
    return _summands(pairs, weight_text, " ")


def latex_sum(terms: Iterable[Term]) -> str:
    """A sum in LaTeX."""
    pairs = [(term.weight, latex_atom(term.atom)) for term in terms]
    return _sum(pairs, latex_weight, r"\,")


def latex_summands(terms: Iterable[Term]) -> tuple[str, ...]:
    r"""The summands of a sum in LaTeX with their signs, families folded.

    >>> from graphdsl.ir.symbols import Variable
    >>> latex_summands([Term(-ONE, Entropy((Variable("x", (i,)),))) for i in (1, 2, 3)])
    ('-\\sum_{i=1}^{3} H_q(x_{i})',)
    """
    pairs = [
        (weight, f"{latex_binder(one)}{latex_atom(one.pattern)}") for weight, one in _folded(terms)
    ]
    return _summands(pairs, latex_weight, r"\,")


def _folded(terms: Iterable[Term]) -> Iterator[tuple[Weight, Folded[Atom]]]:
    """The summands of a sum, families folded, and the weight of each."""
    listed = tuple(terms)
    atoms = [in_ranges(term.atom) for term in listed]
    for one in fold_sum(atoms, [term.weight for term in listed]):
        yield listed[one.place].weight, one


def latex_factor(weight: Weight, *, first: bool = True) -> str:
    """A weight in front of what it multiplies, with the sign that it has in a sum."""
    negative = len(weight.terms) == 1 and weight.terms[0][1] < 0
    size = -weight if negative else weight
    sign = "-" if negative else ("" if first else "+")
    if size == ONE:
        return sign
    written = latex_weight(size)
    return f"{sign}({written})\\," if len(size.terms) > 1 else f"{sign}{written}\\,"


def term_json(term: Term) -> Json:
    """A term as the audit's schema has it."""
    under = term.atom.under
    atom = _atom_json(term.atom)
    if under != "q" and not isinstance(term.atom, DivergenceAtom | PenaltyAtom):
        atom["under"] = under
    return {"coefficient": weight_text(term.weight), "atom": atom}


def _atom_json(atom: Atom) -> dict[str, Json]:
    match atom:
        case Entropy(of, given):
            return {"type": "H", "of": list(of), "given": list(given)}
        case Information(left, right, given):
            between: Json = [list(left), list(right)]
            return {"type": "I", "between": between, "given": list(given)}
        case TotalCorrelation(parts, given):
            return {"type": "TC", "parts": [list(part) for part in parts], "given": list(given)}
        case PenaltyAtom(name, of, given):
            return {"type": "penalty", "name": name, "arguments": [of, *given]}
        case DivergenceAtom(name, of, under):
            inner = ",".join(of)
            q, p = f"{under}({inner})", f"p({inner})"
            return {"type": "divergence", "name": name, "q": q, "p": p}
        case CrossEntropy(of, given, model):
            return {"type": "CE", "of": list(of), "given": list(given), "model": str(model)}


def _sum(pairs: list[tuple[Weight, str]], write: Callable[[Weight], str], times: str) -> str:
    return " ".join(_summands(pairs, write, times)) or "0"


def _summands(
    pairs: list[tuple[Weight, str]], write: Callable[[Weight], str], times: str
) -> tuple[str, ...]:
    """Each with its sign: `-` before the first, `+ ` or `- ` before the others."""
    written: list[str] = []
    for weight, atom in pairs:
        negative = len(weight.terms) == 1 and weight.terms[0][1] < 0
        size = -weight if negative else weight
        factor = "" if size == ONE else write(size)
        factor = f"({factor})" if len(size.terms) > 1 else factor
        body = f"{factor}{times}{atom}" if factor else atom
        if written:
            written.append(f"- {body}" if negative else f"+ {body}")
        else:
            written.append(f"-{body}" if negative else body)
    return tuple(written)
