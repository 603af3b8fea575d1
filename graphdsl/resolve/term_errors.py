"""What can be wrong with the terms of objectives and assertions: MIB2xx as well."""

from __future__ import annotations

__all__ = [
    "ConstraintOfNobody",
    "ConstraintOfNumbers",
    "DivisionByParameter",
    "EqualityConstraint",
    "NestedSign",
    "NotAFunctional",
    "NotLinear",
    "NumberAsTerm",
    "PlayerMissing",
    "PlayerTwice",
    "SparsityElsewhere",
    "TurnsOfNobody",
    "TurnsTwice",
    "UnknownNetwork",
    "UnknownPlayer",
]

from graphdsl.diagnostics import Diagnostic


class UnknownNetwork(Diagnostic):
    """A network that nothing declares."""

    code = "MIB212"
    title = "Unknown network"
    said = "there is no network `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class NotLinear(Diagnostic):
    """A product of functionals."""

    code = "MIB214"
    title = "Not a weighted sum"
    said = "this multiplies functionals with each other"
    hint = "an objective is a sum of functionals, each with a weight: `2 * KL(q || p)`"


class DivisionByParameter(Diagnostic):
    """A quotient whose divisor has no value when a spec is compiled."""

    code = "MIB250"
    title = "Division by a parameter"
    said = "this divides by the parameter `{name}`"
    hint = "declare a parameter that is its inverse, and multiply with that"
    name: str


class NotAFunctional(Diagnostic):
    """A variable or a network where a functional must stand."""

    code = "MIB215"
    title = "Not a term"
    said = "`{name}` is a {what}, and a term or a weight must stand here"
    hint = "write a functional of it, such as `{example}`"
    name: str
    what: str
    example: str


class NumberAsTerm(Diagnostic):
    """A number or a parameter that weighs no functional."""

    code = "MIB249"
    title = "Number as a term"
    said = "a number alone is no term: it does not depend on the model"
    hint = "multiply a functional with it, or leave it out"


class NestedSign(Diagnostic):
    """A function of a sum inside another, or inside a constraint."""

    code = "MIB260"
    title = "Function of a sum inside another"
    said = "`{outer}` takes a sum of terms without `abs`, `square`, `max` and `min`"
    hint = "write each of them as a term of its own: `abs(E) + max(F, c)`, outside constraints"
    outer: str


class UnknownPlayer(Diagnostic):
    """An objective for networks that there are not."""

    code = "MIB251"
    title = "Unknown player"
    said = "`{name}` is no player: an objective is for the networks of a distribution"
    hint = "{guess}"
    name: str
    guess: str


class PlayerTwice(Diagnostic):
    """Networks with two objectives."""

    code = "MIB252"
    title = "Player of two objectives"
    said = "line {line} has an objective for `{name}` already"
    hint = "join the terms of both with `+`"
    name: str
    line: int


class PlayerMissing(Diagnostic):
    """An objective for nobody beside one for somebody."""

    code = "MIB253"
    title = "Objective of no player"
    said = "another objective says whose it is, and this one does not"
    hint = "say it here too: `{example}`"
    example: str


class ConstraintOfNobody(Diagnostic):
    """A constraint beside objectives by player, and behind none of them."""

    code = "MIB254"
    title = "Constraint of no player"
    said = "every objective names its players, but this constraint follows none of them"
    hint = "write it right behind its objective: `minimize ... for {player}`, then `subject to ...`"
    player: str


class SparsityElsewhere(Diagnostic):
    """A count of edges in an objective that these edges do not follow."""

    code = "MIB255"
    title = "Sparsity out of reach"
    said = "the edges under `{mask}` are not of `{player}`, whose objective counts them"
    hint = "write it in the objective `for {owner}`: edges follow that of the networks they are of"
    mask: str
    player: str
    owner: str


class TurnsOfNobody(Diagnostic):
    """Turns of a player that the spec does not have."""

    code = "MIB256"
    title = "Turns of no player"
    said = "`{name}` is none of the players here"
    hint = "{guess}"
    name: str
    guess: str


class TurnsTwice(Diagnostic):
    """Turns of a player that has some already."""

    code = "MIB257"
    title = "Turns twice"
    said = "line {line} says how many turns `{name}` has"
    hint = "delete one of the two"
    name: str
    line: int


class EqualityConstraint(Diagnostic):
    """A constraint from both sides."""

    code = "MIB258"
    title = "Equality as a constraint"
    said = "a constraint bounds a sum of terms from one side, and `==` is from both"
    hint = "write `<=` or `>=`, as in `subject to D(q || G) <= 0.05`"


class ConstraintOfNumbers(Diagnostic):
    """A constraint that holds no functional."""

    code = "MIB259"
    title = "Constraint on numbers"
    said = "a constraint bounds a sum of terms, and here are numbers alone"
    hint = "write a functional on one side, as in `subject to D(q || G) <= 0.05`"
