"""The search for counterexamples: structured networks first, then hill-climbing, simplest first."""

from __future__ import annotations

__all__ = ["networks"]

from collections.abc import Iterator, Sequence

import numpy as np

from graphdsl.ir.evidence import Table
from graphdsl.ir.symbols import Variable
from graphdsl.prove.candidates import random_factors, structured_factors
from graphdsl.prove.descend import descend, rounded
from graphdsl.prove.eliminate_parameters import Combination
from graphdsl.prove.frames import (
    Array,
    Factors,
    Frame,
    Objective,
    exact_tables,
    joint_of,
    without,
)
from graphdsl.prove.setting import Setting

_FRAMES = 40  #: choices of variables and of their states
_BATCH = 100
_CLIMBS = 6  #: frames in which there is hill-climbing
_STARTS = 16
_CELLS = 512  #: of a joint table, at most
_MOST = 8  #: variables, where there are more than the claim's tables can hold
_CLEAR = 1e-7  #: nats of a sum whose weights' sizes sum to one
_DENOMINATORS = (2, 3, 4, 6, 8, 12, 20, 48, 100, 400, 2000)


def networks(claim: Combination, setting: Setting, equality: bool) -> Iterator[tuple[Table, ...]]:
    """Exact networks under which the claim is, in floats, negative (or not zero)."""
    rng = np.random.default_rng(0)
    search = _Search(claim, setting, equality, rng)
    for number in range(_FRAMES):
        yield from search.structured(search.frame(number), 3 if number % 4 == 3 else 2)
    for number in range(_CLIMBS):
        yield from search.climbed(search.frame(number))


class _Search:
    """One claim, and the state of the random numbers."""

    def __init__(
        self, claim: Combination, setting: Setting, equality: bool, rng: np.random.Generator
    ) -> None:
        self.claim, self.equality, self.rng = claim, equality, rng
        self.states = setting.states
        independence = setting.canon.independence
        self.rank = {name: place for place, name in enumerate(independence.order)}
        self.data = independence.data
        self.parents = {
            name: frozenset[Variable]() if name in self.data else independence.parents(name)
            for name in independence.order
        }
        self.occurring = sorted(
            {name for atom in claim for name in (*atom.of, *atom.given)}, key=self.rank.__getitem__
        )

    def frame(self, number: int) -> Frame:
        """Which variables vary, and between how many states: first two, then up to four."""
        order = sorted(self._chosen(), key=self.rank.__getitem__)
        places = {name: place for place, name in enumerate(order)}
        sizes = [2] * len(order)
        if number % 2:
            for place in self.rng.permutation(len(order)).tolist():
                most = self.states[order[place]]
                sizes[place] = int(self.rng.choice([2, min(3, most), most]))
                if np.prod(sizes) > _CELLS:
                    sizes[place] = 2
        return Frame(
            tuple(order),
            sum(name in self.data for name in order),
            tuple(
                tuple(sorted(places[up] for up in self.parents[name] if up in places))
                for name in order
            ),
            tuple(sizes),
        )

    def structured(self, frame: Frame, base: int) -> Iterator[tuple[Table, ...]]:
        """Those of a batch that violate the claim, those with the fewest random choices first."""
        factors = structured_factors(frame, base, _BATCH, self.rng)
        objective = Objective(self.claim, frame)
        found = np.flatnonzero(self._violation(objective, joint_of(frame, factors)) > _CLEAR)
        spread = sum(
            ((factor > 0) & (factor < 1)).reshape(_BATCH, -1).sum(axis=1) for factor in factors
        )
        for place in sorted(found.tolist(), key=lambda k: int(np.asarray(spread)[k]))[:4]:
            yield from self._simplest(frame, [factor[place : place + 1] for factor in factors])

    def climbed(self, frame: Frame) -> Iterator[tuple[Table, ...]]:
        """Those that hill-climbing finds from random and structured starts, best first."""
        starts = [
            np.concatenate([one, 0.9 * two + 0.1 * three])
            for one, two, three in zip(
                random_factors(frame, _STARTS, self.rng),
                structured_factors(frame, 2, _STARTS, self.rng),
                random_factors(frame, _STARTS, self.rng),
                strict=True,
            )
        ]
        objective = Objective(self.claim, frame)
        ends = descend(frame, starts, objective)
        violation = self._violation(objective, joint_of(frame, ends))
        for place in np.argsort(-violation, kind="stable")[:4].tolist():
            if violation[place] > _CLEAR:
                one = [factor[place : place + 1] for factor in ends]
                for denominator in _DENOMINATORS:
                    near = rounded(frame, one, denominator)
                    if self._violation(objective, joint_of(frame, near))[0] > _CLEAR:
                        yield from self._simplest(frame, near)
                        break

    def _chosen(self) -> set[Variable]:
        """All variables that the claim depends on, or as many of them as a table can hold."""
        whole = self._closed(self.occurring)
        if len(whole) <= _MOST:
            return whole
        chosen: set[Variable] = set()
        for name in self.rng.permutation(self.occurring).tolist():
            more = chosen | {name}
            if len(more) <= _MOST:
                chosen = more
        ancestors = sorted(self._closed(chosen) - chosen, key=self.rank.__getitem__)
        room = max(0, _MOST - len(chosen))
        return chosen | set(self.rng.permutation(ancestors).tolist()[:room])

    def _closed(self, variables: Sequence[Variable] | set[Variable]) -> set[Variable]:
        closed, waiting = set[Variable](), set(variables)
        while waiting:
            name = waiting.pop()
            closed.add(name)
            waiting |= self.parents[name] - closed
        return closed

    def _violation(self, objective: Objective, joint: Array) -> Array:
        value = objective.value(joint) / objective.scale
        return np.abs(value) if self.equality else -value

    def _simplest(self, frame: Frame, factors: Factors) -> Iterator[tuple[Table, ...]]:
        """Let every variable be constant that can be, and give the exact tables."""
        place = 0
        while place < len(frame.order):
            smaller = without(frame, factors, place)
            objective = Objective(self.claim, smaller[0])
            if self._violation(objective, joint_of(*smaller))[0] > _CLEAR:
                frame, factors = smaller
            else:
                place += 1
        tables = exact_tables(frame, factors)
        if tables is not None:
            yield tables
