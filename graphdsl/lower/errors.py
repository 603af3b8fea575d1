"""Mistakes in what can be computed: estimators, players, and losses that hold too little."""

from __future__ import annotations

__all__ = [
    "AbsentVariable",
    "CollapsedLatent",
    "ComparedWithOneExpert",
    "EdgeGradientOfPlayers",
    "EdgeGradientsDiffer",
    "EstimatorIdle",
    "EstimatorMisplaced",
    "IdleLimit",
    "MarginalOfModel",
    "MixtureInPart",
    "NoBound",
    "NoModelOfSets",
    "NoPart",
    "NoSuchPosterior",
    "NothingLeft",
    "OpenGap",
    "PriorMissing",
    "ProductElsewhere",
    "RatioOfGenerated",
    "SeveralSamplesMisplaced",
    "StructuresTooMany",
    "TurnsIdle",
    "UnfitDistance",
    "Untrained",
]

from graphdsl.diagnostics import Diagnostic, Warned
from graphdsl.ir.symbols import NetworkName, Variable


class NoBound(Diagnostic):
    """An entropy with a negative weight that nothing bounds."""

    code = "MIB401"
    title = "No bound"
    said = "the objective holds {term}, which is neither exact nor bounded by anything here"
    hint = "add a generation network `p` that predicts data from it, or another network to D"
    term: str


class NoPart(Diagnostic):
    """An objective that its own player cannot lower."""

    code = "MIB455"
    title = "Player without a part"
    said = "this objective trains no network of `{player}`: it depends on {networks}"
    hint = "add a term that one has a part in, or join these to the objective of `{others}`"
    player: str
    networks: str
    others: str


class TurnsIdle(Diagnostic):
    """Turns of a player that no term brings."""

    code = "MIB454"
    title = "Turns for an absent player"
    said = "`{name}` has turns, but no term involves it; the players are {players}"
    hint = "delete its turns, or add a term that involves it, as in `{example}`"
    name: str
    players: str
    example: str


class NoModelOfSets(Diagnostic):
    """An entropy given x[S] for a set that is drawn, and nothing that models it for every S."""

    code = "MIB431"
    title = "No model for every set"
    said = "{term} needs a model of `{name}` for every set, and there is none"
    hint = "infer `{name}` from all members `by poe`, or declare a prior: `latent ... ~ normal`"
    term: str
    name: str


class NothingLeft(Diagnostic):
    """An objective in which all terms cancel, or are constants of the data."""

    code = "MIB405"
    title = "Nothing to minimise"
    said = "once equal terms have met, the objective holds nothing but constants of the data"
    hint = "add a term that depends on a network, such as `KL(q || p)`"


class EdgeGradientsDiffer(Diagnostic):
    """Masks that are trained in several ways, whose structures are drawn as one."""

    code = "MIB432"
    title = "Several gradients of edges"
    said = "the masks are trained in several ways, and their structures are drawn as one"
    hint = "write `{gradient}` for every learned mask"
    gradient: str


class EdgeGradientOfPlayers(Diagnostic):
    """An unbiased gradient of edges, of objectives by players."""

    code = "MIB433"
    title = "Gradient of edges by players"
    said = "`{gradient}` needs one objective, and each player has its own"
    hint = "write `straight_through` for the masks of an objective by players"
    gradient: str


class StructuresTooMany(Diagnostic):
    """More structures of all masks together than can be enumerated."""

    code = "MIB434"
    title = "Too many structures"
    said = "the masks have {edges} edges together, which makes 2^{edges} structures"
    hint = "write `disarm`; up to {most} edges can be enumerated"
    edges: int
    most: int


class PriorMissing(Diagnostic):
    """A latent without a prior, where a prior is needed."""

    code = "MIB403"
    title = "Latent without a prior"
    said = "`{name}` is a root of `p`, and has no distribution"
    hint = "declare one: `{declared}`"
    name: str
    declared: str


class MarginalOfModel(Diagnostic):
    """A marginal of p that is no product of its conditionals."""

    code = "MIB404"
    title = "Marginal of p"
    said = "`p({names})` leaves out `{parent}`, a parent of `{child}` in `p`, and has no density"
    hint = "name the parents too, as in `KL(q({parent}, {names}) || p({parent}, {names}))`"
    names: str
    parent: Variable
    child: Variable


class MixtureInPart(Diagnostic):
    """A term that the density of a mixture cannot tell."""

    code = "MIB418"
    title = "Mixture in part"
    said = "the density of the mixture `{name}` cannot tell {term}: {reason}"
    hint = "{instead}"
    name: str
    term: str
    reason: str
    instead: str


