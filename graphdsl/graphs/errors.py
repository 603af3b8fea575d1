"""What can be wrong with networks: MIB3xx."""

from __future__ import annotations

__all__ = [
    "CyclicNetwork",
    "EdgeIntoObserved",
    "LatentHasNoEncoder",
    "LatentHasParents",
    "LatentOnOneSide",
]

from graphdsl.diagnostics import Diagnostic


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
    node: str
    guess: str


class EdgeIntoObserved(Diagnostic):
    """An edge of q that ends in data."""

    code = "MIB303"
    title = "Edge into an observed variable"
    said = "`{node}` is observed: its distribution under `q` is the data's own"
    hint = "in `q`, edges end in latents; `{node}` is generated in `p`"
    node: str


class LatentOnOneSide(Diagnostic):
    """KL(q || p) with a latent that one of the two does not have."""

    code = "MIB304"
    title = "Latent on one side only"
    said = "`KL(q || p)` compares joints, but `{node}` is in `{present}` and not in `{absent}`"
    hint = "add a line for `{node}` to `{absent}`, or take it out of `{present}`"
    node: str
    present: str
    absent: str


class LatentHasParents(Diagnostic):
    """A conditional prior, which this version does not have."""

    code = "MIB305"
    title = "Conditional prior"
    said = "`{node}` is latent and has parents in `p`; so far, latents are roots of `p`"
    hint = "take the edges into `{node}` out of `p`; its prior is the one declared with `~`"
    node: str
