"""What a spec treats alike, its loss treats alike: shares that the spec's exchanges keep.

A derivation takes variables one after the other, and which goes first may decide on a bound. The
orders that an exchange of variables makes of it are as good, and so is their mean: every entropy is
shared evenly by those that take its place. The sum stays what it is, for the objective does.
"""

from __future__ import annotations

__all__ = ["MOST_SHARES", "PartsOfLoss", "TooManySharesError", "evened", "parts_of_loss", "quality"]

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias, TypeVar

from graphdsl.ir.information import Collected, Entropy, LocalEntropy, Term, TotalCorrelation
from graphdsl.ir.information import entropy as entropy_atom
from graphdsl.ir.model import Model
from graphdsl.ir.objective import EstimatorChoice
from graphdsl.ir.symbols import NetworkName, Variable, names
from graphdsl.ir.symmetry import Exchange, Reading, Symmetry, reached
from graphdsl.ir.weight import ZERO, Weight, accumulate
from graphdsl.signs import sign
from graphdsl.symbolic.canonical import Canon

#: What bounds an entropy, part by part: an encoder, a decoder, a network that is made for it.
Readings: TypeAlias = Callable[[LocalEntropy], Sequence[Reading]]
#: What is computed, with its weight: a model or a density, or a total correlation.
PartsOfLoss: TypeAlias = "dict[Reading | TotalCorrelation, Weight]"
_Estimated: TypeAlias = tuple[Weight, TotalCorrelation, EstimatorChoice | None]
_Thing = TypeVar("_Thing", bound=Hashable)

_OWN = NetworkName("own")  #: whose an encoder's own density is
_FEW = 2  #: shares of an entropy that each have a network made for them
MOST_SHARES = 2_000  #: shares of one entropy at all, and so terms that it makes


class TooManySharesError(Exception):
    """An even split would make thousands of terms: another order of the variables makes fewer."""


def evened(
    collected: Collected,
    model: Model,
    canons: Mapping[NetworkName, Canon],
    exchanges: Sequence[Exchange],
    readings: Readings,
) -> Collected:
    """An objective whose loss every exchange keeps; as it is, where it is one already."""
    if _is_even(collected, exchanges, readings):
        return collected
    apart = _side_by_side(collected, exchanges, readings)
    if _is_even(apart, exchanges, readings):
        return apart
    local = (*collected.exact, *collected.unbounded, *collected.uncertain, *collected.intractable)
    weights: dict[LocalEntropy, Weight] = {}
    asked: dict[LocalEntropy, set[int]] = {}
    for one in local:
        bare = replace(one, weight=ZERO, lines=())
        for other, share in _shared(bare, one.weight, exchanges, _exchanged_entropy):
            accumulate(weights, other, share)
            asked.setdefault(other, set()).update(one.lines)
    shared = [
        replace(one, weight=weight, lines=tuple(sorted(asked[one])))
        for one, weight in weights.items()
    ]
    return replace(
        _sorted(collected, shared, model, canons),
        estimated=tuple(_estimates(collected, exchanges, model)),
        constants=tuple(_constants(collected, exchanges, model)),
    )


def _is_even(collected: Collected, exchanges: Sequence[Exchange], readings: Readings) -> bool:
    parts = parts_of_loss(collected, readings)
    return all(_exchanged_parts(parts, exchange) == parts for exchange in exchanges)


def _side_by_side(
    collected: Collected, exchanges: Sequence[Exchange], readings: Readings
) -> Collected:
    """Networks that are made for an entropy, so that those of a family do not wait for each other.

    By the chain rule H(x) = H(x_1) + H(x_2|x_1) + ..., and every order of many members would make
    networks of its own: instead each reads what all of them are given.
    """

    def apart(one: LocalEntropy) -> LocalEntropy:
        (reading, *others) = readings(one)
        if others or reading.network != "new" or one.read is not None:
            return one
        reads = {other for other in one.given if not _is_sibling(one.node, other, exchanges)}
        few = len(reached(one, lambda at: (_exchanged_entropy(at, e) for e in exchanges), _FEW))
        return one if few <= _FEW else replace(one, read=frozenset(reads))

    return replace(
        collected,
        unbounded=tuple(map(apart, collected.unbounded)),
        uncertain=tuple(map(apart, collected.uncertain)),
    )


def _is_sibling(name: Variable, other: Variable, exchanges: Sequence[Exchange]) -> bool:
    """Whether exchanges put one variable in the place of the other."""
    return other in reached(name, lambda here: (each.variable(here) for each in exchanges))


def parts_of_loss(collected: Collected, readings: Readings) -> PartsOfLoss:
    """What an objective's loss is made of beside what the objective names, with its weights."""
    parts: PartsOfLoss = {}
    for one in (*collected.unbounded, *collected.uncertain):
        for reading in readings(one):
            accumulate(parts, reading, one.weight)
    for one in (*collected.exact, *collected.intractable):
        own = Reading(one.node, _OWN, frozenset(), one.under)
        accumulate(parts, own, one.weight)
    for weight, atom, _ in collected.estimated:
        accumulate(parts, _parts_of(atom), weight)
    return parts


def _exchanged_parts(parts: PartsOfLoss, exchange: Exchange) -> PartsOfLoss:
    return {_exchanged_part(one, exchange): weight for one, weight in parts.items()}


