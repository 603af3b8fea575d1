"""Separate the players of several objectives: each trains its own networks, and no other's.

Every objective is planned as if it were alone. The programs are then put together: what two of them
compute alike stands once, and a network that is not the player's own is run so that no gradient of
this objective enters it.

Law: the loss of each player, and its gradient with respect to its own networks, are those of its
objective alone; its gradient with respect to all others is zero.
"""

from __future__ import annotations

__all__ = ["Part", "put_together", "unowned"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.loss import Group, LossTerm, NetworkSlot, PlayerSlot
from graphdsl.ir.model import Model
from graphdsl.ir.networks import owners_of_edges
from graphdsl.ir.objective import Player
from graphdsl.ir.statements import Detach, Fuse, Observe, OneHot, Run, Statement
from graphdsl.ir.values import Attribute, Value
from graphdsl.program.blocks import Block
from graphdsl.program.errors import NobodyTrains
from graphdsl.program.names import Names
from graphdsl.program.state import Plan
from graphdsl.program.substitution import inputs, outputs, replaced

_PREDICTORS = "predictors"


@dataclass(slots=True)
class Part:
    """An objective that is planned: its statements are those of its plan."""

    player: Player
    plan: Plan
    terms: tuple[LossTerm, ...]
    groups: tuple[Group, ...]

    @property
    def tag(self) -> str:
        """What sets its keys apart from those of another: `~for(p)`."""
        return f"~for({','.join(self.player.owners)})"


def put_together(
    parts: Sequence[Part], taken: Names
) -> tuple[Plan, tuple[LossTerm, ...], tuple[PlayerSlot, ...]]:
    """One plan of all parts, their terms, and what each player trains."""
    trained = _trained(parts)
    whole = parts[0].plan
    forward = Block()
    wishes: set[str] = set()
    terms: list[LossTerm] = []
    for part in parts:
        own = trained[part.player.name]
        subsets = _subsets(whole, part)
        values: dict[Value, Value] = {}
        for held in _held_masks(part):
            values[held.source] = forward.add(held).target
        for statement in list(part.plan.forward):
            _put(forward, _held(statement, own, subsets), values, wishes, part.tag)
        terms += (_of_player(term, values, part) for term in part.terms)
        for slot in part.plan.program.networks.values():
            whole.program.add_network(slot)
    whole.forward = Block(_in_one_pass(list(forward)))
    networks = tuple(whole.program.networks.values())
    return whole, tuple(terms), tuple(_slot(part, trained, networks, taken) for part in parts)


def unowned(parts: Sequence[Part]) -> Iterator[Diagnostic]:
    """Distributions whose networks run, or whose edges are learned, and that nobody trains."""
    owned = {name for part in parts for name in part.player.owners}
    runs = {
        statement.slot
        for part in parts
        for statement in part.plan.forward
        if isinstance(statement, Run)
    }
    first, plan = parts[0].player, parts[0].plan
    masks = {owner: mask for mask, whose in _edges(plan.model).items() for owner in whose}
    for owner in dict.fromkeys((*plan.program.owners.values(), *masks)):
        of_owner = {name for name, whose in plan.program.owners.items() if whose == owner}
        if owner in (*owned, _PREDICTORS) or not (of_owner & runs or owner in masks):
            continue
        of_mask = f"the edges under `{masks.get(owner)}` are learned"
        yield NobodyTrains(
            span=Span(first.line, first.column, first.line, first.column + 1),
            name=owner,
            reason=f"the objectives run `{owner}`" if of_owner & runs else of_mask,
            example=f"minimize ... for {', '.join((*first.owners, owner))}",
        )


def _edges(model: Model) -> dict[str, frozenset[str]]:
    """Whose edges stand under each learned mask."""
    return owners_of_edges((model.inference, *model.further, *filter(None, [model.generation])))


def _own_masks(part: Part) -> tuple[str, ...]:
    """The masks whose edges follow the objective: those of its player, and those of nobody."""
    model = part.plan.model
    whose = _edges(model)
    own = frozenset(part.player.owners)
    return tuple(m.name for m in model.masks if whose.get(m.name, own) & own)


def _held_masks(part: Part) -> Iterator[Detach]:
    """The masks of other players, which an objective that reads them leaves as they are."""
    own, known = _own_masks(part), part.plan.inputs
    read = {value for statement in part.plan.forward for value in inputs(statement)}
    for mask in part.plan.model.masks:
        value = known.mask(mask.name)
        if mask.name not in own and value in read:
            yield Detach(target=Value(f"{mask.name}~held"), source=value)


def _trained(parts: Sequence[Part]) -> dict[str, set[str]]:
    """The networks of each player; one made for a term is its whose objective first has it.

    What a critic trains is nobody else's.
    """
    owners = parts[0].plan.program.owners
    trained = {
        part.player.name: {name for name, who in owners.items() if who in part.player.owners}
        for part in parts
    }
    runs = [
        statement for part in parts for statement in part.plan.forward if isinstance(statement, Run)
    ]
    taken = set().union(*trained.values(), {run.slot for run in runs if run.detached})
    for part in parts:
        for statement in part.plan.forward:
            if (
                not isinstance(statement, Run)
                or statement.frozen
                or statement.detached
                or statement.slot in taken
            ):
                continue
            if owners.get(statement.slot) == _PREDICTORS:
                taken.add(statement.slot)
                trained[part.player.name].add(statement.slot)
    return trained


def _held(statement: Statement, own: set[str], subsets: Mapping[Attribute, Attribute]) -> Statement:
    """The statement, for a player who trains some networks alone."""
    if isinstance(statement, Run) and not statement.detached:
        return replace(statement, frozen=statement.frozen or statement.slot not in own)
    if isinstance(statement, Fuse):
        return replace(statement, subsets=subsets.get(statement.subsets, statement.subsets))
    return statement


def _put(
    forward: Block,
    statement: Statement,
    values: dict[Value, Value],
    wishes: set[str],
    tag: str,
) -> None:
    """Add a statement, unless the same is there; another player's value gets another name."""
    one = replaced(statement, values)
    computed = outputs(one)
    if not wishes.isdisjoint(value.name for value in computed):
        own = {value: replace(value, name=f"{value.name}{tag}") for value in computed}
        one = replaced(one, own)
    held = forward.add_first(one) if isinstance(one, Observe) else forward.add(one)
    values.update(zip(outputs(statement), outputs(held), strict=True))
    wishes.update(value.name for value in outputs(held))


def _in_one_pass(forward: Sequence[Statement]) -> Iterator[Statement]:
    """A network that one objective trains, and another asks about the same data, runs once."""
    data = {statement.target for statement in forward if isinstance(statement, Observe | OneHot)}
    trains: dict[Run, Run] = {
        statement: statement
        for statement in forward
        if isinstance(statement, Run) and not statement.frozen and not statement.detached
    }
    done: set[Run] = set()
    for statement in forward:
        first: Run | None = None
        if isinstance(statement, Run) and statement.frozen and not statement.output.is_distribution:
            first = trains.get(replace(statement, frozen=False))
        if isinstance(statement, Run) and statement in done:
            continue
        if first is None or not data.issuperset(inputs(first)):
            done |= {statement} if isinstance(statement, Run) else set()
            yield statement
            continue
        if first not in done:
            done.add(first)
            yield first
        if isinstance(statement, Run):
            yield Detach(target=statement.target, source=first.target)


def _of_player(term: LossTerm, values: Mapping[Value, Value], part: Part) -> LossTerm:
    return replace(replaced(term, values), player=part.player.name)


def _subsets(whole: Plan, part: Part) -> dict[Attribute, Attribute]:
    """Lists of subsets under the names that they have in all: where two differ, the second's."""
    subsets: dict[Attribute, Attribute] = {}
    for name, rows in part.plan.program.subsets if part.plan is not whole else ():
        known = dict(whole.program.subsets)
        if known.get(name, rows) != rows:
            subsets[name] = Attribute(f"{name}{part.tag}")
        if subsets.get(name, name) not in known:
            whole.program.subsets.append((subsets.get(name, name), rows))
    return subsets


def _slot(
    part: Part, trained: Mapping[str, set[str]], networks: Iterable[NetworkSlot], names: Names
) -> PlayerSlot:
    attributes: list[Attribute] = []
    for slot in networks:
        if slot.attribute in trained[part.player.name]:
            attributes += [slot.attribute, *([slot.scale.attribute] if slot.scale else [])]
    return PlayerSlot(
        name=part.player.name,
        loss=names.take(f"loss:{'_'.join(part.player.owners)}"),
        terms=tuple(term.name for term in part.terms if not term.within),
        groups=tuple(group.name for group in part.groups),
        attributes=tuple(attributes),
        masks=_own_masks(part),
    )
