"""What can go wrong between a caller and an objective, each mistake with its next step.

The runtime raises a short error with the two sides that disagree; a generated module adds the term
and the line of the spec (`ShapeMismatch.in_term`). All of them are `ObjectiveError`.
"""

# ruff: noqa: N818  (each is named after the mistake; `ObjectiveError` is what they all are)

from __future__ import annotations

__all__ = [
    "Meaningless",
    "MissingInput",
    "MissingTriton",
    "NotABatch",
    "NotADensity",
    "NotATensor",
    "NotFinite",
    "NotSeen",
    "ObjectiveError",
    "OtherFormat",
    "OutOfRange",
    "OutsideSupport",
    "ShapeMismatch",
    "ShardedParameters",
    "UnknownName",
    "WrongDevice",
]

from collections.abc import Container, Iterable, Sequence

from graphdsl_runtime.wording import (
    guess,
    listed_names,
    listed_rows,
    shape_text,
    support_text,
    with_article,
)

_MOST_NAMES = 12  # names that a message lists


class ObjectiveError(ValueError):
    """A mistake in what was handed to an objective: a batch, a network, a weight."""


class ShapeMismatch(ObjectiveError):
    """Two shapes that should agree do not.

    >>> ShapeMismatch("x", expected=("B", 2, 32), got=(64, 32))
    ShapeMismatch('x has shape (64, 32); expected (B, 2, 32)')
    """

    def __init__(
        self,
        what: str,
        *,
        expected: Sequence[int | str],
        got: Sequence[int],
        where: str = "",
        because: str = "",
    ) -> None:
        reason = f": {because}" if because else ""
        super().__init__(
            f"{where}{what} has shape {shape_text(got)}; expected {shape_text(expected)}{reason}"
        )
        self.what = what
        self.expected = tuple(expected)
        self.got = tuple(got)
        self.because = because

    def in_term(self, term: str, spec: str) -> ShapeMismatch:
        """Say the same, with the term of the objective and the line of the spec it came from.

        >>> ShapeMismatch("z", expected=("B", 16), got=(64, 8)).in_term("I_q(z ; x)", "vib.mib:9")
        ShapeMismatch('in I_q(z ; x) (vib.mib:9): z has shape (64, 8); expected (B, 16)')
        """
        where = f"in {term} ({spec}): "
        return ShapeMismatch(
            self.what, expected=self.expected, got=self.got, where=where, because=self.because
        )


class MissingInput(ObjectiveError):
    """A batch, or a noise, lacks a tensor that the model reads.

    ``known`` are all the names that the model has: what was given under another is a slip.

    >>> MissingInput("x", expected=("B", 2), members=["x[1]", "x[2]"], given=["X[1]"], known=["x"])
    ... # doctest: +NORMALIZE_WHITESPACE
    MissingInput('x is missing: expected `x` of shape (B, 2), or all of `x[1]`, `x[2]`;
    given: `X[1]` (did you mean `x[1]`?)')
    """

    def __init__(
        self,
        name: str,
        *,
        expected: Sequence[int | str],
        given: Iterable[str],
        known: Container[str],
        members: Sequence[str] = (),
    ) -> None:
        instead = f", or all of {listed_names(members)}" if members else ""
        found = [
            f"`{other}`" + ("" if other in known else guess(other, [name, *members]))
            for other in sorted(given)
        ]
        super().__init__(
            f"{name} is missing: expected `{name}` of shape {shape_text(expected)}{instead}; "
            f"given: {', '.join(found) or 'nothing'}"
        )
        self.name = name


class Meaningless(ObjectiveError):
    """A loss that is no number, or so large that its gradient is that of a guard.

    >>> Meaningless("rate_z", 1e28, because="year reaches 2024.0, and networks read it as it is")
    ... # doctest: +NORMALIZE_WHITESPACE
    Meaningless('`rate_z` is 1e+28, which is no loss to train on: year reaches 2024.0, and networks
    read it as it is')
    """

    def __init__(self, term: str, value: float, *, because: str, variable: str = "") -> None:
        super().__init__(f"`{term}` is {value:.6g}, which is no loss to train on: {because}")
        self.term = term
        self.value = value
        self.because = because
        self.variable = variable


