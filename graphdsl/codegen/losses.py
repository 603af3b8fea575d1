"""Terms to losses: weighted sums, what stands under a sign, and whose loss is what."""

from __future__ import annotations

__all__ = ["loss_lines", "player_lines", "sum_lines"]

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.codegen.expressions import number, weight
from graphdsl.codegen.layout import WIDTH
from graphdsl.ir.loss import Group, LossModule, LossTerm
from graphdsl.ir.weight import Weight


def sum_lines(module: LossModule) -> Iterator[str]:
    """The sums that stand under a sign."""
    terms = {term.name: term for term in module.terms}
    for group in module.groups:
        written = [_summand(terms[name].name, terms[name].weight) for name in group.terms]
        if group.offset:
            written.append(weight(group.offset))
        yield from _sum(group.name, written)


def loss_lines(module: LossModule) -> tuple[str, ...]:
    """The loss, or that of every player who has one."""
    if not module.players:
        return _loss("loss", module.terms, module.groups)
    lines: list[str] = []
    for one in module.players:
        terms = [term for term in module.terms if term.name in one.terms]
        groups = [group for group in module.groups if group.name in one.groups]
        lines += _loss(one.loss, terms, groups)
    return tuple(lines)


def _loss(name: str, terms: Iterable[LossTerm], groups: Iterable[Group]) -> tuple[str, ...]:
    """The weighted sum, on one line where it fits."""
    written = [_summand(term.name, term.weight) for term in terms if not term.within]
    for group in groups:
        match group.kind:
            case "abs":
                body = f"torch.abs(mean_over_ranks({group.name}))"
            case "max":
                bound = weight(group.bound) or number(0.0)
                body = f"torch.clamp(mean_over_ranks({group.name}), min={bound})"
            case "constraint":
                body = f"self.{group.multiplier}.penalty({group.name})"
        written.append(_summand(body, group.weight))
    return _sum(name, written)


def _sum(name: str, written: Sequence[str]) -> tuple[str, ...]:
    total = " + ".join(written).replace("+ -", "- ")
    if len(f"{name} = {total}") + 8 <= WIDTH:
        return (f"{name} = {total}",)
    if len(total) + 12 <= WIDTH:
        return (f"{name} = (", f"    {total}", ")")
    rest = [f"    + {summand}".replace("+ -", "- ") for summand in written[1:]]
    return (f"{name} = (", f"    {written[0]}", *rest, ")")


def _summand(body: str, factor: Weight) -> str:
    written = weight(factor)
    if written in ("1", "-1"):
        return f"{written[:-1]}{body}"
    return f"{written} * {body}"


def player_lines(module: LossModule) -> tuple[str, ...]:
    """Whose loss is what, where there is more than one player."""
    constraints = [group for group in module.groups if group.kind == "constraint"]
    others = {
        "critic": [part for term in module.terms if term.critic for part in _paid(term)],
        "structure": [one.loss for one in module.players if one.masks] or [_of_edges(module)],
        "multiplier": [f"self.{one.multiplier}.dual({one.name})" for one in constraints],
    }
    if not module.masks:
        del others["structure"]
    main = {one.name: [one.loss] for one in module.players} or {"model": ["loss"]}
    played = {name: losses for name, losses in others.items() if losses}
    if not module.players and not played:
        return ()
    return tuple(_player(name, losses) for name, losses in {**main, **played}.items())


def _of_edges(module: LossModule) -> str:
    """The loss of the edges' probabilities, with an unbiased gradient where one is asked for."""
    unbiased = any(one.gradient != "straight_through" for one in module.masks)
    return "self.structure_loss(loss, batch, noise)" if unbiased else "loss"


def _paid(term: LossTerm) -> Iterator[str]:
    """The loss of the critic of a term, and what it pays for its slope."""
    yield term.critic
    if term.slope is not None:
        yield _summand(term.slope.name, term.slope.weight)


def _player(name: str, losses: Sequence[str]) -> str:
    """An entry of what the players minimise, a sum's terms on lines of their own if it is long."""
    line, space = f'"{name}": {" + ".join(losses)}', " " * 16
    return line if len(line) + 17 <= WIDTH else f'"{name}": ' + f"\n{space}+ ".join(losses)
