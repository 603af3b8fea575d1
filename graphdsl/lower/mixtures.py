"""What the density of a mixture cannot tell: parts of its children, or several mixtures at once.

A mixture has one density for all its children, since they share the expert.
"""

from __future__ import annotations

__all__ = ["idle_experts", "unfit_mixtures"]

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeAlias

from graphdsl.bound.models import Encoder
from graphdsl.bound.pieces import Piece
from graphdsl.catalog.methods import EXPERTS
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Network
from graphdsl.ir.objective import DivergenceOfMarginals, Weighted
from graphdsl.lower.errors import ComparedWithOneExpert, MixtureInPart, SeveralSamplesMisplaced
from graphdsl.notation.networks import joint_text
from graphdsl.program.errors import ChoiceInVain

_Why: TypeAlias = tuple[str, str]  #: a reason, and what to write instead
_ONE = "write `KL(q || p) with one_expert`, whose density is that of the expert which a row draws"


def unfit_mixtures(pieces: Sequence[Piece], model: Model) -> Iterator[Diagnostic]:
    """Mixtures that a term asks for in part, or that nothing can compute."""
    for network in (model.inference, *model.further):
        for conditional in network.conditionals:
            if conditional.mixes:
                yield from _of_families(conditional, model)
                yield from _of_parts(conditional, network, pieces, model)
    for term in model.asked():
        if isinstance(term.functional, DivergenceOfMarginals) and term.functional.samples:
            yield from _of_samples(term, term.functional, model)


def idle_experts(model: Model) -> Iterator[Diagnostic]:
    """Words about the experts of a mixture, where no posterior is one."""
    for term in model.asked():
        match term.functional:
            case DivergenceOfMarginals(under=under, experts="one" | "apart" as experts):
                if not _mixtures(model.inference_of(under)):
                    span = Span.at(term.line, term.column, 2)
                    lacking = f"mixture that `{under}` infers"
                    word = next(word for word, meant in EXPERTS.items() if meant == experts)
                    yield ChoiceInVain(span=span, word=word, lacking=lacking)


def _mixtures(network: Network) -> list[Conditional]:
    return [conditional for conditional in network.conditionals if conditional.mixes]


def _of_families(one: Conditional, model: Model) -> Iterator[Diagnostic]:
    """Families have networks of their own: nothing would draw the same expert for all of them."""
    families = list(dict.fromkeys(model.family_of(child).name for child in one.children))
    if len(families) > 1:
        first, second = families[:2]
        reason = f"`{first}` and `{second}` would share the expert, and have networks of their own"
        yield _told(one, "a rate", (reason, f"write a line for `{first}` and one for `{second}`"))


def _of_parts(
    one: Conditional, network: Network, pieces: Iterable[Piece], model: Model
) -> Iterator[Diagnostic]:
    groups: dict[Hashable, list[Piece]] = {}
    for piece in pieces:
        ref = piece.ref
        if piece.node not in one.children or piece.kind not in ("kl", "entropy"):
            continue
        compared = isinstance(ref, Encoder) and ref.network == network.name
        if compared and piece.under != network.name and one.one_expert:
            yield ComparedWithOneExpert(
                span=_span(one), under=piece.under, network=network.name, name=_name(one)
            )
            return
        if one.one_expert or not (compared or piece.under == network.name):
            continue
        other = ref.network if isinstance(ref, Encoder) else type(ref).__name__
        key = piece.kind, piece.under, other, piece.weight, piece.needs, piece.named
        groups.setdefault(key, []).append(piece)
    for group in groups.values():
        nodes = {piece.node for piece in group}
        if nodes != set(one.children):
            left = joint_text(model, [name for name in one.children if name in nodes])
            whole = joint_text(model, one.children)
            reason = f"its experts are of all of {whole}, which has one density"
            yield _told(one, f"a rate of {left} by itself", (reason, _ONE))
            return


def _of_samples(
    term: Weighted, functional: DivergenceOfMarginals, model: Model
) -> Iterator[Diagnostic]:
    """A bound by several samples: of one mixture, and of all its children."""
    network = model.inference_of(functional.under)
    mixtures = _mixtures(network)
    reason = next(_why_not(functional, mixtures, model), None)
    if reason is not None:
        span = Span.at(term.line, term.column, 2)
        yield SeveralSamplesMisplaced(
            span=span,
            word=functional.method.word,
            under=functional.under,
            reason=reason[0],
            instead=reason[1],
        )


def _why_not(
    functional: DivergenceOfMarginals, mixtures: Sequence[Conditional], model: Model
) -> Iterator[_Why]:
    if not mixtures:
        return
    if mixtures[0].one_expert:
        if functional.experts == "apart":
            yield "another term draws one expert for each row", "leave out `per_expert` here"
        return
    instead = f"write `with iwae(k = {functional.samples}, one_expert)`"
    if len(mixtures) > 1:
        second = joint_text(model, mixtures[1].children)
        yield f"`{second}` is a mixture too, and each has experts of its own", instead
    wanted = functional.variables
    for one in mixtures if wanted is not None else ():
        if not set(one.children) <= set(wanted or ()):
            yield "some of its variables are not in the bound", instead


def _told(one: Conditional, term: str, why: _Why) -> MixtureInPart:
    reason, instead = why
    return MixtureInPart(
        span=_span(one), name=_name(one), term=term, reason=reason, instead=instead
    )


def _span(one: Conditional) -> Span:
    line = one.lines[0] if one.lines else 1
    return Span(line, one.column, line, one.column + 1)


def _name(one: Conditional) -> str:
    return one.children[0].head
