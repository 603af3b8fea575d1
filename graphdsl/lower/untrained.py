"""Networks of q and p that no term trains: nothing in the loss is computed from what they say."""

from __future__ import annotations

__all__ = ["untrained"]

from collections.abc import Iterable, Iterator

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.loss import (
    Detach,
    DrawData,
    LossModule,
    PriorSample,
    Run,
    Sample,
    Statement,
    TermCode,
)
from graphdsl.ir.model import Model, Network
from graphdsl.lower.errors import Untrained
from graphdsl.lower.renaming import reads


def untrained(module: LossModule, model: Model) -> Iterator[Diagnostic]:
    """A warning for each network of q or p that no gradient reaches."""
    trained = _trained(module)
    networks = {"q": model.inference, "p": model.generation}
    for slot in module.networks:
        network = networks.get(slot.network)
        if network is not None and slot.attribute not in trained:
            names = slot.names[0] if len(slot.names) == 1 else f"{slot.names[0]}, ..."
            yield Untrained(span=_line_of(network, slot.children), names=names)


def _trained(module: LossModule) -> set[str]:
    """The attributes that the loss has a gradient in: from the terms, back to what they read."""
    needed = {name for term in module.terms for name in _read_by(term.code)}
    trained = {term.code.critic for term in module.terms}
    for statement in reversed(module.forward):
        if not _targets(statement) & needed:
            continue
        needed |= set(_read(statement))
        if isinstance(statement, Run) and not statement.frozen:
            trained.add(statement.slot)
    return trained


def _read_by(code: TermCode) -> Iterator[str]:
    refs = [code.left, code.right, code.value, *(one for some in code.samples for one in some)]
    refs += [ref for one in (*code.above, *code.below) for ref in (one.distribution, one.value)]
    yield from (ref.name for ref in refs if ref is not None)
    yield code.density


def _targets(statement: Statement) -> set[str]:
    density = statement.density if isinstance(statement, Sample) else ""
    return {statement.target, density} - {""}


def _read(statement: Statement) -> Iterable[str]:
    """The local names that a statement's gradient goes on to."""
    match statement:
        case Detach() | PriorSample():  # constants: of what they are of, the shape alone
            return []
        case DrawData(distribution=name):
            return [name]
        case _:
            return reads(statement)


def _line_of(network: Network, children: Iterable[str]) -> Span:
    wanted = set(children)
    one = next(each for each in network.conditionals if wanted & set(each.children))
    line = one.lines[0]
    return Span(line, one.column, line, one.column + 1)
