"""What an objective asks for, and its loss does not hold.

An upper bound may be true and say nothing: an information that stays in its gap does not close by
training, and a limit above what an information can be says nothing of it.
"""

from __future__ import annotations

__all__ = ["unheld"]

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from graphdsl.bound.lasting import largest_entropy, lasting_gap
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.functionals import variables_of
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import (
    Atom,
    Collected,
    CrossEntropy,
    DivergenceAtom,
    Entropy,
    Information,
    LocalEntropy,
    PenaltyAtom,
    TotalCorrelation,
)
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.objective import MultiInformation, UncertaintyOf, Weighted, Wrapped
from graphdsl.ir.statements import Observe
from graphdsl.ir.symbols import NetworkName, Selector, Variable, names
from graphdsl.lower.errors import AbsentVariable, CollapsedLatent, IdleLimit, OpenGap
from graphdsl.notation.folding import listed
from graphdsl.signs import sign


def unheld(
    collections: Sequence[Collected],
    models: Sequence[Model],
    independences: Mapping[NetworkName, Independence],
    module: LossModule,
) -> Iterator[Diagnostic]:
    """Warnings about gaps that stay open, variables that are absent, and limits that are idle."""
    diagnostics: list[Diagnostic] = []
    for collected, model in zip(collections, models, strict=True):
        for each in (collected, *(group.collected for group in collected.groups)):
            diagnostics += (_gap(one, model, independences) for one in each.intractable)
        diagnostics += _limits(model)
        diagnostics += _absent(model, module)
    diagnostics += _collapsed(module, models)
    yield from dict.fromkeys(diagnostics)


# ---- gaps ----------------------------------------------------------------------------------------


def _gap(
    one: LocalEntropy, model: Model, independences: Mapping[NetworkName, Independence]
) -> Diagnostic:
    """-H(v|S) <= -H(v|Pa_v), with the gap I(v; Pa_v | S)."""
    independence = independences[one.under]
    gap = lasting_gap(one, independence, model)
    mend = _mend(one, independence.parents(one.node) - one.given, model)
    return OpenGap(span=_span(one.lines, model), gap=str(gap.gap), size=gap.size, mend=mend)


def _mend(one: LocalEntropy, missing: Collection[Variable], model: Model) -> str:
    """What to write, so that the gap closes: a decoder, an adversary or an estimator."""
    if all(isinstance(one, Selector) for one in missing):
        return "the term without `with one_expert`: its rate is of the mixture itself"
    role = {node.name: node.role for node in model.nodes}  # selectors and sets have none
    data = [name for name in names(missing) if role.get(name) == "observed"]
    known = [*names(one.given), one.node]
    ways = [f"`{', '.join(known)} -> {data[0]}` in `p`"] if data else []
    asked = [name for name in names(one.given) if role.get(name, "latent") != "latent"]
    if asked:
        ways.append(f"`CE({asked[0]} | {one.node})` with the sign of H({asked[0]} | {one.node})")
    if len(one.given) == 1:
        other = names(one.given)[0]
        ways.append(f"`estimate I({one.node}; {other}) with adversary`")
    return ", or ".join(ways) or "a network whose arrows name a decoder"


def _span(lines: Sequence[int], model: Model) -> Span:
    first = next((term for term in model.objective if term.line in lines), model.objective[0])
    return Span(first.line, first.column, first.line, first.column + 1)


# ---- limits --------------------------------------------------------------------------------------


def _limits(model: Model) -> Iterator[Diagnostic]:
    """`I(z; s) <= 5` of a binary s: the information is at most log 2, whatever is trained."""
    for term in model.objective:
        if not isinstance(term.functional, Wrapped) or term.functional.kind in ("abs", "square"):
            continue
        wrapped = term.functional
        limit, offset = wrapped.bound.constant, wrapped.offset.constant
        largest = _largest(wrapped.inner, model)
        if limit is None or offset is None or largest is None:
            continue
        if largest <= limit - offset:
            yield IdleLimit(
                span=Span(term.line, term.column, term.line, term.column + 1),
                largest=f"{largest:.3g}",
                limit=f"{float(limit - offset):.3g}",
            )


