"""What is observed or given: taken from a batch, and written as networks read it."""

from __future__ import annotations

__all__ = ["labels_of", "masks", "observed", "one_hot", "parents_of", "sampled"]

from collections.abc import Iterable, Iterator

from graphdsl.ir.model import Family, Model
from graphdsl.ir.slots import Slot
from graphdsl.ir.statements import Observe, OneHot, Ref
from graphdsl.program import keys
from graphdsl.program.runs import Plan, tensor_shape


def observed(family: Family, source: str = "batch") -> Observe:
    """Take a variable or a family from a batch."""
    return Observe(
        target=family.name,
        seen=keys.seen(family),
        variable=family.held_as,
        shape=tensor_shape(family),
        source=source,
        some=family.optional and source == "batch",
    )


def one_hot(
    family: Family, name: str = "", shape: tuple[int, ...] | None = None
) -> Iterator[OneHot]:
    """The vector of a category, where networks are to read it: of a family, or of some members."""
    if family.classes is not None:
        rows = tensor_shape(family) if shape is None else shape
        yield OneHot(
            target=keys.one_hot(name or family.name),
            value=name or family.name,
            classes=family.classes,
            shape=(*rows, family.classes),
        )


def masks(model: Model, nodes: Iterable[str]) -> tuple[Ref, ...]:
    """The masks of those variables that rows may lack."""
    found = []
    for node in nodes:
        family = model.family_of(node)
        if family.optional:
            place = family.nodes.index(node)
            single = family.members is None
            found.append(Ref(keys.seen(family), None if single else (place,), not single))
    return tuple(found)


def labels_of(model: Model, slots: Iterable[Slot]) -> Iterator[str]:
    """The labels of the children that rows may know."""
    for slot in slots:
        family = model.family_of(slot.children[0])
        yield from (family.label(name) for name in slot.children if family.labels)


def parents_of(slots: Iterable[Slot]) -> set[str]:
    """All that networks read."""
    return {name for slot in slots for one in slot.conditionals for name in one.parents}


def sampled(plan: Plan, family: Family) -> Ref:
    """The samples of q: data are taken from the batch, if nothing took them before."""
    target = Ref(family.name)
    if family.role != "latent":
        statement = observed(family)
        if statement not in plan.forward:
            plan.forward.insert(0, statement)
        return target
    return plan.value(family.nodes)
