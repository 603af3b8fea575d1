"""The docstrings of a file and its class: the objective, the loss, and how they are related."""

from __future__ import annotations

__all__ = ["header", "summary"]

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from graphdsl.codegen.environment import fill
from graphdsl.codegen.flat import in_docstring
from graphdsl.codegen.printer import WIDTH
from graphdsl.codegen.versions import COMPILED_BY
from graphdsl.codegen.views import HeaderView
from graphdsl.ir.information import Atom, Entropy, Term
from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.notation import factor_text, number_text, shortened
from graphdsl.ir.symbols import Variable
from graphdsl.ir.weight import ONE
from graphdsl.notation.folding import fold_sum, text_binder
from graphdsl.notation.gaps import gap_texts
from graphdsl.notation.signs import sign_text

_DOTS = Variable("...")  #: for those that are left out


def header(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    """The file's docstring: the formula that its code is."""
    origin = f"Compiled by {COMPILED_BY} from the spec `{module.model}`"
    values = ", ".join(f"{name} = {number_text(value)}" for name, value in constants)
    gaps = [line for term in module.terms for line in shortened(gap_texts(term), "...")]
    dropped = tuple(_constants(module.constants))
    return fill(
        HeaderView(
            title="\n".join(_lines(module.title or f"The objective of {module.model}.")),
            origin="\n".join(_lines(f"{origin} with {values}" if values else origin)),
            sha256=module.sha256,
            objective=_all_lines(map(" ".join, module.objective_text)),
            loss=_all_lines(_formulas(module)),
            relation="\n".join(_lines(f"Relation: {module.relation} ({module.reason}).", WIDTH)),
            gaps=_all_lines(gaps),
            whose=_whose(gaps),
            dropped=_all_lines(shortened(dropped, "...")),
        )
    )


def summary(module: LossModule) -> str:
    """What the module is of, in a line."""
    title = module.title.split(": ")[0] or f"The objective of {module.model}"
    return " ".join(title.split()).rstrip(".") + "."


def _whose(gaps: Sequence[str]) -> str:
    """Whose joint a star speaks of, where that is p's too."""
    starred = [name for name in ("q", "p") if any(f"{name}*(" in gap for gap in gaps)]
    names = starred if "p" in starred else ["q"]
    return ", ".join(f"{name}* is a conditional of {name}'s joint" for name in names)


def _formulas(module: LossModule) -> Iterator[str]:
    """The loss, or that of every player, term by term, with the sums under a sign last."""
    if not module.players:
        yield from _formulas_of(module, module.terms, module.groups)
    for player in module.players:
        own = [term for term in module.terms if term.player == player.name]
        groups = [group for group in module.groups if group.name in player.groups]
        for place, line in enumerate(_formulas_of(module, own, groups)):
            yield line if place else f"for {player.name}: {line}"


def _formulas_of(
    module: LossModule, own: Iterable[LossTerm], groups: Iterable[Group]
) -> Iterator[str]:
    main = [term for term in own if not term.within]
    yield from (_formula_line(term, place) for place, term in enumerate(main))
    terms = {term.name: term for term in module.terms}
    for place, group in enumerate(groups):
        under = [terms[name] for name in group.terms]
        inner = " ".join(_formula_line(term, k) for k, term in enumerate(under))
        joined = sign_text(group, inner) if under else ""
        yield f"{'+ ' if main or place else ''}{factor_text(group.weight)}{joined}"


def _formula_line(term: LossTerm, place: int) -> str:
    return f"{'+ ' if place else ''}{factor_text(term.weight)}{term.formula}"


def _constants(terms: Sequence[Term]) -> Iterator[str]:
    """What the loss drops, families folded."""
    weights = [term.weight for term in terms]
    for one in fold_sum([_brief(term.atom) for term in terms], weights):
        weight = weights[one.place]
        factor = "-" if weight == -ONE else factor_text(weight)
        yield f"{text_binder(one)}{factor}{one.pattern}"


def _brief(atom: Atom) -> Atom:
    """An entropy of many variables with the first and the last of them."""
    if not isinstance(atom, Entropy):
        return atom
    return Entropy(shortened(atom.of, _DOTS), shortened(atom.given, _DOTS), atom.under)


def _lines(text: str, width: int = WIDTH - 4) -> list[str]:
    """A text on lines, ready to be part of a docstring."""
    words = in_docstring(" ".join(text.split()))
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)


def _all_lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for text in texts for line in _lines(text))
