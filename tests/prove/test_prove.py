"""Inequalities: what is proved has a certificate, what is refuted has a distribution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import OptimizeResult
from scipy.sparse import csr_matrix

from graphdsl.graphs import Separation
from graphdsl.ir.evidence import Certificate, Counterexample, Distance, Use
from graphdsl.ir.information import Atom, Entropy, Information, Term, one
from graphdsl.ir.networks import Interval
from graphdsl.ir.weight import ONE, Weight
from graphdsl.prove import Setting, mistake_in, prove, refute, shannon
from graphdsl.symbolic import Canon
from tests import named
from tests.effort import calls
from tests.judges import judge_of
from tests.named import entropy, information, variables
from tests.oracles import discrete
from tests.oracles.graphs import Parents
from tests.oracles.networks import independent, random_pair

DRAWS = 200
BARELY = 0.02  #: a false claim's multiplier is above the true one's by a hundredth part, or more
BETA = Weight.parameter("beta")


def separation(parents: Parents, data: Sequence[str]) -> Separation:
    """G^q with its data completed, of parents that are listed in topological order."""
    order = (*data, *(name for name in parents if name not in data))
    above = {name: tuple(parents[name]) for name in order}
    above |= {name: tuple(data[:place]) for place, name in enumerate(data)}
    return named.separation(order, above, data)


def setting(
    independence: Separation,
    real: Iterable[str] = (),
    ranges: dict[str, Interval] | None = None,
    states: int = 4,
) -> Setting:
    given = ranges or {}
    return Setting(
        canon=Canon(independence),
        states=dict.fromkeys(independence.order, states),
        real=frozenset(variables(real)),
        ranges=given,
        values={name: (one.low or Fraction(0)) + 1 for name, one in given.items()},
    )


def number(value: Fraction | int) -> Weight:
    return Weight.number(Fraction(value))


def check(certificate: Certificate, claim: Iterable[Term], where: Setting) -> str | None:
    return mistake_in(certificate, claim, where.canon, where.real, where.ranges)


# ---- random claims ---------------------------------------------------------------------------


class Draw:
    """A random network with a setting, and random claims about it."""

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        pair = random_pair(self.rng, int(self.rng.integers(3, 7)))
        self.parents, self.data = pair.parents_q, pair.observed
        independence = separation(pair.parents_q, pair.observed)
        self.names = independence.order
        latents = [name for name in self.names if name not in self.data]
        self.setting = setting(independence, latents if self.rng.random() < 0.5 else ())

    def information(self) -> Atom:
        """I between two random sets, given a third."""
        while True:
            place = self.rng.integers(0, 4, len(self.names))
            left, right, given = (
                [name for name, at in zip(self.names, place, strict=True) if at == k]
                for k in range(3)
            )
            if left and right:
                return information([left, right], given)

    def positive(self) -> Atom:
        """An atom that is never negative: an information, or an entropy of something discrete."""
        discrete_ones = [name for name in self.names if name not in self.setting.real]
        if discrete_ones and self.rng.random() < 0.3:
            name = str(self.rng.choice(discrete_ones))
            others = [other for other in self.names if other != name and self.rng.random() < 0.5]
            return entropy([name], others)
        return self.information()

    def true_claim(self) -> list[Term]:
        count = int(self.rng.integers(1, 7))
        return [Term(self.multiplier(), self.positive()) for _ in range(count)]

    def multiplier(self) -> Weight:
        return number(Fraction(int(self.rng.integers(1, 9)), int(self.rng.integers(1, 5))))

    def false_claim(self) -> tuple[list[Term], discrete.Joint]:
        """A true one less so much of an information that a joint of the oracle violates it."""
        while True:
            joint = discrete.random_joint(self.parents, self.data, 2, self.rng)
            judge = judge_of(joint)
            claim, minus = self.true_claim(), self.information()
            size, value = judge.value([Term(ONE, minus)]), judge.value(claim)
            if size > 1e-3 and value / size < 50:
                more = float(self.rng.exponential(0.5)) + BARELY
                times = Fraction(value / size * (1 + more) + 1e-3).limit_denominator(1000)
                return [*claim, Term(number(-times), minus)], joint

    def disguised(self, claim: Iterable[Term]) -> list[Term]:
        """The same sum in entropies of sets, each split by the chain rule, in any order."""
        terms = []
        for term in claim:
            for of, sign in _entropies(term.atom):
                rest = [name for name in of if self.rng.random() < 0.5]
                first = [name for name in of if name not in rest]
                weight = term.weight.scaled(sign)
                terms += [Term(weight, entropy(rest))] if rest else []
                terms += [Term(weight, entropy(first, rest))] if first else []
        return [terms[place] for place in self.rng.permutation(len(terms))]


def _entropies(atom: Atom) -> list[tuple[tuple[str, ...], int]]:
    match atom:
        case Information(left, right, given):
            sets = [(*left, *given), (*right, *given), (*left, *right, *given), given]
            return list(zip(sets, (1, 1, -1, -1), strict=True))
        case Entropy(of, given):
            return [((*of, *given), 1), (given, -1)]
        case _:
            raise TypeError(atom)


def joint_of(found: Counterexample, names: Sequence[str]) -> discrete.Joint:
    """A counterexample as numpy has it: its tables multiplied, what has none constant."""
    sizes = {name: 1 for name in names}
    for table in found.tables:
        for place, name in enumerate(table.of):
            sizes[name] = 1 + max(row.values[place] for row in table.rows)
    whole = np.ones([sizes[name] for name in names])
    for table in found.tables:
        factor = np.zeros([sizes[name] for name in (*table.given, *table.of)])
        for row in table.rows:
            factor[(*row.given, *row.values)] = float(row.probability)
        axes = [names.index(name) for name in (*table.given, *table.of)]
        ordered = factor.transpose(np.argsort(axes))
        whole = whole * ordered.reshape(
            [sizes[name] if place in axes else 1 for place, name in enumerate(names)]
        )
    return discrete.Joint(names=tuple(names), table=whole)


def confirm(found: Counterexample, claim: Iterable[Term], draw: Draw) -> None:
    """By enumeration alone: it follows G^q, and the claim is as negative as it is said to be."""
    joint = joint_of(found, draw.names)
    for place, name in enumerate(draw.names):
        above = list(draw.parents[name])
        before = [other for other in draw.names[:place] if other not in above]
        if name not in draw.data and before:
            assert independent(joint, [name], before, above)
    widths = dict(found.cells)
    assert widths.keys() <= draw.setting.real
    value = judge_of(joint).value(claim)
    for term in draw.setting.canon.terms(claim).items():
        scale = sum(math.log(widths[name]) for name in term[0].of if name in widths)
        value += float(term[1].constant or 0) * scale
    assert value < 0
    assert value == pytest.approx(found.nats, abs=1e-9)


def test_true_inequalities_are_proved() -> None:
    for seed in range(DRAWS):
        draw = Draw(1, seed)
        claim = draw.true_claim()
        disguised = draw.disguised(claim)
        certificate = prove(disguised, draw.setting)
        assert isinstance(certificate, Certificate), (seed, certificate)
        assert check(certificate, claim, draw.setting) is None
        judge = judge_of(discrete.random_joint(draw.parents, draw.data, 2, draw.rng))
        sums = [Term(use.weight({}), use.atom) for use in certificate.uses]
        assert judge.value(sums) == pytest.approx(judge.value(claim), abs=1e-9)
        assert all(judge.value([Term(ONE, use.atom)]) > -1e-12 for use in certificate.uses)


def test_true_inequalities_are_not_refuted() -> None:
    for seed in range(8):
        draw = Draw(2, seed)
        assert refute(draw.true_claim(), draw.setting) is None


def test_false_inequalities_are_refuted_and_never_proved() -> None:
    small = refuted = 0
    for seed in range(DRAWS):
        draw = Draw(3, seed)
        claim, joint = draw.false_claim()
        assert judge_of(joint).value(claim) < 0
        assert isinstance(prove(claim, draw.setting), str)
        found = refute(claim, draw.setting)
        if found is not None:
            confirm(found, claim, draw)
        if len(draw.names) <= 5:
            small += 1
            refuted += found is not None
    assert small > DRAWS / 2
    assert refuted >= 0.95 * small


def test_a_false_equality_has_its_counterexample() -> None:
    for seed in range(50):
        draw = Draw(4, seed)
        claim = [one(draw.information()), one(draw.information(), -1)]
        if draw.setting.canon.terms(claim):
            found = refute(claim, draw.setting, equality=True)
            assert found is not None
            joint = joint_of(found, draw.names)
            assert judge_of(joint).value(claim) == pytest.approx(found.nats, abs=1e-9)
            assert abs(found.nats) > 1e-6


# ---- particular claims -----------------------------------------------------------------------

FOUR = separation({"a": (), "b": (), "c": (), "d": ()}, "abcd")


def test_the_inequality_of_zhang_and_yeung_is_left_unknown() -> None:
    """True of all distributions (Zhang, Yeung 1998, Theorem 3), and not Shannon-type."""
    claim = [
        one(information(["a", "b"])),
        one(information(["a", "cd"])),
        Term(number(3), information(["c", "d"], "a")),
        one(information(["c", "d"], "b")),
        Term(number(-2), information(["c", "d"])),
    ]
    reason = prove(claim, setting(FOUR))
    assert reason == "it follows from no Shannon-type inequalities under G^q"
    assert refute(claim, setting(FOUR)) is None


def test_the_inequality_of_ingleton_is_refuted() -> None:
    """False, but only for rare distributions; it holds for all that are linear."""
    claim = [
        one(information(["a", "b"], "c")),
        one(information(["a", "b"], "d")),
        one(information(["c", "d"])),
        one(information(["a", "b"]), -1),
    ]
    assert isinstance(prove(claim, setting(FOUR)), str)
    found = refute(claim, setting(FOUR))
    assert found is not None
    assert judge_of(joint_of(found, "abcd")).value(claim) < 0


def test_an_entropy_of_something_real_may_be_negative() -> None:
    line = separation({"x": (), "z": ("x",)}, ["x"])
    below = [one(entropy("x")), one(information(["x", "z"]), -1)]  # I(x; z) <= H(x)
    assert isinstance(prove(below, setting(line, real="z")), Certificate)
    claim = [one(entropy("z"))]
    assert isinstance(prove(claim, setting(line)), Certificate)
    assert isinstance(prove(claim, setting(line, real="z")), str)
    found = refute(claim, setting(line, real="z"))
    assert found is not None
    assert found.cells == (("z", Fraction(1, 2)),)
    assert found.nats == pytest.approx(-math.log(2))


def test_states_that_a_variable_has_not_are_not_used() -> None:
    """H(x) <= H(y) + H(w) has counterexamples in single bits and in more."""
    three = separation({"x": (), "y": (), "w": ()}, ["x", "y", "w"])
    claim = [one(entropy("y")), one(entropy("w")), one(entropy("x"), -1)]
    for states in (2, 4):
        found = refute(claim, setting(three, states=states))
        assert found is not None
        for table in found.tables:
            assert all(max(row.values) < states for row in table.rows)


def test_what_is_behind_the_variables_is_used_where_it_is_needed() -> None:
    """I(a; b) + I(a; c) <= H(a) in the triangle of three sources (Fritz 2012)."""
    parents = {"r": (), "s": (), "t": (), "a": "st", "b": "rt", "c": "rs"}
    triangle = setting(separation(parents, ["r"]))
    claim = [
        one(entropy("a")),
        one(information(["a", "b"]), -1),
        one(information(["a", "c"]), -1),
    ]
    certificate = prove(claim, triangle)
    assert isinstance(certificate, Certificate)
    used = {name for use in certificate.uses for name in str(use.atom) if name in "rst"}
    assert used
    free = setting(separation({"a": (), "b": (), "c": ()}, "abc"))
    assert isinstance(prove(claim, free), str)
    assert refute(claim, free) is not None


def test_a_claim_of_latents_alone_is_refuted() -> None:
    """Counterexamples need no data that vary."""
    where = setting(separation({"x": (), "u": ("x",), "z": ("u",)}, ["x"]))
    claim = [one(entropy("z", "u"), -1)]
    found = refute(claim, where)
    assert found is not None
    assert found.nats == pytest.approx(-math.log(2))


def test_too_many_variables_are_a_reason() -> None:
    names = [f"x{k}" for k in range(14)]
    crowd = setting(separation(dict.fromkeys(names, ()), names))
    pairs = [one(information([[a], [b]], names[2:5])) for a, b in pairwise(names[5:])]
    claim = [
        *pairs,
        one(information([names[2:5], names[5:]])),
        one(information([["x0"], ["x1"]]), -1),
    ]
    assert "variables are too many" in str(prove([*claim, *pairs], crowd))


def test_a_divergence_of_many_variables_is_not_negative() -> None:
    """Its local Markov form is found without all the inequalities of thirty variables."""
    names = [f"x{k}" for k in range(30)]
    crowd = setting(separation(dict.fromkeys(names, ()), names))
    chain = [one(entropy([names[0]]))]
    chain += [one(entropy([after], [before])) for before, after in pairwise(names)]
    certificate = prove([*chain, one(entropy(names), -1)], crowd)
    assert isinstance(certificate, Certificate)
    assert len(certificate.uses) == 28
    apart = [one(entropy([name])) for name in names]
    assert isinstance(prove([*apart, one(entropy(names), -1)], crowd), Certificate)


def test_variables_that_stay_together_are_one() -> None:
    names = [f"x{k}" for k in range(30)]
    crowd = setting(separation({**dict.fromkeys(names, ()), "z": names}, names))
    claim = [one(information([["z"], names])), one(information([["z"], names[:9]]), -1)]
    certificate = prove(claim, crowd)
    assert isinstance(certificate, Certificate)
    assert [use.atom for use in certificate.uses] == [information([names[9:], ["z"]], names[:9])]


def test_what_cancels_in_joint_entropies_is_no_variable_of_its_own() -> None:
    """D(q || {x; u_1; ...}) >= TC(u): their difference is I(x; u), however many u there are."""
    latents = [f"u{k}" for k in range(40)]
    where = setting(separation({"x": (), **dict.fromkeys(latents, ("x",))}, ["x"]), real=latents)
    claim = [
        one(information([["x"], *([name] for name in latents)])),
        one(information([[name] for name in latents]), -1),
    ]
    certificate = prove(claim, where)
    assert isinstance(certificate, Certificate)
    assert [use.atom for use in certificate.uses] == [information([latents, ["x"]])]


# ---- parameters ------------------------------------------------------------------------------

PAIR = separation({"x": (), "y": ()}, ["x", "y"])
SHARED = information(["x", "y"])
RANGES = {"beta": Interval(low=Fraction(1)), "gamma": Interval(high=Fraction(1))}
GAMMA = Weight.parameter("gamma")


@pytest.mark.parametrize(
    ("weight", "holds"),
    [
        (BETA - ONE, True),  # at the end of a range
        (BETA - number(2), False),
        (BETA * BETA - BETA, True),  # of the second degree
        (ONE - GAMMA, True),
        (BETA - GAMMA, True),
        (BETA * GAMMA, True),
        (BETA * (GAMMA - ONE), False),
        (GAMMA - GAMMA * GAMMA, True),  # bounded on both sides
        (GAMMA * GAMMA - GAMMA.scaled(Fraction(1, 2)), False),
    ],
)
def test_weights_keep_their_sign_over_the_range(weight: Weight, holds: bool) -> None:
    where = setting(PAIR, ranges=RANGES)
    claim = [Term(weight, SHARED)]
    certificate = prove(claim, where)
    found = refute(claim, where)
    assert isinstance(certificate, Certificate) == holds
    assert (found is None) == holds
    if found is not None:
        assert all(value in RANGES[name] for name, value in found.parameters)
    if isinstance(certificate, Certificate):
        assert all(use.distances or not weight.parameters for use in certificate.uses)


def test_a_certificate_uses_the_ends_of_the_range() -> None:
    claim = [Term(BETA, information(["x", "y"])), one(entropy("x", "y"))]
    where = setting(PAIR, ranges=RANGES)
    certificate = prove(claim, where)
    assert isinstance(certificate, Certificate)
    wider = {"beta": Interval(low=Fraction(-1))}
    assert mistake_in(certificate, claim, where.canon, where.real, wider) is not None
    assert isinstance(prove(claim, setting(PAIR, ranges=wider)), str)
    open_ended = {"beta": Interval(low=None)}
    assert "has no end" in str(prove(claim, setting(PAIR, ranges=open_ended)))


# ---- certificates ----------------------------------------------------------------------------


def certified() -> tuple[Certificate, list[Term], Setting]:
    where = setting(separation({"x": (), "y": (), "z": ("x", "y")}, ["x", "y"]), real="z")
    claim = [
        Term(number(Fraction(3, 2)), information(["x", "yz"])),
        one(information(["y", "z"])),
        one(entropy("x", "z")),
    ]
    certificate = prove(claim, where)
    assert isinstance(certificate, Certificate)
    assert check(certificate, claim, where) is None
    return certificate, claim, where


def test_a_tampered_certificate_is_refused() -> None:
    certificate, claim, where = certified()
    for place, use in enumerate(certificate.uses):
        rest = (*certificate.uses[:place], *certificate.uses[place + 1 :])
        changed = [
            (),
            (replace(use, multiplier=use.multiplier + Fraction(1, 10**9)),),
            (replace(use, multiplier=-use.multiplier),),
            (use, use),
            (replace(use, atom=Information(variables("x"), variables("z"))),),
            (replace(use, distances=(Distance("beta", "low"),)),),
        ]
        for wrong in changed:
            if wrong == (use,):
                continue
            ranges = {"beta": Interval(low=Fraction(1))}
            tampered = Certificate((*rest, *wrong))
            assert mistake_in(tampered, claim, where.canon, where.real, ranges) is not None


def test_what_may_be_negative_proves_nothing() -> None:
    _, _, where = certified()
    for atom in (entropy("z"), entropy("xz"), Information(variables("z"), variables("z"))):
        claim = [one(atom)]
        assert "can be negative" in str(check(Certificate((Use(Fraction(1), atom),)), claim, where))
    atom = Information(variables("x"), variables("y"))
    minus = Certificate((Use(Fraction(-1), atom),))
    assert "is negative" in str(check(minus, [one(atom, -1)], where))


@pytest.mark.parametrize("count", [8, 10])
@pytest.mark.parametrize("data", [3, None])
def test_a_certificate_is_no_great_effort(
    count: int, data: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few steps of a solver, on few inequalities, that few calls write down."""
    prove([one(SHARED)], setting(PAIR))  # scipy is imported
    solved: list[tuple[int, int]] = []

    def counted(rows: csr_matrix, costs: shannon.Floats, right: shannon.Floats) -> OptimizeResult:
        result = solve(rows, costs, right)
        solved.append((rows.nnz, result.nit))
        return result

    solve = shannon._solved
    monkeypatch.setattr(shannon, "_solved", counted)
    for seed in range(2):
        rng = np.random.default_rng((5, seed))
        names = [f"v{k}" for k in range(count)]
        roots = names[: data or count]
        parents: dict[str, list[str]] = {name: [] for name in roots}
        for place in range(len(roots), count):
            parents[names[place]] = [name for name in names[:place] if rng.random() < 0.5] or names[
                :1
            ]
        claim = []
        for _ in range(12):
            part = rng.integers(0, 4, count)
            left, right, given = ([names[k] for k in np.flatnonzero(part == at)] for at in range(3))
            if left and right:
                claim.append(one(information([left, right], given)))
        where = setting(separation(parents, roots))
        solved.clear()
        assert isinstance(prove(claim, where), Certificate)
        assert sum(entries for entries, _ in solved) < 150_000
        assert sum(steps for _, steps in solved) < 3_000
        assert calls(partial(prove, claim, where)) < 1_500_000