class ComparedWithOneExpert(Diagnostic):
    """Another network compared with a mixture of which each row draws one expert."""

    code = "MIB419"
    title = "Compared with one expert"
    said = (
        "KL({under} || {network}) would exceed the quantity that it estimates: each row compares "
        "with one expert of the mixture `{name}`"
    )
    hint = "leave out `with one_expert`"
    under: NetworkName
    network: str
    name: str


class UnfitDistance(Diagnostic):
    """A distance of distributions whose samples cannot be drawn."""

    code = "MIB503"
    title = "Distance without samples"
    said = "{distance} is estimated from samples, and {reason}"
    hint = "name whole families: normal latents, or numbers that `p` generates"
    distance: str
    reason: str


class RatioOfGenerated(Diagnostic):
    """A density ratio of what the generation network would have to learn from it."""

    code = "MIB506"
    title = "Density ratio that does not train p"
    said = "{distance} by an adversary is a density ratio, which trains `q` alone, and `p` "
    said += "generates `{name}`"
    hint = "compare samples of both, as in `MMD(q(z) || p(z))` or `JS(q(z) || p(z))`"
    distance: str
    name: str


class NoSuchPosterior(Diagnostic):
    """A conditional of an inference network that its encoder does not compute."""

    code = "MIB409"
    title = "Posterior that nothing computes"
    said = "`{name}` has one network for all its parents: {asked} is not computed"
    hint = "write the line `by poe`, which has a posterior for every subset, or `infer` another one"
    name: str
    asked: str


class Untrained(Warned):
    """A network that no term of the objective trains."""

    code = "MIB441"
    title = "Network that nothing trains"
    said = "no term of the objective trains {names}: it stays as it was drawn at the start"
    hint = "add a term that it has a part in, such as `KL(q || p)`, or {owner}"
    names: str
    owner: str


class ProductElsewhere(Diagnostic):
    """A product of experts, one of which reads a latent, at another network's samples."""

    code = "MIB415"
    title = "Product at other samples"
    said = "{name} is of experts that read {latent}, and is computed at {network}'s samples alone"
    hint = "write its line `by joint`: one network can be asked at any samples"
    name: str
    latent: str
    network: str


class OpenGap(Warned):
    """An information to be lowered, whose bound holds another one that no training closes."""

    code = "MIB442"
    title = "Gap that never closes"
    said = "the bound of this is loose by {gap}, {size}, and no training closes that"
    hint = "write {mend}"
    gap: str
    size: str
    mend: str


class CollapsedLatent(Warned):
    """A latent of which the loss has the rate alone."""

    code = "MIB443"
    title = "Latent that nothing is predicted from"
    said = (
        "the loss holds the rate of `{name}` and nothing that gains by `{name}`: it is least where "
        "`{name}` tells nothing of the data"
    )
    hint = "predict data from it, as in `{name} -> x` in `p` with `KL(q || p)`, or leave it out"
    name: str


class AbsentVariable(Warned):
    """Data that the objective asks about, and the loss does not read."""

    code = "MIB444"
    title = "Variable that the loss does not hold"
    said = "`{name}` is asked about here, and the loss is computed without it"
    hint = "predict it, as in `CE({name} | {latent})`, give it to a model of `p`, or leave it out"
    name: str
    latent: str


class IdleLimit(Warned):
    """A limit above what the information under it can be."""

    code = "MIB445"
    title = "Limit that says nothing"
    said = "what is limited here is at most {largest} nats, and the limit is {limit}"
    hint = "lower the limit: as it is, it acts on the bound alone, which may be larger"
    largest: str
    limit: str


class EstimatorIdle(Warned):
    """An `estimate` line about something that the objective does not hold."""

    code = "MIB502"
    title = "Nothing to estimate"
    said = "after collecting equal terms, the objective holds no {target}"
    hint = "delete the line, or see with `--emit terms` what the objective holds"
    target: str


class EstimatorMisplaced(Diagnostic):
    """An estimator whose conditions do not hold."""

    code = "MIB501"
    title = "Estimator out of place"
    said = "{estimator} cannot estimate {target}: {reason}"
    hint = "{instead}"
    estimator: str
    target: str
    reason: str
    instead: str


class SeveralSamplesMisplaced(Diagnostic):
    """A bound of several samples that does not hold, or that is not drawn."""

    code = "MIB505"
    title = "Several samples out of place"
    said = "`{word}` does not bound KL({under} || p) here: {reason}"
    hint = "{instead}"
    word: str
    under: NetworkName
    reason: str
    instead: str
