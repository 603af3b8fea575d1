"""Shannon-type proofs: a claim as a nonnegative sum of elemental inequalities, by a linear program.

The elemental inequalities are I(a; b | C) >= 0 for two variables and any set of others, and
H(a | all others) >= 0 for a discrete a; every Shannon-type inequality is a sum of them (Yeung 1997,
"A framework for linear information inequalities"). Here they are taken in canonical form, that is,
modulo the independences of G^q: many are equal then, and many are 0 >= 0.
"""

from __future__ import annotations

__all__ = ["Unproved", "uses_of"]

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, linprog
from scipy.sparse import csr_matrix

from graphdsl.ir.evidence import Use
from graphdsl.ir.information import Entropy, Information, entropy, one
from graphdsl.ir.symbols import Names, Variable, names
from graphdsl.prove.exact import solve_exactly
from graphdsl.prove.lattice import lattice_inequalities
from graphdsl.prove.setting import Setting

Variables: TypeAlias = frozenset[Variable]
Blocks: TypeAlias = tuple[Variables, ...]
Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_MOST = 11  #: blocks: 28,171 elemental inequalities
_FEW = 7  #: blocks: 679 elemental inequalities, which are as quick as any choice of them
_PIVOTS, _STEPS = 1_000, 200  #: rather than seconds, so that a verdict depends on no machine
_PREFERENCE = 0.01  #: for the inequalities of a chain rule in the blocks' order
_NONZERO = 1e-9


@dataclass(frozen=True, slots=True)
class Unproved:
    """Why there is no proof."""

    because: str


@dataclass(frozen=True, slots=True)
class _Inequalities:
    """Atoms that are never negative, in canonical form, each once."""

    places: Mapping[Entropy, int]  #: the columns of `rows`
    rows: csr_matrix
    costs: Floats  #: of a multiplier of each
    atom: Callable[[int], Entropy | Information]  #: of a row


def uses_of(
    claim: Mapping[Entropy, Fraction], setting: Setting, groups: Sequence[Names] = ()
) -> tuple[Use, ...] | Unproved:
    """The elemental inequalities that add up to a claim, found in floats and solved in fractions.

    Tried among ever more variables: those that are always together in the groups as one, those that
    are so in the claim, each on its own, and with their ancestors in G^q, whose independences may
    be needed. Where these are more than a few, the inequalities among the groups come first.
    """
    reason = "it follows from no Shannon-type inequalities under G^q"
    grounds = list(dict.fromkeys(filter(None, _grounds(claim, setting, groups))))
    if len(grounds[0]) > _FEW:
        uses = _combined(claim, _among_groups(groups, setting))
        if isinstance(uses, tuple):
            return uses
    for blocks in grounds:
        if len(blocks) > _MOST:
            reason = f"its {len(blocks)} variables are too many for the linear program"
            continue
        uses = _combined(claim, _elementals(blocks, setting))
        if isinstance(uses, tuple):
            return uses
        if uses is not None:
            reason = uses.because
    return Unproved(reason)


# ---- which variables -------------------------------------------------------------------------


def _grounds(
    claim: Mapping[Entropy, Fraction], setting: Setting, groups: Sequence[Names]
) -> Iterator[Blocks]:
    yield _together(groups, setting)
    yield _together([group for atom in claim for group in (atom.of, atom.given)], setting)
    occurring = {name for atom in claim for name in (*atom.of, *atom.given)}
    yield _single(occurring, setting)
    yield _single(_ancestral(occurring, setting), setting)


def _together(groups: Sequence[Names], setting: Setting) -> Blocks:
    """The variables of some groups, those as one block that are in the same of them."""
    merged: dict[tuple[int, ...], Variables] = {}
    for block in _single({name for group in groups for name in group}, setting):
        sign = tuple(place for place, group in enumerate(groups) if not block.isdisjoint(group))
        merged[sign] = merged.get(sign, frozenset()) | block
    return tuple(merged.values())


