"""What can be wrong with the lines of networks."""

from __future__ import annotations

__all__ = [
    "BlockInModel",
    "ExpertsNotNormal",
    "MisplacedModifier",
    "RootInInference",
    "TwoWays",
    "UnknownFusion",
    "VariableTwice",
]

from graphdsl.diagnostics import Diagnostic


class UnknownFusion(Diagnostic):
    """A way to fuse parents after `by` that is not known."""

    code = "MIB219"
    title = "Unknown fusion"
    said = "parents cannot be fused `by {name}`"
    hint = (
        "write `by poe` (a product of experts), `by mixture`, or `by joint` (one network sees all)"
    )
    name: str


class VariableTwice(Diagnostic):
    """A variable in two nodes of one network."""

    code = "MIB223"
    title = "A variable in two nodes"
    said = "`{name}` is in two nodes of this network, and one is a block"
    hint = "write the block in the same way everywhere in this network"
    name: str


class TwoWays(Diagnostic):
    """Lines with the same child that disagree on how it is computed."""

    code = "MIB224"
    title = "Two ways to compute one conditional"
    said = "the lines of `{child}` say both `{first}` and `{second}`"
    hint = "several lines with one child unite its parents: say the same on each"
    child: str
    first: str
    second: str


class BlockInModel(Diagnostic):
    """A block in q or p."""

    code = "MIB225"
    title = "Block in a model"
    said = "parentheses make one node of several, and in `{network}` each variable is one"
    hint = (
        "list the variables without parentheses; declare latents that depend on each other given "
        "their parents as one vector, `latent z : real[16]`, inferred `~ normal(full)`"
    )
    network: str


class RootInInference(Diagnostic):
    """A latent on a line of its own in an inference network."""

    code = "MIB247"
    title = "Latent without parents in an inference network"
    said = "`{name}` has no parents here, and inference networks do not have such latents yet"
    hint = "write what `{name}` is inferred from, `{guess} -> {name}`, or delete the line"
    name: str
    guess: str


class ExpertsNotNormal(Diagnostic):
    """Experts of a variable whose posterior is no normal."""

    code = "MIB329"
    title = "Experts that are not normal"
    said = "`by {by}` is of normals of independent numbers, and `{name}` is {law}"
    hint = "leave out `by {by}`: one network then reads all parents"
    by: str
    name: str
    law: str


class MisplacedModifier(Diagnostic):
    """A `by` or `via` where nothing is computed."""

    code = "MIB231"
    title = "Misplaced modifier"
    said = "`{modifier}` means nothing here: {reason}"
    hint = "delete it"
    modifier: str
    reason: str
