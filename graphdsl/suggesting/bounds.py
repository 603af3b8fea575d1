"""Proposals for bounds: a network of its own, which reads all that the entropy is given."""

from __future__ import annotations

__all__ = ["for_bounds"]

from collections.abc import Iterator

from graphdsl.ir.information import Entropy
from graphdsl.ir.loss import Bound, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import Variable, names, natural
from graphdsl.notation.folding import in_ranges, listed
from graphdsl.suggesting.amendments import Amendment


def for_bounds(term: LossTerm, model: Model) -> Iterator[Amendment]:
    """For each kind of bound of a term, `estimate H(v | S) with new` for all of that kind.

    +H(v | S) <= CE_r(v | S) has the gap E KL(q(v | S) || r(v | S)). The new network reads all of S
    and serves this bound alone, so that the least gap over it is no larger than that of a model
    which it can imitate.
    """
    kinds: dict[tuple[object, ...], list[Bound]] = {}
    for bound in term.bounds:
        if _is_askable(bound):
            kinds.setdefault(_kind(bound), []).append(bound)
    for bounds in kinds.values():
        targets = tuple(dict.fromkeys(str(bound.entropy.atom) for bound in bounds))
        yield Amendment(
            added=tuple(f"estimate {target} with new" for target in targets),
            targets=targets,
            known=_known(max(bounds, key=lambda bound: len(_missing(bound))), model),
        )
        yield from _named(bounds, model)


def _named(bounds: list[Bound], model: Model) -> Iterator[Amendment]:
    """The same by an inference network with a name, where one bound of a latent is meant."""
    (bound, *others) = bounds
    atom = bound.entropy.atom
    if others or not isinstance(atom, Entropy) or not atom.given or len(atom.of) > 1:
        return
    if model.roles[atom.of[0]][0] != "latent":
        return
    taken = {family.head for family in model.families} | {
        parameter.name for parameter in model.parameters
    }
    taken |= {mask.name for mask in model.masks} | {name for name, _ in model.constants}
    taken |= {network.name.base for network in model.further}
    name = next(f"s{k or ''}" for k in range(len(taken) + 1) if f"s{k or ''}" not in taken)
    yield Amendment(
        added=(
            f"infer {name} {{ {', '.join(names(atom.given))} -> {atom.of[0]} }}",
            f"estimate {atom} with {name}",
        ),
        targets=(str(atom),),
        known=f"{_known(bound, model)} The network has a name, for other terms and for `infer`.",
    )


def _is_askable(bound: Bound) -> bool:
    """Whether an `estimate` line can name the entropy: one variable, under q, of no drawn set."""
    atom = bound.entropy.atom
    if not isinstance(atom, Entropy) or len(atom.of) != 1 or atom.under != "q" or bound.lasting:
        return False
    return not any(name.block for name in (*atom.of, *atom.given))


def _kind(bound: Bound) -> tuple[object, ...]:
    """What bounds of one family have in common: their families, not their indices."""
    model = bound.model
    heads = (frozenset(name.head for name in part) for part in (model.children, model.parents))
    return (model.network, *heads)


def _missing(bound: Bound) -> list[Variable]:
    """What the entropy is given, and its model does not read."""
    atom = bound.entropy.atom
    given = atom.given if isinstance(atom, Entropy) else ()
    return sorted(set(given) - set(bound.model.parents), key=natural)


def _known(bound: Bound, model: Model) -> str:
    """Why the least gap is no larger; or that it is not known, where laws differ."""
    whose, missing = in_ranges(bound.model), listed(_missing(bound))
    if not _imitates(bound, model):
        return (
            f"Not known: {whose} may have a law that the new network cannot imitate. Compare the "
            "term on held-out rows."
        )
    start = (
        "For every q, the least gap over the new network is no larger: large enough, it can "
        f"imitate {whose}, and it"
    )
    rows = " This is of rows that have all that it reads." if _may_lack(bound, model) else ""
    if missing:
        bar = f" | {listed(whose.parents)}" if whose.parents else ""
        lost = f"I({bound.model.child}; {missing}{bar})"
        return (
            f"{start} reads {missing} as well, without which the gap is never below {lost}.{rows}"
        )
    return f"{start} serves no other term.{rows}"


def _may_lack(bound: Bound, model: Model) -> bool:
    atom = bound.entropy.atom
    given = atom.given if isinstance(atom, Entropy) else ()
    return any(model.family_of(name).optional for name in given)


def _imitates(bound: Bound, model: Model) -> bool:
    """Whether a network of the variable's own law can say all that the model says."""
    child = bound.model.child
    for network in (model.inference, model.generation, *model.further):
        conditional = network.conditional_of(model.labelled(child)) if network else None
        if conditional is None or network is None:
            continue
        if network.name.base == bound.model.network:
            if conditional.mixes or conditional.drawn is not None:
                return False
    return True
