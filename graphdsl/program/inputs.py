"""What every method may read: data, which rows have them, learned masks, and drawn sets."""

from __future__ import annotations

__all__ = ["Inputs", "labels_of", "parents_of", "tensor_shape"]

from collections.abc import Iterable, Iterator

from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.statements import Observe, OneHot
from graphdsl.ir.symbols import Variable
from graphdsl.ir.values import Ref, Value
from graphdsl.slots.slots import Slot


class Inputs:
    """The values of one program that no network computes, each made once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._values: dict[str, Value] = {}
        self._vectors: dict[Value, Value] = {}

    def declared(self, family: Family) -> Value:
        """A variable or a family, as the caller passes it."""
        return self._value(family.name, tensor_shape(family))

    def seen(self, family: Family) -> Value:
        """Which rows have a variable, or which of its members."""
        members = () if family.members is None else (len(family.members),)
        return self._value(f"seen:{family.name}", members)

    def mask(self, name: str) -> Value:
        """The edges of a learned mask."""
        return self._value(name, None)

    def drawn_set(self, name: str, count: int) -> Value:
        """Which of the members are in a set that is drawn."""
        return self._value(f"chosen:{name}", (count,))

    def vector(self, value: Value, family: Family) -> Value:
        """A category, or a family of them, as the vectors that networks read."""
        if value not in self._vectors:
            shape = (*(value.shape or ()), family.classes or 0)
            self._vectors[value] = Value(f"one_hot:{value.name}", shape)
        return self._vectors[value]

    def observed(self, family: Family, source: str = "batch") -> Observe:
        """Take a variable or a family from a batch."""
        return Observe(
            target=self.declared(family),
            seen=self.seen(family),
            variable=family.held_as,
            source=source,
            some=family.optional and source == "batch",
        )

    def one_hot(self, family: Family, value: Value | None = None) -> Iterator[OneHot]:
        """The vector of a category, where networks are to read it: of a family, or of a value."""
        if family.classes is not None:
            held = self.declared(family) if value is None else value
            yield OneHot(target=self.vector(held, family), value=held, classes=family.classes)

    def masks(self, nodes: Iterable[Variable]) -> tuple[Ref, ...]:
        """Which rows have each of those variables that rows may lack."""
        slots = []
        for node in nodes:
            family = self._model.family_of(node)
            if family.optional:
                place = family.nodes.index(node)
                single = family.members is None
                slots.append(Ref(self.seen(family), None if single else (place,), not single))
        return tuple(slots)

    def _value(self, name: str, shape: tuple[int, ...] | None) -> Value:
        if name not in self._values:
            self._values[name] = Value(name, shape)
        return self._values[name]


def labels_of(model: Model, slots: Iterable[Slot]) -> Iterator[Variable]:
    """The labels of the children that rows may know."""
    for slot in slots:
        family = model.family_of(slot.children[0])
        yield from (family.label(name) for name in slot.children if family.labels)


def parents_of(slots: Iterable[Slot]) -> set[Variable]:
    """All that networks read."""
    return {
        name for slot in slots for conditional in slot.conditionals for name in conditional.parents
    }


def tensor_shape(family: Family) -> tuple[int, ...]:
    """The shape of one row of a family's tensor."""
    return family.shape if family.members is None else (len(family.members), *family.shape)