class MissingTriton(ObjectiveError):
    """Fused kernels are asked for, and the language that they are written in is not installed.

    >>> MissingTriton()
    MissingTriton('fused kernels need triton, which comes with torch for CUDA: pip install triton')
    """

    def __init__(self) -> None:
        super().__init__(
            "fused kernels need triton, which comes with torch for CUDA: pip install triton"
        )


class UnknownName(ObjectiveError):
    """A name that the model does not have.

    >>> UnknownName("network", "q(z|x1)", known=["q(z|x[1])", "p(x[1]|z)"])
    ... # doctest: +NORMALIZE_WHITESPACE
    UnknownName('there is no network `q(z|x1)` (did you mean `q(z|x[1])`?);
    the names are: `q(z|x[1])`, `p(x[1]|z)`')
    """

    def __init__(self, kind: str, name: str, *, known: Sequence[str]) -> None:
        more = ", ..." if len(known) > _MOST_NAMES else ""
        super().__init__(
            f"there is no {kind} `{name}`{guess(name, known)}; "
            f"the names are: {listed_names(known[:_MOST_NAMES])}{more}"
        )
        self.name = name


class ShardedParameters(ObjectiveError):
    """Parameters that `fully_shard` has cut, given to a game.

    >>> ShardedParameters("model")
    ... # doctest: +NORMALIZE_WHITESPACE
    ShardedParameters('the parameters of the player `model` are sharded, and have no gradient for
    themselves alone: call `losses.loss.backward()` and `optimizer.step()` in a loop of your own,
    or give each process a copy of the model')
    """

    def __init__(self, player: str) -> None:
        super().__init__(
            f"the parameters of the player `{player}` are sharded, and have no gradient for "
            "themselves alone: call `losses.loss.backward()` and `optimizer.step()` in a loop of "
            "your own, or give each process a copy of the model"
        )
        self.player = player


class NotABatch(ObjectiveError):
    """Something else than a mapping from names to values.

    >>> NotABatch("batch", 3, known=["x", "y"])
    ... # doctest: +NORMALIZE_WHITESPACE
    NotABatch('a batch is a mapping from names to tensors, such as {"x": ..., "y": ...};
    got an int')
    """

    def __init__(self, what: str, got: object, *, known: Sequence[str]) -> None:
        example = ", ".join(f'"{name}": ...' for name in known[:2])
        super().__init__(
            f"a {what} is a mapping from names to tensors, such as {{{example}}}; "
            f"got {with_article(type(got).__name__)}"
        )


class NotATensor(ObjectiveError):
    """An entry of a batch that is no array of numbers.

    >>> NotATensor("x", "text")
    NotATensor('x is a str; expected a tensor, a NumPy array or a list of numbers')
    """

    def __init__(self, name: str, value: object, what: str = "") -> None:
        super().__init__(
            f"{name} is {what or with_article(type(value).__name__)}; "
            "expected a tensor, a NumPy array or a list of numbers"
        )
        self.name = name


class WrongDevice(ObjectiveError):
    """An entry of a batch lies on another device than the module.

    >>> WrongDevice("x", got="cpu", expected="cuda:0")
    WrongDevice('x is on cpu, and the module on cuda:0: move it, `x.to("cuda:0")`')
    """

    def __init__(self, name: str, *, got: object, expected: object) -> None:
        super().__init__(
            f'{name} is on {got}, and the module on {expected}: move it, `x.to("{expected}")`'
        )
        self.name = name


class OutOfRange(ObjectiveError):
    """A number outside the range in which the objective means what it says.

    >>> OutOfRange("beta", -1.0, low=0.0, high=float("inf"))
    OutOfRange('beta = -1.0 is outside its range 0.0..inf')
    """

    def __init__(self, name: str, value: float, *, low: float, high: float) -> None:
        super().__init__(f"{name} = {value} is outside its range {low}..{high}")
        self.name = name


