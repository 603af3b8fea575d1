"""What can go wrong between a caller's own networks and an objective."""

# ruff: noqa: N818  (each is named after the mistake, as in `errors`)

from __future__ import annotations

__all__ = ["BadAnswer", "MissingNetwork", "NetworkNeeded", "NotOneNetwork"]

from collections.abc import Sequence

from graphdsl_runtime.errors import ObjectiveError
from graphdsl_runtime.wording import listed_names, shape_text


class BadAnswer(ObjectiveError):
    """A caller's own network answers with what is no number.

    >>> BadAnswer("p(y|z)", float("-inf"), row=3)  # doctest: +NORMALIZE_WHITESPACE
    BadAnswer('the answer of p(y|z) is -inf in row 3: no loss or gradient can be computed from it;
    for a class that is ruled out, write a large negative number, such as -1e4')
    """

    def __init__(self, name: str, value: float, *, row: int) -> None:
        super().__init__(
            f"the answer of {name} is {value} in row {row}: no loss or gradient can be computed "
            "from it; for a class that is ruled out, write a large negative number, such as -1e4"
        )
        self.name = name
        self.row = row


class MissingNetwork(ObjectiveError):
    """Some members of a family were given their own networks, and others were not.

    >>> MissingNetwork(given=["q(z|x[1])"], missing=["q(z|x[2])"])
    ... # doctest: +NORMALIZE_WHITESPACE
    MissingNetwork('networks were given for `q(z|x[1])` but not for `q(z|x[2])`:
    a family takes a network for every member, or for none')
    """

    def __init__(self, *, given: Sequence[str], missing: Sequence[str]) -> None:
        super().__init__(
            f"networks were given for {listed_names(given)} but not for {listed_names(missing)}: "
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
        taken = ", ".join(shape_text(("B", *shape)) for shape in inputs)
        given = shape_text(("B", outputs) if isinstance(outputs, int) else ("B", *outputs))
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
            f"{listed_names(given)} share one network, and were given several: "
            "pass one module, under any of these names"
        )
        self.given = tuple(given)
