"""What can be wrong with the terms of objectives and assertions: MIB2xx as well."""

from __future__ import annotations

__all__ = [
    "ConstraintOfNobody",
    "NotAFunctional",
    "NotLinear",
    "OverlappingParts",
    "PlayerMissing",
    "PlayerTwice",
    "SparsityElsewhere",
    "TurnsOfNobody",
    "TurnsTwice",
    "UnknownEstimator",
    "UnknownFunctional",
    "UnknownNetwork",
    "UnknownPlayer",
    "WrongArguments",
]

from graphdsl.diagnostics import Diagnostic


class UnknownFunctional(Diagnostic):
    """A functional that the language does not have."""

    code = "MIB211"
    title = "Unknown functional"
    said = "there is no functional `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class UnknownNetwork(Diagnostic):
    """A network that nothing declares."""

    code = "MIB212"
    title = "Unknown network"
    said = "there is no network `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class WrongArguments(Diagnostic):
    """A functional or network with the wrong arguments."""

    code = "MIB213"
    title = "Wrong arguments"
    said = "{problem}"
    hint = "{usage}"
    problem: str
    usage: str


class NotLinear(Diagnostic):
    """An objective that is no weighted sum of functionals."""

    code = "MIB214"
    title = "Not a weighted sum"
    said = "{problem}"
    hint = "an objective is a sum of functionals, each with a weight: `2 * KL(q || p)`"
    problem: str


class NotAFunctional(Diagnostic):
    """A variable or number where a functional must stand."""

    code = "MIB215"
    title = "Not a term"
    said = "{problem}"
    hint = "{instead}"
    problem: str
    instead: str


class UnknownEstimator(Diagnostic):
    """An estimator that is not known."""

    code = "MIB220"
    title = "Unknown estimator"
    said = "there is no estimator `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class OverlappingParts(Diagnostic):
    """The same variable on both sides of an information."""

    code = "MIB222"
    title = "A variable on both sides"
    said = "`{name}` appears in two parts of `{functional}`"
    hint = "name it once: information is between different variables"
    name: str
    functional: str


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
