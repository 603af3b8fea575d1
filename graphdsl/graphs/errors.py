"""What can be wrong with networks: MIB3xx."""

from __future__ import annotations

__all__ = [
    "CyclicNetwork",
    "EdgeIntoGiven",
    "EdgeIntoObserved",
    "LatentHasNoEncoder",
    "LatentNotInferred",
    "LatentOnOneSide",
    "MediatorMayBeMissing",
    "NotInGeneration",
]

from graphdsl.diagnostics import Diagnostic
from graphdsl.ir.symbols import NetworkName, Variable


class CyclicNetwork(Diagnostic):
    """A network that is no DAG."""

    code = "MIB301"
    title = "Cycle"
    said = "the network `{network}` goes round in a circle: {cycle}"
    hint = "a Bayesian network is acyclic: turn or delete one of these edges"
    network: str
    cycle: str


class LatentHasNoEncoder(Diagnostic):
    """A latent variable that the inference network does not infer."""

    code = "MIB302"
    title = "Latent without an encoder"
    said = "`{node}` is latent, but the inference network `q` gives it no line"
    hint = "add an edge such as `{guess} -> {node}` to the `q` block"
    node: Variable
    guess: str


class EdgeIntoObserved(Diagnostic):
    """An edge of q that ends in data."""

    code = "MIB303"
    title = "Edge into an observed variable"
    said = "`{node}` is observed: its distribution under `q` is the data's own"
    hint = "in `q`, edges end in latents; `{node}` is generated in `p`"
    node: Variable


class LatentOnOneSide(Diagnostic):
    """KL(q || p) with a latent that one of the two does not have."""

    code = "MIB304"
    title = "Latent on one side only"
    said = "`KL({under} || p)` compares joints, but `{node}` is in `{present}`, not in `{absent}`"
    hint = "add a line for `{node}` to `{absent}`, or take it out of `{present}`"
    node: Variable
    under: NetworkName
    present: str
    absent: str


class EdgeIntoGiven(Diagnostic):
    """An edge of p that ends in what is only given."""

    code = "MIB305"
    title = "Edge into a given variable"
    said = "`{node}` is given: it is conditioned on, and never modelled"
    hint = "take the edge out of `p`, or declare `observed {node}` if `p` is to generate it"
    node: Variable


class LatentNotInferred(Diagnostic):
    """A term under an inference network that does not infer one of its latents."""

    code = "MIB306"
    title = "Latent of another network"
    said = "this term is under `{under}`, which does not infer `{node}`"
    hint = "{guess}"
    under: NetworkName
    node: Variable
    guess: str


class NotInGeneration(Diagnostic):
    """A term under p of a variable that p does not hold."""

    code = "MIB308"
    title = "Variable that p does not hold"
    said = "this term is under `p`, and `{node}` is no variable of `p`"
    hint = "add a line for `{node}` to `p`, or write the term under a network that has one"
    node: Variable


class MediatorMayBeMissing(Diagnostic):
    """A regularizer network in which a variable that rows may lack stands between two others."""

    code = "MIB424"
    title = "Mediator that rows may lack"
    said = (
        "rows may lack `{name}`, and `{network}` separates `{left}` from `{right}` by it: without "
        "it, D lets the two depend on each other, and nothing here bounds what is left of it"
    )
    hint = (
        "leave out the word `optional`, or ask for the information itself: "
        "`I({left}; {right} | {name})`, which is `I({left}; {right})` in rows without `{name}`"
    )
    name: str
    network: str
    left: str
    right: str