def _single(variables: Iterable[Variable], setting: Setting) -> Blocks:
    ordered = sorted(variables, key=setting.canon.independence.order.index)
    return tuple(frozenset({name}) for name in ordered)


def _ancestral(variables: Iterable[Variable], setting: Setting) -> set[Variable]:
    """Variables and what they depend on; the data's joint is arbitrary, nothing is behind it."""
    independence = setting.canon.independence
    ancestral, waiting = set[Variable](), set(variables)
    while waiting:
        name = waiting.pop()
        ancestral.add(name)
        if name not in independence.data:
            waiting |= independence.parents(name) - ancestral
    return ancestral


# ---- the inequalities ------------------------------------------------------------------------


def _elementals(blocks: Blocks, setting: Setting) -> _Inequalities:
    places, joints = _joints(blocks, setting)
    marks = _marks(len(blocks), [setting.real.isdisjoint(block) for block in blocks])
    rows = _differences(marks, len(blocks)) @ joints
    rows.eliminate_zeros()
    # Equal rows have equal sums with random numbers, modulo 2^64; the first has the fewest givens.
    numbers = np.random.default_rng(0).integers(-(2**62), 2**62, size=rows.shape[1])
    _, first = np.unique(rows @ numbers, return_index=True)
    kept = np.sort(first[np.diff(rows.indptr)[first] > 0])
    marks = marks[kept]
    return _Inequalities(
        places, rows[kept], _costs(marks, len(blocks)), lambda row: _atom(blocks, marks[row])
    )


def _atom(blocks: Blocks, mark: Integers) -> Entropy | Information:
    """I(i; j | C), or H(i | C) where j is -1."""
    i, j, condition = mark.tolist()
    given = frozenset[Variable]().union(
        *(block for k, block in enumerate(blocks) if condition >> k & 1)
    )
    if j < 0:
        return entropy(blocks[i], given)
    sides = sorted((names(blocks[i]), names(blocks[j])))
    return Information(sides[0], sides[1], names(given))


def _among_groups(groups: Sequence[Names], setting: Setting) -> _Inequalities:
    """The inequalities among the sets that a claim speaks of, however many variables they hold."""
    places: dict[Entropy, int] = {}
    atoms: list[Entropy | Information] = []
    cells: tuple[list[int], list[int], list[int]] = ([], [], [])
    for atom in lattice_inequalities(groups, setting):
        terms = setting.canon.terms([one(atom)])
        for entry, weight in terms.items():
            cells[0].append(int(weight.constant or 0))
            cells[1].append(len(atoms))
            cells[2].append(places.setdefault(entry, len(places)))
        atoms.append(atom)
    shape = (len(atoms), len(places))
    rows = csr_matrix((cells[0], (cells[1], cells[2])), shape=shape, dtype=np.int64)
    return _Inequalities(places, rows, np.ones(len(atoms)), atoms.__getitem__)


def _costs(marks: Integers, count: int) -> Floats:
    """What a multiplier costs: one, and a little for each block that parts C from the first |C|.

    Among the many sums of least cost, this finds one of the few and simple inequalities of a chain
    rule: 45 of weight one for the total correlation of ten variables, and not 934 odd ones.
    """
    places = np.arange(count)
    bits = marks[:, 2, None] >> places & 1
    apart = bits != (places < bits.sum(axis=1, keepdims=True))
    costs: Floats = 1 + _PREFERENCE * apart.mean(axis=1)
    return costs


def _joints(blocks: Blocks, setting: Setting) -> tuple[dict[Entropy, int], csr_matrix]:
    """H of every set of blocks, a row for each mask, in canonical entropies."""
    places: dict[Entropy, int] = {}
    unions: list[Variables] = [frozenset()]
    columns: list[int] = []
    starts = [0, 0]
    for mask in range(1, 1 << len(blocks)):
        lowest = mask & -mask
        unions.append(unions[mask ^ lowest] | blocks[lowest.bit_length() - 1])
        columns += (
            places.setdefault(atom, len(places)) for atom in setting.canon.joint(unions[mask])
        )
        starts.append(len(columns))
    shape = (len(unions), len(places))
    return places, csr_matrix((np.ones(len(columns), np.int64), columns, starts), shape=shape)