def _exchanged_part(
    one: Reading | TotalCorrelation, exchange: Exchange
) -> Reading | TotalCorrelation:
    if isinstance(one, Reading):
        return one.exchanged(exchange)
    return _parts_of(_exchanged_correlation(one, exchange))


def quality(
    collections: Iterable[Collected], parts: Iterable[PartsOfLoss], symmetry: Symmetry
) -> tuple[int, int, str]:
    """How good the bounds of a derivation are; the least is the best, whatever things are called.

    First by the informations that stay in its gaps, then by how much it computes.
    """
    rank = symmetry.rank()
    each = [*parts]
    open_gaps = sum(_open_gaps(one) for one in collections)
    written = [
        sorted((_placed(one, rank), str(weight)) for one, weight in some.items()) for some in each
    ]
    return open_gaps, sum(map(len, each)), repr(written)


def _open_gaps(collected: Collected) -> int:
    inside = sum(_open_gaps(group.collected) for group in collected.groups)
    return len(collected.intractable) + inside


def _placed(one: Reading | TotalCorrelation, rank: Mapping[Variable, int]) -> str:
    """A part by the places of its variables."""

    def places(variables: Iterable[Variable]) -> list[int]:
        return sorted(rank.get(name, len(rank)) for name in variables)

    if isinstance(one, Reading):
        known = one.network if one.network in ("p", "q", "own", "new") else ""
        return repr((known, places((one.node,)), places(one.reads), bool(one.among)))
    return repr((sorted(map(places, one.parts)), places(one.given)))


# ---- shares --------------------------------------------------------------------------------------


def _shared(
    one: _Thing,
    weight: Weight,
    exchanges: Sequence[Exchange],
    image: Callable[[_Thing, Exchange], _Thing],
) -> list[tuple[_Thing, Weight]]:
    """A weight in equal shares, among all that exchanges put in one's place."""
    orbit = reached(one, lambda here: (image(here, each) for each in exchanges), MOST_SHARES)
    if len(orbit) > MOST_SHARES:
        raise TooManySharesError(str(one))
    return [(other, weight.scaled(Fraction(1, len(orbit)))) for other in orbit]


def _exchanged_entropy(one: LocalEntropy, exchange: Exchange) -> LocalEntropy:
    return replace(
        one,
        node=exchange.variable(one.node),
        given=exchange.each(one.given),
        under=exchange.network(one.under),
        read=None if one.read is None else exchange.each(one.read),
    )


def _sorted(
    collected: Collected,
    entropies: Iterable[LocalEntropy],
    model: Model,
    canons: Mapping[NetworkName, Canon],
) -> Collected:
    """Entropies by what becomes of them: computed, bounded, or neither over the whole range."""
    exact: list[LocalEntropy] = []
    kept: dict[str, list[LocalEntropy]] = {"nonnegative": [], "nonpositive": [], "unknown": []}
    for one in entropies:
        independence = canons[one.under].independence
        latent = one.node not in independence.data
        if latent and one.given == independence.parents(one.node) and one.read is None:
            exact.append(one)
        else:
            kept[sign(one.weight, model.parameters)].append(one)
    return replace(
        collected,
        exact=tuple(exact),
        unbounded=tuple(kept["nonnegative"]),
        intractable=tuple(kept["nonpositive"]),
        uncertain=tuple(kept["unknown"]),
    )


# ---- estimates and constants ---------------------------------------------------------------------


def _estimates(
    collected: Collected, exchanges: Sequence[Exchange], model: Model
) -> list[_Estimated]:
    choices = {_parts_of(_correlation(one)): one for one in model.choices}
    weights: dict[TotalCorrelation, Weight] = {}
    named: dict[TotalCorrelation, EstimatorChoice | None] = {}
    for weight, atom, choice in collected.estimated:
        for other, share in _shared(atom, weight, exchanges, _exchanged_correlation):
            same = next((one for one in weights if _parts_of(one) == _parts_of(other)), other)
            weights[same] = weights.get(same, ZERO) + share
            named.setdefault(same, choices.get(_parts_of(other)) if choice else None)
    return [(weight, atom, named[atom]) for atom, weight in weights.items()]


def _correlation(choice: EstimatorChoice) -> TotalCorrelation:
    target = choice.target
    return TotalCorrelation(
        tuple(names(part) for part in target.parts), names(target.given), target.under
    )


def _exchanged_correlation(one: TotalCorrelation, exchange: Exchange) -> TotalCorrelation:
    parts = tuple(names(exchange.each(part)) for part in one.parts)
    given = names(exchange.each(one.given))
    return TotalCorrelation(parts, given, exchange.network(one.under))


def _parts_of(atom: TotalCorrelation) -> TotalCorrelation:
    """The same, its parts in an order that is theirs: `I(z; u)` is `I(u; z)`."""
    return replace(atom, parts=tuple(sorted(atom.parts)))


def _constants(collected: Collected, exchanges: Sequence[Exchange], model: Model) -> list[Term]:
    weights: dict[Entropy, Weight] = {}
    for term in collected.constants:
        if isinstance(term.atom, Entropy):
            for other, share in _shared(term.atom, term.weight, exchanges, _exchanged_atom):
                accumulate(weights, other, share)
    return [Term(weight, atom) for atom, weight in weights.items()]


def _exchanged_atom(one: Entropy, exchange: Exchange) -> Entropy:
    return entropy_atom(exchange.each(one.of), exchange.each(one.given), one.under)
