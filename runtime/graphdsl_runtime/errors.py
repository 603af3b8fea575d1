"""What can go wrong between a caller and an objective, each mistake with its next step.

The runtime raises a short error with the two sides that disagree; a generated module adds the term
and the line of the spec (`ShapeMismatch.in_term`). All of them are `ObjectiveError`.
"""

# ruff: noqa: N818  (each is named after the mistake; `ObjectiveError` is what they all are)

from __future__ import annotations

__all__ = [
    "MissingInput",
    "MissingNetwork",
    "MissingTriton",
    "NetworkNeeded",
    "NotADensity",
    "NotFinite",
    "NotOneNetwork",
    "ObjectiveError",
    "OutOfRange",
    "ShapeMismatch",
    "UnknownName",
]

from collections.abc import Container, Iterable, Sequence
from difflib import get_close_matches

_SHOWN = 5  # rows that a message names


class ObjectiveError(ValueError):
    """A mistake in what was handed to an objective: a batch, a network, a weight."""


class ShapeMismatch(ObjectiveError):
    """Two shapes that should agree do not.

    >>> ShapeMismatch("x", expected=("B", 2, 32), got=(64, 32))
    ShapeMismatch('x has shape (64, 32); expected (B, 2, 32)')
    """

    def __init__(
        self, what: str, *, expected: Sequence[int | str], got: Sequence[int], where: str = ""
    ) -> None:
        super().__init__(f"{where}{what} has shape {_shape(got)}; expected {_shape(expected)}")
        self.what = what
        self.expected = tuple(expected)
        self.got = tuple(got)

    def in_term(self, term: str, spec: str) -> ShapeMismatch:
        """Say the same, with the term of the objective and the line of the spec it came from.

        >>> ShapeMismatch("z", expected=("B", 16), got=(64, 8)).in_term("I_q(z ; x)", "vib.mib:9")
        ShapeMismatch('in I_q(z ; x) (vib.mib:9): z has shape (64, 8); expected (B, 16)')
        """
        where = f"in {term} ({spec}): "
        return ShapeMismatch(self.what, expected=self.expected, got=self.got, where=where)


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
        instead = f", or all of {_names(members)}" if members else ""
        found = [
            f"`{other}`" + ("" if other in known else _guess(other, [name, *members]))
            for other in sorted(given)
        ]
        super().__init__(
            f"{name} is missing: expected `{name}` of shape {_shape(expected)}{instead}; "
            f"given: {', '.join(found) or 'nothing'}"
        )
        self.name = name


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
        super().__init__(
            f"there is no {kind} `{name}`{_guess(name, known)}; the names are: {_names(known)}"
        )
        self.name = name


class MissingNetwork(ObjectiveError):
    """Some members of a family were given their own networks, and others were not.

    >>> MissingNetwork(given=["q(z|x[1])"], missing=["q(z|x[2])"])
    ... # doctest: +NORMALIZE_WHITESPACE
    MissingNetwork('networks were given for `q(z|x[1])` but not for `q(z|x[2])`:
    a family takes a network for every member, or for none')
    """

    def __init__(self, *, given: Sequence[str], missing: Sequence[str]) -> None:
        super().__init__(
            f"networks were given for {_names(given)} but not for {_names(missing)}: "
            "a family takes a network for every member, or for none"
        )
        self.missing = tuple(missing)


class NetworkNeeded(ObjectiveError):
    """The spec leaves a network to the caller, who did not pass one.

    >>> NetworkNeeded("q(z|x)", "trunk", [(3, 8)], 32, "means, then log-variances", of="Vae")
    ... # doctest: +NORMALIZE_WHITESPACE
    NetworkNeeded('the spec computes q(z|x) `via trunk`, which is for you to pass:
    `Vae(networks={"q(z|x)": trunk})`, a module that is called with (B, 3, 8)
    and answers with (B, 32): means, then log-variances')
    """

    def __init__(
        self,
        name: str,
        module: str,
        inputs: Sequence[Sequence[int]],
        outputs: int | Sequence[int],
        answer: str,
        *,
        of: str,
    ) -> None:
        taken = ", ".join(_shape(("B", *shape)) for shape in inputs)
        given = _shape(("B", outputs) if isinstance(outputs, int) else ("B", *outputs))
        super().__init__(
            f"the spec computes {name} `via {module}`, which is for you to pass: "
            f'`{of}(networks={{"{name}": {module}}})`, a module that is called with {taken} and '
            f"answers with {given}: {answer}"
        )
        self.name = name
        self.inputs = tuple(map(tuple, inputs))
        self.outputs = (outputs,) if isinstance(outputs, int) else tuple(outputs)


class NotOneNetwork(ObjectiveError):
    """Conditionals that share a network were given several.

    >>> NotOneNetwork(["q(z[1]|x[1])", "q(z[2]|x[2])"])  # doctest: +NORMALIZE_WHITESPACE
    NotOneNetwork('`q(z[1]|x[1])`, `q(z[2]|x[2])` share one network, and were given several:
    pass one module, under any of these names')
    """

    def __init__(self, given: Sequence[str]) -> None:
        super().__init__(
            f"{_names(given)} share one network, and were given several: "
            "pass one module, under any of these names"
        )
        self.given = tuple(given)


class OutOfRange(ObjectiveError):
    """A number outside the range in which the objective means what it says.

    >>> OutOfRange("beta", -1.0, low=0.0, high=float("inf"))
    OutOfRange('beta = -1.0 is outside its range 0.0..inf')
    """

    def __init__(self, name: str, value: float, *, low: float, high: float) -> None:
        super().__init__(f"{name} = {value} is outside its range {low}..{high}")
        self.name = name


class NotADensity(ObjectiveError):
    """A product of experts with weights below zero, whose total precision is not positive.

    >>> NotADensity(row=3, place=(0,), precision=-0.5)
    ... # doctest: +NORMALIZE_WHITESPACE
    NotADensity('in row 3 the total precision is -0.5 at (0,): weights below zero took away more
    than there is; raise them, or give `least`')
    """

    def __init__(self, *, row: int, place: Sequence[int], precision: float) -> None:
        super().__init__(
            f"in row {row} the total precision is {precision} at {_shape(place)}: weights below "
            "zero took away more than there is; raise them, or give `least`"
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
        shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
        super().__init__(
            f"{name} is NaN or infinite in the row{'s' if len(rows) > 1 else ''} {shown}: a "
            f"variable may lack values where the spec says `optional`, as NaN or by `seen({name})`;"
            " leave these rows out, or fill them in"
        )
        self.name = name
        self.rows = tuple(rows)


def _shape(shape: Sequence[int | str]) -> str:
    inner = ", ".join(str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _guess(name: str, known: Sequence[str]) -> str:
    # Without case: `X` for `x` is the commonest slip, and difflib calls it no match at all.
    folded = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), folded, n=1)
    return f" (did you mean `{folded[close[0]]}`?)" if close else ""
