"""What is said of a module above its code: its objective, its loss, and how these stand."""

from __future__ import annotations

__all__ = ["header", "summary"]

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from graphdsl.codegen.environment import fill
from graphdsl.codegen.printer import WIDTH
from graphdsl.codegen.views import HeaderView
from graphdsl.ir.folding import folded_text
from graphdsl.ir.information import Atom, Entropy, Term
from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.notation import number_text, shortened, weight_text
from graphdsl.ir.weight import ONE


def header(module: LossModule, constants: Sequence[tuple[str, Fraction]]) -> str:
    """The file's docstring: the formula that its code is."""
    origin = f"Compiled by graphdsl from the spec `{module.model}`"
    values = ", ".join(f"{name} = {number_text(value)}" for name, value in constants)
    gaps = [line for term in module.terms for line in shortened(term.gaps, r"\dots")]
    dropped = folded_text([_constant(term) for term in module.constants])
    return fill(
        HeaderView(
            title=_wrapped(_safe(module.title) or f"The objective of {module.model}."),
            origin=_wrapped(f"{origin} with {values}" if values else origin),
            sha256=module.sha256,
            objective=_lines(module.objective),
            loss=_all_lines(_formulas(module)),
            relation=_wrapped(f"Relation: {module.relation} ({module.reason}).", WIDTH),
            gaps=_all_lines(gaps),
            whose=_whose(gaps),
            dropped=_all_lines(shortened(dropped, "...")),
        )
    )


def summary(module: LossModule) -> str:
    """What the module is of, in a line."""
    title = module.title.split(": ")[0] or f"The objective of {module.model}"
    return _safe(title).rstrip(".") + "."


def _whose(gaps: Sequence[str]) -> str:
    """Whose joint it is that a bar speaks of, where that is p's too."""
    barred = [name for name in ("q", "p") if any(f"\\bar{{{name}}}" in one for one in gaps)]
    if "p" not in barred:
        return r"\bar{q} is a conditional of q's joint"
    several = [rf"\bar{{{name}}} is a conditional of {name}'s joint" for name in barred]
    return ", ".join(several)


def _formulas(module: LossModule) -> Iterator[str]:
    """The loss, or that of every player, term by term; what stands under a sign behind it."""
    if not module.players:
        yield from _formulas_of(module, module.terms, module.groups)
    for one in module.players:
        own = [term for term in module.terms if term.player == one.name]
        groups = [group for group in module.groups if group.name in one.groups]
        for place, line in enumerate(_formulas_of(module, own, groups)):
            yield line if place else f"for {one.name}: {line}"


def _formulas_of(
    module: LossModule, own: Iterable[LossTerm], groups: Iterable[Group]
) -> Iterator[str]:
    main = [term for term in own if not term.within]
    yield from (_formula_line(term, place) for place, term in enumerate(main))
    terms = {term.name: term for term in module.terms}
    for place, group in enumerate(groups):
        under = [terms[name] for name in group.terms]
        inner = " ".join(_formula_line(term, k) for k, term in enumerate(under))
        factor = "" if group.weight == ONE else f"{weight_text(group.weight)} "
        joined = under[0].within.replace("...", inner) if under else ""
        yield f"{'+ ' if main or place else ''}{factor}{joined}"


def _formula_line(term: LossTerm, place: int) -> str:
    factor = "" if term.weight == ONE else weight_text(term.weight)
    factor = f"({factor}) " if len(term.weight.terms) > 1 else (f"{factor} " if factor else "")
    return f"{'+ ' if place else ''}{factor}{term.formula}"


def _constant(term: Term) -> str:
    factor = weight_text(term.weight)
    atom = _brief(term.atom)
    if factor in ("1", "-1"):
        return f"{factor[:-1]}{atom}"
    return f"({factor}) {atom}" if len(term.weight.terms) > 1 else f"{factor} {atom}"


def _brief(atom: Atom) -> Atom:
    """An entropy of many variables with the first and the last of them."""
    if not isinstance(atom, Entropy):
        return atom
    return Entropy(shortened(atom.of, "..."), shortened(atom.given, "..."), atom.under)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, WIDTH - 4, break_long_words=False, break_on_hyphens=False))


def _all_lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for text in texts for line in _lines(text))


def _wrapped(text: str, width: int = WIDTH - 4) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


def _safe(text: str) -> str:
    """A comment of the spec as part of a docstring: it cannot end it, nor escape from it."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain.replace("\\", "/").replace('"', "'")
