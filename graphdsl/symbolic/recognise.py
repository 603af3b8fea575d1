"""Negative entropies of what p generates, by networks that tell its latents from it.

    -H(v|C) = -H(v, L|C) + H(L|v, C),

with L all that v and C come from. Of v, C and L together the entropy is the sum of p's own, and the
latents L are predicted by recognisers r(l|v, C), each a bound (the mirror of a decoder's under q).
"""

from __future__ import annotations

__all__ = ["recognised", "take_recognisers"]

from collections.abc import Iterable, Iterator

from graphdsl.ir.information import Entropy, LocalEntropy
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import Variable, natural
from graphdsl.ir.weight import Weight
from graphdsl.signs import sign
from graphdsl.symbolic.canonical import Canon, Sum, Variables, collect
from graphdsl.symbolic.expand import Ledger


def take_recognisers(
    model: Model, rest: Sum, canon: Canon, ledger: Ledger
) -> Iterator[LocalEntropy]:
    """Turn each negative entropy under p that is not p's own into recognisers of where it is from.

    The variables that occur most go first, since their predictions account for others.
    """
    while (atom := _largest_negative(model, rest, canon)) is not None:
        weight, spoken = -rest[atom], frozenset((*atom.of, *atom.given))
        above = _ancestors(spoken, canon) - spoken
        counts, lines = canon.entropy(above, spoken), ledger.asked(atom)
        collect(rest, counts, -weight)
        for count in counts:
            ledger.lines.setdefault(count, set()).update(lines)
        yield from recognised(model, canon, above, spoken, weight, lines)


def recognised(
    model: Model,
    canon: Canon,
    nodes: Iterable[Variable],
    given: Variables,
    weight: Weight,
    lines: tuple[int, ...],
) -> Iterator[LocalEntropy]:
    """H(nodes | given), variable by variable, in an order that predicts each from few others.

    What separates it from the rest is enough. The members of a family of roots are predicted side
    by side, as an encoder infers them, and not from each other.
    """
    before: Variables = frozenset()
    for name in _in_order(frozenset(nodes), given, canon):
        whole = given | before
        least = canon.independence.boundary(name, whole)
        alike = {one for one in before if _are_siblings(one, name, model, canon)}
        if least & alike:
            read = canon.independence.boundary(name, whole - alike)
            yield LocalEntropy(name, whole, weight, lines, canon.under, read)
        else:
            yield LocalEntropy(name, least, weight, lines, canon.under)
        before |= {name}


def _in_order(nodes: Variables, given: Variables, canon: Canon) -> list[Variable]:
    """The last is the one that the fewest others separate from the rest, and so on."""
    order: list[Variable] = []
    left = nodes

    def separators(name: Variable) -> int:
        return len(canon.independence.boundary(name, given | left - {name}))

    while left:
        last = min(sorted(left, key=natural, reverse=True), key=separators)
        order.append(last)
        left -= {last}
    return order[::-1]


def _largest_negative(model: Model, rest: Sum, canon: Canon) -> Entropy | None:
    candidates = [
        atom
        for atom, weight in rest.items()
        if atom.under == canon.under
        and not canon.is_data(atom)
        and not canon.is_exact(atom)
        and sign(weight, model.parameters) == "nonpositive"
    ]
    return max(candidates, key=lambda atom: (len(atom.given), atom.of, atom.given), default=None)


def _ancestors(names: Variables, canon: Canon) -> Variables:
    ancestors, waiting = set(names), list(names)
    while waiting:
        above = canon.independence.parents(waiting.pop()) - ancestors
        ancestors |= above
        waiting += above
    return frozenset(ancestors)


def _are_siblings(one: Variable, other: Variable, model: Model, canon: Canon) -> bool:
    """Whether two are roots of p with priors, and of one family."""
    roots = canon.is_fixed(frozenset((one, other)))
    return roots and model.family_of(one) == model.family_of(other)
