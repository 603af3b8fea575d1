"""What values and attributes would like to be called, as keys that no name of a spec has.

    z           the user's own variable, or family       z[1,3]    some of its members
    z@r(1)      what the samples of r(1) have for it     z@p       p's own sample
    q.z         q's posterior of z                       p.x       p's likelihood of x
    seen:x      a word of ours about a thing             q.z~each  the same, behind it
    q.z|x       what a thing is of, given others         q.z#2     the second of that kind

`names` turns each into a Python name, which reads like the key as far as it is free.
"""

from __future__ import annotations

__all__ = ["Keys", "members", "reads_like"]

from collections.abc import Iterable

from graphdsl.ir.networks import Family
from graphdsl.ir.symbols import Variable
from graphdsl.slots.slots import Key


def members(family: Family, nodes: Iterable[Variable]) -> str:
    """Some members of a family, side by side or alone."""
    places = (str(place) for node in nodes for place in node.member)
    return f"{family.name}[{','.join(places)}]"


def reads_like(key: str) -> str:
    """What a key reads like, as one word: a variable's own name for itself.

    >>> [reads_like(key) for key in ("z_", "z@r({1,2})", "q.z|x[not S]")]
    ['z_', 'z_r_1_2', 'q_z_x_not_S']
    """
    if key.isidentifier():
        return key
    plain = "".join(one if one.isalnum() or one == "_" else " " for one in key)
    word = "_".join(plain.split()).strip("_")
    return word if word.isidentifier() else f"_{word}"  # `_[1]`, of a variable called `_`


class Keys:
    """Keys of which several things would have the same: those behind the first have a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._count: dict[Key, int] = {}  #: the last number behind a key
        self._shared: dict[object, Key] = {}

    def shared(self, of: object, key: Key) -> Key:
        """One key for all things that are one."""
        if of not in self._shared:
            self._shared[of] = self.take(key)
        return self._shared[of]

    def take(self, key: Key) -> Key:
        """The key, or the key with the first number that makes it new."""
        unique = key
        while unique in self._taken:
            self._count[key] = self._count.get(key, 1) + 1
            unique = key.then(f"#{self._count[key]}")
        self._taken.add(unique)
        return unique