def _largest(inner: Iterable[Weighted], model: Model) -> float | None:
    """The largest value of a sum of informations of positive weight."""
    total = 0.0
    for term in inner:
        weight = term.weight.constant
        match term.functional:
            case MultiInformation(parts):
                known = [
                    size for part in parts if (size := largest_entropy(part, model)) is not None
                ]
                most = None if len(known) < len(parts) - 1 else sum(sorted(known)[: len(parts) - 1])
            case UncertaintyOf(of):
                most = largest_entropy(of, model)
            case _:
                most = None
        if weight is None or weight < 0 or most is None:
            return None
        total += float(weight) * most
    return total


# ---- absent variables ----------------------------------------------------------------------------


def _absent(model: Model, module: LossModule) -> Iterator[Diagnostic]:
    """Data that the objective speaks of, and that no statement of the loss reads."""
    read = {statement.variable for statement in module.forward if isinstance(statement, Observe)}
    for term in model.asked():
        for name in names(variables_of(term.functional)):
            block = name.block
            family = model.family_of(model.members(block.head)[0] if block else name)
            if family.role != "latent" and family.held_as not in read:
                span = Span(term.line, term.column, term.line, term.column + 1)
                yield AbsentVariable(span=span, name=family.held_as, latent=_latent(term, model))


def _latent(one: Weighted, model: Model) -> str:
    """A latent that a functional speaks of, or the first of all."""
    latents = [node.name for node in model.nodes if node.role == "latent"]
    asked = variables_of(one.functional)
    return next((name for name in latents if name in asked), latents[0])


# ---- latents that nothing asks to hold data ------------------------------------------------------


def _collapsed(module: LossModule, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Latents that only their own rate is of: the loss is least where they tell nothing."""
    if any(term.code.kind == "importance" for term in module.terms):
        return  # a bound by several samples is of every latent
    model = replace(models[0], objective=_asked(models))
    latents = {node.name for node in model.nodes if node.role == "latent"}
    rates: list[LossTerm] = []
    reached: set[Variable] = set()
    for term in module.terms:
        if _is_rate(term, model):
            rates.append(term)
        else:
            reached |= _speaks_of(term) | _classified(term, model)
    while more := {
        name
        for term in rates
        if not reached.isdisjoint(_own(term))
        for name in _speaks_of(term) - reached
    }:
        reached |= more
    lost: dict[Variable, dict[Variable, LossTerm]] = {}
    for term in rates:
        for name in sorted(_own(term) & latents - reached):
            lost.setdefault(model.family_of(name).name, {}).setdefault(name, term)
    for head, terms in lost.items():
        whole = all(member in terms for member in model.members(head))
        first = next(iter(terms.values()))
        collapsed = str(head) if whole else listed(terms)
        yield CollapsedLatent(span=_span(first.lines, model), name=collapsed)


def _is_rate(term: LossTerm, model: Model) -> bool:
    """A KL of a latent's encoder from another density, which is paid for."""
    paid = sign(term.weight, model.parameters) == "nonnegative"
    return term.code.kind == "kl" and paid and not term.within and not term.critic


def _asked(models: Iterable[Model]) -> tuple[Weighted, ...]:
    """The objectives of all players."""
    return tuple(term for model in models for term in model.objective)


def _own(term: LossTerm) -> set[Variable]:
    """The latents that a rate is of."""
    atoms = (one.atom for one in term.stands_for)
    return {name for atom in atoms if isinstance(atom, Entropy | CrossEntropy) for name in atom.of}


def _speaks_of(term: LossTerm) -> set[Variable]:
    """All variables that a term is of."""
    return {name for one in term.stands_for for name in _variables(one.atom)}


def _classified(term: LossTerm, model: Model) -> set[Variable]:
    """The latents whose own encoder is asked for a label, and so is trained by it."""
    inferring = {network.name for network in (model.inference, *model.further)}
    return {
        model.labelled(name)
        for atom in (one.atom for one in term.stands_for)
        if isinstance(atom, CrossEntropy) and atom.model.network in inferring
        for name in atom.of
    }


def _variables(atom: Atom) -> Iterable[Variable]:
    match atom:
        case Entropy() | CrossEntropy():
            return (*atom.of, *atom.given)
        case Information():
            return (*atom.left, *atom.right, *atom.given)
        case TotalCorrelation():
            return (*sum(atom.parts, ()), *atom.given)
        case DivergenceAtom():
            return atom.of
        case PenaltyAtom():
            return (atom.of, *atom.given)
