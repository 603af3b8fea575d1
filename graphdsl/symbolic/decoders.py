"""Negative entropies of latents turned into decoders: -H(z|S) = H(x|z, S) - H(x|S) - H(z|x, S).

Each decoder bounds the first of these, so that an entropy of negative weight moves from S to a
larger set, until a positive one meets it or it is an encoder's own. What the objective names goes
first: `-I(z; y)`, or the arrows of a network. Then an entropy moves to the nearest positive ones,
in equal shares where several are as near; and what is left to the encoder's own.
"""

from __future__ import annotations

__all__ = ["pivot_of", "take_decoders", "take_hints", "take_meetings"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from graphdsl.ir.draws import draws_in
from graphdsl.ir.information import Entropy, LocalEntropy
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import NetworkName, P, Q, Variable
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.signs import sign
from graphdsl.symbolic.canonical import Canon, Counts, Sum, collect
from graphdsl.symbolic.expand import Hint, Ledger
from graphdsl.symbolic.recognise import recognised

Variables = frozenset[Variable]
_NONE: Variables = frozenset()


# ---- what the objective names ------------------------------------------------------------------


def take_hints(
    model: Model, ledger: Ledger, rest: Sum, canons: Mapping[NetworkName, Canon]
) -> Iterator[LocalEntropy]:
    """The entropies of data that the objective itself names: -I(z; y), or H(x|Pa_x) in G.

    Each is taken as far as it is needed, and then is H(x|S) = sum_j H(x_j|S, x_<j): a decoder for
    each variable.
    """
    for hint, weight in sorted(ledger.hints.items(), key=lambda one: _hint_key(one[0], canons)):
        canon = canons[hint.under]
        counts = canon.entropy(frozenset(hint.nodes), hint.given)
        taken = _needed(model, rest, counts, canon, weight)
        if not taken:
            continue
        collect(rest, counts, -taken)
        if hint.under == "p":
            lines = ledger.asked(hint)
            yield from recognised(model, canon, hint.nodes, hint.given, taken, lines)
        else:
            order = _in_order(hint.nodes, canons)
            lines = ledger.asked(hint)
            yield from _one_by_one(order, hint.given, taken, lines, hint.under)


def _needed(model: Model, rest: Sum, counts: Counts, canon: Canon, weight: Weight) -> Weight:
    """How much of a named entropy is taken: where equal terms have already met, no more.

    Of H(x|z) = H(z|x) + H(x) - H(z) the last has to be there; whether all of it is asked for,
    H(z|x) decides where it is no encoder's own: what were taken beyond it would have to be given
    back by a bound of -H(z|x). An encoder's own would give it back as a rate that nothing asks for.
    """
    pivot = pivot_of(counts, canon)
    if pivot is None or not weight or not nonnegative(weight, model):
        return ZERO
    left = -rest.get(pivot, ZERO)
    if sign(left, model.parameters) in ("zero", "nonpositive"):
        return ZERO
    above = pivot_of(counts, canon, positive=True)
    most = left if above is None else rest.get(above, ZERO)
    return most if nonnegative(most, model) and nonnegative(weight - most, model) else weight


def _hint_key(
    hint: Hint, canons: Mapping[NetworkName, Canon]
) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    canon = canons[hint.under]
    return hint.under, canon.places(hint.nodes), canon.places(hint.given)


# ---- the nearest positive entropies --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Move:
    """-H(z|S) moved to -H(z|S, A), where +H(z|S, A) is there to meet it."""

    latents: Variables  #: z, one or several
    given: Variables  #: S
    added: Variables  #: A
    sources: tuple[Entropy, ...]  #: H(z|S), latent by latent
    targets: tuple[Entropy, ...]  #: H(z|S, A)


def take_meetings(
    model: Model, ledger: Ledger, rest: Sum, canon: Canon, canons: Mapping[NetworkName, Canon]
) -> Iterator[LocalEntropy]:
    """-H(z|S) meets +H(z|S, A) by decoders of A: A as small as may be, and equal ones equally.

    So -k H(z) = sum_i k/N [H(x_i|z) - H(x_i) - H(z|x_i)], where nothing that is written prefers
    one of N views. First by the decoders of p, then by those that the objective itself names.
    """
    if draws_in((), canon.under):
        return
    own = model.generation.conditionals if model.generation else ()
    ways: dict[Variable, list[Variables]] = {}
    for conditional in own:
        for name in conditional.children:
            ways.setdefault(name, []).append(frozenset(conditional.parents))
    yield from _met(model, ledger, rest, canon, canons, ways)
    for name, several in ledger.arrows.items():
        ways.setdefault(name, []).extend(several)
    yield from _met(model, ledger, rest, canon, canons, ways)


_Ways: TypeAlias = Mapping[
    Variable, Sequence[Variables]
]  #: what each variable may be predicted from


def _met(
    model: Model,
    ledger: Ledger,
    rest: Sum,
    canon: Canon,
    canons: Mapping[NetworkName, Canon],
    ways: _Ways,
) -> Iterator[LocalEntropy]:
    for moves in _moves(model, rest, canon, ways):
        ready = [one for one in moves if _is_ready(model, rest, one)]
        if not ready:
            continue
        need = _least([-rest[one] for one in ready[0].sources], model)
        most = [_least([rest[one] for one in each.targets], model) for each in ready]
        for move, share in zip(ready, _shares(need, most, model), strict=True):
            if share:
                known = move.latents | move.given
                collect(rest, canon.entropy(move.added, known), -share)
                lines = {line for one in (*move.sources, *move.targets)
                         for line in ledger.asked(one)}  # fmt: skip
                order = _in_order(move.added, canons)
                yield from _one_by_one(order, known, share, tuple(sorted(lines)), canon.under)


def _moves(model: Model, rest: Sum, canon: Canon, ways: _Ways) -> Iterator[list[_Move]]:
    """Moves from one set to all that are as near, the nearest first."""
    data = canon.independence.data
    seen, sets = {**rest}, _open_sets(rest, canon, model)
    for latents in sorted({way - data for several in ways.values() for way in several} - {_NONE},
                          key=canon.places):  # fmt: skip
        if seen != rest:  # a move that was made has changed it
            seen, sets = {**rest}, _open_sets(rest, canon, model)
        starts, targets = (
            {given for of, several in sets[kept].items() if latents >= of for given in several}
            for kept in (False, True)
        )
        for given in sorted(starts, key=canon.places):
            found = [
                move
                for target in targets
                if given < target
                and (move := _move(canon, latents, given, target, ways)) is not None
            ]
            for size in sorted({len(one.added) for one in found}):
                near = [one for one in found if len(one.added) == size]
                yield sorted(near, key=lambda one: canon.places(one.added))


def _open_sets(
    rest: Sum, canon: Canon, model: Model
) -> dict[bool, dict[Variables, set[Variables]]]:
    """The data in the conditions of open entropies, by what they are of; apart by their signs."""
    found: dict[bool, dict[Variables, set[Variables]]] = {False: {}, True: {}}
    for atom in open_atoms(rest, canon):
        given = frozenset(atom.given) & canon.independence.data
        found[nonnegative(rest[atom], model)].setdefault(frozenset(atom.of), set()).add(given)
    return found


def _move(
    canon: Canon, latents: Variables, given: Variables, target: Variables, ways: _Ways
) -> _Move | None:
    """The move from one set to a larger one, if decoders lead there and nowhere else."""
    added, known = target - given, latents | given

    def opened(counts: Counts) -> Counts:
        return {
            atom: count
            for atom, count in counts.items()
            if not canon.is_data(atom) and not canon.is_exact(atom)
        }

    sources = opened(canon.entropy(latents, given))
    targets = opened(canon.entropy(latents, target))
    moved = {**targets, **{atom: -count for atom, count in sources.items()}}
    if not sources or not targets or opened(canon.entropy(added, known)) != moved:
        return None
    for name in added:
        if not any(latents <= way <= known | added for way in ways.get(name, ())):
            return None
    return _Move(latents, given, added, tuple(sources), tuple(targets))


def _is_ready(model: Model, rest: Sum, move: _Move) -> bool:
    """Whether what is moved, and what it meets, are there over the parameters' whole range."""
    here = [-rest.get(one, ZERO) for one in move.sources]
    there = [rest.get(one, ZERO) for one in move.targets]
    return all(one and nonnegative(one, model) for one in (*here, *there))


def _least(several: Sequence[Weight], model: Model) -> Weight:
    """The least of some weights; zero where that changes over the parameters' range."""
    for one in several:
        if all(nonnegative(other - one, model) for other in several):
            return one
    return ZERO


def _shares(need: Weight, most: Sequence[Weight], model: Model) -> list[Weight]:
    """Equal shares of what is needed, none of them more than there is to meet; or none at all."""
    found = [ZERO] * len(most)
    left, open_places = need, [*range(len(most))]
    while open_places:
        share = left.scaled(Fraction(1, len(open_places)))
        full = [k for k in open_places if nonnegative(share - most[k], model)]
        if not full:
            certain = all(nonnegative(most[k] - share, model) for k in open_places)
            return [share if k in open_places and certain else found[k] for k in range(len(most))]
        for k in full:
            found[k], left = most[k], left - most[k]
        open_places = [k for k in open_places if k not in full]
    return found


# ---- all that is left ----------------------------------------------------------------------------


def take_decoders(
    model: Model, rest: Sum, canon: Canon, canons: Mapping[NetworkName, Canon]
) -> Iterator[LocalEntropy]:
    """-H(z) = -H(z|x) - H(x) + sum_i H(x_i|z, x_<i): a decoder p(x_i|z) bounds each of the last."""
    if model.generation is None or draws_in((), canon.under):
        return  # what r(S) says of one member alone has no form for all S
    trial = dict(rest)
    taken = list(_decoded(model, model.generation, trial, canon, canons))
    if not model.draws and _unaccounted(model, trial, canon):
        # Latents that depend on each other: all of them given, one decoder after the other
        # accounts for them, where that of one alone leaves the others open.
        wide, also = dict(rest), _latents_open(model, rest, canon)
        more = list(_decoded(model, model.generation, wide, canon, canons, also))
        if not _unaccounted(model, wide, canon):
            trial, taken = wide, more
    rest.clear()
    rest.update(trial)
    yield from taken


def _unaccounted(model: Model, rest: Sum, canon: Canon) -> int:
    """How many entropies of latents are left that only conditioning bounds."""
    return sum(not nonnegative(rest[atom], model) for atom in open_atoms(rest, canon))


def _latents_open(model: Model, rest: Sum, canon: Canon) -> Variables:
    """The latents in entropies of negative weight."""
    negative = [atom for atom in open_atoms(rest, canon) if not nonnegative(rest[atom], model)]
    names = {name for atom in negative for name in (*atom.of, *atom.given)}
    return frozenset(names) - canon.independence.data


def _decoded(
    model: Model,
    generation: Network,
    rest: Sum,
    canon: Canon,
    canons: Mapping[NetworkName, Canon],
    also: Variables = frozenset(),
) -> Iterator[LocalEntropy]:
    """Decoder by decoder, given what it reads and what is decoded, and `also` all of these."""
    decoded: Variables = frozenset()
    parents = {name: one.parents for one in generation.conditionals for name in one.children}
    for name in _in_order(parents, canons):
        given = also.union(parents[name], decoded)
        counts = canon.entropy(frozenset({name}), given)
        pivot = pivot_of(counts, canon)
        weight = -rest.get(pivot, ZERO) if pivot is not None else ZERO
        if weight and nonnegative(weight, model):
            collect(rest, counts, -weight)
            decoded |= {name}
            yield LocalEntropy(name, given, weight, under=canon.under)


# ---- in common -----------------------------------------------------------------------------------


def pivot_of(counts: Counts, canon: Canon, positive: bool = False) -> Entropy | None:
    """The entropy in a quantity that only this quantity accounts for: its last negative one."""
    found = [
        atom
        for atom, count in counts.items()
        if (count if positive else -count) > 0
        and not canon.is_data(atom)
        and not canon.is_exact(atom)
    ]
    return max(found, key=lambda atom: (len(atom.given), _atom_key(atom, canon)), default=None)


def open_atoms(rest: Sum, canon: Canon) -> list[Entropy]:
    """Entropies of latents, of one distribution, that are no encoder's own density."""
    return [
        atom
        for atom in rest
        if atom.under == canon.under and not canon.is_data(atom) and not canon.is_exact(atom)
    ]


def nonnegative(weight: Weight, model: Model) -> bool:
    """Whether a weight is nowhere negative over the parameters' range."""
    return sign(weight, model.parameters) in ("zero", "nonnegative")


def _one_by_one(
    nodes: Iterable[Variable],
    given: Variables,
    weight: Weight,
    lines: tuple[int, ...],
    under: NetworkName,
) -> Iterator[LocalEntropy]:
    """H(nodes | given) by the chain rule."""
    before: Variables = frozenset()
    for name in nodes:
        yield LocalEntropy(name, given | before, weight, lines, under)
        before |= {name}


def _in_order(nodes: Iterable[Variable], canons: Mapping[NetworkName, Canon]) -> list[Variable]:
    """Data in the order in which p generates them, so that a decoder may read an earlier one."""
    canon = canons[P if P in canons else Q]
    return sorted(nodes, key=lambda name: canon.places((name,)))


def _atom_key(atom: Entropy, canon: Canon) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return canon.places(atom.of), canon.places(atom.given)
