"""Negative entropies of latents turned into decoders: -H(z|S) = H(x|z, S) - H(x|S) - H(z|x, S).

Each decoder bounds the first of these, so that an entropy of negative weight moves from S to a
larger set, until a positive one meets it or it is an encoder's own. What the objective names goes
first: `-I(z; y)`, or the arrows of a network. Then an entropy moves to the nearest positive ones,
in equal shares where several are as near; and what is left to the encoder's own.
"""

from __future__ import annotations

__all__ = ["pivot_of", "take_decoders", "take_hints", "take_meetings"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from graphdsl.ir.draws import draws_in
from graphdsl.ir.information import Entropy, LocalEntropy
from graphdsl.ir.model import Model, Network
from graphdsl.ir.signs import sign
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.symbolic.canonical import Canon, Counts, Sum, collect
from graphdsl.symbolic.expand import Hint, Ledger
from graphdsl.symbolic.recognise import recognised

Variables = frozenset[str]


# ---- what the objective names ------------------------------------------------------------------


def take_hints(
    model: Model, ledger: Ledger, rest: Sum, canons: Mapping[str, Canon]
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
            yield from _one_by_one(order, hint.given, taken, ledger.asked(hint), hint.under)


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
    hint: Hint, canons: Mapping[str, Canon]
) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    canon = canons[hint.under]
    return hint.under, canon.places(hint.nodes), canon.places(hint.given)


# ---- the nearest positive entropies --------------------------------------------------------------


def take_meetings(
    model: Model, ledger: Ledger, rest: Sum, canon: Canon, canons: Mapping[str, Canon]
) -> Iterator[LocalEntropy]:
    """-H(z|S) meets +H(z|S, A) by decoders of A: A as small as may be, and equal ones equally.

    So -k H(z) = sum_i k/N [H(x_i|z) - H(x_i) - H(z|x_i)], where nothing that is written prefers
    one of N views. First by the decoders of p, then by those that a network's arrows name.
    """
    if draws_in((), canon.under):
        return
    for named in (False, True):
        for source in _sources(model, rest, canon):
            for meeting in _meetings(model, ledger, rest, canon, source, named):
                shares = _shares(-rest.get(source, ZERO), [rest[one] for one in meeting], model)
                for target, share in zip(meeting, shares, strict=True):
                    if not share:
                        continue
                    added = frozenset(target.given) - set(source.given)
                    given = frozenset((*source.of, *source.given))
                    collect(rest, canon.entropy(added, given), -share)
                    lines = tuple(sorted({*ledger.asked(source), *ledger.asked(target)}))
                    order = _in_order(added, canons)
                    yield from _one_by_one(order, given, share, lines, canon.under)


def _sources(model: Model, rest: Sum, canon: Canon) -> list[Entropy]:
    found = [one for one in open_atoms(rest, canon) if not nonnegative(rest[one], model)]
    certain = [one for one in found if sign(rest[one], model.parameters) == "nonpositive"]
    return sorted(certain, key=lambda one: _atom_key(one, canon))


def _meetings(
    model: Model, ledger: Ledger, rest: Sum, canon: Canon, source: Entropy, named: bool
) -> Iterator[list[Entropy]]:
    """What an entropy may meet, by how many decoders it takes; read anew as `rest` changes."""
    targets = [
        one
        for one in open_atoms(rest, canon)
        if one.of == source.of
        and nonnegative(rest[one], model)
        and _decodes(model, ledger, canon, source, one, named)
    ]
    for size in sorted({len(one.given) for one in targets}):
        if source in rest:
            near = [one for one in targets if len(one.given) == size and rest.get(one)]
            yield sorted(near, key=lambda one: _atom_key(one, canon))


def _decodes(
    model: Model, ledger: Ledger, canon: Canon, source: Entropy, target: Entropy, named: bool
) -> bool:
    """Whether decoders lead from H(z|S) to H(z|S, A), and there alone."""
    added, given = frozenset(target.given) - set(source.given), frozenset(source.given)
    if not added or not given < frozenset(target.given) or not added <= canon.independence.data:
        return False
    known = given | frozenset(source.of)
    moved = {atom: n for atom, n in canon.entropy(added, known).items() if not canon.is_data(atom)}
    if moved != {target: 1, source: -1}:
        return False
    own = model.generation.conditionals if model.generation else ()
    read = {child: frozenset(one.parents) for one in own for child in one.children}
    for name in added:
        ways = [read[name]] if name in read else []
        ways += ledger.arrows.get(name, ()) if named else ()
        if not any(frozenset(source.of) <= way <= known | added for way in ways):
            return False
    return True


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
    model: Model, rest: Sum, canon: Canon, canons: Mapping[str, Canon]
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
    canons: Mapping[str, Canon],
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
    nodes: Iterable[str], given: Variables, weight: Weight, lines: tuple[int, ...], under: str
) -> Iterator[LocalEntropy]:
    """H(nodes | given) by the chain rule."""
    for name in nodes:
        yield LocalEntropy(name, given, weight, lines, under)
        given |= {name}


def _in_order(nodes: Iterable[str], canons: Mapping[str, Canon]) -> list[str]:
    """Data in the order in which p generates them, so that a decoder may read an earlier one."""
    canon = canons["p"] if "p" in canons else canons["q"]
    return sorted(nodes, key=lambda name: canon.places((name,)))


def _atom_key(atom: Entropy, canon: Canon) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return canon.places(atom.of), canon.places(atom.given)
