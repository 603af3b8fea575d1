"""Which side each network is trained on: with the loss, or against it.

A model that a term asks for predicts: it lowers its own cross-entropy. Where the net weight of that
cross-entropy is negative, a network that followed the loss would raise it instead, to minus
infinity. Such a network is a critic: it goes on to predict, and the model plays against it. A
network that terms of both signs ask for, or whose samples the loss is computed from, would have to
be on both sides.
"""

from __future__ import annotations

__all__ = ["NetworkKey", "Objective", "on_their_sides", "playing", "playing_piece"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from graphdsl.bound.ancestry import with_ancestors
from graphdsl.bound.errors import NetworkOfTwoSides, PenaltyRaised, PlayerOfTwoSides
from graphdsl.bound.groups import Seen, as_it_is
from graphdsl.bound.models import Auxiliary, Decoder, Encoder, SubPosterior, model_ref
from graphdsl.bound.pieces import Piece
from graphdsl.catalog.priors import VAMP
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, entropy
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.notation import weight_text
from graphdsl.ir.objective import Player
from graphdsl.ir.symbols import NetworkName, P, Variable
from graphdsl.ir.weight import ONE, ZERO, Weight
from graphdsl.signs import Sign, ranges_text, sign

#: A network, by what its conditionals have in common.
NetworkKey: TypeAlias = tuple[object, ...]

_OWN = "give one of the two a network of its own, or hold it still there with `frozen(...)`"
_MORE_RATE = "weigh it less than the terms that hold -H of the same latent, such as `KL(q || p)`"
_OVER_P = "the loss is over p's own samples"
_INFERRED = "infer the second distribution by a network of its own, `infer r { ... }`"


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective's pieces: those of the sum, and those under a sign, with what that does."""

    collected: Collected
    summed: tuple[Piece, ...]
    inside: tuple[tuple[tuple[Piece, ...], Seen], ...]
    player: Player | None = None

    @property
    def pieces(self) -> tuple[tuple[Piece, Seen], ...]:
        """All of them, each with the sign that its weight has for the loss."""
        every = ((self.summed, as_it_is), *self.inside)
        return tuple((piece, seen) for parts, seen in every for piece in parts)

    def owns(self, network: NetworkName) -> bool:
        """Whether the objective trains the networks of a distribution."""
        return self.player is None or network.base in self.player.owners


@dataclass(frozen=True, slots=True)
class _Use:
    """What asks for a network: with which sign, and why it has to follow the loss, if it does."""

    network: NetworkKey
    sign: Sign
    term: str
    weight: Weight
    line: int
    model: str = ""  #: as model_ref
    why: str = ""
    instead: str = _OWN
    bounds: bool = False  #: whether a warning names its weight already
    penalty: bool = False  #: whether it is one, which no critic holds from below


def on_their_sides(
    objectives: Sequence[Objective], model: Model
) -> tuple[frozenset[NetworkKey], tuple[Diagnostic, ...]]:
    """The networks that play against the loss, and what is wrong with that."""
    plays: set[NetworkKey] = set()
    diagnostics: list[Diagnostic] = []
    for one in objectives:
        uses: defaultdict[NetworkKey, list[_Use]] = defaultdict(list)
        for use in (*_asked(one, model), *_sampled(one, model), *_endless(one, model)):
            uses[use.network].append(use)
        for network, some in uses.items():
            against = [use for use in some if use.sign in ("nonpositive", "unknown")]
            if not against:
                continue
            raised = next((use for use in against if use.penalty), None)
            if raised is not None:
                diagnostics.append(_raised(raised))
                continue
            kept = next((use for use in some if use.why or use not in against), None)
            if kept is not None or one.player is not None:
                diagnostics.append(_of_two_sides(against[0], kept, one.player))
                continue
            plays.add(network)
            uncertain = (use for use in against if use.sign == "unknown" and not use.bounds)
            diagnostics += (_uncertain(use, model) for use in uncertain)
    return frozenset(plays), tuple(dict.fromkeys(diagnostics))


def playing(model: Model, plays: frozenset[NetworkKey]) -> Model:
    """The model, where every conditional whose network plays says so."""
    if not plays:
        return model
    further = tuple(_playing(network, model, plays) for network in model.further)
    generation = model.generation and _playing(model.generation, model, plays)
    inference = _playing(model.inference, model, plays)
    return replace(model, generation=generation, further=further, inference=inference)


def playing_piece(piece: Piece, model: Model, plays: frozenset[NetworkKey]) -> Piece:
    """A piece, whose model says so where its network plays."""
    if not isinstance(piece.ref, Decoder | Encoder) or _is_held(piece):
        return piece
    if _key(piece, model) not in plays:
        return piece
    of = model.family_of(model.labelled(piece.node)).nodes
    one = piece.ref.conditional
    children = tuple(child for child in one.children if child in of)
    return replace(
        piece, ref=replace(piece.ref, conditional=replace(one, children=children, plays=True))
    )


def _playing(network: Network, model: Model, plays: frozenset[NetworkKey]) -> Network:
    conditionals: list[Conditional] = []
    for conditional in network.conditionals:
        families: dict[Variable, list[Variable]] = {}
        for child in conditional.children:
            families.setdefault(model.family_of(child).name, []).append(child)
        parts = [
            replace(
                conditional,
                children=tuple(children),
                plays=_network_key(network.name, conditional, children[0], model) in plays,
            )
            for children in families.values()
        ]
        conditionals += parts if any(part.plays for part in parts) else (conditional,)
    return replace(network, conditionals=tuple(conditionals))


# ---- what asks for networks ----------------------------------------------------------------------


def _asked(one: Objective, model: Model) -> Iterator[_Use]:
    """The models of cross-entropies and penalties, which are trained by their terms."""
    for piece, seen in one.pieces:
        if isinstance(piece.ref, Decoder | Encoder | SubPosterior) and not _is_held(piece):
            if one.owns(_head(piece)):
                yield _use(piece, seen(sign(piece.weight, model.parameters)), model)
        elif isinstance(piece.ref, Auxiliary):
            yield from _of_made(piece, seen(sign(piece.weight, model.parameters)), one, model)


def _of_made(piece: Piece, own_sign: Sign, one: Objective, model: Model) -> Iterator[_Use]:
    """Networks made for a term: of penalties, of terms that they play against, or of a player."""
    assert isinstance(piece.ref, Auxiliary)
    use, key = _use(piece, own_sign, model), (piece.node, piece.ref.given)
    owned = one.player is not None and "predictors" in one.player.owners
    if piece.kind == "penalty" or owned:
        yield replace(use, network=("r", *key))
    elif piece.ref.adversary and one.player is None:
        yield replace(use, network=("r", "against", *key))


def _use(piece: Piece, own_sign: Sign, model: Model) -> _Use:
    assert piece.ref is not None
    name = str(model_ref(piece.ref))
    at = "" if piece.under == "q" else f"[{piece.under}]"
    term = f"E{at}[-log {name}]"
    why, instead = "", _OWN
    if piece.kind == "penalty":
        term = f"{piece.penalty}({piece.node} | ...)"
    elif piece.kind == "cost":
        term = f"cost{at}({piece.node} | ..., {piece.cost})"
    if isinstance(piece.ref, SubPosterior) or (
        isinstance(piece.ref, Encoder) and piece.ref.conditional.by != "joint"
    ):
        why, instead = "its experts are those of other posteriors too", _INFERRED
    line = piece.lines[0] if piece.lines else 1
    certified = all(bound.certified for bound in piece.bounds)
    key = () if isinstance(piece.ref, Auxiliary) else _key(piece, model)
    penalty = piece.kind == "penalty"
    return _Use(key, own_sign, term, piece.weight, line, name, why, instead, not certified, penalty)


def _sampled(one: Objective, model: Model) -> Iterator[_Use]:
    """The networks that samples come from, or whose densities are in a bound of several samples."""
    for network in (model.inference, *model.further):
        if any(piece.under == network.name for piece, _ in one.pieces):
            for each in network.conditionals:
                why = "the loss is over its samples"
                yield from _needed(network, each, each.children, why, model)
    yield from _of_encoders(model)
    if model.generation is not None and one.owns(P):
        for nodes, why in _generated(one, model):
            for each in model.generation.conditionals:
                yield from _needed(model.generation, each, nodes, why, model)


def _of_encoders(model: Model) -> Iterator[_Use]:
    """The priors of p whose density is that of q's encoder."""
    why = "its density is that of q's encoder"
    for one in model.generation.conditionals if model.generation else ():
        if model.generation and model.distribution_of(one).law == VAMP:
            yield from _needed(model.generation, one, one.children, why, model)


def _needed(
    network: Network, one: Conditional, nodes: Iterable[Variable], why: str, model: Model
) -> Iterator[_Use]:
    """That the networks of some children follow the loss."""
    for node in set(one.children).intersection(nodes):
        key = _network_key(network.name, one, node, model)
        yield _Use(key, "nonnegative", "", ONE, 0, why=why)


def _endless(one: Objective, model: Model) -> Iterator[_Use]:
    """Models of real latents whose own entropy the loss lowers: it falls without end, as they do.

    -KL(q(z|x,w) || p(z|w)) = H(z|x,w) - CE_p(z|w): the entropy of real numbers has no least value,
    and no network that plays holds it.
    """
    for piece in one.summed:
        if not isinstance(piece.ref, Decoder | Encoder) or piece.under == "p":
            continue
        family, left = model.family_of(piece.node), _own_entropy(piece, one)
        if family.role != "latent" or family.kind != "real":
            continue
        if sign(left, model.parameters) not in ("zero", "nonpositive"):
            network = model.inference_of(piece.under)
            own = next(each for each in network.conditionals if piece.node in each.children)
            text = entropy((piece.node,), own.parents, piece.under)
            why = f"the loss lowers {text}, whose net weight is {weight_text(left)}, without end"
            use = _use(piece, "nonnegative", model)
            yield replace(use, why=why, instead=_MORE_RATE)


def _own_entropy(piece: Piece, one: Objective) -> Weight:
    """The net weight of the entropy of the density that a latent is sampled from."""
    total = ZERO
    for other in one.summed:
        if (other.node, other.under) == (piece.node, piece.under):
            total += {"entropy": other.weight, "kl": -other.weight}.get(other.kind, ZERO)
    return total


def _generated(one: Objective, model: Model) -> Iterator[tuple[frozenset[Variable], str]]:
    """What p generates for the loss, or weighs it by."""
    for collected in (one.collected, *(group.collected for group in one.collected.groups)):
        yield from _collected(collected, model)
    for piece in (piece for piece, _ in one.pieces if piece.under == "p"):
        given = piece.ref.given if isinstance(piece.ref, Auxiliary) else ()
        yield with_ancestors((piece.node, *given), model), _OVER_P
    optional = {node for family in model.families if family.optional for node in family.nodes}
    for each in model.inference.conditionals:
        if optional.intersection(each.parents):
            yield frozenset(each.children), "q falls back on it where rows lack views"


def _collected(collected: Collected, model: Model) -> Iterator[tuple[frozenset[Variable], str]]:
    """What terms that are no pieces generate, or weigh samples by."""
    every = model.generation.variables if model.generation else ()
    for bound in collected.importances:
        if not bound.divergence.frozen:
            wanted = bound.divergence.variables or every
            yield frozenset(wanted), "a bound of several samples trains it too"
    for distance in collected.distances:
        compared = distance.distance
        why = f"{compared.name}({compared.under} || p) compares its samples with others"
        yield with_ancestors(compared.variables, model), why
    for _, atom, _ in collected.estimated:
        if atom.under == "p":
            nodes = [name for part in atom.parts for name in part]
            yield with_ancestors(nodes, model), _OVER_P


def _is_held(piece: Piece) -> bool:
    return isinstance(piece.ref, Decoder) and piece.ref.frozen


def _head(piece: Piece) -> NetworkName:
    """Whose network it is: `p`, `q`, `r(1)`."""
    ref = piece.ref
    return ref.network if isinstance(ref, Encoder | SubPosterior) else P


def _key(piece: Piece, model: Model) -> NetworkKey:
    assert isinstance(piece.ref, Decoder | Encoder | SubPosterior)
    node = model.labelled(piece.node)
    return _network_key(_head(piece), piece.ref.conditional, node, model)


def _network_key(
    network: NetworkName, one: Conditional, node: Variable, model: Model
) -> NetworkKey:
    """A network: children of one family have one in common, and so have lines that share it."""
    family = model.family_of(node)
    if one.via.shared:
        return network.base, family.name, one.lines, one.column
    children = tuple(child for child in one.children if child in family.nodes)
    return network, family.name, children, one.parents


# ---- what is wrong with that ---------------------------------------------------------------------


def _of_two_sides(one: _Use, other: _Use | None, player: Player | None) -> Diagnostic:
    if other is None:
        reason = f"`for {player.name if player else 'q'}` trains it"
        instead = f"give `{one.model}` an objective of its own, which the others play against"
    elif other.why:
        reason, instead = other.why, other.instead
    else:
        reason = f"{other.term}, whose net weight is {weight_text(other.weight)}, trains it too"
        instead = _OWN
    return NetworkOfTwoSides(
        span=Span(one.line, 1, one.line, 2),
        term=one.term,
        weight=weight_text(one.weight),
        network=one.model,
        reason=reason,
        instead=instead,
    )


def _raised(one: _Use) -> Diagnostic:
    span, weight = Span(one.line, 1, one.line, 2), weight_text(one.weight)
    return PenaltyRaised(span=span, term=one.term, weight=weight)


def _uncertain(one: _Use, model: Model) -> Diagnostic:
    return PlayerOfTwoSides(
        span=Span(one.line, 1, one.line, 2),
        term=one.term,
        weight=weight_text(one.weight),
        ranges=ranges_text(one.weight, model.parameters),
        network=one.model,
    )
