"""Terms to losses: weighted sums, sums under a sign, and the loss of each player."""

from __future__ import annotations

__all__ = ["loss_lines", "player_entries", "sum_lines"]

from collections.abc import Iterable, Iterator

from graphdsl.codegen import tree as py
from graphdsl.codegen.expressions import Summand, signed, summand, weight
from graphdsl.codegen.words import assign, method, own, own_call, runtime, torch, total
from graphdsl.ir.loss import Group, LossModule, LossTerm


def sum_lines(module: LossModule) -> Iterator[py.Assign]:
    """The sums under a sign."""
    terms = {term.name: term for term in module.terms}
    for group in module.groups:
        summands: list[Summand] = list(_weighted(terms[name] for name in group.terms))
        if group.offset:
            negative, factors = signed(group.offset)
            summands.append((negative, factors or (py.Literal(1),)))
        yield assign(group.name, total(summands))


def loss_lines(module: LossModule) -> Iterator[py.Assign]:
    """The loss, or that of every player who has one."""
    if not module.players:
        yield _loss("loss", module.terms, module.groups)
    for player in module.players:
        terms = [term for term in module.terms if term.name in player.terms]
        groups = [group for group in module.groups if group.name in player.groups]
        yield _loss(player.loss, terms, groups)


def player_entries(module: LossModule) -> tuple[py.Entry, ...]:
    """The loss of each player, where there is more than one."""
    constraints = [group for group in module.groups if group.kind == "constraint"]
    main: dict[str, list[Summand]] = {
        player.name: [(False, (py.Name(player.loss),))] for player in module.players
    }
    played: dict[str, list[Summand]] = {
        "critic": [part for term in module.terms if term.critic for part in _paid(term)],
        "structure": [(False, (loss,)) for loss in _of_edges(module)],
        "multiplier": [
            (False, (method(own(constraint.multiplier), "dual", py.Name(constraint.name)),))
            for constraint in constraints
        ],
    }
    others = {name: losses for name, losses in played.items() if losses}
    if not main and not others:
        return ()
    main = main or {"model": [(False, (py.Name("loss"),))]}
    return tuple(py.Entry(name, total(losses)) for name, losses in {**main, **others}.items())


def _loss(name: str, terms: Iterable[LossTerm], groups: Iterable[Group]) -> py.Assign:
    """The weighted sum."""
    summands = list(_weighted(term for term in terms if not term.within))
    summands += (summand(_under_sign(group), group.weight) for group in groups)
    return assign(name, total(summands))


def _weighted(terms: Iterable[LossTerm]) -> Iterator[Summand]:
    return (summand(py.Name(term.name), term.weight) for term in terms)


def _under_sign(group: Group) -> py.Expression:
    inner = py.Name(group.name)
    mean = runtime("mean_over_ranks", inner)
    match group.kind:
        case "abs" | "square" as word:
            return torch(word, mean)
        case "max":
            return torch("clamp", mean, min=weight(group.bound))
        case "min":
            return torch("clamp", mean, max=weight(group.bound))
        case "constraint":
            return method(own(group.multiplier), "penalty", inner)


def _of_edges(module: LossModule) -> list[py.Expression]:
    """The losses of the edges' probabilities, with an unbiased gradient where one is asked for."""
    if not module.masks:
        return []
    if losses := [py.Name(player.loss) for player in module.players if player.masks]:
        return list(losses)
    if any(mask.gradient != "straight_through" for mask in module.masks):
        return [own_call("structure_loss", py.Name("loss"), py.Name("batch"), py.Name("noise"))]
    return [py.Name("loss")]


def _paid(term: LossTerm) -> Iterator[Summand]:
    """The loss of the critic of a term, and what it pays for its slope."""
    yield False, (py.Name(term.critic),)
    if term.slope is not None:
        yield summand(py.Name(term.slope.name), term.slope.weight)
