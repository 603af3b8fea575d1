"""What can be wrong with the two sides of a divergence, and with distributions by name."""

from __future__ import annotations

__all__ = [
    "DistanceSides",
    "NetworkAsDistribution",
    "PartOfDistribution",
    "PosteriorsUnnamed",
    "ReverseDivergence",
    "SidesDiffer",
]

from graphdsl.diagnostics import Diagnostic


class NetworkAsDistribution(Diagnostic):
    """A network by name or in braces where a distribution must stand."""

    code = "MIB272"
    title = "Network in place of a distribution"
    said = "this is a network, and a distribution must stand here"
    hint = "write `D(q || {written})` for the distance to a network"
    written: str


class PartOfDistribution(Diagnostic):
    """Variables, settings or `frozen` where the name of a distribution must stand alone."""

    code = "MIB273"
    title = "Name of a distribution"
    said = "a distribution stands here by its name alone, without variables, settings or `frozen`"
    hint = "write {usage}"
    usage: str


class ReverseDivergence(Diagnostic):
    """A KL divergence from the generation network."""

    code = "MIB274"
    title = "Divergence from `p`"
    said = "`KL` is from an inference network, and this one is from `p` to `{right}`"
    hint = "write `KL(q || p)`: expectations are over q's samples"
    right: str


class SidesDiffer(Diagnostic):
    """A divergence between distributions of different variables."""

    code = "MIB275"
    title = "Sides of different variables"
    said = "the left side is of {left}, and the right side is of {right}"
    hint = "name the same variables on both sides, as in `{functional}(q(z) || p(z))`"
    functional: str
    left: str
    right: str


class DistanceSides(Diagnostic):
    """A distance whose sides are no marginals of an inference network and of p."""

    code = "MIB276"
    title = "Sides of a distance"
    said = "`{functional}` is from a marginal of an inference network to the same marginal of `p`"
    hint = "write `{functional}(q(z) || p(z))`"
    functional: str


class PosteriorsUnnamed(Diagnostic):
    """A divergence between two inference networks as wholes."""

    code = "MIB277"
    title = "Posteriors without their latents"
    said = "`{left}` and `{right}` both infer: their joints have the same data"
    hint = "name the latents and what they are inferred from: `KL(q(z | x) || q(z | x[1]))`"
    left: str
    right: str