class OtherFormat(ObjectiveError):
    """An emitted module in a format that this runtime does not run.

    >>> OtherFormat("Vae", found=2, expected=1, by="graphdsl 0.4.0")
    ... # doctest: +NORMALIZE_WHITESPACE
    OtherFormat('Vae was emitted in format 2 by graphdsl 0.4.0, but this version of graphdsl runs
    format 1: compile its spec again with `graphdsl compile`, or use graphdsl 0.4.0')
    """

    def __init__(self, name: str, *, found: object, expected: int, by: str) -> None:
        compiler = by or "another version of graphdsl"
        super().__init__(
            f"{name} was emitted in format {found} by {compiler}, but this version of graphdsl "
            f"runs format {expected}: compile its spec again with `graphdsl compile`, or use "
            f"{by or 'that version'}"
        )
        self.found = found
        self.expected = expected


class NotADensity(ObjectiveError):
    """A product of experts with weights below zero, whose total precision is not positive.

    >>> NotADensity(row=3, place=(0,), precision=-0.5)
    ... # doctest: +NORMALIZE_WHITESPACE
    NotADensity('in row 3 the total precision is -0.5 at (0,): weights below zero took away more
    than there is; raise them, or give `least`')
    """

    def __init__(self, *, row: int, place: Sequence[int], precision: float) -> None:
        super().__init__(
            f"in row {row} the total precision is {precision} at {shape_text(place)}: weights "
            "below zero took away more than there is; raise them, or give `least`"
        )
        self.row = row
        self.place = tuple(place)


class NotFinite(ObjectiveError):
    """Values of a batch that no loss can be computed from, in rows that are said to have them.

    >>> NotFinite("x", [3, 5])  # doctest: +NORMALIZE_WHITESPACE
    NotFinite('x is NaN or infinite in the rows 3, 5: a variable may lack values where the spec
    says `optional`, as NaN or by `seen(x)`; leave these rows out, or fill them in')
    """

    def __init__(self, name: str, rows: Sequence[int]) -> None:
        super().__init__(
            f"{name} is NaN or infinite in the {listed_rows(rows)}: a "
            f"variable may lack values where the spec says `optional`, as NaN or by `seen({name})`;"
            " leave these rows out, or fill them in"
        )
        self.name = name
        self.rows = tuple(rows)


class NotSeen(ObjectiveError):
    """Rows that are said to lack a variable which the spec does not let them lack.

    >>> NotSeen("x", [3, 5])  # doctest: +NORMALIZE_WHITESPACE
    NotSeen('`seen(x)` is false in the rows 3, 5: a variable may lack values where the spec says
    `optional`; leave these rows out, or fill them in')
    """

    def __init__(self, name: str, rows: Sequence[int]) -> None:
        super().__init__(
            f"`seen({name})` is false in the {listed_rows(rows)}: a variable may lack values where "
            "the spec says `optional`; leave these rows out, or fill them in"
        )
        self.name = name
        self.rows = tuple(rows)


class OutsideSupport(ObjectiveError):
    """A number that is no value of its kind: it has no likelihood.

    >>> OutsideSupport("n", -1.0, rows=[3], place=(), kind="count", classes=None)
    ... # doctest: +NORMALIZE_WHITESPACE
    OutsideSupport('n is -1.0 in row 3: a count is a whole number, 0 or more; declare `real` what
    is measured')
    """

    def __init__(
        self,
        name: str,
        value: float,
        *,
        rows: Sequence[int],
        place: Sequence[int],
        kind: str,
        classes: int | None,
    ) -> None:
        at = f", at {shape_text(place)}" if place else ""
        more = f" (and in {len(rows) - 1} more)" if len(rows) > 1 else ""
        super().__init__(
            f"{name} is {value} in row {rows[0]}{at}{more}: {support_text(kind, classes)}"
        )
        self.name = name
        self.value = value
        self.rows = tuple(rows)
        self.place = tuple(place)
