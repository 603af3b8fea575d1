"""Python names: given last, by one table for each scope.

Until then whatever emitted code computes is a value, and whatever an emitted class holds has a key.
Both say what they would like to be called: `z@p` is p's sample of z, `q.z` is q's posterior of z,
`seen:x` says which rows have x, and `z` is the user's own variable. A table gives each a name: to
the user's variables their own, to the rest what the wish reads like, with a number where that is
taken.
"""

from __future__ import annotations

__all__ = ["Names", "local_names", "named"]

import builtins
import keyword
from collections.abc import Iterable
from dataclasses import replace

from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.values import Attribute, Value
from graphdsl.program.substitution import attributes_in, replaced, values_in
from graphdsl.slots.inherited import OF_THE_CLASS
from graphdsl.slots.keys import reads_like
from graphdsl.slots.words import OF_THE_METHODS, OF_THE_RUNTIME

#: What a line of Python means something else by.
_OF_PYTHON = frozenset((*keyword.kwlist, *dir(builtins)))


class Names:
    """The names of one scope, each given once.

    Args:
        taken: Names that nothing may have.
        own: Wishes that have a name of their own before anything else is named.
    """

    def __init__(self, taken: Iterable[str] = (), own: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._own = {wish: self.take(wish) for wish in own}

    def of(self, value: Value) -> str:
        """The name of a value: the user's own for the first that asks for it.

        >>> names = Names({"x_p"}, own=["z"])
        >>> names.of(Value("x@p")), names.of(Value("z")), names.of(Value("z"))
        ('x_p_2', 'z', 'z_2')
        """
        own = self._own.pop(value.name, None)
        return self.take(value.name) if own is None else own

    def take(self, wish: str) -> str:
        """A name that nothing else has: what the wish reads like, or that with a number.

        >>> names = Names()
        >>> names.take("q.z|x[not S]"), names.take("q.z|x[not S]")
        ('q_z_x_not_S', 'q_z_x_not_S_2')
        """
        word = reads_like(wish)
        name, count = word, 1
        while name in self._taken:
            count += 1
            name = f"{word}_{count}"
        self._taken.add(name)
        return name


def local_names(model: Model) -> Names:
    """The names of a method: the user's variables keep their own wherever they may."""
    own = [*(family.name for family in model.families), *(mask.name for mask in model.masks)]
    own.sort(key=lambda one: not one.isidentifier())  # `x_1` before `x[1]`
    return Names({*_OF_PYTHON, *OF_THE_METHODS, *OF_THE_RUNTIME}, own)


def named(module: LossModule, model: Model, names: Names) -> LossModule:
    """The module with a name for each value and for each attribute of its class.

    Args:
        module: Its values have wishes, and its attributes have keys.
        model: The spec, whose variables keep their names in every method.
        names: Those of `forward`, where the losses have theirs already.
    """
    parameters = (parameter.name for parameter in module.parameters)
    of_class = Names({*_OF_PYTHON, *OF_THE_CLASS, *OF_THE_RUNTIME, *parameters})
    class_name = Names({*_OF_PYTHON, *OF_THE_RUNTIME}).take(module.class_name)
    given: dict[Attribute, Attribute] = {}
    for key in attributes_in(module):
        if key not in given:
            given[key] = Attribute(of_class.take(key))
    whole = replaced(module, {}, given.__getitem__)
    forward = _named(names, whole.forward, whole.terms)
    infer = _named(local_names(model), whole.infer, whole.inferred)
    decode = _named(local_names(model), whole.latents_decoded, whole.decode, whole.decoded)
    ancestral = _named(local_names(model), whole.ancestral, whole.drawn)
    return replace(
        whole,
        class_name=class_name,
        forward=replaced(whole.forward, forward),
        terms=replaced(whole.terms, forward),
        infer=replaced(whole.infer, infer),
        inferred=replaced(whole.inferred, infer),
        latents_decoded=replaced(whole.latents_decoded, decode),
        decode=replaced(whole.decode, decode),
        decoded=replaced(whole.decoded, decode),
        ancestral=replaced(whole.ancestral, ancestral),
        drawn=replaced(whole.drawn, ancestral),
    )


def _named(names: Names, *method: object) -> dict[Value, Value]:
    """Each value of a method under its name."""
    values = dict.fromkeys(value for part in method for value in values_in(part))
    return {value: replace(value, name=names.of(value)) for value in values}
