"""One objective minus another under the same networks, in canonical form."""

from __future__ import annotations

__all__ = ["difference"]

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from graphdsl.ir.comparison import Share, Unequal
from graphdsl.ir.functionals import draws_of
from graphdsl.ir.graph import Dag
from graphdsl.ir.information import ModelAtom
from graphdsl.ir.model import Model
from graphdsl.ir.notation import Phrase, number_text
from graphdsl.ir.objective import Distance, DivergenceOfMarginals, Wrapped
from graphdsl.ir.symbols import NetworkName, Variable, names
from graphdsl.ir.weight import ZERO, Weight
from graphdsl.symbolic.canonical import Canon
from graphdsl.symbolic.expand import Ledger, expand_objective

_Canons: TypeAlias = Mapping[NetworkName, Canon]
_Dags: TypeAlias = Mapping[NetworkName, Dag]
_Key: TypeAlias = tuple[Phrase, bool]  #: a quantity, and whether it is a constant of the data

_SIGNS = "sums under |.|, max or a constraint differ, which may be equal for another reason"
_DRAWN = "means over drawn sets may be equal for another reason"


def difference(
    left: tuple[Model, _Dags], right: tuple[Model, _Dags], canons: _Canons, player: str = ""
) -> Unequal:
    """The right objective minus the left one, both expanded and collected.

    Canonical entropies are linearly independent over the distributions that follow G^q, and the
    networks of a cross-entropy are free. So the objectives are equal if and only if nothing is
    left; only signs that are not linear, and drawn sets, leave a doubt.

    Args:
        left: A resolved spec, and the DAG of each network that it projects on.
        right: Another over the same networks.
        canons: Canonical forms under each distribution, of the left spec.
        player: Whose objectives they are, where there are several.
    """
    here, there = (_shares(*one, canons) for one in (left, right))
    rest = {key: there.get(key, ZERO) - here.get(key, ZERO) for key in {**here, **there}}
    doubt = ""
    if _signs(*left, canons) != _signs(*right, canons):
        doubt = _SIGNS
    elif any(draws_of(term.functional) for model, _ in (left, right) for term in model.asked()):
        doubt = _DRAWN
    return Unequal(
        player=player,
        common=_listed(here),
        rest=_listed(rest),
        doubt=doubt if doubt == _SIGNS or any(rest.values()) else "",
    )


def _shares(model: Model, dags: _Dags, canons: _Canons) -> dict[_Key, Weight]:
    """What an objective amounts to outside of any sign, by its quantities as text."""
    ledger = expand_objective(model, dags, canons)
    weights: dict[_Key, Weight] = {}
    for key, weight in _quantities(model, ledger, canons):
        weights[key] = weights.get(key, ZERO) + weight
    return weights


def _quantities(model: Model, ledger: Ledger, canons: _Canons) -> Iterator[tuple[_Key, Weight]]:
    for entropy, weight in ledger.entropies.items():
        yield (Phrase((entropy,)), canons[entropy.under].is_data(entropy)), weight
    for atom, weight in ledger.models.items():
        yield (_model_phrase(model, atom), False), weight
    for distance, weight in ledger.distances.items():
        yield (_distance_phrase(distance), False), weight
    for sparsity, weight in ledger.sparsities.items():
        yield (Phrase(("sparsity(", sparsity.masks[0], ")")), False), weight
    for bound, weight in ledger.importances.items():
        yield (_importance_phrase(bound), False), weight


def _signs(model: Model, dags: _Dags, canons: _Canons) -> Counter[object]:
    """What is inside functions that are not linear, in canonical form."""
    signs: Counter[object] = Counter()
    for term in model.objective:
        if isinstance(term.functional, Wrapped):
            inner = replace(model, objective=term.functional.inner)
            shares = {key: w for key, w in _shares(inner, dags, canons).items() if w}
            sign = term.functional.kind, term.functional.offset, term.functional.bound
            signs[(term.weight, *sign, frozenset(shares.items()))] += 1
    return signs


def _listed(shares: Mapping[_Key, Weight]) -> tuple[Share, ...]:
    listed = [
        Share(weight, text, constant) for (text, constant), weight in shares.items() if weight
    ]
    return tuple(sorted(listed, key=lambda one: (one.constant, str(one.quantity))))


def _model_phrase(model: Model, atom: ModelAtom) -> Phrase:
    """A cross-entropy, a cost or a penalty, in words that tell different ones apart."""
    inner: tuple[object, ...] = (atom.node, *_bar(_given(model, atom)))
    if atom.environment:
        biased = ", biased" * atom.biased
        inner = (atom.penalty, "(", *inner, ", ", atom.environment, biased, ")")
    elif atom.cost:
        inner = ("cost(", *inner, ", ", atom.cost, ")")
    else:
        name = "r" if atom.network == "new" else atom.network
        under = () if atom.under == "q" else ("[", atom.under, "]")
        inner = ("E", *under, "[-log ", name, "(", *inner, ")]")
    if atom.among:
        inner += (" among ", atom.among)
    return Phrase(("frozen(", *inner, ")") if atom.frozen else inner)


def _given(model: Model, atom: ModelAtom) -> frozenset[Variable]:
    if atom.given is not None:
        return atom.given
    network = model.generation if atom.network == "p" else model.inference_of(atom.network)
    conditional = network.conditional_of(model.labelled(atom.node)) if network else None
    return frozenset(conditional.parents if conditional else ())


def _distance_phrase(one: Distance) -> Phrase:
    inner = names(one.variables)
    details = [one.game.word] if one.game else []
    details += [f"r1 = {number_text(one.r1)}"] if one.r1 else []
    with_ = f" with {', '.join(details)}" if details else ""
    return Phrase((one.name, "(", one.under, "(", inner, ") || p(", inner, "))", with_))


def _importance_phrase(one: DivergenceOfMarginals) -> Phrase:
    settings = [("k", str(one.samples)), *((n, number_text(v)) for n, v in one.settings)]
    details = ", ".join(f"{name} = {value}" for name, value in settings)
    frozen = "frozen " * one.frozen
    inner = (names(one.variables) if one.variables else "all", *_bar(one.given))
    how = f" with {one.method.word}({details}), {one.experts}"
    return Phrase((frozen, "KL(", one.under, " || p) of ", *inner, how))


def _bar(given: frozenset[Variable]) -> tuple[object, ...]:
    return (" | ", names(given)) if given else ()
