"""Networks that no term trains, and objectives of which their own player has no network.

Nothing in the loss is computed from what these say, or only through a network that holds still.
"""

from __future__ import annotations

__all__ = ["untrained", "without_part"]

from collections.abc import Iterable, Iterator

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.loss import LossModule, LossTerm, NetworkSlot
from graphdsl.ir.model import Model
from graphdsl.ir.notation import shortened
from graphdsl.ir.statements import Detach, DrawData, PriorSample, Run, Statement
from graphdsl.ir.values import Value
from graphdsl.lower.errors import NoPart, Untrained
from graphdsl.program.passes.drop_unused import read_by_term
from graphdsl.program.substitution import inputs, outputs


def untrained(module: LossModule, model: Model) -> Iterator[Diagnostic]:
    """A warning for each network that no gradient reaches: of q, p and `infer`, and predictors."""
    trained = _reached(module, module.terms)
    critics = {*module.critics, *(term.code.critic for term in module.terms)}
    for slot in module.networks:
        if slot.attribute in trained or slot.attribute in critics:
            continue
        names = slot.names[0] if len(slot.names) == 1 else f"{slot.names[0]}, ..."
        line = _line_of(slot, model)
        if line is not None:
            yield Untrained(span=line, names=names, owner="delete the line")
        elif model.players:
            first = model.players[0]
            span = Span(first.line, first.column, first.line, first.column + len("minimize"))
            yield Untrained(span=span, names=names, owner="name `predictors` after its `for`")


def without_part(module: LossModule, model: Model) -> Iterator[Diagnostic]:
    """A mistake for each player who trains nothing that his objective depends on."""
    named = {network.attribute: network.names[0] for network in module.networks}
    for player, slot in zip(model.players, module.players, strict=True):
        terms = [term for term in module.terms if term.player == slot.name]
        if _reached(module, terms) & set(slot.attributes):
            continue
        runs = _reached(module, terms, held=True)
        others = [one.name for one in module.players if runs & set(one.attributes)]
        others = others or [one.name for one in module.players if one is not slot]
        networks = [name for attribute, name in named.items() if attribute in runs]
        yield NoPart(
            span=Span(player.line, player.column, player.line, player.column + len("minimize")),
            player=slot.name.replace(",", ", "),
            networks=", ".join(shortened(networks, "...")) or "no network",
            others=(others[0] if others else "q").replace(",", ", "),
        )


def _reached(module: LossModule, terms: Iterable[LossTerm], held: bool = False) -> set[str]:
    """The attributes that terms have a gradient in, back from what they read.

    With those that are `held` still, all that terms are computed by.
    """
    terms_left = list(terms)
    needed = {
        value for term in terms_left for value in (*read_by_term(term.code), term.critic_model)
    }
    attributes: set[str] = {term.code.critic for term in terms_left}
    for statement in reversed(module.forward):
        if needed.isdisjoint(outputs(statement)):
            continue
        needed |= set(_read(statement))
        needed |= {statement.source} if held and isinstance(statement, Detach) else set()
        if isinstance(statement, Run) and (held or not statement.frozen):
            attributes.add(statement.slot)
    return attributes


def _read(statement: Statement) -> Iterable[Value]:
    """The values that a statement's gradient goes on to."""
    match statement:
        case Detach() | PriorSample() | Run(detached=True):  # constants: the shape alone counts
            return []
        case DrawData(distribution=value):
            return [value]
        case _:
            return inputs(statement)


def _line_of(slot: NetworkSlot, model: Model) -> Span | None:
    """The line that declares a network; none where the compiler made it for a bound."""
    wanted = set(slot.children)
    networks = (model.inference, *model.further, *filter(None, (model.generation,)))
    for network in networks:
        if network.name.base != slot.network:
            continue
        for conditional in network.conditionals:
            if wanted & set(conditional.children):
                line = conditional.lines[0]
                return Span(line, conditional.column, line, conditional.column + 1)
    return None
