"""Which model r(v|S) bounds an entropy H(v|S): rule 4 of the language."""

from __future__ import annotations

__all__ = [
    "Auxiliary",
    "BoundModel",
    "Candidate",
    "Decoder",
    "Encoder",
    "Prior",
    "SubPosterior",
    "asked_model",
    "choose_model",
    "fitting_models",
    "is_drawn",
    "latent_experts",
    "model_ref",
    "named_model",
    "plays",
    "reading_of",
    "tied_models",
]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from graphdsl.ir.information import ModelCrossEntropy
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.objective import ModelChoice
from graphdsl.ir.symbols import NEW, NO_VARIABLE, ModelRef, NetworkName, P, Q, Variable, names
from graphdsl.ir.symmetry import Reading


@dataclass(frozen=True, slots=True)
class Prior:
    """The prior of a latent, as declared."""

    node: Variable


@dataclass(frozen=True, slots=True)
class Decoder:
    """A conditional of p."""

    node: Variable
    conditional: Conditional
    frozen: bool = False  #: its networks stay as they are, whatever the term asks for


@dataclass(frozen=True, slots=True)
class SubPosterior:
    """A product of some of the experts of a posterior: q(z|x_S)."""

    node: Variable
    conditional: Conditional
    experts: tuple[Variable, ...]  #: the parents in S; a block for those in a set that is drawn
    network: NetworkName = Q  #: whose posterior it is


@dataclass(frozen=True, slots=True)
class Encoder:
    """A posterior of another inference network."""

    node: Variable
    conditional: Conditional
    network: NetworkName  #: `r(1)`


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A network made for a bound, where no other fits."""

    node: Variable
    given: tuple[Variable, ...]
    adversary: bool = False  #: it is trained against the term that it stands in


BoundModel: TypeAlias = Prior | Decoder | SubPosterior | Encoder | Auxiliary


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model whose parents lie in S, for H(v | S)."""

    network: NetworkName  #: `q`, `p`, `r(1)`
    parents: int  #: how many there are
    ref: BoundModel


def named_model(asked: ModelCrossEntropy, model: Model, plays: bool = False) -> BoundModel:
    """The model of a cross-entropy that the objective itself names; one made for it may play."""
    atom, conditional = asked.atom, asked.conditional
    if atom.network == NEW:
        return Auxiliary(atom.node, model.declared(atom.given or ()), plays)
    if conditional is None:
        return Prior(atom.node)
    if atom.network == P:
        return Decoder(atom.node, conditional, atom.frozen)
    given = frozenset(conditional.parents) if atom.given is None else atom.given
    blocks = tuple(name for name in names(given) if name.block is not None)
    if blocks and not given.issuperset(conditional.parents):
        return SubPosterior(atom.node, conditional, blocks, atom.network)
    experts = tuple(name for name in conditional.parents if name in given)
    if conditional.by == "poe" and not experts:
        return Prior(atom.node)  # the product of no expert at all
    if len(experts) < len(conditional.parents):
        return SubPosterior(atom.node, conditional, experts, atom.network)
    return Encoder(atom.node, conditional, atom.network)


def choose_model(
    node: Variable, given: frozenset[Variable], model: Model, under: NetworkName = Q
) -> BoundModel:
    """The model that an `estimate` line asks for; else the one with most parents of those that fit.

    Candidates are the sub-posteriors of the inference network itself, p's conditionals, and the
    posteriors of the other inference networks, whose parents lie in `given`; where there is none,
    or under p, a new network.
    """
    if under == "p":
        return Auxiliary(
            node, model.declared(given)
        )  # what infers from data is not asked of p's samples
    choice = asked_model(node, given, model, under)
    fitting = _most(_candidates(node, given, model, under))
    if choice is not None:
        fitting = _most(_of_choice(choice, node, given, model))
    return fitting[0].ref if fitting else Auxiliary(node, model.declared(given))


def asked_model(
    node: Variable, given: frozenset[Variable], model: Model, under: NetworkName = Q
) -> ModelChoice | None:
    """The `estimate` line that says which model bounds H(node | given), if there is one."""
    for choice in model.model_choices:
        target = choice.target
        if node in target.of and target.given == given and target.under == under:
            return choice
    return None


def tied_models(
    node: Variable, given: frozenset[Variable], model: Model, under: NetworkName = Q
) -> tuple[Candidate, ...]:
    """The models that have as many parents as each other, where none is asked for: two or more.

    Of a set that is drawn, no `estimate` line could say which: there the first in order is taken.
    """
    if asked_model(node, given, model, under) or any(one.block for one in given):
        return ()
    fitting = _most(_candidates(node, given, model, under))
    return tuple(fitting) if len(fitting) > 1 else ()


