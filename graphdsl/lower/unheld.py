"""What an objective asks for, and its loss does not hold.

An upper bound may be true and say nothing: an information that stays in its gap does not close by
training, and a limit above what an information can be says nothing of it.
"""

from __future__ import annotations

__all__ = ["unheld"]

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import log, prod

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.draws import as_block
from graphdsl.ir.functionals import variables_of
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Collected, LocalEntropy, information
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model, MultiInformation, UncertaintyOf, Weighted, Wrapped
from graphdsl.ir.notation import names, weight_text
from graphdsl.ir.statements import Observe
from graphdsl.ir.weight import ONE
from graphdsl.lower.errors import AbsentVariable, IdleLimit, OpenGap


def unheld(
    several: Sequence[Collected],
    models: Sequence[Model],
    independences: Mapping[str, Independence],
    module: LossModule,
) -> Iterator[Diagnostic]:
    """Warnings about gaps that stay open, variables that are absent, and limits that are idle."""
    found: list[Diagnostic] = []
    for collected, model in zip(several, models, strict=True):
        for each in (collected, *(group.collected for group in collected.groups)):
            found += (_gap(one, model, independences) for one in each.intractable)
        found += _limits(model)
        found += _absent(model, module)
    yield from dict.fromkeys(found)


# ---- gaps ----------------------------------------------------------------------------------------


def _gap(one: LocalEntropy, model: Model, independences: Mapping[str, Independence]) -> Diagnostic:
    """-H(v|S) <= -H(v|Pa_v), with the gap I(v; Pa_v | S)."""
    missing = independences[one.under].parents(one.node) - one.given
    factor = "" if -one.weight == ONE else f"({weight_text(-one.weight)}) * "
    gap = f"{factor}{information(((one.node,), missing), one.given, one.under)}"
    largest = _least(_most((one.node,), model), _most(missing, model))
    size = "of any size" if largest is None else f"at most {largest:.3g} nats each"
    span, mend = _span(one.lines, model), _mend(one, missing, model)
    return OpenGap(span=span, gap=gap, size=size, mend=mend)


def _mend(one: LocalEntropy, missing: Collection[str], model: Model) -> str:
    """What to write, so that the gap closes: a decoder, an adversary or an estimator."""
    if all(one.startswith("selector_") for one in missing):
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
    first = next((one for one in model.objective if one.line in lines), model.objective[0])
    return Span(first.line, first.column, first.line, first.column + 1)


# ---- sizes ---------------------------------------------------------------------------------------


def _most(several: Iterable[str], model: Model) -> float | None:
    """The largest entropy of some variables in nats, sum of log k; None where it has no end."""
    total = 0.0
    for name in several:
        if as_block(name) is not None or name.startswith("selector_"):
            return None
        family = model.family_of(name)
        classes = 2 if family.kind == "binary" else family.classes
        if classes is None:
            return None
        total += prod(family.shape) * log(classes)
    return total


def _least(*several: float | None) -> float | None:
    return min((one for one in several if one is not None), default=None)


# ---- limits --------------------------------------------------------------------------------------


def _limits(model: Model) -> Iterator[Diagnostic]:
    """`I(z; s) <= 5` of a binary s: the information is at most log 2, whatever is trained."""
    for one in model.objective:
        if not isinstance(one.functional, Wrapped) or one.functional.kind == "abs":
            continue
        wrapped = one.functional
        limit, offset = wrapped.bound.constant, wrapped.offset.constant
        largest = _largest(wrapped.inner, model)
        if limit is None or offset is None or largest is None:
            continue
        if largest <= limit - offset:
            yield IdleLimit(
                span=Span(one.line, one.column, one.line, one.column + 1),
                largest=f"{largest:.3g}",
                limit=f"{float(limit - offset):.3g}",
            )


def _largest(inner: Iterable[Weighted], model: Model) -> float | None:
    """The largest value of a sum of informations of positive weight."""
    total = 0.0
    for one in inner:
        weight = one.weight.constant
        match one.functional:
            case MultiInformation(parts):
                known = [size for part in parts if (size := _most(part, model)) is not None]
                most = None if len(known) < len(parts) - 1 else sum(sorted(known)[: len(parts) - 1])
            case UncertaintyOf(of):
                most = _most(of, model)
            case _:
                most = None
        if weight is None or weight < 0 or most is None:
            return None
        total += float(weight) * most
    return total


# ---- absent variables ----------------------------------------------------------------------------


def _absent(model: Model, module: LossModule) -> Iterator[Diagnostic]:
    """Data that the objective speaks of, and that no statement of the loss reads."""
    read = {one.variable for one in module.forward if isinstance(one, Observe)}
    for one in model.asked():
        for name in names(variables_of(one.functional)):
            block = as_block(name)
            family = model.family_of(model.members(block.head)[0] if block else name)
            if family.role != "latent" and family.held_as not in read:
                span = Span(one.line, one.column, one.line, one.column + 1)
                yield AbsentVariable(span=span, name=family.held_as)
