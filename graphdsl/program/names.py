"""Python names: given last, by one table for each scope.

Until then whatever emitted code computes, and whatever an emitted class holds, has a key. A key
says what the thing is: `z@p` is p's sample of z, `q.z` is q's posterior of z, `seen:x` says which
rows have x, and `z` is the user's own variable. All but the last hold a mark that no name of a spec
has, so that two things have two keys, however a spec names its variables. A table then gives each
key a name: to the user's variables their own, to the rest what the key reads like, with a number
where that is taken.
"""

from __future__ import annotations

__all__ = ["Names", "local_names", "named"]

import builtins
import keyword
from collections.abc import Iterable
from dataclasses import replace

from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.words import OF_THE_CLASS, OF_THE_METHODS, OF_THE_RUNTIME
from graphdsl.program.keys import reads_like
from graphdsl.program.substitution import keys_of, renamed

#: What a line of Python means something else by.
_OF_PYTHON = frozenset((*keyword.kwlist, *dir(builtins)))


class Names:
    """The names of one scope, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._given: dict[str, str] = {}

    def of(self, key: str) -> str:
        """The name of a thing, the same whenever it is asked for.

        >>> names = Names({"x_p"})
        >>> names.of("x@p"), names.of("x@p"), names.of("q.z|x[not S]")
        ('x_p_2', 'x_p_2', 'q_z_x_not_S')
        """
        if key not in self._given:
            self._given[key] = self.take(key)
        return self._given[key]

    def take(self, key: str) -> str:
        """A name that nothing else has: what the key reads like, or that with a number."""
        wish = reads_like(key)
        name, count = wish, 1
        while name in self._taken:
            count += 1
            name = f"{wish}_{count}"
        self._taken.add(name)
        return name


def local_names(model: Model) -> Names:
    """The names of a module's methods: the user's variables keep their own wherever they may."""
    names = Names({*_OF_PYTHON, *OF_THE_METHODS, *OF_THE_RUNTIME})
    own = [*(one.name for one in model.families), *(one.name for one in model.masks)]
    for name in sorted(own, key=lambda one: not one.isidentifier()):  # `x_1` before `x[1]`
        names.of(name)
    return names


def named(module: LossModule, names: Names) -> LossModule:
    """The module with a name for each key: those of its methods, and those of its class."""
    parameters = (one.name for one in module.parameters)
    attributes = Names({*_OF_PYTHON, *OF_THE_CLASS, *OF_THE_RUNTIME, *parameters})
    class_name = Names({*_OF_PYTHON, *OF_THE_RUNTIME}).take(module.class_name)
    locals_ = {key: names.of(key) for key in keys_of(module, "local")}
    of_class = {key: attributes.of(key) for key in keys_of(module, "attribute")}
    return replace(renamed(module, locals_, of_class), class_name=class_name)