def _marks(count: int, discrete: Sequence[bool]) -> Integers:
    """Of every elemental inequality (i, j, condition), those with small conditions first."""
    masks = np.arange(1 << count)
    found = [
        _columns(i, j, masks[masks & (1 << i | 1 << j) == 0])
        for j in range(count)
        for i in range(j)
    ]
    whole = (1 << count) - 1
    found += [_columns(i, -1, np.array([whole ^ 1 << i])) for i in range(count) if discrete[i]]
    marks = np.concatenate([np.zeros((0, 3), np.int64), *found])
    sizes = (marks[:, 2, None] >> np.arange(count) & 1).sum(axis=1)
    return marks[np.argsort(sizes, kind="stable")]


def _columns(i: int, j: int, conditions: Integers) -> Integers:
    return np.stack([np.full_like(conditions, i), np.full_like(conditions, j), conditions], axis=1)


def _differences(marks: Integers, count: int) -> csr_matrix:
    """H(i, C) + H(j, C) - H(i, j, C) - H(C) over the masks; a block that is -1 is empty."""
    bits = np.append(1 << np.arange(count), 0)
    i, j, condition = bits[marks[:, 0]], bits[marks[:, 1]], marks[:, 2]
    single = marks[:, 1] < 0
    masks = np.stack([i | condition, j | condition, i | j | condition, condition], axis=1)
    signs = np.where(single[:, None], [1, -1, 0, 0], [1, 1, -1, -1])
    rows = np.repeat(np.arange(len(marks)), 4)
    shape = (len(marks), 1 << count)
    return csr_matrix((signs.ravel(), (rows, masks.ravel())), shape=shape)


# ---- the linear program ----------------------------------------------------------------------


def _combined(
    claim: Mapping[Entropy, Fraction], inequalities: _Inequalities
) -> tuple[Use, ...] | Unproved | None:
    """Nonnegative multipliers of least sum, or None if there are none."""
    if not inequalities.rows.shape[0] or not claim.keys() <= inequalities.places.keys():
        return None
    target = {inequalities.places[atom]: value for atom, value in claim.items()}
    largest = max(map(abs, target.values()))
    right = np.zeros(inequalities.rows.shape[1])
    for place, value in target.items():
        right[place] = value / largest
    result = _solved(inequalities.rows, inequalities.costs, right)
    if result.status == 2:
        return None
    if result.status != 0:
        return Unproved(f"the linear program was not solved: {result.message}")
    active = np.flatnonzero(result.x > _NONZERO).tolist()
    return _exact(active, target, inequalities)


def _solved(rows: csr_matrix, costs: Floats, right: Floats) -> OptimizeResult:
    """Multipliers of least cost: by the dual simplex, or, where it takes long, by interior points.

    Both end in a vertex. An objective of zero would leave the simplex without a direction.
    """
    for method, limit in (("highs-ds", _PIVOTS), ("highs-ipm", _STEPS)):
        result = linprog(
            costs,
            A_eq=rows.T.tocsc(),
            b_eq=right,
            bounds=(0, None),
            method=method,
            options={"maxiter": limit},
        )
        if result.status in (0, 2):
            break
    return result


def _exact(
    active: Sequence[int],
    target: Mapping[int, Fraction],
    inequalities: _Inequalities,
) -> tuple[Use, ...] | Unproved:
    """The active inequalities with the multipliers that fit exactly."""
    rows = inequalities.rows
    columns = [
        {
            int(rows.indices[k]): Fraction(int(rows.data[k]))
            for k in range(rows.indptr[row], rows.indptr[row + 1])
        }
        for row in active
    ]
    multipliers = solve_exactly(columns, target)
    if multipliers is None or min(multipliers, default=Fraction(0)) < 0:
        return Unproved("the solver's answer is not exact")
    return tuple(
        Use(value, inequalities.atom(row))
        for row, value in zip(active, multipliers, strict=True)
        if value
    )