def fitting_models(
    node: Variable, given: frozenset[Variable], model: Model, under: NetworkName = Q
) -> tuple[NetworkName, ...]:
    """The distributions that an `estimate` line may name for H(node | given)."""
    candidates = _candidates(node, given, model, under)
    return (*dict.fromkeys(one.network for one in candidates), NEW)


def _most(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those with most parents, in their order."""
    models = list(candidates)
    most = max((one.parents for one in models), default=0)
    return [one for one in models if one.parents == most]


def _of_choice(
    choice: ModelChoice, node: Variable, given: frozenset[Variable], model: Model
) -> Iterator[Candidate]:
    candidates = _candidates(node, given, model, choice.target.under)
    return (one for one in candidates if one.network == choice.network)


def _candidates(
    node: Variable, given: frozenset[Variable], model: Model, under: NetworkName
) -> Iterator[Candidate]:
    """The models that fit, in their order."""
    for conditional in _of(node, model.inference_of(under)):
        experts = tuple(name for name in conditional.parents if name in given)
        if conditional.by == "poe" and experts:
            yield Candidate(under, len(experts), SubPosterior(node, conditional, experts, under))
        for block, half in _of_blocks(given, conditional, model):
            yield Candidate(under, half, SubPosterior(node, conditional, (block,), under))
    for conditional in _within(node, given, model.generation):
        yield Candidate(P, len(conditional.parents), Decoder(node, conditional))
    for network in (model.inference, *model.further):
        if network.name != under:
            yield from _encoders(node, given, network, model)
    family = model.family_of(node)
    if family.prior and family.role == "latent":
        yield Candidate(P, 0, Prior(node))


def _encoders(
    node: Variable, given: frozenset[Variable], network: Network, model: Model
) -> Iterator[Candidate]:
    """Another network's posteriors; experts on its latents are at its own samples alone."""
    for conditional in _within(node, given, network):
        if not latent_experts(conditional, model):
            encoder = Encoder(node, conditional, network.name)
            yield Candidate(network.name, len(conditional.parents), encoder)


def latent_experts(conditional: Conditional, model: Model) -> tuple[Variable, ...]:
    """The latents that a product of experts reads, or a mixture: none of one network."""
    if conditional.by == "joint":
        return ()
    return tuple(name for name in conditional.parents if name not in model.observed())


def is_drawn(ref: object) -> bool:
    """Whether a model is q(z|x[S]) of a set that is drawn."""
    return isinstance(ref, SubPosterior) and ref.experts[0].block is not None


def plays(ref: BoundModel | None) -> bool:
    """Whether a model's network is a critic: trained against the terms that ask for it."""
    match ref:
        case Auxiliary(adversary=adversary):
            return adversary
        case Decoder(conditional=conditional, frozen=False) | Encoder(conditional=conditional):
            return conditional.plays
        case _:
            return False


def reading_of(ref: BoundModel, under: NetworkName, among: Variable = NO_VARIABLE) -> Reading:
    """A model by what it reads, and whose it is."""
    match ref:
        case Prior(node):
            return Reading(node, P, frozenset(), under, among)
        case Decoder(node, conditional):
            return Reading(node, P, frozenset(conditional.parents), under, among)
        case Encoder(node, conditional):
            return Reading(node, ref.network, frozenset(conditional.parents), under, among)
        case SubPosterior(node, _, experts):
            return Reading(node, ref.network, frozenset(experts), under, among)
        case Auxiliary(node, given):
            return Reading(node, NEW, frozenset(given), under, among)


def model_ref(ref: BoundModel) -> ModelRef:
    """A model by whose it is, of what, given what: `p(x[1]|z,u[1])`."""
    match ref:
        case Prior(node):
            return ModelRef("p", (node,))
        case Decoder(node, conditional):
            return ModelRef("p", (node,), conditional.parents)
        case Encoder(node, conditional):
            return ModelRef(conditional.network, (node,), conditional.parents)
        case SubPosterior(node, conditional, experts):
            return ModelRef(conditional.network, (node,), names(experts))
        case Auxiliary(node, given):
            return ModelRef("r", (node,), given)


def _of_blocks(
    given: frozenset[Variable], conditional: Conditional, model: Model
) -> Iterator[tuple[Variable, int]]:
    """q(z|x[S]) for a set that is drawn: of half the experts, so to speak."""
    for name in names(given):
        block = name.block
        members = model.members(block.head) if block is not None else ()
        if members and conditional.by == "poe" and set(members) <= set(conditional.parents):
            yield name, max(len(members) // 2, 1)


def _of(node: Variable, network: Network) -> Iterable[Conditional]:
    return (conditional for conditional in network.conditionals if node in conditional.children)


def _within(
    node: Variable, given: frozenset[Variable], network: Network | None
) -> Iterator[Conditional]:
    """The conditionals of a variable whose parents lie in `given`."""
    for one in _of(node, network) if network else ():
        if given.issuperset(one.parents):
            yield one
